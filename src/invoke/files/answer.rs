//! From a request to its answer: a file, a part of it, the way to a folder, or a page about one.

use std::fs::{File, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{HeaderMap, StatusCode};

use super::listing;
use super::path::{Wanted, nothing, wanted};
use super::range::{self, Multipart, Selected};
use super::root::{Node, Root};
use super::sending::{Opened, Piece, Sending};
use super::types;
use super::version::{Fields, Verdict, Version};
use crate::invoke::body::ReplyBody;
use crate::invoke::call::{Place, Reply};
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// What stands for a folder.
const INDEX: &str = "index.html";

/// What is served, and how.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) root: Root,
    pub(super) listing: bool,
}

/// A request, as far as files are concerned.
pub(super) struct Asked {
    pub(super) is_head: bool,
    /// Path and query, as they came.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

/// What a path names.
enum Found {
    File(PathBuf, File, Metadata),
    /// A folder that is named without its slash.
    Folder,
    /// A page about a folder.
    Page(String),
}

impl Folder {
    /// Answers a request. It waits for the disk.
    pub(super) fn answer(&self, asked: Asked, place: Place) -> Result<Reply, CallError> {
        let (path, query) = asked.target.split_at(asked.target.find('?').unwrap_or(asked.target.len()));
        let wanted = wanted(path)?;
        match self.find(&wanted).map_err(|error| refused(path, error))? {
            Found::Folder => Ok(redirect(path, query)),
            Found::Page(page) => Ok(page_reply(page, asked.is_head)),
            Found::File(path, file, metadata) => file_reply(path, file, &metadata, &asked, place),
        }
    }

    fn find(&self, wanted: &Wanted) -> io::Result<Found> {
        if !wanted.folder {
            return Ok(match self.root.node(&wanted.path)? {
                Node::File(file, metadata) => Found::File(wanted.path.clone(), file, metadata),
                Node::Folder => Found::Folder,
            });
        }
        let index = wanted.path.join(INDEX);
        match self.root.node(&index) {
            Ok(Node::File(file, metadata)) => Ok(Found::File(index, file, metadata)),
            Err(error) if !is_nothing(&error) => Err(error),
            _ if !self.listing => Err(nix::Error::ENOENT.into()),
            _ => Ok(Found::Page(listing::page(self.root.folder(&wanted.path)?, &wanted.path)?)),
        }
    }
}

/// Links that lead out of the root or in a circle lead nowhere, as far as anybody outside can tell.
fn is_nothing(error: &io::Error) -> bool {
    let nothing = [
        libc::ENOENT,
        libc::ENOTDIR,
        libc::EXDEV,
        libc::ELOOP,
        libc::ENAMETOOLONG,
        // A special file that was put in a file's place after it was looked at.
        libc::ENXIO,
        libc::ENODEV,
    ];
    error.raw_os_error().is_some_and(|error| nothing.contains(&error))
}

fn refused(path: &str, error: io::Error) -> CallError {
    if is_nothing(&error) {
        return nothing(path);
    }
    match error.raw_os_error() {
        Some(libc::EACCES) => CallError::new(Reason::Forbidden, format!("heeler's user may not read {path:?}")),
        Some(libc::EMFILE | libc::ENFILE) => error.into(),
        _ => CallError::new(Reason::File, format!("{path:?} cannot be opened: {error}")),
    }
}

/// To the same path with a slash, or links in the folder's page would lead beside it. Relative, since a proxy in front
/// may have taken a part of the path away; the dot keeps a name with a colon from passing for a scheme.
fn redirect(path: &str, query: &str) -> Reply {
    let name = path.rsplit('/').next().unwrap_or_default();
    let fields = vec![(LOCATION, format!("./{name}/{query}")), (CONTENT_LENGTH, "0".to_owned())];
    reply(StatusCode::MOVED_PERMANENTLY, fields, ReplyBody::empty())
}

fn page_reply(page: String, is_head: bool) -> Reply {
    let fields = vec![(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_LENGTH, page.len().to_string())];
    reply(StatusCode::OK, fields, if is_head { ReplyBody::empty() } else { ReplyBody::of(page) })
}

fn file_reply(path: PathBuf, file: File, metadata: &Metadata, asked: &Asked, place: Place) -> Result<Reply, CallError> {
    let version = Version::of(metadata, SystemTime::now());
    let length = metadata.len();
    // Ranges are for GET alone (RFC 9110 §14.2).
    let selected = match version.judge(&asked.headers) {
        Verdict::NotModified => return Ok(reply(StatusCode::NOT_MODIFIED, version.fields(), ReplyBody::empty())),
        Verdict::Failed => return Ok(reply(StatusCode::PRECONDITION_FAILED, version.fields(), ReplyBody::empty())),
        Verdict::Send if asked.is_head || !version.fits_range(&asked.headers) => Selected::Whole,
        Verdict::Send => range::selected(&asked.headers, length),
    };
    let (status, mut fields, pieces) = sent(selected, length, types::of(&path));
    fields.extend(version.fields());
    fields.push((ACCEPT_RANGES, "bytes".to_owned()));
    if asked.is_head {
        fields.push((CONTENT_LENGTH, length.to_string()));
        return Ok(reply(status, fields, ReplyBody::empty()));
    }
    let sending = Sending::new(Opened { file, path, _place: place }, pieces)?;
    Ok(reply(status, fields, ReplyBody::File(Box::new(sending))))
}

/// What is sent, and how it is told.
fn sent(selected: Selected, length: u64, content_type: &str) -> (StatusCode, Fields, Vec<Piece>) {
    let typed = (CONTENT_TYPE, content_type.to_owned());
    match selected {
        Selected::Whole => (StatusCode::OK, vec![typed], vec![Piece::Part(0..length)]),
        Selected::Part(part) => {
            let range = (CONTENT_RANGE, range::content_range(&part, length));
            (StatusCode::PARTIAL_CONTENT, vec![typed, range], vec![Piece::Part(part)])
        }
        Selected::Parts(parts) => {
            let frame = Multipart::new();
            let mut pieces = Vec::with_capacity(2 * parts.len() + 1);
            for (index, part) in parts.into_iter().enumerate() {
                pieces.push(Piece::Text(frame.head(index, &part, length, content_type)));
                pieces.push(Piece::Part(part));
            }
            pieces.push(Piece::Text(frame.end()));
            (StatusCode::PARTIAL_CONTENT, vec![(CONTENT_TYPE, frame.content_type())], pieces)
        }
        Selected::Nothing => {
            (StatusCode::RANGE_NOT_SATISFIABLE, vec![(CONTENT_RANGE, format!("bytes */{length}"))], Vec::new())
        }
    }
}

/// Every answer's head is made here: the code that puts a field into a map is large wherever it stands.
fn reply(status: StatusCode, fields: Fields, body: ReplyBody) -> Reply {
    let field = |(name, value): (_, String)| Some((name, HeaderValue::try_from(value).ok()?));
    Reply::new(status, fields.into_iter().filter_map(field).collect(), body)
}
