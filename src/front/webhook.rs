//! The handshake of webhooks: whether somebody may send events here (CloudEvents HTTP 1.1 Web Hooks 1.0.2, section 4).

use bytes::Bytes;
use hyper::header::{ALLOW, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use super::config::Origins;
use crate::invoke::{Reply, ReplyBody};

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const REQUEST_RATE: HeaderName = HeaderName::from_static("webhook-request-rate");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// The consent, if this asks for it and may have it. Every other OPTIONS is the function's.
pub(super) fn consent(origins: &Origins, head: &Parts) -> Option<Reply> {
    if head.method != Method::OPTIONS {
        return None;
    }
    let origin = head.headers.get(REQUEST_ORIGIN)?;
    if !origins.allow(origin.as_bytes()) {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(ALLOW, HeaderValue::from_static("POST"));
    headers.insert(ALLOWED_ORIGIN, origin.clone());
    if head.headers.contains_key(REQUEST_RATE) {
        // How much is taken is for max_inflight to say, call by call.
        headers.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    }
    Some(Reply::new(StatusCode::OK, headers, ReplyBody::of(Bytes::new())))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn ask(origins: &Origins, method: &str, headers: &[(&str, &str)]) -> Option<HeaderMap> {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Some(consent(origins, &request.body(()).unwrap().into_parts().0)?.headers)
    }

    #[test]
    fn consent_is_for_those_that_are_named() {
        let named = Origins::These(vec!["eventemitter.example.com".into()]);
        let origin = ("WebHook-Request-Origin", "eventemitter.example.com");
        let granted = ask(&named, "OPTIONS", &[origin, ("WebHook-Request-Rate", "120")]).unwrap();
        assert_eq!(granted[ALLOWED_ORIGIN], "eventemitter.example.com");
        assert_eq!(
            (&granted[ALLOWED_RATE], &granted[ALLOW]),
            (&HeaderValue::from_static("*"), &HeaderValue::from_static("POST"))
        );
        assert!(!ask(&named, "OPTIONS", &[origin]).unwrap().contains_key(ALLOWED_RATE), "no rate was asked for");
        let other = ("webhook-request-origin", "example.com");
        assert!(ask(&Origins::Any, "OPTIONS", &[other]).is_some());
        for (origins, method, headers) in [
            (&named, "OPTIONS", &[other][..]),
            (&named, "OPTIONS", &[]),
            (&named, "POST", &[origin]),
            (&Origins::These(Vec::new()), "OPTIONS", &[origin]),
        ] {
            assert!(ask(origins, method, headers).is_none(), "{method} {headers:?}");
        }
    }
}
