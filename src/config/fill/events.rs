//! For CloudEvents: what the front looks for, and what it answers.

use std::time::Duration;

use crate::config::read::Reader;
use crate::config::value;
use crate::event::Attributes;
use crate::front::{Collecting, EventForm, Events, Origins, Replies, ReplyRule, Sink};
use crate::invoke::Mode;

/// A worker is told in two bytes how many events there are.
const MOST_EVENTS: usize = u16::MAX as usize;

/// Servers and folders speak for themselves: there events are nobody's business unless it is asked for.
pub(super) fn events(reader: &mut Reader<'_>, mode: Mode, most_bytes: u64, exec_timeout: Option<Duration>) -> Events {
    let own = matches!(mode, Mode::Http | Mode::Lambda | Mode::Static);
    let word = reader.word_if_set("events").unwrap_or(if own { "off" } else { "auto" });
    let (on, required) = (word != "off", word == "required");
    if own {
        reader.resolve_default("events", "off".to_owned(), format!("default in {} mode", mode.name()));
    }
    let form = match reader.word("event_mode") {
        // A worker gets attributes and data apart, however they came.
        _ if mode == Mode::Warm => EventForm::Binary,
        "structured" => EventForm::Structured,
        "binary" => EventForm::Binary,
        _ => EventForm::AsIs,
    };
    if !on {
        for name in ["event_mode", "batch", "batch_max_events"] {
            if reader.is_set(name) {
                reader.warn(name, "has no effect beside events=off".to_owned());
            }
        }
    }
    Events {
        on,
        required,
        form,
        most_bytes,
        most_events: most_of_a_batch(reader),
        whole: reader.word("batch") == "whole",
        collecting: collecting(reader, on, exec_timeout),
        origins: origins(reader),
        replies: replies(reader, most_bytes),
    }
}

/// A number of events that a call may bring.
fn count(reader: &mut Reader<'_>, name: &'static str) -> usize {
    let count = reader.count(name);
    if count > MOST_EVENTS {
        reader.mistake(name, format!("\"{count}\" is more than one call can bring (try {MOST_EVENTS} at most)"));
    }
    count
}

fn most_of_a_batch(reader: &mut Reader<'_>) -> usize {
    let most = count(reader, "batch_max_events");
    if most == 0 {
        reader.mistake("batch_max_events", format!("\"0\" would refuse every batch (try 1000, at most {MOST_EVENTS})"));
    }
    most
}

/// One event is a call as it is, so gathering begins at two.
fn collecting(reader: &mut Reader<'_>, on: bool, exec_timeout: Option<Duration>) -> Option<Collecting> {
    let most = count(reader, "batch_size");
    if most > 1 && !on {
        reader.warn("batch_size", "has no effect beside events=off".to_owned());
    }
    if most < 2 || !on {
        if reader.is_set("batch_max_wait") {
            reader.warn("batch_max_wait", "has no effect without batch_size (2 at least)".to_owned());
        }
        return None;
    }
    let wait = reader.duration("batch_max_wait");
    if let Some(limit) = exec_timeout.filter(|limit| wait >= *limit) {
        let text = "an event would be late before its call begins";
        let shown = (value::show_duration(wait), value::show_duration(limit));
        reader.mistake("batch_max_wait", format!("{} is not below exec_timeout, {}: {text}", shown.0, shown.1));
    }
    Some(Collecting { most, wait })
}

fn replies(reader: &mut Reader<'_>, most_bytes: u64) -> Replies {
    let rule = match reader.word("reply") {
        "event" => ReplyRule::Event,
        "raw" => ReplyRule::Raw,
        "sink" => ReplyRule::Sink,
        _ => ReplyRule::Auto,
    };
    Replies { rule, wrap: wrap(reader), most_bytes }
}

/// Where results go. A function may use the binding's variables for itself: they count where the setting says so only.
pub(super) fn sink(reader: &mut Reader<'_>) -> Option<Sink> {
    if reader.word("reply") != "sink" {
        return None;
    }
    let extensions = platform(reader, "K_CE_OVERRIDES", value::overrides).unwrap_or_default();
    if reader.platform("K_SINK").is_none() {
        let text = "\"sink\" needs K_SINK, which is not set (bind the function to a sink with a SinkBinding, or set \
                    K_SINK=http://host/path)";
        reader.mistake("reply", text.to_owned());
        return None;
    }
    Some(Sink { extensions, ..platform(reader, "K_SINK", value::sink)? })
}

/// A variable of the platform that is more than a text.
fn platform<T>(reader: &mut Reader<'_>, name: &str, parse: fn(&str) -> Result<T, value::Wrong>) -> Option<T> {
    let text = reader.platform(name)?;
    parse(text.trim()).inspect_err(|wrong| reader.mistake(name, format!("{text:?} {wrong}"))).ok()
}

/// What plain output is wrapped into: one of both alone makes no event.
fn wrap(reader: &mut Reader<'_>) -> Option<Attributes> {
    let (kind, source) = match (reader.text("reply_type"), reader.text("reply_source")) {
        (None, None) => return None,
        (Some(kind), Some(source)) => (kind, source),
        (Some(_), None) => {
            reader.mistake("reply_type", "is set, and reply_source is not: an event needs both".to_owned());
            return None;
        }
        (None, Some(_)) => {
            reader.mistake("reply_source", "is set, and reply_type is not: an event needs both".to_owned());
            return None;
        }
    };
    let attributes = Attributes::new("-", &source, &kind);
    attributes.inspect_err(|bad| reader.mistake("reply_source", format!("{source:?} and reply_type: {bad}"))).ok()
}

/// None is the default: whoever may send events here is for the operator to say.
fn origins(reader: &mut Reader<'_>) -> Origins {
    let Some(text) = reader.text("webhook_origins") else { return Origins::These(Vec::new()) };
    let origins: Vec<String> = text.split(',').map(|origin| origin.trim().to_owned()).collect();
    if origins == ["*"] {
        return Origins::Any;
    }
    if origins.iter().any(|origin| origin.is_empty() || origin.contains('*') || origin.contains(char::is_whitespace)) {
        let text = format!("{text:?} is no list of origins (try example.com,other.example, or * alone)");
        reader.mistake("webhook_origins", text);
    }
    Origins::These(origins)
}
