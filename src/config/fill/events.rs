//! For CloudEvents: what the front looks for, and what it answers.

use crate::config::read::Reader;
use crate::event::Attributes;
use crate::front::{EventForm, Events, Origins, Replies, ReplyRule};
use crate::invoke::Mode;

/// Servers and folders speak for themselves: there events are nobody's business unless it is asked for.
pub(super) fn events(reader: &mut Reader<'_>, mode: Mode, most_bytes: u64) -> Events {
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
    Events {
        on,
        required,
        form,
        most_bytes,
        most_events: reader.count("batch_max_events"),
        origins: origins(reader),
        replies: replies(reader, most_bytes),
    }
}

fn replies(reader: &mut Reader<'_>, most_bytes: u64) -> Replies {
    let rule = match reader.word("reply") {
        "event" => ReplyRule::Event,
        "raw" => ReplyRule::Raw,
        _ => ReplyRule::Auto,
    };
    Replies { rule, wrap: wrap(reader), most_bytes }
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
