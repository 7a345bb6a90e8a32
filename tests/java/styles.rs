//! The other styles of docs/handlers.md for Java, and events in each.

use crate::support::{Request, succeeds};
use crate::worker::{Row, about, ask, builder, framework, start};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const BATCH: &str = "application/cloudevents-batch+json";

fn json(target: &str, body: &str) -> Request {
    Request::post(target, body).header("Content-Type", JSON)
}

fn binary(data: &str) -> Request {
    let attributes = [("specversion", "1.0"), ("id", "7"), ("source", "/s"), ("type", "t"), ("subject", "a%20b")];
    attributes.iter().fold(json("/", data), |request, (name, value)| request.header(&format!("ce-{name}"), value))
}

fn structured(data: &str) -> Request {
    let event = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"a b","datacontenttype":"application/json""#;
    Request::post("/", format!("{event},\"data\":{data}}}")).header("Content-Type", "application/cloudevents+json")
}

fn check(style: &str, env: &[(&str, &str)], rows: &[Row<'_>]) {
    let Some(heeler) = start(env) else { return };
    assert_eq!(about(&heeler, "style"), style);
    ask(&heeler, rows);
}

#[test]
fn lambda_of_maps() {
    let env = [("_HANDLER", "styles.Proxy"), ("AWS_LAMBDA_FUNCTION_NAME", "named")];
    let Some(heeler) = start(&env) else { return };
    assert_eq!((about(&heeler, "style"), about(&heeler, "function")), ("lambda".to_owned(), "styles.Proxy".to_owned()));
    let rows = [
        (json("/x?q=1&q=2", "{}"), 201, "text/plain", "POST {q=1,2} {} false named true true"),
        (
            Request::post("/", [0xff, 0]).header("Content-Type", "a/b"),
            201,
            "text/plain",
            "POST null /wA= true named true true",
        ),
        (Request::get("/throw"), 502, JSON, r#"{"message":"Internal Server Error"}"#),
        (binary(r#"{"a":1}"#), 200, JSON, r#"{"event":"7 {a=1}"}"#),
        (structured(r#"{"a":1}"#), 200, JSON, r#"{"event":"7 {a=1}"}"#),
    ];
    ask(&heeler, &rows);
    heeler.stdout.wait_for("asked for /x");
    heeler.stderr.wait_for("a secret");
}

#[test]
fn lambda_of_streams_and_of_beans() {
    check("lambda", &[("handler", "styles.Stream")], &[(json("/", "{}"), 200, JSON, r#"{"length":true}"#)]);
    let env = [("_HANDLER", "styles.Beans::handle")];
    check(
        "lambda",
        &env,
        &[(json("/", "hi"), 200, JSON, "POST hi $LATEST"), (Request::get("/"), 200, JSON, "GET null $LATEST")],
    );
}

#[test]
fn openfaas() {
    let rows = [(
        Request::post("/a/b%20c?q=1%202", "hé").header("X-In", "in"),
        202,
        "text/a",
        "hé q=1%202 1 2 /a/b c b c in 3",
    )];
    check("openfaas", &[("handler", "com.openfaas.function.Handler")], &rows);
    check("openfaas", &[("handler_style", "openfaas")], &rows);
}

#[test]
fn kubeless() {
    let env = [("MOD_NAME", "Foo"), ("FUNC_HANDLER", "bar"), ("FUNC_TIMEOUT", "9")];
    let plain =
        Request::post("/", "a\nb").header("event-id", "i").header("event-type", "t").header("event-namespace", "n");
    check(
        "kubeless",
        &env,
        &[
            (plain, 200, "", "a\nb i t  n bar 9"),
            (binary("{}"), 200, "", "{} 7 t  /s bar 9"),
            (structured("{}"), 200, "", "{} 7 t  /s bar 9"),
        ],
    );
}

#[test]
fn functions_of_the_jdk_and_methods_by_name() {
    let bytes = [(Request::post("/", "abc"), 200, "application/octet-stream", "cba")];
    check("function", &[("handler", "styles.Bytes")], &bytes);
    check("function", &[("handler", "styles.Methods::text")], &[(Request::post("/", "a"), 200, TEXT, "<a>")]);
    check("function", &[("handler", "styles.Methods::none")], &[(Request::get("/"), 200, TEXT, "none")]);
    let rows = [(json("/", r#"{"a":1,"b":2}"#), 200, JSON, r#"{"sum":3}"#), (json("/", "[]"), 400, "", "")];
    check("function", &[("handler", "styles.Methods::json")], &rows);
}

#[test]
fn an_event_is_answered_with_an_event() {
    let Some(heeler) = start(&[("handler", "styles.Methods::event")]) else { return };
    for request in [binary("{}"), structured("{}")] {
        let answer = heeler.call(&request);
        let seen = ["id", "type", "source", "subject", "more"]
            .map(|name| answer.header(&format!("ce-{name}")).unwrap_or_default().to_owned());
        assert_eq!(seen, ["7-answer", "answer", "/s", "a%20b", "a%20b"], "{answer:?}");
        assert_eq!((answer.header("content-type"), answer.text()), (Some("text/plain"), "done".to_owned()));
    }
    assert_eq!(heeler.post("/", "no event").status, 400);
}

fn two() -> Request {
    let event =
        |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","data":{{"n":1.50}}}}"#);
    Request::post("/", format!("[{},{}]", event("1"), event("2"))).header("Content-Type", BATCH)
}

#[test]
fn batches_whole() {
    let env = [("handler", "styles.Methods::events"), ("batch", "whole")];
    let Some(heeler) = start(&env) else { return };
    let answer = heeler.call(&two());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(BATCH)), "{}", answer.text());
    let events: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(events.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(), ["1-answer", "2-answer"]);
    // Functions of one event take no batch; all others are given the request that carries it.
    let one = builder(&[("FUNCTION_TARGET", "functions.Events.Cloud"), ("batch", "whole")]).unwrap().start();
    assert_eq!(one.call(&two()).status, 415);
    let request = builder(&[("FUNCTION_TARGET", "functions.Echo"), ("batch", "whole")]).unwrap().start();
    let carried: Vec<serde_json::Value> = serde_json::from_slice(&request.call(&two()).body).unwrap();
    assert_eq!(carried.len(), 2);
}

#[test]
fn batches_split_reach_functions_of_one_event() {
    let env = [("FUNCTION_TARGET", "functions.Events.Cloud"), ("batch", "split")];
    let Some(heeler) = start(&env) else { return };
    assert_eq!(heeler.call(&two()).status, 202);
    heeler.stdout.wait_for("id=1 ");
    heeler.stdout.wait_for("id=2 ");
}

/// The data, and its attributes in headers, whichever form it came in.
#[test]
fn an_http_function_is_given_events_in_binary_form() {
    let Some(heeler) = framework("Echo") else { return };
    for request in [binary(r#"{"a":1}"#), structured(r#"{"a":1}"#)] {
        assert_eq!(heeler.call(&request).text(), r#"{"a":1}"#);
    }
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let Some(builder) = builder(&[("handler", "no.Such")]) else { return };
    let mut heeler = builder.spawn();
    assert_ne!(heeler.exit_code(), 0);
    heeler.stderr.wait_for("no class no.Such in ");
}

/// As its own Maven builds it, found in the working directory, its one class without anybody's word.
#[test]
fn the_example_serves() {
    let Some(builder) = builder(&[]) else { return };
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hello-java");
    let place = tempfile::tempdir().unwrap();
    assert!(succeeds("cp", &["-r", source, place.path().to_str().unwrap()]));
    let folder = place.path().join("hello-java");
    let pom = folder.join("pom.xml");
    assert!(succeeds("mvn", &["--quiet", "--batch-mode", "--file", pom.to_str().unwrap(), "package"]));
    std::fs::rename(folder.join("target/function.jar"), folder.join("function.jar")).unwrap();
    let heeler = builder.without("FUNCTION_CLASSPATH").folder(&folder).start();
    assert_eq!(about(&heeler, "function"), "hello.Hello");
    let rows = [
        (Request::get("/"), 200, JSON, r#"{"hello":"World"}"#),
        (Request::get("/?name=Ada"), 200, JSON, r#"{"hello":"Ada"}"#),
    ];
    ask(&heeler, &rows);
    heeler.stdout.wait_for("greeting Ada");
}
