//! The environment of a call: request data as variables.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use hyper::HeaderMap;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};

use crate::invoke::call::Call;
use crate::invoke::config::{Config, Mode};
use crate::invoke::error::CallError;
use crate::invoke::escape::decoded;
use crate::process::variable;
use crate::reason::Reason;

/// The variables that RFC 3875 §4.1 names, without the `HTTP_` ones.
const META_VARIABLES: [&str; 18] = [
    "AUTH_TYPE",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "GATEWAY_INTERFACE",
    "PATH_INFO",
    "PATH_TRANSLATED",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_IDENT",
    "REMOTE_USER",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
];

/// What every call sets, in all modes; the last one stands for the tree where its limit cannot.
const OF_EVERY_CALL: [&str; 4] = ["REMOTE_ADDR", "HEELER_CALL_ID", "HEELER_DEADLINE_MS", "HEELER_TREE"];

/// Whether heeler's own environment must not lend this name to a child, since a program would take it for the call's.
pub(super) fn is_set_by_calls(name: &OsStr, mode: Mode) -> bool {
    let name = name.as_bytes();
    let proxies: [&[u8]; 2] = [b"HTTP_PROXY", b"HTTP_PROXY_REQUEST_FULLURI"];
    if OF_EVERY_CALL.iter().any(|variable| variable.as_bytes() == name) || name.starts_with(b"CE_") {
        return true;
    }
    match mode {
        Mode::Cgi => {
            META_VARIABLES.iter().any(|variable| variable.as_bytes() == name)
                || name.starts_with(b"HTTP_") && !proxies.contains(&name)
        }
        _ => name.starts_with(b"Http_"),
    }
}

/// The variables of one call. `had_body`: whether the request brought a body, which may be read already.
pub fn of_call(call: &Call, config: &Config, had_body: bool) -> Result<Vec<CString>, CallError> {
    let path = decoded_path(call.target.path())?;
    if !config.cgi_headers && config.mode != Mode::Cgi {
        return Ok(Vec::new());
    }
    let mut env = Env(Vec::with_capacity(call.headers.len() + 16));
    match config.mode {
        Mode::Cgi => meta_variables(&mut env, call, &path),
        mode => watchdog_variables(&mut env, call, &path, mode, had_body),
    }
    if let Some(remote) = call.remote {
        env.set("REMOTE_ADDR", remote.to_canonical().to_string());
    }
    for attribute in call.event.iter().flat_map(|event| event.iter()) {
        env.set(&format!("CE_{}", attribute.name().to_ascii_uppercase()), attribute.value());
    }
    env.set("HEELER_CALL_ID", call.id.as_bytes());
    if let Some(millis) = call.deadline.epoch_millis() {
        env.set("HEELER_DEADLINE_MS", millis.to_string());
    }
    Ok(env.0)
}

struct Env(Vec<CString>);

impl Env {
    fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        // No header value or target holds a NUL (RFC 9110 §5.5), and paths are checked: nothing is lost here.
        self.0.extend(variable(name.as_bytes(), value.as_ref()));
    }

    /// A header's, whose name is written letter by letter: each call has many.
    fn set_header(&mut self, prefix: &str, name: &HeaderName, letter: impl FnMut(u8) -> u8, value: &[u8]) {
        let name = name.as_str();
        // With room for the NUL.
        let mut pair = Vec::with_capacity(prefix.len() + name.len() + value.len() + 2);
        pair.extend_from_slice(prefix.as_bytes());
        pair.extend(name.bytes().map(letter));
        pair.push(b'=');
        pair.extend_from_slice(value);
        self.0.extend(CString::new(pair));
    }
}

/// The names that of-watchdog and classic-watchdog give to the parts of a request.
fn watchdog_variables(env: &mut Env, call: &Call, path: &[u8], mode: Mode, had_body: bool) {
    for (name, value) in exported(&call.headers) {
        env.set_header("Http_", name, canonical(), value.as_bytes());
    }
    env.set("Http_Method", call.method.as_str());
    if let Some(query) = call.target.query().filter(|query| !query.is_empty()) {
        env.set("Http_Query", query);
    }
    env.set("Http_Path", path);
    if let Some(host) = host(call) {
        env.set("Http_Host", host);
    }
    if mode == Mode::Classic && !call.headers.contains_key(CONTENT_LENGTH) {
        // HTTP/2 needs no Transfer-Encoding for a body of unknown length.
        let unknown = call.headers.contains_key(TRANSFER_ENCODING) || had_body;
        let length = if unknown { "-1" } else { "0" };
        env.set("Http_Content_Length", length);
    }
    if mode == Mode::Classic {
        let length =
            env.0.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"Http_Content_Length=")).map(<[u8]>::to_vec);
        env.set("Http_ContentLength", length.unwrap_or_default());
    }
}

/// RFC 3875 §4.1. The handler is the server's root: SCRIPT_NAME is empty and PATH_INFO the whole path.
fn meta_variables(env: &mut Env, call: &Call, path: &[u8]) {
    env.set("GATEWAY_INTERFACE", "CGI/1.1");
    env.set("SERVER_SOFTWARE", concat!("heeler/", env!("CARGO_PKG_VERSION")));
    env.set("SERVER_PROTOCOL", format!("{:?}", call.version));
    let host = host(call).unwrap_or_default();
    let (name, port) = split_host(&host);
    env.set("SERVER_NAME", if name.is_empty() { "localhost" } else { name });
    env.set("SERVER_PORT", port.map_or_else(|| call.local_port.unwrap_or(80).to_string(), str::to_owned));
    env.set("REQUEST_METHOD", call.method.as_str());
    env.set("REQUEST_URI", call.target.path_and_query().map_or("/", |target| target.as_str()));
    env.set("SCRIPT_NAME", "");
    env.set("PATH_INFO", path);
    env.set("QUERY_STRING", call.target.query().unwrap_or_default());
    if let Some(value) = call.headers.get(hyper::header::CONTENT_TYPE) {
        env.set("CONTENT_TYPE", value);
    }
    for name in call.headers.keys().filter(|name| is_exported(name) && !is_meta(name)) {
        let values: Vec<&[u8]> = call.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        // One variable for repeated headers (§4.1.18); cookies alone are not a list (RFC 9113 §8.2.3).
        let separator: &[u8] = if name == hyper::header::COOKIE { b"; " } else { b", " };
        let letter = |letter: u8| if letter == b'-' { b'_' } else { letter.to_ascii_uppercase() };
        env.set_header("HTTP_", name, letter, &values.join(separator));
    }
}

/// CONTENT_LENGTH stands for the body as the script reads it: its true length, and only if there is one (§4.1.2).
pub(super) fn add_content_length(env: &mut Vec<CString>, length: usize) {
    if length > 0 {
        env.extend(variable(b"CONTENT_LENGTH", length.to_string().as_bytes()));
    }
}

fn is_meta(name: &HeaderName) -> bool {
    ["content-type", "content-length", "transfer-encoding", "connection"].contains(&name.as_str())
}

/// `Proxy` would become HTTP_PROXY, which programs take for their own setting (httpoxy). `_` and `-` become the same
/// letter, so a name with `_` could pass for a header that a proxy in front has set.
fn is_exported(name: &HeaderName) -> bool {
    name != "proxy" && !name.as_str().contains('_')
}

/// Headers whose variables would be those of the request itself: a program finds the first of two.
const OF_THE_REQUEST_LINE: [&str; 4] = ["host", "method", "path", "query"];

/// The first value of each name.
fn exported(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let names = headers.keys().filter(|name| is_exported(name) && !OF_THE_REQUEST_LINE.contains(&name.as_str()));
    names.filter_map(|name| Some((name, headers.get(name)?)))
}

/// `content-type` → `Content_Type`, Go's canonical form with `_`.
fn canonical() -> impl FnMut(u8) -> u8 {
    let mut upper = true;
    move |letter| {
        let seen = if upper { letter.to_ascii_uppercase() } else { letter };
        upper = letter == b'-';
        if upper { b'_' } else { seen }
    }
}

fn host(call: &Call) -> Option<String> {
    let header = call.headers.get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| call.target.authority().map(|authority| authority.as_str())).map(str::to_owned)
}

/// `name:port`, `[::1]:port` or either without a port.
fn split_host(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

/// The path as programs get it.
fn decoded_path(path: &str) -> Result<Vec<u8>, CallError> {
    let decoded = decoded(path);
    if decoded.contains(&0) {
        return Err(CallError::new(Reason::BadRequest, "the path holds %00, which no program can be given"));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_gos() {
        for (name, expected) in [("ce-type", "Ce_Type"), ("x-a", "X_A"), ("host", "Host"), ("x--y", "X__Y")] {
            let mut env = Env(Vec::new());
            env.set_header("", &HeaderName::from_static(name), canonical(), b"v");
            assert_eq!(env.0[0].to_str(), Ok(&*format!("{expected}=v")));
        }
    }

    #[test]
    fn paths_are_decoded_but_for_nul() {
        assert_eq!(decoded_path("/a%20b").unwrap(), b"/a b");
        assert_eq!(decoded_path("/a%00b").unwrap_err().reason, Reason::BadRequest);
    }

    #[test]
    fn hosts_are_split() {
        for (host, expected) in [
            ("a:80", ("a", Some("80"))),
            ("a", ("a", None)),
            ("[::1]:80", ("[::1]", Some("80"))),
            ("[::1]", ("[::1]", None)),
        ] {
            assert_eq!(split_host(host), expected, "{host}");
        }
    }

    #[test]
    fn what_calls_set_is_not_lent() {
        for (name, mode, expected) in [
            ("Http_Path", Mode::Streaming, true),
            ("HTTP_PROXY", Mode::Cgi, false),
            ("HTTP_HOST", Mode::Cgi, true),
            ("HTTP_HOST", Mode::Streaming, false),
            ("PATH_INFO", Mode::Cgi, true),
            ("SERVER_SOFTWARE", Mode::Cgi, true),
            ("HEELER_CALL_ID", Mode::Streaming, true),
            ("REMOTE_ADDR", Mode::Classic, true),
            ("PATH", Mode::Cgi, false),
            ("CE_ID", Mode::Streaming, true),
            ("CE_TYPE", Mode::Cgi, true),
            ("K_CE_OVERRIDES", Mode::Streaming, false),
        ] {
            assert_eq!(is_set_by_calls(OsStr::new(name), mode), expected, "{name}");
        }
    }
}
