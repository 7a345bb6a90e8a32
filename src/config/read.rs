//! Reads the table's names out of the environment: values, mistakes, and where each came from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::kind::Value;
use super::mode;
use super::var::{Preset, Var};
use super::vars::{self, VARS};
use super::{Mistake, Origin, Vars, Warning};
use crate::invoke::Mode;

/// What one pass over the environment found; the parts of `Settings` are filled from it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    vars: &'a Vars,
    given: BTreeMap<&'static str, Given>,
    resolved: BTreeMap<&'static str, (String, String)>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Warning>,
}

/// A setting that somebody set.
#[derive(Debug)]
struct Given {
    /// The name or alias.
    by: &'static str,
    /// `None` if it is wrong; that is noted already.
    value: Option<Value>,
}

impl<'a> Reader<'a> {
    /// Reads every row of the table.
    pub(super) fn new(vars: &'a Vars) -> Reader<'a> {
        let mut reader = Reader {
            vars,
            given: BTreeMap::new(),
            resolved: BTreeMap::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
        };
        for var in VARS {
            reader.read(var);
        }
        reader
    }

    fn read(&mut self, var: &'static Var) {
        let mut set = Vec::new();
        for by in var.names() {
            match self.vars.get(by) {
                Ok(Some(text)) => set.push((by, text)),
                Ok(None) => {}
                Err(mistake) => {
                    self.mistakes.push(mistake);
                    self.given.insert(var.name, Given { by, value: None });
                }
            }
        }
        let Some((&(by, text), others)) = set.split_first() else { return };
        for (other, other_text) in others {
            if *other_text != text {
                self.warn(other, format!("has no effect, since {by} is set too"));
            }
        }
        let parsed = var.kind.parse(text.trim());
        if let Err(wrong) = &parsed {
            self.mistake(by, format!("{text:?} {wrong}"));
        }
        self.given.insert(var.name, Given { by, value: parsed.ok() });
    }

    /// Notes a mistake.
    pub(super) fn mistake(&mut self, name: &str, text: String) {
        self.mistakes.push(Mistake { name: name.to_owned(), text });
    }

    /// Notes a warning.
    pub(super) fn warn(&mut self, name: &str, text: String) {
        self.warnings.push(Warning { name: name.to_owned(), text });
    }

    /// Whether a setting is set, be it wrong.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// Whether a name is there with nothing behind it, which else is as good as unset.
    pub(super) fn is_blank(&self, name: &str) -> bool {
        self.vars.is_blank(name)
    }

    /// The name or alias by which a setting is set.
    pub(super) fn set_by(&self, name: &str) -> Option<&'static str> {
        self.given.get(name).map(|given| given.by)
    }

    /// A variable of the platform, if it is set.
    pub(super) fn platform(&mut self, name: &str) -> Option<String> {
        match self.vars.get(name) {
            Ok(text) => text.map(str::to_owned),
            Err(mistake) if self.mistakes.contains(&mistake) => None,
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    /// The value that is set, if it is set and right.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        self.given.get(name).and_then(|given| given.value.as_ref())
    }

    /// Remembers how a setting came out that was decided elsewhere.
    pub(super) fn resolve(&mut self, name: &'static str, value: String, from: String) {
        self.resolved.insert(name, (value, from));
    }

    /// The same for a value that nobody set; one that is set keeps its own origin.
    pub(super) fn resolve_default(&mut self, name: &'static str, value: String, why: String) {
        if !self.is_set(name) {
            self.resolve(name, value, why);
        }
    }

    /// The value that is set, else the table's default.
    fn get(&self, name: &'static str) -> Value {
        let Preset::Is(text) = vars::row(name).default else {
            unreachable!("{name} has no fixed default in the table");
        };
        let default = || vars::row(name).kind.parse(text).expect("a test parses all defaults of the table");
        self.given(name).cloned().unwrap_or_else(default)
    }

    /// The value that is set, else this default for this reason.
    fn get_or(&mut self, name: &'static str, default: Value, why: &str) -> Value {
        if let Some(value) = self.given(name) {
            return value.clone();
        }
        self.resolve_default(name, default.to_string(), why.to_owned());
        default
    }

    pub(super) fn flag(&self, name: &'static str) -> bool {
        matches!(self.get(name), Value::Flag(true))
    }

    pub(super) fn flag_or(&mut self, name: &'static str, default: bool, why: &str) -> bool {
        matches!(self.get_or(name, Value::Flag(default), why), Value::Flag(true))
    }

    pub(super) fn duration(&self, name: &'static str) -> Duration {
        as_duration(name, &self.get(name))
    }

    pub(super) fn duration_or(&mut self, name: &'static str, default: Duration, why: &str) -> Duration {
        as_duration(name, &self.get_or(name, Value::Duration(default), why))
    }

    /// A duration of which 0 means off.
    pub(super) fn timeout(&self, name: &'static str) -> Option<Duration> {
        off_at_zero(self.duration(name))
    }

    pub(super) fn size(&self, name: &'static str) -> u64 {
        as_size(name, &self.get(name))
    }

    pub(super) fn size_or(&mut self, name: &'static str, default: u64, why: &str) -> u64 {
        as_size(name, &self.get_or(name, Value::Size(default), why))
    }

    /// A number or size that may be without limit.
    pub(super) fn limit(&self, name: &'static str) -> Option<usize> {
        match self.get(name) {
            Value::Limit(limit) | Value::SizeLimit(limit) => limit.map(to_usize),
            other => unreachable!("{name} is a limit in the table, not {other:?}"),
        }
    }

    pub(super) fn count(&self, name: &'static str) -> usize {
        as_count(name, &self.get(name))
    }

    pub(super) fn count_or(&mut self, name: &'static str, default: usize, why: &str) -> usize {
        let default = Value::Count(u64::try_from(default).unwrap_or(u64::MAX));
        as_count(name, &self.get_or(name, default, why))
    }

    pub(super) fn word(&self, name: &'static str) -> &'static str {
        match self.get(name) {
            Value::Word(word) => word,
            other => unreachable!("{name} is a word in the table, not {other:?}"),
        }
    }

    pub(super) fn word_if_set(&self, name: &'static str) -> Option<&'static str> {
        match self.given(name)? {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        match self.given(name)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn text_or(&mut self, name: &'static str, default: &str, why: &str) -> String {
        match self.get_or(name, Value::Text(default.to_owned()), why) {
            Value::Text(text) => text,
            other => unreachable!("{name} is a text in the table, not {other:?}"),
        }
    }

    pub(super) fn port(&self, name: &'static str) -> u16 {
        match self.get(name) {
            Value::Port(port) => port,
            other => unreachable!("{name} is a port in the table, not {other:?}"),
        }
    }

    pub(super) fn port_if_set(&self, name: &'static str) -> Option<u16> {
        match self.given(name)? {
            Value::Port(port) => Some(*port),
            _ => None,
        }
    }

    /// Settings that ask for something that is still to come are mistakes, and ones that do nothing
    /// in this mode get a warning. Without a mode only the former can be told.
    pub(super) fn check_use(&mut self, mode: Option<Mode>) {
        for var in VARS {
            let Some(given) = self.given.get(var.name) else { continue };
            let by = given.by;
            if let Some(mode) = mode
                && !var.matters_in(mode)
            {
                let modes = mode::list(var.modes);
                self.warn(by, format!("has no effect in {} mode (only in {modes})", mode.name()));
            } else if let Some(value) = &given.value
                && !works_yet(var, value)
            {
                let text = format!("{:?} is not built yet ({})", value.to_string(), leave_it(var));
                self.mistake(by, text);
            }
        }
    }

    /// Every setting with its value and its origin, in the order of the table.
    pub(super) fn origins(&self) -> Vec<Origin> {
        VARS.iter().map(|var| self.origin(var)).collect()
    }

    fn origin(&self, var: &'static Var) -> Origin {
        let (value, from) = if let Some((value, from)) = self.resolved.get(var.name) {
            (value.clone(), from.clone())
        } else if let Some(Given { by, value: Some(value) }) = self.given.get(var.name) {
            (value.to_string(), (*by).to_owned())
        } else {
            match var.default {
                Preset::Unset => ("-".to_owned(), "default".to_owned()),
                Preset::Is(_) => (self.get(var.name).to_string(), "default".to_owned()),
                Preset::Depends(words) => ("-".to_owned(), format!("default: {words}")),
            }
        };
        Origin { name: var.name, value, from }
    }
}

/// A duration of which 0 means off.
pub(super) fn off_at_zero(duration: Duration) -> Option<Duration> {
    Some(duration).filter(|duration| !duration.is_zero())
}

fn is_default(var: &Var, value: &Value) -> bool {
    matches!(var.default, Preset::Is(text) if var.kind.parse(text).as_ref() == Ok(value))
}

fn leave_it(var: &Var) -> String {
    match var.default {
        Preset::Is(text) => format!("leave it unset, or at {text}"),
        Preset::Unset | Preset::Depends(_) => "leave it unset".to_owned(),
    }
}

fn as_size(name: &str, value: &Value) -> u64 {
    match value {
        Value::Size(bytes) => *bytes,
        other => unreachable!("{name} is a size in the table, not {other:?}"),
    }
}

fn as_duration(name: &str, value: &Value) -> Duration {
    match value {
        Value::Duration(duration) => *duration,
        other => unreachable!("{name} is a duration in the table, not {other:?}"),
    }
}

fn as_count(name: &str, value: &Value) -> usize {
    match value {
        Value::Count(number) => to_usize(*number),
        other => unreachable!("{name} is a count in the table, not {other:?}"),
    }
}

/// On 32-bit machines a larger number is as good as the largest.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn works_yet(var: &Var, value: &Value) -> bool {
    let works = |values: &[&str]| is_default(var, value) || values.contains(&value.to_string().as_str());
    var.built.is_none_or(works)
}
