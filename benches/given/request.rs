//! A request as a browser's script sends it through a gateway and a mesh.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use heeler::invoke::{Call, Deadline, RequestBody};
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Request};

/// What stands in its head.
const LINES: [(&str, &str); 14] = [
    ("host", "function.default.svc.cluster.local"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "application/json, text/plain;q=0.9, */*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-language", "en-GB,en;q=0.7,de;q=0.3"),
    ("authorization", "Bearer c29tZS10b2tlbi1vZi1ub3RoaW5nLXRoYXQtaXMtYXMtbG9uZy1hcy1vdGhlcnM"),
    ("content-type", "application/json"),
    ("content-length", "100"),
    ("cookie", "session=0123456789abcdef; theme=dark"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "api.example.com"),
    ("x-request-id", "d8f7b1c2-5a54-4c8e-9d5e-0a7c1f6f2b11"),
];

/// The call that is made of it; its body counts for nothing here.
pub(crate) fn call() -> Call {
    let of = |(name, value): (&'static str, &'static str)| (name.parse().unwrap(), HeaderValue::from_static(value));
    with(LINES.into_iter().map(of).collect())
}

/// The same call once more, since some mappings take its headers away.
pub(crate) fn again(call: &Call) -> Call {
    with(call.headers.clone())
}

fn with(headers: HeaderMap) -> Call {
    let request = Request::post("/orders/4711/items?page=2&sort=name").body(()).unwrap();
    let mut head = request.into_parts().0;
    head.headers = headers;
    let id = HeaderValue::from_static("d8f7b1c2-5a54-4c8e-9d5e-0a7c1f6f2b11");
    let remote = Some(IpAddr::V4(Ipv4Addr::new(10, 42, 0, 17)));
    let deadline = Deadline::after(Some(Duration::from_secs(30)));
    Call { remote, local_port: Some(8080), ..Call::new(id, head, RequestBody::empty(), deadline) }
}
