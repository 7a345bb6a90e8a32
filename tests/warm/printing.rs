//! What functions print: line by line in heeler's log, each with the id of the call that printed it.

use crate::function::{Function, lines_of, wait_noted};
use crate::support::{Heeler, Request, eventually};

/// Starts calls one to eight, which print something, meet, and print more; gives their ids.
fn calls_that_meet(function: &Function, heeler: &Heeler) -> Vec<String> {
    let ids: Vec<String> = (1..=8).map(|number| format!("call-{number}")).collect();
    std::thread::scope(|scope| {
        for id in &ids {
            let request = Request::get(&format!("/{id}")).header("X-Call-Id", id);
            scope.spawn(move || assert_eq!(heeler.call(&request).assert_ok().text(), "printed"));
        }
        wait_noted(&function.gate, "started", ids.len());
        function.gate.let_go("open");
    });
    ids
}

fn check_lines(heeler: &Heeler, ids: &[String], expected: impl Fn(&str) -> Vec<(&'static str, String)>) {
    for id in ids {
        let mut wanted: Vec<_> = expected(id).into_iter().map(|(stream, text)| (stream.to_owned(), text)).collect();
        wanted.sort();
        let mut seen = Vec::new();
        eventually(&format!("all lines of {id}"), || {
            seen = lines_of(heeler, id);
            seen.len() >= wanted.len()
        });
        seen.sort();
        assert_eq!(seen, wanted);
    }
}

#[test]
fn python_on_one_loop_and_in_threads() {
    let code = r#"
        import logging, sys
        import meet

        DEF handle(request):
            name = request.path[1:]
            print("first", name)
            meet.note("started")
            AWAIT("open")
            print("second", name, "no end of line", end="")
            print(" and then", flush=True)
            print("to stderr", name, file=sys.stderr)
            logging.getLogger("mine").warning("logged %s", name)
            return "printed"
    "#;
    for (form, wait) in [("async def", "await meet.until"), ("def", "meet.wait")] {
        let Some(function) = Function::python(&code.replace("DEF", form).replace("AWAIT", wait)) else { return };
        let heeler = function.start(&[("worker_concurrency", "8")]);
        let ids = calls_that_meet(&function, &heeler);
        check_lines(&heeler, &ids, |id| {
            vec![
                ("stdout", format!("first {id}")),
                ("stdout", format!("second {id} no end of line and then")),
                ("stderr", format!("to stderr {id}")),
                ("stderr", format!("logged {id}")),
            ]
        });
        let logged = heeler.stderr.wait_for_json("a warning", |line| line["level"] == "warn");
        assert!(logged["msg"].as_str().is_some_and(|text| text.starts_with("logged ")), "{logged}");
    }
}

#[test]
fn node_behind_await() {
    let code = r#"
        const meet = require('./meet');
        exports.handle = async (request) => {
          const name = request.path.slice(1);
          console.log('first', name);
          meet.note('started');
          await meet.until('open');
          process.stdout.write('second ' + name + ' no end of line');
          process.stdout.write(' and then\n');
          console.error('to stderr %s', name);
          return 'printed';
        };
    "#;
    let Some(function) = Function::node(code) else { return };
    let heeler = function.start(&[]);
    let ids = calls_that_meet(&function, &heeler);
    check_lines(&heeler, &ids, |id| {
        vec![
            ("stdout", format!("first {id}")),
            ("stdout", format!("second {id} no end of line and then")),
            ("stderr", format!("to stderr {id}")),
        ]
    });
}

/// Its lines are in the log before the answer is, or soon behind it: never lost.
#[test]
fn nothing_of_a_lot_is_lost() {
    let python = r#"
        def handle(request):
            for number in range(20000):
                print(number)
            return "printed"
    "#;
    let node = "exports.handle = () => { for (let i = 0; i < 20000; i += 1) console.log(i); return 'printed'; };";
    for function in [Function::python(python), Function::node(node)] {
        let Some(function) = function else { return };
        let heeler = function.start(&[]);
        heeler.call(&Request::get("/").header("X-Call-Id", "much")).assert_ok();
        eventually("all of it is in the log", || heeler.stdout.count(|line| line.contains("\"much\"")) >= 20_000);
        let said: Vec<String> = lines_of(&heeler, "much").into_iter().map(|(_, text)| text).collect();
        assert!(said.iter().enumerate().all(|(at, text)| *text == at.to_string()), "out of order");
    }
}

/// What a line may hold that a log's form might not: it stays one line.
#[test]
fn odd_lines() {
    let python = r#"
        import os, subprocess
        def handle(request):
            print("quote \" and \x1b and \u00e9 and \0 end")
            print("x" * 100000)
            print()
            os.write(1, b"past print\n")
            subprocess.run(["echo", "of a child"])
            return "printed"
    "#;
    let Some(function) = Function::python(python) else { return };
    let heeler = function.start(&[]);
    heeler.call(&Request::get("/").header("X-Call-Id", "odd")).assert_ok();
    let has =
        |text: &str| heeler.stdout.json().iter().any(|line| line["msg"].as_str().is_some_and(|msg| msg.contains(text)));
    for text in ["quote \" and \u{1b} and \u{e9} and", "xxxxxxxxxxxx", "past print", "of a child"] {
        eventually(&format!("{text} is in the log"), || has(text));
    }
    assert!(heeler.stdout.all().iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}
