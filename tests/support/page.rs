//! A metrics page in the Prometheus text format.

use std::collections::BTreeMap;

/// One sample: labels sorted by name, and its value.
pub type Sample = (BTreeMap<String, String>, f64);

#[derive(Debug)]
pub struct Page {
    pub text: String,
    samples: Vec<(String, Sample)>,
}

impl Page {
    #[track_caller]
    pub fn parse(text: &str) -> Page {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line:?}"))).collect();
        Page { text: text.to_owned(), samples }
    }

    /// Samples of a name that have (at least) these labels.
    pub fn samples(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let fits = |sample: &Sample| {
            labels.iter().all(|(key, value)| sample.0.get(*key).is_some_and(|seen| seen.as_str() == *value))
        };
        self.samples.iter().filter(|(of, sample)| of == name && fits(sample)).map(|(_, sample)| sample).collect()
    }

    /// The one value; panics if there is none or more than one.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.samples(name, labels);
        assert_eq!(found.len(), 1, "samples of {name} {labels:?} in:\n{}", self.text);
        found[0].1
    }

    /// The sum; 0 if there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).iter().map(|(_, value)| value).sum()
    }

    /// The type of a family by its `# TYPE` line.
    pub fn kind(&self, family: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix("# TYPE ")?.strip_prefix(family)?.strip_prefix(' '))
    }
}

fn sample(line: &str) -> Option<(String, Sample)> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else {
        return Some((series.to_owned(), (BTreeMap::new(), value)));
    };
    let labels = labels.strip_suffix('}')?.split_terminator(',');
    let pairs = labels.map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((key.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    });
    Some((name.to_owned(), (pairs.collect::<Option<_>>()?, value)))
}
