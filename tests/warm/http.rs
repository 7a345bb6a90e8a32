//! What HTTP has besides bodies and statuses, between a caller and a function: limits, trailers, HTTP/2, headers of any bytes.

use crate::function::Function;
use crate::support::{Heeler, Request, eventually, h2, pattern};

const ECHO: &str = r#"
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        headers = [(name, value) for name, value in scope["headers"] if name.startswith(b"x-")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})
"#;

fn echo(env: &[(&str, &str)]) -> Option<(Function, Heeler)> {
    let function = Function::of(&[("app.py", ECHO)])?;
    let heeler = function.start(env);
    Some((function, heeler))
}

#[test]
fn a_request_beyond_max_body_is_413() {
    let Some((_function, heeler)) = echo(&[("max_body", "1000")]) else { return };
    heeler.post("/", vec![b'x'; 1000]).assert_ok();
    heeler.post("/", vec![b'x'; 1001]).assert_made_by_heeler(413, "body_too_large");
    // Its length is not known before it has come; the answer may have begun by then.
    match heeler.conn().try_call(&Request::new("POST", "/").chunked(vec![b'x'; 100_000])) {
        Ok(answer) => answer.assert_made_by_heeler(413, "body_too_large"),
        Err(failure) => assert_eq!(failure.cut().status, 200),
    }
    heeler.post("/", "small").assert_ok();
    assert_eq!(crate::support::working::starts(&heeler), 1);
}

#[test]
fn an_answer_beyond_max_output_is_none() {
    let code = r#"
        def handle(request):
            size = int(request.args["size"])
            if request.path == "/whole":
                return b"x" * size
            if request.path == "/promised":
                return {"statusCode": 200, "body": iter([b"x"] * size), "headers": {"Content-Length": str(size)}}
            return iter([b"x" * 10] * (size // 10))
    "#;
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[("max_output", "1000")]);
    for path in ["/whole", "/promised", "/pieces"] {
        assert_eq!(heeler.get(&format!("{path}?size=1000")).assert_ok().body.len(), 1000, "{path}");
    }
    heeler.get("/whole?size=1001").assert_made_by_heeler(502, "output_too_large");
    heeler.get("/promised?size=1001").assert_made_by_heeler(502, "output_too_large");
    match heeler.conn().try_call(&Request::get("/pieces?size=100000")) {
        Ok(answer) => answer.assert_made_by_heeler(502, "output_too_large"),
        Err(failure) => assert!(failure.cut().body.len() <= 1000),
    }
    heeler.get("/whole?size=1").assert_ok();
}

#[test]
fn trailers_of_an_answer_pass() {
    let code = r#"
        exports.f = (req, res) => {
          res.setHeader('trailer', 'x-sum');
          res.write('body');
          res.addTrailers({ 'X-Sum': '4' });
          res.end();
        };
    "#;
    let Some(function) = Function::node(code) else { return };
    let heeler = function.start(&[("handler", "function.f"), ("handler_style", "http")]);
    let answer = heeler.call(&Request::get("/").header("TE", "trailers"));
    assert_eq!((answer.assert_ok().text().as_str(), answer.trailer("x-sum")), ("body", Some("4")));
}

#[test]
fn expectations_are_met_before_the_body_comes() {
    let Some((_function, heeler)) = echo(&[]) else { return };
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(conn.read_head().expect("an interim answer").status, 100);
    conn.send(b"hi");
    assert_eq!(conn.read_response("POST").expect("an answer").assert_ok().text(), "hi");
}

/// RFC 9110, 5.5: bytes beyond ASCII are opaque.
#[test]
fn headers_keep_their_bytes_and_their_number() {
    let Some((_function, heeler)) = echo(&[]) else { return };
    let mut conn = heeler.conn();
    let long = "l".repeat(20_000);
    conn.send(
        format!("GET / HTTP/1.1\r\nHost: h\r\nX-Long: {long}\r\nX-Two: a\r\nx-two: b\r\nX-Empty:\r\nX-Raw: ")
            .as_bytes(),
    );
    conn.send(b"\xe9\xff\r\n\r\n");
    let raw = conn.twin();
    let mut seen = Vec::new();
    let mut raw = raw;
    while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
        seen.extend(raw.read_some(4096).expect("bytes"));
    }
    let has = |part: &[u8]| seen.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part));
    assert!(seen.starts_with(b"HTTP/1.1 200 "));
    for part in [&b"x-raw: \xe9\xff\r\n"[..], b"x-two: a\r\n", b"x-two: b\r\n", b"x-empty: \r\n", long.as_bytes()] {
        assert!(has(part), "no {:?}", String::from_utf8_lossy(&part[..part.len().min(40)]));
    }
}

#[tokio::test]
async fn http_2_calls_share_a_connection() {
    let Some((_function, heeler)) = echo(&[]) else { return };
    let client = h2::connect(heeler.address()).await;
    let body = pattern(300_000);
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let mut sender = client.sender.clone();
            let (id, body) = (number.to_string(), body.clone());
            tokio::spawn(async move {
                let request = h2::request("POST", "/", &[("x-number", &id)], body);
                sender.ready().await.expect("a connection");
                let response = sender.send_request(request).await.expect("an answer");
                let answer = h2::read(response).await.expect("a whole answer");
                (answer.status, answer.header("x-number").map(str::to_owned), answer.body)
            })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        let (status, header, seen) = call.await.expect("a caller");
        assert_eq!((status, header), (200, Some(number.to_string())));
        crate::support::assert_same(&seen, &body, "the body");
    }
}

/// Both functions of the README's kind, under a moderate load, over one connection for each caller.
#[test]
fn every_caller_gets_its_own_answer() {
    let python = "def handle(request):\n    return {'you': request.get('who')}\n";
    let node = "exports.handle = async (request) => ({ you: request.get('who') });";
    for (function, workers) in [(Function::python(python), "2"), (Function::node(node), "1")] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[("workers", workers)]);
        std::thread::scope(|scope| {
            for caller in 0..8 {
                let heeler = &heeler;
                scope.spawn(move || {
                    let mut conn = heeler.conn();
                    for number in 0..100 {
                        let who = format!("{caller}-{number}");
                        let answer = conn.call(&Request::post("/", format!(r#"{{"who":"{who}"}}"#)));
                        let text = answer.assert_ok().text().replace(' ', "");
                        assert_eq!(text, format!(r#"{{"you":"{who}"}}"#));
                    }
                });
            }
        });
        eventually("all calls are counted", || heeler.scrape().sum("function_calls_total", &[]) == 800.0);
    }
}
