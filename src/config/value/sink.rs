//! Where results are sent, and what is set on each of them: what Knative's SinkBinding says.

use std::collections::BTreeMap;

use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;

use super::{NO_PATH, Wrong, upstream, url_target};
use crate::event::{self, Attributes, values};
use crate::front::Sink;
use crate::invoke::upstream::{Address, Target};

const TRY: &str = "try http://broker-ingress.knative-eventing.svc.cluster.local/default/default";

/// `http://host:port/path?query`. A fragment stays with the client (RFC 9110 §7.1).
pub fn sink(text: &str) -> Result<Sink, Wrong> {
    let not_a_url = || Wrong(format!("is not an http URL ({TRY})"));
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
        // TLS, or no scheme at all: what is said of an upstream's URL holds here.
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {
            return Err(upstream(text).err().unwrap_or_else(not_a_url));
        }
        None if !text.starts_with(['/', ':']) => return Err(upstream(text).err().unwrap_or_else(not_a_url)),
        _ => return Err(not_a_url()),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match upstream(&format!("http://{authority}"))? {
        Address::Tcp { host, port, .. } => Ok(Sink {
            url: text.to_owned(),
            target: Target::Tcp { host, port },
            // As it was written: without the port that nobody writes (RFC 9110 §7.2).
            authority: HeaderValue::from_str(authority).map_err(|_| not_a_url())?,
            path: url_target(path)?.parse::<PathAndQuery>().map_err(|_| Wrong::from(NO_PATH))?.into(),
            extensions: Vec::new(),
        }),
        Address::Unix(_) | Address::Free => Err(not_a_url()),
    }
}

/// `{"extensions":{"name":"value"}}`: what is to be set on each event, held to the rules that hold for all attributes.
/// Of two of one name the last counts.
pub fn overrides(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    const TRY: &str = "try {\"extensions\":{\"name\":\"value\"}}";
    let wrong = |what: String| Wrong(format!("{what} ({TRY})"));
    let members = values::members(text).map_err(|bad| wrong(format!("is {bad}")))?;
    let given = members.into_iter().rfind(|(name, _)| name == "extensions").map(|(_, value)| value);
    let given = given.filter(|value| *value != "null").unwrap_or("{}");
    let given = values::members(given).map_err(|bad| wrong(format!("has extensions that are {bad}")))?;
    let mut event = Attributes::new("-", "-", "-").map_err(|bad| Wrong(bad.to_string()))?;
    let mut extensions = BTreeMap::new();
    for (name, value) in given {
        let value = values::string(value).ok_or_else(|| wrong(format!("has an extension {name} that is no string")))?;
        event.set(&name, &value).map_err(|bad| wrong(format!("has an extension that no event can have: {bad}")))?;
        if !event::is_extension(&name) {
            return Err(wrong(format!("would set {name} of each event, which is no extension")));
        }
        extensions.insert(name, value);
    }
    Ok(extensions.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_a_path() {
        for (text, host, port, authority, path) in [
            ("http://a", "a", 80, "a", "/"),
            ("HTTP://a.b.svc:81/c/d?e=f", "a.b.svc", 81, "a.b.svc:81", "/c/d?e=f"),
            ("http://a?b#c", "a", 80, "a", "/?b"),
            ("http://a/b/", "a", 80, "a", "/b/"),
            ("http://[::1]:82/", "::1", 82, "[::1]:82", "/"),
        ] {
            let sink = sink(text).unwrap();
            assert_eq!(sink.target, Target::Tcp { host: host.to_owned(), port }, "{text}");
            assert_eq!((sink.authority.to_str().unwrap(), sink.path.to_string().as_str()), (authority, path), "{text}");
            assert_eq!(sink.url, text);
        }
    }

    #[test]
    fn what_is_no_url_is_told() {
        for (text, wrong) in [
            ("https://a:8443/x", "asks for TLS, which heeler does not speak (try http://a:8443/x)"),
            ("broker:80/x", "has no scheme (try http://broker:80/x)"),
            ("http://me@a/b", "has a user in it, and heeler signs in nowhere (try http://a)"),
            ("http://a/b c", "has bytes in its path that no path has (percent-escape them)"),
            ("http://a/ä", "has bytes in its path that no path has (percent-escape them)"),
            ("http://a:0/", "has port 0, where nobody can be reached (unset, heeler finds a free port)"),
        ] {
            assert_eq!(sink(text).unwrap_err().0, wrong, "{text}");
        }
        for text in ["unix:/tmp/a", "/a", "ftp://a", ":80", "http://", "http://unix:/a"] {
            assert!(sink(text).is_err(), "{text}");
        }
        assert!(sink("/a").unwrap_err().0.starts_with("is not an http URL (try http://broker-ingress."));
    }

    #[test]
    fn overrides_are_extensions() {
        let of = |text| overrides(text).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of(r#" {"extensions":{"b":"ä","a1":""},"more":[1]}"#), [pair("a1", ""), pair("b", "ä")]);
        for none in ["{}", r#"{"extensions":null}"#, r#"{"extensions":{}}"#] {
            assert_eq!(of(none), [], "{none}");
        }
        for (text, wrong) in [
            ("[]", "is not a JSON object (try "),
            ("{", "is not JSON (at byte 1) (try "),
            (r#"{"extensions":[]}"#, "has extensions that are not a JSON object (try "),
            (r#"{"extensions":{"a":5}}"#, "has an extension a that is no string (try "),
            (r#"{"extensions":{"A-b":"x"}}"#, "has an extension that no event can have: A-b: a name has only a to z"),
            (r#"{"extensions":{"a":"\u0007"}}"#, "has an extension that no event can have: a: has a control"),
            (r#"{"extensions":{"id":"x"}}"#, "would set id of each event, which is no extension (try "),
            (r#"{"extensions":{"datacontenttype":"a/b"}}"#, "would set datacontenttype of each event"),
        ] {
            let seen = overrides(text).unwrap_err().0;
            assert!(seen.starts_with(wrong), "{text}: {seen}");
        }
    }
}
