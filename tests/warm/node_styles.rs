//! Every calling convention of docs/handlers.md for Node, once through heeler.

use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use crate::function::{Function, about, ask, check, node_modules};
use crate::python_events::{binary, structured};
use crate::support::Request;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const JSON_UTF8: &str = "application/json; charset=utf-8";

fn json(target: &str, body: &str) -> Request {
    Request::post(target, body).header("Content-Type", JSON)
}

#[test]
fn hks_requests_and_results() {
    let code = r#"
        const answers = {
          '/hello': (r) => ({ hello: r.get('name', 'World') }),
          '/seen': (r) => ({ statusCode: 201, headers: { 'X-A': 'b' }, body: [r.method, r.path, r.query.q, r.headers['x-in'], r.json()] }),
          '/bytes': () => Buffer.from([104, 105]),
          '/nothing': () => undefined,
          '/keys': () => ({ statusCode: 404, error: 'gone' }),
          '/text': () => 'text',
        };
        exports.handle = async (request) => answers[request.path](request);
    "#;
    let rows = [
        (Request::get("/hello?name=Bob"), 200, JSON, r#"{"hello":"Bob"}"#),
        (
            Request::post("/hello", r#"{"name":"Ann"}"#).header("Content-Type", "application/x-www-form-urlencoded"),
            200,
            JSON,
            r#"{"hello":"Ann"}"#,
        ),
        (json("/seen?q=1", "[1]").header("X-In", "in").method("PUT"), 201, JSON, r#"["PUT","/seen","1","in",[1]]"#),
        (Request::get("/bytes"), 200, "application/octet-stream", "hi"),
        (Request::get("/nothing"), 200, "", ""),
        (Request::get("/keys"), 404, JSON, r#"{"error":"gone"}"#),
        (Request::get("/text"), 200, TEXT, "text"),
    ];
    check("hks", &[("function.js", code)], &[], &rows);
    let module = code.replace("exports.handle = async", "export const handle = async");
    check("hks", &[("function.mjs", &module)], &[], &rows);
}

#[test]
fn hks_events() {
    let code = "exports.handle = (event) => [event.type, event.subject, event.data];";
    let seen = r#"["t","a b","{\"a\":1}"]"#;
    let rows = [(binary(JSON, r#"{"a":1}"#), 200, JSON, seen), (structured(r#"{"a":1}"#), 200, JSON, seen)];
    check("hks", &[("function.js", code)], &[("event_data", "raw")], &rows);
    let rows = [(binary(JSON, r#"{"a":1}"#), 200, JSON, r#"["t","a b",{"a":1}]"#)];
    check("hks", &[("function.js", code)], &[("event_data", "parsed")], &rows);
}

const FRAMEWORK: &str = r#"
    const functions = require('@google-cloud/functions-framework');
    functions.http('hello', (req, res) => {
      if (req.path === '/send') return res.status(202).set('X-A', 'b').send({ q: req.query.q, body: req.body });
      if (req.path === '/throw') throw new Error('a secret');
      res.type('text/plain').end(req.method + ' ' + req.get('x-in') + ' ' + req.body);
    });
    functions.cloudEvent('event', (event) => { console.log(event.id, event.type, JSON.stringify(event.data)); });
"#;

/// Without its package and with it.
#[test]
fn functions_framework_http() {
    let rows = [
        (json("/send?q=1", "[2]"), 202, JSON_UTF8, r#"{"q":"1","body":[2]}"#),
        (Request::post("/", "hi").header("X-In", "in").header("Content-Type", "text/plain"), 200, TEXT, "POST in hi"),
    ];
    let env = [("FUNCTION_TARGET", "hello"), ("NODE_ENV", "production")];
    for modules in [None, node_modules()] {
        let Some(function) = Function::of(&[("index.js", FRAMEWORK)]) else { return };
        if let Some(modules) = modules {
            symlink(modules, function.path().join("node_modules")).expect("a link");
        }
        let heeler = function.start(&env);
        assert_eq!(about(&heeler, "style"), "http");
        ask(&heeler, &rows);
        let thrown = heeler.get("/throw");
        assert_eq!((thrown.status, thrown.header("x-google-status")), (500, Some("crash")));
        assert!(!thrown.text().contains("secret"), "{}", thrown.text());
        heeler.stderr.wait_for("a secret");
    }
}

#[test]
fn functions_framework_events_and_typed() {
    let Some(function) = Function::of(&[("index.js", FRAMEWORK)]) else { return };
    let heeler = function.start(&[("FUNCTION_TARGET", "event")]);
    for (id, request) in [("binary", binary(JSON, r#"{"a":1}"#)), ("structured", structured(r#"{"a":1}"#))] {
        assert_eq!(heeler.call(&request.header("X-Call-Id", id)).status, 204);
        let line = heeler.stdout.wait_for_json("the event", |line| line["call_id"] == id);
        assert_eq!(line["msg"], r#"7 t {"a":1}"#);
    }
    let rows = [(json("/", r#"{"n":4}"#), 200, JSON_UTF8, r#"{"twice":8}"#)];
    let typed =
        "require('@google-cloud/functions-framework').typed('typed', async (value) => ({ twice: value.n * 2 }));";
    check("http", &[("index.js", typed)], &[("FUNCTION_TARGET", "typed")], &rows);
    let background = "exports.old = (data, context) => { console.log(data.a, context.eventType); };";
    let Some(function) = Function::of(&[("index.js", background)]) else { return };
    let heeler = function.start(&[("FUNCTION_TARGET", "old"), ("FUNCTION_SIGNATURE_TYPE", "event")]);
    let answer = heeler.call(&json("/", r#"{"data":{"a":1},"context":{"eventId":"1","eventType":"t"}}"#));
    assert_eq!(answer.status, 204);
    heeler.stdout.wait_for("1 t");
}

/// An exported function that was registered nowhere, and Node's own way to answer.
#[test]
fn a_plain_function_of_request_and_response() {
    let code = "exports.hello = (req, res) => { res.writeHead(201, { 'content-type': 'a/b' }); res.write(req.url); res.end('!'); };";
    let env = [("handler", "index.hello"), ("handler_style", "http")];
    check("http", &[("index.js", code)], &env, &[(Request::get("/p?q=1"), 201, "a/b", "/p?q=1!")]);
}

#[test]
fn an_express_application() {
    let code = r#"
        const express = require('express');
        const app = express();
        app.post('/items/:number', express.json(), (req, res) => res.status(201).json({ number: req.params.number, body: req.body }));
        exports.app = app;
    "#;
    let (Some(function), Some(modules)) = (Function::of(&[("index.js", code)]), node_modules()) else { return };
    symlink(modules, function.path().join("node_modules")).expect("a link");
    let heeler = function.start(&[("FUNCTION_TARGET", "app")]);
    ask(&heeler, &[(json("/items/3", "[1]"), 201, JSON_UTF8, r#"{"number":"3","body":[1]}"#)]);
    assert_eq!(heeler.get("/nowhere").status, 404);
}

#[test]
fn lambda() {
    let code = r#"
        exports.handler = (event, context, callback) => {
          switch (event.rawPath) {
            case '/plain': return Promise.resolve({ a: 1 });
            case '/callback': return void setImmediate(callback, null, { statusCode: 202, body: 'called' });
            case '/succeed': return void context.succeed('done');
            case '/throw': throw new Error('a secret');
            case '/reject': return Promise.reject(new Error('a secret'));
            case '/odd': return Promise.resolve({ statusCode: 'odd', body: '' });
          }
          const seen = [event.httpMethod, event.queryStringParameters, event.body, context.awsRequestId];
          return Promise.resolve({ statusCode: 201, headers: { 'X-A': 'b' }, body: JSON.stringify(seen) });
        };
    "#;
    let request = Request::post("/p?q=1&q=2", "hi").header("X-Call-Id", "id-7").header("Content-Type", "text/plain");
    let rows = [
        (request, 201, JSON, r#"["POST",{"q":"1,2"},"hi","id-7"]"#),
        (Request::get("/plain"), 200, JSON, r#"{"a":1}"#),
        (Request::get("/callback"), 202, JSON, "called"),
        (Request::get("/succeed"), 200, JSON, "done"),
    ];
    let Some(function) = Function::of(&[("index.js", code)]) else { return };
    let heeler = function.start(&[]);
    assert_eq!(about(&heeler, "style"), "lambda");
    ask(&heeler, &rows);
    for path in ["/throw", "/reject", "/odd"] {
        let answer = heeler.get(path);
        assert_eq!(answer.status, 502, "{path}: {}", answer.text());
        assert!(!answer.text().contains("secret"), "{path}: {}", answer.text());
    }
    check("lambda", &[("other.js", code)], &[("_HANDLER", "other.handler")], &rows);
}

#[test]
fn lambda_streams() {
    let code = r#"
        exports.handler = awslambda.streamifyResponse(async (event, out) => {
          const stream = awslambda.HttpResponseStream.from(out, { statusCode: 203, headers: { 'content-type': 'a/b' } });
          stream.write('one ');
          stream.end('two');
        });
    "#;
    let env = [("handler_style", "lambda")];
    check("lambda", &[("index.js", code)], &env, &[(Request::get("/"), 203, "a/b", "one two")]);
}

#[test]
fn kubeless() {
    let code =
        "exports.f = (event, context) => ({ data: event.data, id: event['event-id'], of: context['function-name'] });";
    let env = [("MOD_NAME", "mod"), ("FUNC_HANDLER", "f")];
    let row =
        (json("/", r#"{"a":1}"#).header("event-id", "7"), 200, JSON_UTF8, r#"{"data":{"a":1},"id":"7","of":"f"}"#);
    check("kubeless", &[("mod.js", code)], &env, &[row]);
    let whole = "module.exports = async (event) => event.data;";
    check("kubeless", &[("mod.js", whole)], &env, &[(Request::post("/", "hi"), 200, HTML, "hi")]);
}

#[test]
fn openfaas() {
    let code = r#"
        module.exports = async (event, context) => {
          if (event.path === '/value') return 'text';
          if (event.path === '/reject') throw new Error('a secret');
          return context.status(201).headers({ 'X-A': 'b' }).succeed({ method: event.method, body: event.body });
        };
    "#;
    for file in ["handler.js", "function/handler.js"] {
        let Some(function) = Function::of(&[(file, code)]) else { return };
        let heeler = function.start(&[]);
        assert_eq!(about(&heeler, "style"), "openfaas");
        let rows = [
            (json("/", "[1]"), 201, JSON_UTF8, r#"{"method":"POST","body":[1]}"#),
            (Request::get("/value"), 200, HTML, "text"),
        ];
        ask(&heeler, &rows);
        heeler.get("/reject").assert_made_by_heeler(500, "raised");
    }
    let callback =
        "module.exports = (event, context, callback) => { setImmediate(callback, undefined, { ok: true }); };";
    check("openfaas", &[("handler.js", callback)], &[], &[(Request::get("/"), 200, JSON_UTF8, r#"{"ok":true}"#)]);
}

#[test]
fn knative_func_and_its_hooks() {
    let code = r#"
        const meet = require('./meet');
        let word;
        exports.init = () => { word = 'begun'; };
        exports.shutdown = () => { meet.note('stopped'); };
        exports.handle = (context, data) => ({ word, method: context.method, q: context.query.q, data });
    "#;
    let Some(function) = Function::of(&[("index.js", code)]) else { return };
    let mut heeler = function.start(&[("handler_style", "func")]);
    ask(&heeler, &[(json("/?q=1", "[1]"), 200, JSON, r#"{"word":"begun","method":"POST","q":"1","data":[1]}"#)]);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    assert!(function.gate.has("stopped"), "the shutdown hook did not run");
}

#[test]
fn knative_func_of_events() {
    let event = "exports.handle = (context, event) => ({ body: [event.type, event.data] });";
    let row = (binary(JSON, r#"{"a":1}"#), 200, JSON, r#"["t",{"a":1}]"#);
    check("func", &[("index.js", event)], &[("handler_style", "func")], &[row]);
}
