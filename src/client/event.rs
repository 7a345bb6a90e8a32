//! The event that is sent, made with the CloudEvents SDK and written by heeler's codec: its attributes as headers (binary),
//! or all of it as JSON (structured, batch).

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use cloudevents::{AttributesWriter, EventBuilder, EventBuilderV10};
use hyper::HeaderMap;

use crate::event::{self, Attributes, BadEvent, Data, Event, batch, binary, structured};
use crate::invoke::chance::random;

/// What the options say of it.
#[derive(Debug, Default)]
pub(super) struct Options {
    kind: Option<String>,
    source: Option<String>,
    id: Option<String>,
    subject: Option<String>,
    extensions: Vec<(String, String)>,
    pub(super) form: Option<Form>,
}

/// How an event travels over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Binary,
    Structured,
    /// So many copies, at least one.
    Batch(u32),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Binary => "--binary",
            Form::Structured => "--structured",
            Form::Batch(_) => "--batch",
        })
    }
}

impl Options {
    /// Whether it is more than a few events.
    #[cfg(any(test, fuzzing))]
    pub(super) fn is_long(&self) -> bool {
        matches!(self.form, Some(Form::Batch(count)) if count > 50)
    }

    /// The value of one of the options.
    pub(super) fn set(&mut self, option: &'static str, value: String) -> Result<(), String> {
        if option == "--extension" {
            let (name, text) = extension(&value)?;
            if self.extensions.iter().any(|(other, _)| *other == name) {
                return Err(format!("--extension: {name:?} is given twice (once is enough)"));
            }
            self.extensions.push((name, text));
            return Ok(());
        }
        if value.is_empty() || value.contains(char::is_control) {
            return Err(format!(
                "{option}: {value:?} cannot be an attribute (it has at least one letter, and no line ends)"
            ));
        }
        match option {
            "--type" => self.kind = Some(value),
            // CloudEvents §3.1.1: a URI-reference.
            "--source" if value.contains(char::is_whitespace) => {
                return Err(format!(
                    "--source: {value:?} has a blank, which no URI has (try my/app, or %20 for a blank)"
                ));
            }
            "--source" => self.source = Some(value),
            "--id" => self.id = Some(value),
            _ => self.subject = Some(value),
        }
        Ok(())
    }
}

fn extension(text: &str) -> Result<(String, String), String> {
    let wrong = |what: &str| format!("--extension: {text:?} {what}");
    let (name, value) = text.split_once('=').ok_or_else(|| wrong("has no value (try name=value)"))?;
    // CloudEvents §3.1: names of attributes.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(wrong("has a name that no attribute has (only a to z and 0 to 9, try name=value)"));
    }
    if !event::is_extension(name) || name == "data" {
        return Err(wrong("names no extension (--type, --source, --id, --subject and --content-type say the rest)"));
    }
    if value.contains(char::is_control) {
        return Err(wrong("has a line end or another control character"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// An event as it is sent.
pub(super) struct Encoded {
    /// With the body's type, where there is a body.
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// What to call it.
    pub(super) id: String,
}

/// `data`: what it is about, and what that is.
pub(super) fn encode(options: Options, data: Option<(String, Bytes)>) -> Result<Encoded, String> {
    let form = options.form.unwrap_or_default();
    let (content_type, data) = data.unzip();
    let mut attributes = attributes(options, content_type)?;
    let id = attributes.id().to_owned();
    let mut headers = HeaderMap::new();
    let body = match form {
        Form::Binary => {
            binary::headers(&attributes, &mut headers);
            data
        }
        Form::Structured => {
            structured::headers(&mut headers);
            let data = data.map(|data| in_json(&attributes, data)).transpose()?;
            Some(structured::encode(&Event { attributes, data }))
        }
        Form::Batch(count) => {
            batch::headers(&mut headers);
            let data = data.map(|data| in_json(&attributes, data)).transpose()?;
            let mut texts = Vec::new();
            for number in 1..=count {
                attributes.set("id", &format!("{id}-{number}")).map_err(refused)?;
                texts.push(structured::encode(&Event { attributes: attributes.clone(), data: data.clone() }));
            }
            Some(batch::join_texts(&texts))
        }
    };
    Ok(Encoded { headers, body, id })
}

/// The SDK makes the event, and heeler's own codec checks it by the specification's rules.
fn attributes(options: Options, content_type: Option<String>) -> Result<Attributes, String> {
    let names: Vec<_> = options.extensions.iter().map(|(name, _)| name.clone()).collect();
    let event = event(options, content_type)?;
    // The SDK keeps extensions in no order: they come as they were given.
    let extensions = names.iter().filter_map(|name| Some((name.as_str(), event.extension(name)?.to_string())));
    let all: Vec<_> =
        event.iter_attributes().map(|(name, value)| (name, value.to_string())).chain(extensions).collect();
    Attributes::of(all.iter().map(|(name, value)| (*name, value.as_str()))).map_err(refused)
}

fn event(options: Options, content_type: Option<String>) -> Result<cloudevents::Event, String> {
    let id = options.id.unwrap_or_else(|| format!("{:016x}{:016x}", random(), random()));
    let mut builder = EventBuilderV10::new()
        .id(id)
        .ty(options.kind.as_deref().unwrap_or("heeler.invoke"))
        .source(options.source.as_deref().unwrap_or("heeler/invoke"))
        .time(DateTime::<Utc>::from(SystemTime::now()));
    if let Some(subject) = options.subject {
        builder = builder.subject(subject);
    }
    for (name, value) in options.extensions {
        builder = builder.extension(&name, value);
    }
    let mut event = builder.build().map_err(|error| format!("--event: {error}"))?;
    event.set_datacontenttype(content_type);
    Ok(event)
}

fn refused(bad: BadEvent) -> String {
    format!("--event: {bad}")
}

/// Data as a part of a JSON document. Bytes that are text are a string there.
fn in_json(attributes: &Attributes, data: Bytes) -> Result<Data, String> {
    let content_type = attributes.datacontenttype().unwrap_or_default();
    if event::is_json(content_type) {
        return Data::json(&data).ok_or_else(|| {
            format!("--content-type: {content_type:?} is said of data that is not JSON (--binary sends it as it is)")
        });
    }
    Ok(match String::from_utf8(data.into()) {
        Ok(text) => Data::text(text),
        Err(bytes) => Data::binary(bytes.into_bytes().into()),
    })
}
