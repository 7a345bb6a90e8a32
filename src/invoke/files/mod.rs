//! Static mode: a folder, no handler process.
//!
//! A call is one piece of work off the runtime's thread, since a disk may take its time: the path is resolved below the
//! root, the file is opened, the request's conditions are weighed, and the first piece is read. Only larger files come
//! back for more. What this does not do: nothing is written, compressed or kept in memory.

mod answer;
mod aside;
mod config;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;
mod listing;
mod path;
mod range;
mod root;
mod sending;
mod types;
mod version;

pub use config::Config;
pub use sending::Sending;

use std::mem::take;

use hyper::Method;

use super::call::{Call, Reply};
use super::error::CallError;
use crate::reason::Reason;
use answer::{Asked, Folder};
use aside::aside;
use root::Root;

/// The methods that are taken, for `Allow`.
pub const METHODS: &str = "GET, HEAD";

/// A folder that is served.
#[derive(Clone, Debug)]
pub struct Files {
    folder: Folder,
}

impl Files {
    /// Nothing is opened yet: that is done anew for every call.
    pub fn new(config: &Config) -> Files {
        Files { folder: Folder { root: Root(config.root.clone()), listing: config.listing } }
    }

    /// Answers one call.
    pub(super) async fn call(&self, mut call: Box<Call>) -> Result<Reply, CallError> {
        if call.method != Method::GET && call.method != Method::HEAD {
            return Err(CallError::new(Reason::Method, format!("a file takes {METHODS} and not {}", call.method)));
        }
        let asked = Asked {
            is_head: call.method == Method::HEAD,
            target: call.target.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            headers: take(&mut call.headers),
        };
        // Whoever gives up does not stop a read that hangs: the place is held until it ends.
        let (folder, place) = (self.folder.clone(), take(&mut call.place));
        let answer = aside(move || folder.answer(asked, place));
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| lost())?,
            () = call.deadline.passed() => Err(CallError::timeout()),
        }
    }
}

/// A thread panicked, which its own line in the log tells more of.
fn lost() -> CallError {
    CallError::new(Reason::Internal, "the work on a file was lost")
}
