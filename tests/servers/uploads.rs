//! Servers that know no body without a Content-Length, as many WSGI servers.

use crate::server;
use crate::support::{Request, assert_same, pattern};

fn echo(body: &[u8]) -> Request {
    Request::new("POST", "/echo").header("Content-Type", "application/x-thing").chunked(body)
}

#[test]
fn a_length_is_handed_on_as_a_length() {
    let Some(heeler) = server::WSGIREF.start(&[]) else { return };
    for size in [0, 100, 1 << 20] {
        let body = pattern(size);
        assert_same(&heeler.post("/echo", body.clone()).assert_ok().body, &body, &format!("{size} bytes"));
    }
}

#[test]
fn a_buffered_upload_gets_a_length() {
    for name in ["http_buffer_req_body", "buffer_http"] {
        let Some(heeler) = server::WSGIREF.start(&[(name, "true")]) else { return };
        for size in [1, 100, 1 << 20] {
            let body = pattern(size);
            let answer = heeler.call(&echo(&body));
            assert_same(&answer.assert_ok().body, &body, &format!("{size} bytes with {name}"));
        }
    }
}
