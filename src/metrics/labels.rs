//! Label values with a bound: a caller or a handler cannot make new series without end.

use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// Code and method, as of-watchdog labels its families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CodeMethod {
    pub(super) code: Code,
    pub(super) method: &'static str,
}

/// A status code; what is outside 100 to 599 shows as `unknown`, as in Go's promhttp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Code(u16);

impl Code {
    pub(super) fn new(code: u16) -> Code {
        Code(if (100..=599).contains(&code) { code } else { 0 })
    }
}

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        match self.0 {
            0 => encoder.write_str("unknown"),
            code => write!(encoder, "{code}"),
        }
    }
}

/// The method alone, in upper case, as Kubeless labels its families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Method {
    pub(super) method: &'static str,
}

/// A word of ours under a key of ours.
pub(super) type Word = [(&'static str, &'static str); 1];

/// The function's name, as Knative labels its families.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Function {
    pub(super) function_name: String,
}

/// What the build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Build {
    pub(super) version: &'static str,
}

/// One method in the two cases that the peers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodName {
    pub(super) upper: &'static str,
    pub(super) lower: &'static str,
}

/// The methods that promhttp knows, most frequent first.
static METHODS: [MethodName; 10] = [
    MethodName { upper: "POST", lower: "post" },
    MethodName { upper: "GET", lower: "get" },
    MethodName { upper: "PUT", lower: "put" },
    MethodName { upper: "HEAD", lower: "head" },
    MethodName { upper: "DELETE", lower: "delete" },
    MethodName { upper: "PATCH", lower: "patch" },
    MethodName { upper: "OPTIONS", lower: "options" },
    MethodName { upper: "CONNECT", lower: "connect" },
    MethodName { upper: "TRACE", lower: "trace" },
    MethodName { upper: "NOTIFY", lower: "notify" },
];

/// All others.
static UNKNOWN: MethodName = MethodName { upper: "unknown", lower: "unknown" };

impl MethodName {
    /// The known method, in any case, or `unknown`.
    pub(super) fn of(method: &str) -> MethodName {
        *METHODS.iter().find(|known| known.upper.eq_ignore_ascii_case(method)).unwrap_or(&UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_bounded() {
        assert_eq!(MethodName::of("GET").lower, "get");
        assert_eq!(MethodName::of("pAtCh").upper, "PATCH");
        for odd in ["", "PROPFIND", "get ", "GETT", "\u{212a}"] {
            assert_eq!(MethodName::of(odd).lower, "unknown", "{odd:?}");
        }
    }

    #[test]
    fn codes_are_bounded() {
        assert_eq!(Code::new(200), Code(200));
        assert_eq!(Code::new(599), Code(599));
        for odd in [0, 99, 600, 999, u16::MAX] {
            assert_eq!(Code::new(odd), Code(0), "{odd}");
        }
    }
}
