//! The context attributes: names with text, in the order in which they came, each at most once.

use std::borrow::Cow;

use bytes::Bytes;

use super::bad::{BadEvent, Fault};
use super::rule;
use super::text::Text;

/// As many attributes as an event may have: HTTP servers take fewer headers than this.
pub(super) const MOST: usize = 256;

/// What JSON had for an attribute; in headers everything is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// A string.
    Text,
    /// A number: signed, of 32 bits.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    name: Cow<'static, str>,
    value: Text,
    was: Was,
}

impl Attribute {
    /// Its name, without `ce-`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value as text.
    pub fn value(&self) -> &str {
        self.value.as_str()
    }

    /// Its value, to be shared.
    pub(super) const fn text(&self) -> &Text {
        &self.value
    }

    /// What JSON had.
    pub const fn was(&self) -> Was {
        self.was
    }

    fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

/// The attributes of one event: valid, and the required ones are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Those of a new event: the four that each has to have.
    pub fn new(id: &str, source: &str, kind: &str) -> Result<Attributes, BadEvent> {
        Attributes::of([("specversion", rule::VERSION), ("id", id), ("source", source), ("type", kind)])
    }

    /// Those that somebody lists, decoded.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Attributes, BadEvent> {
        let mut draft = Draft::default();
        for (name, value) in pairs {
            draft.push(name, text(name, value)?, Was::Text)?;
        }
        draft.finish()
    }

    /// Identifies the event among those of its source.
    pub fn id(&self) -> &str {
        self.required("id")
    }

    /// Where it happened: a URI-reference.
    pub fn source(&self) -> &str {
        self.required("source")
    }

    /// What happened: the attribute `type`.
    pub fn kind(&self) -> &str {
        self.required("type")
    }

    /// The specification's version: `1.0`.
    pub fn specversion(&self) -> &str {
        self.required("specversion")
    }

    /// What of the source it is about.
    pub fn subject(&self) -> Option<&str> {
        self.get("subject")
    }

    /// When it happened: RFC 3339, as it came.
    pub fn time(&self) -> Option<&str> {
        self.get("time")
    }

    /// The media type of the data.
    pub fn datacontenttype(&self) -> Option<&str> {
        self.get("datacontenttype")
    }

    /// The schema of the data: an absolute URI.
    pub fn dataschema(&self) -> Option<&str> {
        self.get("dataschema")
    }

    /// An attribute by its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|attribute| attribute.is(name)).map(Attribute::value)
    }

    /// All, in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// Sets an attribute, in its place if it is there already. What was wrong leaves all as it was.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), BadEvent> {
        rule::name(name)?;
        rule::value(name, value)?;
        let attribute = Attribute { name: rule::shared(name), value: text(name, value)?, was: Was::Text };
        match self.0.iter().position(|attribute| attribute.is(name)) {
            Some(at) => self.0[at] = attribute,
            None if self.0.len() >= MOST => return Err(too_many()),
            None => self.0.push(attribute),
        }
        Ok(())
    }

    /// Takes an optional attribute away; the required ones stay.
    pub fn remove(&mut self, name: &str) {
        if !rule::REQUIRED.contains(&name) {
            self.0.retain(|attribute| !attribute.is(name));
        }
    }

    /// That no attribute's name and value together have more bytes than `most`: an environment takes so much of each.
    pub fn within(&self, most: usize) -> Result<(), BadEvent> {
        let large = |attribute: &&Attribute| attribute.name.len() + attribute.value.as_bytes().len() > most;
        match self.0.iter().find(large) {
            None => Ok(()),
            Some(found) => {
                let bad = BadEvent::named(found.name(), "larger than can be handed on");
                Err(BadEvent { fault: Fault::TooLarge, ..bad })
            }
        }
    }

    fn required(&self, name: &str) -> &str {
        self.get(name).expect("checked when it was made")
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Attributes as they come, before all are there.
#[derive(Default)]
pub(super) struct Draft {
    found: Vec<Attribute>,
    /// Said to be not there: names that may not come again.
    unset: Vec<Cow<'static, str>>,
}

impl Draft {
    pub(super) fn with_capacity(attributes: usize) -> Draft {
        Draft { found: Vec::with_capacity(attributes), unset: Vec::new() }
    }

    /// One more; its value is looked at in the end.
    pub(super) fn push(&mut self, name: &str, value: Text, was: Was) -> Result<(), BadEvent> {
        let name = self.first(name)?;
        self.found.push(Attribute { name, value, was });
        Ok(())
    }

    /// One that JSON has as null.
    pub(super) fn unset(&mut self, name: &str) -> Result<(), BadEvent> {
        let name = self.first(name)?;
        self.unset.push(name);
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.found.iter().any(|attribute| attribute.is(name))
    }

    /// A name that was not there before.
    fn first(&self, name: &str) -> Result<Cow<'static, str>, BadEvent> {
        rule::name(name)?;
        if self.found.len() + self.unset.len() >= MOST {
            return Err(too_many());
        }
        let mut names = self.found.iter().map(|attribute| &attribute.name).chain(&self.unset);
        if names.any(|found| found == name) {
            return Err(BadEvent::named(name, "there more than once"));
        }
        Ok(rule::shared(name))
    }

    /// The version first: under another one, other rules hold.
    pub(super) fn finish(self) -> Result<Attributes, BadEvent> {
        let find = |name: &str| self.found.iter().find(|attribute| attribute.is(name));
        if let Some(version) = find("specversion") {
            rule::typed(version)?;
        }
        self.found.iter().try_for_each(rule::typed)?;
        match rule::REQUIRED.into_iter().find(|name| find(name).is_none()) {
            Some(name) => Err(BadEvent::broken(name, "missing, and every event has to have it")),
            None => Ok(Attributes(self.found)),
        }
    }
}

fn text(name: &str, value: &str) -> Result<Text, BadEvent> {
    let text = Text::from_checked(Bytes::copy_from_slice(value.as_bytes()));
    text.ok_or_else(|| BadEvent::named(name, rule::CHARACTERS))
}

fn too_many() -> BadEvent {
    BadEvent::new(Fault::TooLarge, "the attributes", "more than 256")
}
