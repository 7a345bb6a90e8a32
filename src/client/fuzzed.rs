//! What has to hold for any arguments of `heeler invoke`: what is sent is one request, and the one that was meant.

use std::ffi::OsString;

use super::data::Source;
use super::options::{self, Asked};
use super::request::{self, Invocation};
use crate::config::Vars;

/// Any arguments, where they name no file and no address that only this machine knows.
pub(crate) fn invocation(args: Vec<OsString>) {
    let options = match options::parse(args) {
        Err(mistakes) => return assert!(mistakes.iter().all(|mistake| !mistake.is_empty()) && !mistakes.is_empty()),
        Ok(Asked::Help) => return,
        Ok(Asked::Invoke(options)) => options,
    };
    assert!(options.timeout.is_none_or(|time| !time.is_zero()));
    let is_elsewhere = options.url.as_ref().is_some_and(|url| !url.starts_with('/'));
    if !is_elsewhere || matches!(options.data, Some(Source::File(_) | Source::Stdin)) {
        return;
    }
    let (method, own) = (options.method.clone(), options.headers.clone());
    // Copies without end are what was asked for.
    if options.event.as_ref().is_some_and(super::event::Options::is_long) {
        return;
    }
    match request::prepare(*options, &Vars::default()) {
        Err(mistakes) => assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| !mistake.is_empty())),
        Ok(invocation) => is_one_request(&invocation, method.as_deref(), &own),
    }
}

fn is_one_request(invocation: &Invocation, method: Option<&str>, own: &[(String, String)]) {
    let head = invocation.head.as_bytes();
    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut read = httparse::Request::new(&mut slots);
    match read.parse(head) {
        Ok(httparse::Status::Complete(length)) => assert_eq!(length, head.len(), "two heads: {:?}", invocation.head),
        Err(httparse::Error::TooManyHeaders) => return,
        other => panic!("{other:?}: {:?}", invocation.head),
    }
    assert_eq!(read.path, Some(&*invocation.place.path));
    assert!(method.is_none_or(|method| read.method == Some(method)));
    for (name, value) in own {
        let sent = read.headers.iter().any(|header| header.name == name && header.value == value.as_bytes());
        assert!(sent, "{name}: {value:?} is lost");
    }
    let lengths = read.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let lengths: Vec<_> = lengths.map(|header| String::from_utf8_lossy(header.value)).collect();
    assert!(lengths.len() < 2 && lengths.iter().all(|length| **length == invocation.body.len().to_string()));
}
