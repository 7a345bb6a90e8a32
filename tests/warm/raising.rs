//! What a function raises: the caller learns its type, the log all of it, and no other call is touched.

use crate::function::Function;
use crate::support::{Heeler, Request, eventually};

const PYTHON: &str = r#"
    import meet

    class Odd(BaseException):
        pass

    def deep():
        return deep()

    DEF handle(request):
        if request.path == "/key":
            return {}["a secret key"]
        if request.path == "/odd":
            raise Odd("a secret")
        if request.path == "/exit":
            raise SystemExit("a secret")
        if request.path == "/deep":
            return deep()
        if request.path == "/result":
            return object()
        return "fine"
"#;

const NODE: &str = r#"
    class Odd extends Error { constructor(text) { super(text); this.name = 'Odd'; } }
    const deep = () => deep();
    exports.handle = ASYNC (request) => {
      switch (request.path) {
        case '/key': return undefined.secret;
        case '/odd': throw new Odd('a secret');
        case '/text': throw 'a secret';
        case '/nothing': throw undefined;
        case '/deep': return deep();
        case '/later': return new Promise(() => { setImmediate(() => { throw new RangeError('a secret'); }); });
        case '/nobody': Promise.reject(new RangeError('a secret')); return new Promise(() => {});
      }
      return 'fine';
    };
"#;

/// Status 500, a safe body that names the type, and the stack in the log with the call's id.
#[track_caller]
fn check_raised(heeler: &Heeler, path: &str, kind: &str, stack: &str) {
    let id = format!("call{}", path.replace('/', "-"));
    let request = Request::post(path, "the caller's own words").header("X-Call-Id", &id).header("X-Private", "header");
    let answer = heeler.call(&request);
    answer.assert_made_by_heeler(500, "raised");
    assert_eq!(answer.text(), format!("raised: the function raised {kind}\n"), "{path}");
    assert_eq!(answer.header("x-call-id"), Some(id.as_str()));
    let line =
        heeler.stderr.wait_for_json("the error", |line| line["call_id"] == id.as_str() && !line["error"].is_null());
    assert_eq!(line["error"], kind, "{line}");
    let told = line["stack"].as_str().unwrap_or_default();
    assert!(told.contains(stack), "no {stack:?} in {line}");
    for private in ["own words", "X-Private", "x-private"] {
        assert!(!line.to_string().contains(private), "{line}");
    }
    assert_eq!(heeler.get("/").assert_ok().text(), "fine");
}

#[test]
fn what_python_raises() {
    for form in ["def", "async def"] {
        let Some(function) = Function::python(&PYTHON.replace("DEF", form)) else { return };
        let heeler = function.start(&[]);
        for (path, kind, stack) in [
            ("/key", "KeyError", "function.py\", line 11, in handle"),
            ("/odd", "Odd", "function.py"),
            ("/exit", "SystemExit", "function.py"),
            ("/deep", "RecursionError", "in deep"),
        ] {
            check_raised(&heeler, path, kind, stack);
        }
        heeler.get("/result").assert_made_by_heeler(500, "raised");
        assert_eq!(crate::support::working::starts(&heeler), 1, "an error ended the worker");
    }
}

#[test]
fn what_node_throws() {
    for form in ["async", ""] {
        let Some(function) = Function::node(&NODE.replace("ASYNC", form)) else { return };
        let heeler = function.start(&[]);
        for (path, kind, stack) in [
            ("/key", "TypeError", "function.js:5"),
            ("/odd", "Odd", "function.js:6"),
            ("/text", "string", ""),
            ("/nothing", "undefined", ""),
            ("/deep", "RangeError", "function.js"),
            ("/nobody", "RangeError", "function.js"),
            ("/later", "RangeError", "function.js"),
        ] {
            check_raised(&heeler, path, kind, stack);
        }
    }
}

/// Of several at once.
#[test]
fn an_error_stays_with_its_own_call() {
    let code = r#"
        import meet
        async def handle(request):
            meet.note("started")
            await meet.until("open")
            if request.path == "/raise":
                raise ValueError(request.path)
            return request.path
    "#;
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[]);
    let calls: Vec<_> = (0..8)
        .map(|number| if number % 2 == 0 { "/raise".to_owned() } else { format!("/{number}") })
        .map(|path| (path.clone(), crate::support::working::call_aside(&heeler, &path)))
        .collect();
    crate::function::wait_noted(&function.gate, "started", 8);
    function.gate.let_go("open");
    for (path, call) in calls {
        let (status, text) = call.join().expect("a caller");
        match path == "/raise" {
            true => assert_eq!((status, text.as_str()), (500, "raised: the function raised ValueError\n")),
            false => assert_eq!((status, text), (200, path)),
        }
    }
}

/// After the first byte the caller must see that it is not all.
#[test]
fn an_error_behind_the_first_byte_cuts_the_answer() {
    let python = r#"
        def handle(request):
            yield "begun"
            raise ValueError("a secret")
    "#;
    let asynchronous = python.replace("def handle", "async def handle");
    let node = "exports.f = async (req, res) => { res.write('begun'); throw new Error('a secret'); };";
    let env = [("handler", "function.f"), ("handler_style", "http")];
    for (function, env) in
        [(Function::python(python), &[][..]), (Function::python(&asynchronous), &[]), (Function::node(node), &env)]
    {
        let Some(function) = function else { return };
        let heeler = function.start(env);
        let cut = heeler.conn().try_call(&Request::get("/").header("X-Call-Id", "cut")).expect_err("it is cut").cut();
        assert_eq!((cut.status, cut.text().as_str()), (200, "begun"));
        eventually("the log has the error with its id", || {
            let all = [heeler.stderr.json(), heeler.stdout.json()].concat();
            all.iter().any(|line| line["call_id"] == "cut" && line.to_string().contains("a secret"))
        });
        let line = heeler.stderr.wait_for_json("the access line", |line| line["msg"] == "call");
        assert_eq!(line["reason"], "raised", "{line}");
    }
}
