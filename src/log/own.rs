//! Takes heeler's own events from `tracing`. No spans: nothing here reads them, and they would cost on every call.

use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::Inner;
use super::line::OwnLine;
use super::time::Utc;

/// The target of lines at debug level.
pub const DETAIL: &str = "heeler::detail";

/// The level that a line is meant to have.
fn level(metadata: &Metadata<'_>) -> Level {
    if metadata.target() == DETAIL { Level::DEBUG } else { *metadata.level() }
}

/// The subscriber of the whole process.
pub(super) struct Own(pub(super) Arc<Inner>);

impl Subscriber for Own {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries (h2) narrate each frame at debug; only their complaints are of use here.
        let limit = if metadata.target().starts_with("heeler") { self.0.level } else { self.0.level.min(Level::WARN) };
        metadata.is_event() && level(metadata) <= limit
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.0.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = OwnLine::new(self.0.format, Utc::now(), level(event.metadata()));
        event.record(&mut line);
        self.0.own_line(&line.finish());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
