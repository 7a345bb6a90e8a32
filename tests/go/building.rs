//! What heeler-go-build makes of a folder, and what it says of one that it can make nothing of.

use std::fs;
use std::path::Path;

use crate::function::{build, root, serving};
use crate::support::Request;

#[test]
fn the_example_is_built_and_serves() {
    let place = tempfile::tempdir().unwrap();
    let program = place.path().join("hello");
    let Some(built) = build(&[], &root().join("examples/hello-go"), &program) else { return };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let heeler = serving(&program).start();
    let hello = |request: &Request| {
        let answer = heeler.call(request);
        serde_json::from_slice::<serde_json::Value>(&answer.assert_ok().body).unwrap()
    };
    let expected = |name, method| serde_json::json!({ "hello": name, "method": method, "path": "/" });
    assert_eq!(hello(&Request::get("/?name=Ada")), expected("Ada", "GET"));
    assert_eq!(hello(&Request::post("/", r#"{"name": "Grace"}"#)), expected("Grace", "POST"));
    heeler.stdout.wait_for("greeting Ada");
}

/// Source, the request's body, and the answer's status and body.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], (u16, &'static str));

const ROWS: [Row; 7] = [
    (
        "a main of its own",
        "abc",
        &[(
            "main.go",
            "package main\nimport \"heeler/worker\"\nfunc main() { worker.Serve(func(in []byte) ([]byte, error) { return in, nil }) }\n",
        )],
        (200, "abc"),
    ),
    (
        "a main package without a main",
        "",
        &[(
            "f.go",
            "package main\nimport \"net/http\"\nfunc Handle(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201) }\n",
        )],
        (201, ""),
    ),
    (
        "OpenFaaS",
        "abc",
        &[
            (
                "function/handler.go",
                "package function\nimport handler \"github.com/openfaas/templates-sdk/go-http\"\nfunc Handle(r handler.Request) (handler.Response, error) {\n\treturn handler.Response{Body: append([]byte(r.Method), r.Body...), StatusCode: 202}, r.Context().Err()\n}\n",
            ),
            (
                "function/go.mod",
                "module handler/function\n\ngo 1.21\n\nrequire github.com/openfaas/templates-sdk/go-http v0.0.0-20220408082716-5981c545cb03\n",
            ),
        ],
        (202, "POSTabc"),
    ),
    (
        "OpenFaaS' older package",
        "abc",
        &[(
            "handler.go",
            "package function\nimport (\"errors\"; \"github.com/openfaas-incubator/go-function-sdk\")\nfunc Handle(r handler.Request) (handler.Response, error) {\n\treturn handler.Response{Body: r.Body}, errors.New(\"secret words\")\n}\n",
        )],
        (500, "abc"),
    ),
    (
        "Kubeless",
        "abc",
        &[(
            "k.go",
            "package kubeless\nimport \"github.com/kubeless/kubeless/pkg/functions\"\nfunc Foo(e functions.Event, c functions.Context) (string, error) {\n\treturn e.Data + c.Timeout, nil\n}\n",
        )],
        (200, "abc180"),
    ),
    (
        "a package below its module, with a package beside it",
        "abc",
        &[
            ("go.mod", "module example.test/x\n\ngo 1.13\n"),
            ("words/words.go", "package words\n\nconst Word = \"beside\"\n"),
            (
                "fn/fn.go",
                "package fn\nimport \"example.test/x/words\"\nfunc Handle(in []byte) ([]byte, error) { return []byte(words.Word), nil }\n",
            ),
        ],
        (200, "beside"),
    ),
    (
        "packages that were vendored",
        "abc",
        &[
            ("go.mod", "module example.test/x\n\ngo 1.21\n\nrequire example.test/dep v1.0.0\n"),
            ("vendor/modules.txt", "# example.test/dep v1.0.0\n## explicit; go 1.21\nexample.test/dep\n"),
            ("vendor/example.test/dep/dep.go", "package dep\n\nconst Word = \"vendored\"\n"),
            (
                "fn.go",
                "package fn\nimport \"example.test/dep\"\nfunc Handle(in []byte) ([]byte, error) { return []byte(dep.Word), nil }\n",
            ),
        ],
        (200, "vendored"),
    ),
];

#[test]
fn every_kind_of_folder_becomes_a_worker() {
    for (name, body, files, (status, expected)) in ROWS {
        let place = tempfile::tempdir().unwrap();
        let folder = write(place.path(), files);
        let program = place.path().join("program");
        let Some(built) = build(&[], &folder, &program) else { return };
        assert!(built.status.success(), "{name}: {}", String::from_utf8_lossy(&built.stderr));
        let heeler = serving(&program).start();
        let answer = heeler.post("/", body);
        assert_eq!((answer.status, answer.text().as_str()), (status, expected), "{name}");
        if status == 500 {
            heeler.stderr.wait_for("secret words");
        }
    }
}

/// The package is in `fn` where there is such a folder.
fn write(place: &Path, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = place.join("source");
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let below = folder.join("fn");
    if below.exists() { below } else { folder }
}

#[test]
fn what_cannot_be_built_is_told() {
    let two = "package odd\n\nfunc First() {}\n\nfunc Second() {}\n";
    let rows: [(&[(&str, &str)], &str); 4] = [
        (&[("a.txt", "no code")], "no Go files in"),
        (
            &[("o.go", two)],
            "has nothing to serve: looked for a main, functions of the functions framework, Handle and New",
        ),
        (&[("o.go", "package odd\n\nfunc Handle( {\n")], "o.go:3"),
        (&[("o.go", "package odd\n\nfunc Handle() { nothing() }\n")], "undefined: nothing"),
    ];
    for (files, said) in rows {
        let place = tempfile::tempdir().unwrap();
        let folder = write(place.path(), files);
        let Some(built) = build(&[], &folder, &place.path().join("program")) else { return };
        let text = String::from_utf8_lossy(&built.stderr);
        assert!(!built.status.success() && text.contains(said), "{text}");
    }
}

/// What compiles and has a shape that nobody knows ends the start, with the shapes that would do.
#[test]
fn a_shape_that_is_unknown_ends_the_start() {
    let place = tempfile::tempdir().unwrap();
    let folder = write(place.path(), &[("o.go", "package odd\n\nfunc Handle(int) {}\n")]);
    let program = place.path().join("program");
    let Some(built) = build(&[], &folder, &program) else { return };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut heeler = serving(&program).spawn();
    heeler.stderr.wait_for("a function of type func(int) cannot be served; these can");
    assert_ne!(heeler.exit_code(), 0);
}
