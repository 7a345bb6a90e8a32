//! A caller's address as text.

use std::fmt::Write;
use std::net::IpAddr;

/// Puts it behind what is there. By hand where it is short: each call has it, and a formatter takes ten times as long.
pub(super) fn put(out: &mut impl Write, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        let _ = write!(out, "{address}"); // What memory is written to takes all that is written.
        return;
    };
    let mut text = [b'.'; 16];
    let mut length = 0;
    for byte in address.octets() {
        for (place, from) in [(100, 100), (10, 10), (1, 0)] {
            if byte >= from {
                text[length] = b'0' + byte / place % 10;
                length += 1;
            }
        }
        length += 1;
    }
    let _ = out.write_str(str::from_utf8(&text[..length - 1]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_the_formatter_has_it() {
        for text in ["0.0.0.0", "1.20.100.255", "255.255.255.255", "9.10.99.109", "::1", "fe80::1:2", "::ffff:1.2.3.4"]
        {
            let address: IpAddr = text.parse().unwrap();
            let mut out = String::new();
            put(&mut out, address);
            assert_eq!(out, address.to_string());
        }
    }
}
