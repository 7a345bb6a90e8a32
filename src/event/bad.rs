//! Why something is no event: the attribute and the rule, never the value, for answers and logs may be read by others
//! than the sender.

use std::borrow::Cow;
use std::fmt;

use hyper::StatusCode;

/// Names longer than this are not repeated.
const LONGEST_NAME: usize = 40;

/// What kind of refusal it is: each has its own status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It breaks a rule of the specification.
    Broken,
    /// More events than a batch may hold here.
    TooMany,
    /// An event in a format that is not known here. Whoever takes no events need not mind.
    Unknown,
    /// More, or larger, attributes than can be handed on.
    TooLarge,
}

/// Something that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadEvent {
    /// What kind of refusal.
    pub fault: Fault,
    /// The attribute, or the part of the message.
    pub what: Cow<'static, str>,
    /// The rule that is broken.
    pub rule: &'static str,
    /// Where in the body, if that says more.
    pub at: Option<usize>,
}

impl BadEvent {
    /// 400: `what` breaks `rule`.
    #[cold]
    pub const fn broken(what: &'static str, rule: &'static str) -> BadEvent {
        BadEvent::new(Fault::Broken, what, rule)
    }

    /// 413, 415 or 431 as well.
    #[cold]
    pub const fn new(fault: Fault, what: &'static str, rule: &'static str) -> BadEvent {
        BadEvent { fault, what: Cow::Borrowed(what), rule, at: None }
    }

    /// An attribute by a name that the sender gave: repeated only where it is short and readable.
    #[cold]
    #[inline(never)]
    pub(super) fn named(name: &str, rule: &'static str) -> BadEvent {
        let readable = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_graphic());
        let what = if readable { Cow::Owned(name.to_owned()) } else { Cow::Borrowed("an attribute") };
        BadEvent { fault: Fault::Broken, what, rule, at: None }
    }

    /// What the caller gets.
    pub const fn status(&self) -> StatusCode {
        match self.fault {
            Fault::Broken => StatusCode::BAD_REQUEST,
            Fault::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Unknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.rule)?;
        self.at.map_or(Ok(()), |at| write!(f, " (at byte {at})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_attribute_and_the_rule() {
        let bad = BadEvent::broken("time", "not a time");
        assert_eq!((bad.to_string().as_str(), bad.status().as_u16()), ("time: not a time", 400));
        let bad = BadEvent { at: Some(17), ..BadEvent::broken("the body", "not JSON") };
        assert_eq!(bad.to_string(), "the body: not JSON (at byte 17)");
        for (fault, status) in
            [(Fault::Broken, 400), (Fault::TooMany, 413), (Fault::Unknown, 415), (Fault::TooLarge, 431)]
        {
            assert_eq!(BadEvent::new(fault, "x", "y").status().as_u16(), status);
        }
    }

    #[test]
    fn names_are_repeated_where_they_are_harmless() {
        let long = "x".repeat(LONGEST_NAME + 1);
        for (name, shown) in
            [("my-ext", "my-ext"), ("", "an attribute"), ("a\nb", "an attribute"), (&long, "an attribute")]
        {
            assert_eq!(BadEvent::named(name, "r").what, shown, "{name:?}");
        }
    }
}
