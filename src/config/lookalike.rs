//! Names that are nearly ours: a setting with a slip in it must not pass in silence.

use super::vars::VARS;
use super::{Var, Vars, Warning};

/// Lower-case names that everybody knows and that are not meant for heeler.
const ORDINARY: [&str; 6] = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "container"];

/// A warning for each name that is close to one of the table without being one.
pub(super) fn warnings(vars: &Vars) -> Vec<Warning> {
    let suggestion = |name: &str| nearest(name).map(|ours| (name.to_owned(), ours));
    let near = vars.names().filter_map(suggestion);
    near.map(|(name, ours)| Warning { name, text: format!("is not a setting (did you mean {ours}?)") }).collect()
}

fn nearest(name: &str) -> Option<&'static str> {
    let shouts = name.bytes().any(|byte| byte.is_ascii_uppercase());
    if shouts || ORDINARY.contains(&name) || all_names().any(|ours| ours == name) {
        return None;
    }
    let close = all_names().filter_map(|ours| closeness(name, ours).map(|distance| (distance, ours)));
    close.min_by_key(|(distance, _)| *distance).map(|(_, ours)| ours)
}

fn all_names() -> impl Iterator<Item = &'static str> {
    VARS.iter().flat_map(Var::names)
}

/// The distance, if it is small for words of this length. Of short words only two swapped letters
/// count: `node` and `post` are no slips.
fn closeness(name: &str, ours: &str) -> Option<usize> {
    let (name, ours): (Vec<char>, Vec<char>) = (name.chars().collect(), ours.chars().collect());
    let short = name.len().min(ours.len());
    if name.len().abs_diff(ours.len()) > 2 {
        return None;
    }
    let allowed = match short {
        0..=4 => usize::from(name.len() == ours.len() && same_letters(&name, &ours)),
        5..=7 => 1,
        _ => 2,
    };
    Some(distance(&name, &ours)).filter(|distance| (1..=allowed).contains(distance))
}

fn same_letters(a: &[char], b: &[char]) -> bool {
    let sorted = |word: &[char]| {
        let mut letters = word.to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_get_a_suggestion() {
        for (name, ours) in [
            ("exec_timout", "exec_timeout"),
            ("exectimeout", "exec_timeout"),
            ("exec-timeout", "exec_timeout"),
            ("fproces", "fprocess"),
            ("max_in_flight", "max_inflight"),
            ("combine_ouput", "combine_output"),
            ("log_call_ids", "log_call_id"),
            ("prot", "port"),
            ("moed", "mode"),
            ("worker", "workers"),
        ] {
            assert_eq!(nearest(name), Some(ours), "{name}");
        }
    }

    #[test]
    fn ordinary_names_are_left_alone() {
        for name in [
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "node",
            "post",
            "host",
            "_",
            "container",
            "db_timeout",
            "EXEC_TIMOUT",
            "exec_timeout",
            "log_call_id",
            "batches_of_mine",
            "",
        ] {
            assert_eq!(nearest(name), None, "{name}");
        }
    }
}
