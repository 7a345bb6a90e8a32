//! Which characters an attribute's text may have: no control characters, and nothing that Unicode says is no character.

/// Whether all of them may be there.
pub(super) fn are_allowed(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) || text.chars().all(is_allowed)
}

fn is_allowed(c: char) -> bool {
    let code = u32::from(c);
    !c.is_control() && code & 0xFFFE != 0xFFFE && !(0xFDD0..=0xFDEF).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_noncharacters_are_refused() {
        for text in ["", " ", "abc ~", "é€😀", "\u{A0}", "\u{FDCF}", "\u{FDF0}", "\u{FFFD}", "\u{1FFFD}", "\u{10FFFD}"]
        {
            assert!(are_allowed(text), "{text:?}");
        }
        for text in [
            "\0",
            "a\tb",
            "\n",
            "\u{1F}",
            "\u{7F}",
            "\u{80}",
            "é\u{9F}",
            "\u{FDD0}",
            "\u{FDEF}",
            "\u{FFFE}",
            "\u{FFFF}",
            "\u{1FFFE}",
            "\u{10FFFF}",
        ] {
            assert!(!are_allowed(text), "{text:?}");
        }
    }
}
