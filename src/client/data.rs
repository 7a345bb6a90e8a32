//! What is sent as the body, and what it is. All of it is held: its length and its type are told ahead of it.

use std::fs;
use std::io::{self, Read};

use bytes::Bytes;

use crate::event::values::is_value;

/// Where a body comes from.
#[derive(Debug)]
pub(super) enum Source {
    Argument(String),
    File(String),
    Stdin,
}

impl Source {
    pub(super) fn argument(text: String) -> Source {
        if text == "-" { Source::Stdin } else { Source::Argument(text) }
    }

    pub(super) fn file(path: String) -> Source {
        if path == "-" { Source::Stdin } else { Source::File(path) }
    }

    /// Reads to the end.
    pub(super) fn read(self) -> Result<Bytes, String> {
        match self {
            Source::Argument(text) => Ok(text.into()),
            Source::File(path) => {
                fs::read(&path).map(Bytes::from).map_err(|error| format!("--data-file: cannot read {path:?}: {error}"))
            }
            Source::Stdin => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                read.map(|_| bytes.into()).map_err(|error| format!("--data: cannot read stdin: {error}"))
            }
        }
    }
}

/// What bytes look like.
pub(super) fn type_of(data: &[u8]) -> &'static str {
    if is_value(data) {
        "application/json"
    } else if std::str::from_utf8(data).is_ok() {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}
