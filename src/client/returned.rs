//! Events in answers, recognised by their media type or their headers.
//!
//! Not read with the SDK: what it refuses is what one wants to see here, and its reader is 0.18 MB of code
//! (docs/decisions/binary-size.md).

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use hyper::HeaderMap;

use crate::event::{self, is_json, recognise, values};
use crate::invoke::escape::decoded;

/// An event that came back.
pub(super) struct Returned {
    /// Names and values.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) data: Vec<u8>,
}

/// Forms in which the body is more than the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Structured,
    Batch,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Structured => "event",
            Form::Batch => "batch of events",
        })
    }
}

/// Of an answer, by its media type.
pub(super) fn form(headers: &HeaderMap) -> Option<Form> {
    match recognise(headers) {
        Ok(event::Form::Structured) => Some(Form::Structured),
        Ok(event::Form::Batch) => Some(Form::Batch),
        _ => None,
    }
}

/// An event whose attributes are headers; its data is the body.
pub(super) fn binary(headers: &HeaderMap) -> Option<Returned> {
    headers.get("ce-specversion")?;
    let attribute = |name: &str, value: &[u8]| {
        let value = decoded(&String::from_utf8_lossy(value));
        (name.to_owned(), String::from_utf8_lossy(&value).into_owned())
    };
    let mut attributes: Vec<_> = headers
        .iter()
        .filter_map(|(name, value)| Some(attribute(name.as_str().strip_prefix("ce-")?, value.as_bytes())))
        .collect();
    if let Some(value) = headers.get(hyper::header::CONTENT_TYPE) {
        attributes.push(("datacontenttype".to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    Some(Returned { attributes, data: Vec::new() })
}

/// The events of a body.
pub(super) fn events(form: Form, body: &[u8]) -> Result<Vec<Returned>, String> {
    let body = std::str::from_utf8(body).map_err(|bad| bad.to_string())?;
    match form {
        Form::Structured => Ok(vec![returned(body)?]),
        Form::Batch => values::elements(body).map_err(told)?.into_iter().map(returned).collect(),
    }
}

fn told(bad: values::BadValue) -> String {
    format!("it is {bad}")
}

/// From the JSON format (§3). Nothing is judged but what it takes to tell attributes from data.
fn returned(text: &str) -> Result<Returned, String> {
    let members = values::members(text).map_err(told)?;
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    member("specversion").ok_or("it has no specversion")?;
    let is_json = member("datacontenttype").and_then(values::string).is_none_or(|kind| is_json(&kind));
    let mut returned = Returned { attributes: Vec::new(), data: Vec::new() };
    for (name, value) in &members {
        match (name.as_str(), values::string(value)) {
            // As if it were not there (§2.2).
            _ if *value == "null" => {}
            ("data_base64", Some(text)) => {
                returned.data = BASE64_STANDARD.decode(text).map_err(|error| format!("data_base64: {error}"))?;
            }
            ("data", Some(text)) if !is_json => returned.data = text.into_bytes(),
            ("data", _) => returned.data = value.as_bytes().to_vec(),
            (_, Some(text)) => returned.attributes.push((name.clone(), text)),
            (_, None) => returned.attributes.push((name.clone(), (*value).to_owned())),
        }
    }
    Ok(returned)
}
