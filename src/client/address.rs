//! From the URL on the command line to whom to ask, and for what.

use super::instance::{self, Target as Instance};
use crate::config::{self, Vars, value};
use crate::invoke::upstream::{Address, Target};

/// Whom to ask, and for what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The first one that accepts is asked.
    pub(super) targets: Vec<Target>,
    /// What stands in the Host header.
    pub(super) host: String,
    /// The path with its query.
    pub(super) path: String,
    /// Which file named the targets.
    pub(super) lock_file: Option<String>,
}

/// `url`: what was given, if anything was.
pub(super) fn find(url: Option<&str>, vars: &Vars) -> Result<Place, String> {
    match url {
        None => here("/", vars),
        Some(path) if path.starts_with('/') => here(path, vars),
        Some(url) => there(url).map_err(|wrong| format!("{url:?} {wrong}")),
    }
}

/// The instance in this container.
fn here(path: &str, vars: &Vars) -> Result<Place, String> {
    let path = value::url_target(path).map_err(|wrong| format!("{path:?} {wrong}"))?;
    let settings = config::Instance::from_vars(vars).map_err(|rejected| rejected.mistakes[0].to_string())?;
    let (found, lock_file) = match instance::locked(&settings).map_err(|error| error.to_string())? {
        Some(locked) => (locked.targets, Some(locked.file.display().to_string())),
        None => (instance::targets(&settings.listen), None),
    };
    if found.is_empty() {
        return Err("no fixed address to call (port 0 needs a lock file; or name a URL)".to_owned());
    }
    let targets = found.into_iter().map(target).collect();
    Ok(Place { targets, host: "localhost".to_owned(), path, lock_file })
}

fn target(found: Instance) -> Target {
    match found {
        Instance::Tcp(address) => Target::Tcp { host: address.ip().to_string(), port: address.port() },
        Instance::Unix(path) => Target::Unix(path),
    }
}

fn there(url: &str) -> Result<Place, String> {
    let (server, path) = split(url);
    let path = value::url_target(path).map_err(|wrong| wrong.to_string())?;
    let (target, host) = match value::upstream(server).map_err(|wrong| wrong.to_string())? {
        Address::Unix(path) => (Target::Unix(path), "localhost".to_owned()),
        Address::Tcp { host, port, .. } => {
            // As it was written: without the port that nobody writes (RFC 9110 §7.2).
            let authority = server.split_once("://").map_or(server, |(_, authority)| authority);
            (Target::Tcp { host, port }, authority.to_owned())
        }
        Address::Free => return Err("names no server (try http://127.0.0.1:8080/)".to_owned()),
    };
    Ok(Place { targets: vec![target], host, path, lock_file: None })
}

/// The server, and the path on it. A socket's own path ends before `:/`, as nginx has it.
fn split(url: &str) -> (&str, &str) {
    if let Some(at) = url.strip_prefix("unix:").and_then(|path| path.find(":/")) {
        let at = at + "unix:".len();
        return (&url[..at], &url[at + 1..]);
    }
    let Some(authority) = url.find("://").map(|at| at + 3) else { return (url, "/") };
    if url.starts_with("unix:") {
        return (url, "/");
    }
    match url[authority..].find(['/', '?', '#']) {
        Some(at) => url.split_at(authority + at),
        None => (url, "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_server_and_a_path() {
        let tcp = |host: &str, port| Target::Tcp { host: host.to_owned(), port };
        let unix = || Target::Unix("/run/a.sock".into());
        for (url, target, host, path) in [
            ("http://a", tcp("a", 80), "a", "/"),
            ("HTTP://a:81/b/?c=d&e#f", tcp("a", 81), "a:81", "/b/?c=d&e"),
            ("http://a?c=/d", tcp("a", 80), "a", "/?c=/d"),
            ("http://a:80#/x", tcp("a", 80), "a:80", "/"),
            ("http://[::1]:81//b", tcp("::1", 81), "[::1]:81", "//b"),
            ("http://a/http://b:1/", tcp("a", 80), "a", "/http://b:1/"),
            ("unix:/run/a.sock", unix(), "localhost", "/"),
            ("unix:///run/a.sock", unix(), "localhost", "/"),
            ("unix:/run/a.sock:/b?c#d", unix(), "localhost", "/b?c"),
            ("unix:///run/a.sock:/b", unix(), "localhost", "/b"),
        ] {
            let place = there(url).unwrap();
            assert_eq!((&place.targets[0], place.host.as_str(), place.path.as_str()), (&target, host, path), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_told() {
        for (url, wrong) in [
            ("https://a/b", "asks for TLS, which heeler does not speak (try http://a)"),
            ("localhost:8080", "has no scheme (try http://localhost:8080)"),
            ("http://a/b c", "has bytes in its path that no path has (percent-escape them)"),
            ("http://me@a/", "has a user in it, and heeler signs in nowhere (try http://a)"),
            ("unix:a.sock", "is not a socket's full path (try unix:/tmp/app.sock)"),
        ] {
            assert_eq!(there(url).unwrap_err(), wrong, "{url}");
        }
    }
}
