//! The event that is sent, made with the CloudEvents SDK: its attributes as headers (binary), or all of it as JSON
//! (structured, batch).

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use cloudevents::event::AttributeValue;
use cloudevents::{AttributesWriter, Data, Event, EventBuilder, EventBuilderV10};

use super::data;
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

/// Attributes with options of their own, and members of the JSON form that are no attributes.
const RESERVED: [&str; 11] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
    "data_base64",
    "schemaurl",
];

impl Options {
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
    if RESERVED.contains(&name) {
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
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
    /// What to call it.
    pub(super) id: String,
}

/// `data`: what it is about, and what that is.
pub(super) fn encode(options: Options, data: Option<(String, Bytes)>) -> Result<Encoded, String> {
    let form = options.form.unwrap_or_default();
    let extensions: Vec<_> = options.extensions.iter().map(|(name, _)| name.clone()).collect();
    let event = event(options, data.as_ref().map(|(content_type, _)| content_type.clone()))?;
    let id = cloudevents::AttributesReader::id(&event).to_owned();
    let (content_type, body) = match form {
        Form::Binary => {
            return Ok(Encoded { headers: headers(&event, &extensions), body: data.map(|(_, data)| data), id });
        }
        Form::Structured => ("application/cloudevents+json", structured(event, data)?),
        Form::Batch(count) => ("application/cloudevents-batch+json", batch(event, &id, data, count)?),
    };
    let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    Ok(Encoded { headers, body: Some(body.into()), id })
}

fn event(options: Options, content_type: Option<String>) -> Result<Event, String> {
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

/// The HTTP binding's binary mode. The SDK keeps extensions in no order: they come as they were given.
fn headers(event: &Event, extensions: &[String]) -> Vec<(String, String)> {
    let extension = |name: &String| Some(header((name, event.extension(name)?.into())));
    event.iter_attributes().map(header).chain(extensions.iter().filter_map(extension)).collect()
}

fn header((name, value): (&str, AttributeValue<'_>)) -> (String, String) {
    match name {
        "datacontenttype" => ("Content-Type".to_owned(), value.to_string()),
        _ => (format!("ce-{name}"), escaped(&value.to_string())),
    }
}

/// Percent-escapes, as the HTTP binding has them (§3.1.3.2): for blanks, quotes, percent signs and all that is not ASCII.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' => escaped += &format!("%{byte:02X}"),
            b'!'..=b'~' => escaped.push(byte.into()),
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

fn structured(event: Event, data: Option<(String, Bytes)>) -> Result<Vec<u8>, String> {
    let mut event = Object::new(event, data)?;
    let mut out = Vec::new();
    event.write(&mut out)?;
    Ok(out)
}

fn batch(event: Event, id: &str, data: Option<(String, Bytes)>, count: u32) -> Result<Vec<u8>, String> {
    let mut object = Object::new(event, data)?;
    let mut out = Vec::new();
    for number in 1..=count {
        out.push(if number == 1 { b'[' } else { b',' });
        object.event.set_id(format!("{id}-{number}"));
        object.write(&mut out)?;
    }
    out.push(b']');
    Ok(out)
}

/// An event in the JSON format (§3.1): text is a string in it, other bytes are base64.
struct Object {
    event: Event,
    /// JSON goes in as it is written: the SDK would sort its keys and rewrite its numbers.
    json: Option<Bytes>,
}

impl Object {
    fn new(mut event: Event, data: Option<(String, Bytes)>) -> Result<Object, String> {
        let Some((content_type, bytes)) = data else { return Ok(Object { event, json: None }) };
        if data::is_json(&content_type) {
            let no_json = || {
                format!(
                    "--content-type: {content_type:?} is said of data that is not JSON (--binary sends it as it is)"
                )
            };
            let json = data::json(&bytes).map(|json| bytes.slice_ref(json.get().as_bytes())).ok_or_else(no_json)?;
            return Ok(Object { event, json: Some(json) });
        }
        event.set_data_unchecked(match std::str::from_utf8(&bytes) {
            Ok(text) => Data::String(text.to_owned()),
            Err(_) => Data::Binary(bytes.into()),
        });
        Ok(Object { event, json: None })
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        serde_json::to_writer(&mut *out, &self.event).map_err(|error| error.to_string())?;
        if let Some(json) = &self.json {
            // The brace that closes the object.
            out.pop();
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(json);
            out.push(b'}');
        }
        Ok(())
    }
}
