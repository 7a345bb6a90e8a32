//! PromQL as far as names go: which metrics and which labels an expression names. Whether it is PromQL at all, promtool says.

use std::collections::BTreeSet;

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) metrics: BTreeSet<String>,
    /// With the values that they are compared with, alternatives apart.
    pub(crate) matched: BTreeSet<(String, String)>,
    /// What is summed by, or joined on.
    pub(crate) grouped: BTreeSet<String>,
}

const OPERATORS: [&str; 8] = ["and", "or", "unless", "offset", "bool", "by", "on", "without"];

pub(crate) fn names(expression: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expression;
    let mut before = "";
    while let Some(at) = rest.find(|c: char| c.is_alphanumeric() || "_:{($[".contains(c)) {
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'{' => {
                let end = rest.find('}').unwrap_or_else(|| panic!("no end of {{ in {expression}"));
                names.matched.extend(matchers(&rest[1..end]));
                rest = &rest[end..];
            }
            // A range, or a variable of the dashboard outside of it.
            b'[' => rest = &rest[rest.find(']').unwrap()..],
            b'$' => rest = after_word(&rest[1..]),
            b'(' if ["by", "on", "without"].contains(&before) => {
                let end = rest.find(')').unwrap();
                names.grouped.extend(rest[1..end].split(',').map(|label| label.trim().to_owned()));
                rest = &rest[end..];
            }
            b'(' => rest = &rest[1..],
            _ => {
                let word = &rest[..rest.len() - after_word(rest).len()];
                rest = after_word(rest);
                // `rate(…)`, and `sum by (…) (…)`.
                let is_call = ["(", " by (", " without ("].iter().any(|next| rest.starts_with(next));
                let is_number = word.starts_with(|c: char| c.is_ascii_digit());
                if !is_call && !is_number && !OPERATORS.contains(&word) {
                    names.metrics.insert(word.to_owned());
                }
                before = word;
                continue;
            }
        }
        before = "";
    }
    names
}

fn after_word(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

/// `a="b", c=~"d|e"` as (a, b), (c, d), (c, e).
fn matchers(inside: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for pair in inside.split(',') {
        let (name, value) = pair.split_once(['=', '!']).unwrap_or_else(|| panic!("not a matcher: {pair}"));
        let value = value.trim_start_matches(['=', '~']).trim_matches('"');
        found.extend(value.split('|').map(|one| (name.trim().to_owned(), one.to_owned())));
    }
    found
}

#[test]
fn names_are_found() {
    let all = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    let seen = names(
        "histogram_quantile(0.9, sum by (le, pod) (rate(a_bucket{x=\"1\",y=~\"b|c\"}[5m]))) > 0.5 unless d offset 5m",
    );
    assert_eq!(all(&seen.metrics), "a_bucket d");
    assert_eq!(all(&seen.grouped), "le pod");
    let matched: Vec<_> = seen.matched.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(matched, ["x=1", "y=b", "y=c"]);
    assert_eq!(all(&names("sum(rate(a[$__rate_interval])) / b:c:d or vector(0)").metrics), "a b:c:d");
    assert_eq!(all(&names("a > 0 unless a offset $__interval > 0").metrics), "a");
    assert_eq!(all(&names("a{n!=\"\"} and on (n) max by (n) (b)").metrics), "a b");
}
