//! Sizes in bytes, with the units that people of Kubernetes and of disks write.

use super::Wrong;

/// `k`, `M`, `G` (with or without `B`) are powers of 1000, `Ki`, `Mi`, `Gi` powers of 1024.
/// The case of the letters does not matter: nobody means milli-bytes.
pub fn size(text: &str) -> Result<u64, Wrong> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = factor(unit.trim_start()).ok_or_else(not_a_size)?;
    if digits.is_empty() {
        return Err(not_a_size());
    }
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|number| number.checked_mul(factor)).ok_or_else(|| "is too large (at most 16 EiB)".into())
}

fn not_a_size() -> Wrong {
    "is not a size (try 65536, 64k, 10Mi, 256MB)".into()
}

fn factor(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        _ => return None,
    })
}

/// A size as one would type it: `128Mi`, `64Ki`, `1000`.
pub fn show_size(bytes: u64) -> String {
    for (unit, factor) in [("Gi", 1u64 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65536),
            ("1b", 1),
            ("64k", 64_000),
            ("64K", 64_000),
            ("64kB", 64_000),
            ("256MB", 256_000_000),
            ("1m", 1_000_000),
            ("2G", 2_000_000_000),
            ("64Ki", 65_536),
            ("10Mi", 10 << 20),
            ("10mib", 10 << 20),
            ("1 GiB", 1 << 30),
            ("17179869183Gi", 18_446_744_072_635_809_792),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn bad_sizes() {
        for text in ["", "k", "-1", "1.5k", "10Q", "1kk", "0x10", "10 M i"] {
            assert!(size(text).unwrap_err().0.starts_with("is not a size"), "{text}");
        }
        for text in ["17179869184Gi", "99999999999999999999999"] {
            assert!(size(text).unwrap_err().0.starts_with("is too large"), "{text}");
        }
    }

    #[test]
    fn shown_in_the_largest_whole_unit() {
        for (bytes, text) in [(0, "0"), (1000, "1000"), (65536, "64Ki"), (128 << 20, "128Mi"), (3 << 30, "3Gi")] {
            assert_eq!(show_size(bytes), text);
        }
    }
}
