//! Functions that harm the process they run in, while other calls are open there and in the worker beside it.

use crate::function::{Function, noted, wait_noted};
use crate::support::working::{call_aside, said, starts};
use crate::support::{Heeler, Request, eventually, tree};

const PYTHON: &str = r#"
    import asyncio, os, signal, sys, threading
    import meet

    def sockets():
        for name in os.listdir("/proc/self/fd"):
            try:
                if os.readlink("/proc/self/fd/" + name).startswith("socket:"):
                    yield int(name)
            except OSError:
                pass

    def crash():
        os.kill(os.getpid(), signal.SIGSEGV)

    def write_to_sockets():
        # The event loop's own socket pair is no way out.
        for fd in list(sockets()):
            try:
                os.write(fd, b"\xff" * 64)
            except OSError:
                pass

    def fork():
        if os.fork() == 0:
            print("a child", flush=True)
            return "of the child"
        os.wait()
        return "of the parent"

    def fork_and_die():
        if os.fork() == 0:
            os._exit(1)
        os.wait()
        return "alive"

    def raise_in_thread():
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        return "alive"

    def flood():
        for _ in range(200):
            os.write(1, b"flood\n" * 1000)
        return "alive"

    def close_standard():
        for fd in (0, 1, 2):
            os.close(fd)
        print("into nothing")
        return "alive"

    def change_everything():
        os.chdir("/")
        os.environ.clear()
        sys.path.clear()
        sys.stdout = sys.stderr = None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        return "alive"

    def daemon():
        import subprocess
        subprocess.Popen(["sleep", "60"], start_new_session=True)
        return "alive"

    harms = {
        "exit": lambda: os._exit(3),
        "crash": crash,
        "term": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "close-all": lambda: os.closerange(3, 256),
        "write-to-sockets": write_to_sockets,
        "sys-exit": lambda: sys.exit(3),
        "fork": fork,
        "fork-and-die": fork_and_die,
        "raise-in-thread": raise_in_thread,
        "flood": flood,
        "close-standard": close_standard,
        "change-everything": change_everything,
        "daemon": daemon,
    }

    async def handle(request):
        name = request.path[1:]
        if name == "fine":
            return "fine"
        if name == "neighbour":
            meet.note("neighbour")
            await meet.until("open")
            return str(os.getpid())
        with open(os.path.join(meet.GATE, "harmed"), "w") as file:
            file.write(str(os.getpid()))
        result = harms[name]()
        await asyncio.sleep(0)
        return result
"#;

const NODE: &str = r#"
    const fs = require('node:fs');
    const path = require('node:path');
    const meet = require('./meet');
    const sockets = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
      try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
    }).map(Number);
    const quietly = (work) => { try { work(); } catch {} };
    const never = new Promise(() => {});
    const harms = {
      exit: () => process.exit(3),
      'exit-later': () => { setImmediate(() => process.exit(3)); return never; },
      crash: () => process.abort(),
      kill: () => { process.kill(process.pid, 'SIGKILL'); return never; },
      'close-all': () => { for (const fd of sockets()) quietly(() => fs.closeSync(fd)); return never; },
      'write-to-sockets': () => { for (const fd of sockets()) quietly(() => fs.writeSync(fd, Buffer.alloc(64, 255))); return never; },
      flood: () => { for (let i = 0; i < 20000; i += 1) console.log('flood'); return 'alive'; },
      'close-standard': () => { for (const fd of [0, 1, 2]) quietly(() => fs.closeSync(fd)); console.log('into nothing'); return 'alive'; },
      'change-everything': () => {
        process.chdir('/');
        process.env = {};
        process.removeAllListeners();
        console.log = undefined;
        process.stdout.write = undefined;
        return 'alive';
      },
      'end-stdout': () => { quietly(() => process.stdout.end()); return 'alive'; },
    };
    exports.handle = async (request) => {
      const name = request.path.slice(1);
      if (name === 'fine') return 'fine';
      if (name === 'neighbour') {
        meet.note('neighbour');
        await meet.until('open');
        return String(process.pid);
      }
      fs.writeFileSync(path.join(process.env.TESTFN_GATE, 'harmed'), String(process.pid));
      return harms[name]();
    };
"#;

/// What becomes of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It ends, with the calls that it has.
    Ends,
    /// It serves on; the call's own status.
    Lives(u16),
}

/// Two workers with an open call each; one of them is harmed.
#[track_caller]
fn check_harm(code: fn(&str) -> Option<Function>, source: &str, name: &str, fate: Fate) {
    let Some(function) = code(source) else { return };
    let mut heeler = function.start(&[("workers", "2"), ("worker_concurrency", "4")]);
    eventually("both are up", || said(&heeler, "worker is up") == 2);
    let neighbours = [(); 2].map(|()| call_aside(&heeler, "/neighbour"));
    wait_noted(&function.gate, "neighbour", 2);
    let answer = heeler.get(&format!("/{name}"));
    let harmed: i32 = std::fs::read_to_string(function.gate.file("harmed")).expect("a pid").parse().expect("a pid");
    match fate {
        Fate::Ends => {
            answer.assert_made_by_heeler(502, "worker");
            tree::wait_until_gone(&[harmed]);
            eventually("another one is up", || said(&heeler, "worker is up") == 3);
        }
        Fate::Lives(status) => {
            assert_eq!(answer.status, status, "{name}: {}", answer.text());
            assert_eq!(starts(&heeler), 2, "{name} ended a worker");
        }
    }
    for _ in 0..8 {
        assert_eq!(heeler.get("/fine").assert_ok().text(), "fine", "{name}");
    }
    function.gate.open();
    let answers = neighbours.map(|neighbour| neighbour.join().expect("a caller"));
    let failed = answers.iter().filter(|(status, _)| *status != 200).count();
    assert_eq!(failed, usize::from(fate == Fate::Ends), "{name}: {answers:?}");
    assert!(fate != Fate::Ends || answers.iter().all(|(_, text)| *text != harmed.to_string()), "{name}: {answers:?}");
    heeler.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0, "{name}");
}

#[test]
fn python_that_ends_its_worker() {
    for name in ["exit", "crash", "term", "close-all", "write-to-sockets"] {
        check_harm(Function::python, PYTHON, name, Fate::Ends);
    }
}

#[test]
fn python_that_its_worker_survives() {
    for (name, status) in [
        ("sys-exit", 500),
        ("fork", 200),
        ("fork-and-die", 200),
        ("raise-in-thread", 200),
        ("flood", 200),
        ("close-standard", 200),
        ("change-everything", 200),
        ("daemon", 200),
    ] {
        check_harm(Function::python, PYTHON, name, Fate::Lives(status));
    }
}

#[test]
fn node_that_ends_its_worker() {
    for name in ["exit", "exit-later", "crash", "kill", "close-all", "write-to-sockets"] {
        check_harm(Function::node, NODE, name, Fate::Ends);
    }
}

#[test]
fn node_that_its_worker_survives() {
    for name in ["flood", "close-standard", "change-everything", "end-stdout"] {
        check_harm(Function::node, NODE, name, Fate::Lives(200));
    }
}

/// The worker finishes its other calls first, and another one takes its place.
#[test]
fn an_exception_that_belongs_to_no_call_costs_none() {
    let code = r#"
        const meet = require('./meet');
        exports.handle = async (request) => {
          if (request.path !== '/neighbour') return 'fine';
          meet.note('neighbour');
          await meet.until('open');
          return String(process.pid);
        };
        const outside = setInterval(() => {
          if (!meet.has('throw')) return;
          clearInterval(outside);
          meet.note('thrown');
          throw new Error('outside of all calls');
        }, 5);
    "#;
    let Some(function) = Function::node(code) else { return };
    let heeler = function.start(&[]);
    let neighbour = call_aside(&heeler, "/neighbour");
    wait_noted(&function.gate, "neighbour", 1);
    function.gate.let_go("throw");
    eventually("it was thrown", || noted(&function.gate, "thrown") >= 1);
    assert_eq!(heeler.get("/fine").assert_ok().text(), "fine");
    function.gate.open();
    assert_eq!(neighbour.join().expect("a caller").0, 200);
    let all = || [heeler.stderr.text(), heeler.stdout.text()].concat();
    eventually("the log has it", || all().contains("outside of all calls"));
}

/// A caller may bring them about, where a function repeats what it was sent: they must not end the worker that others are at.
#[test]
fn a_head_that_http_does_not_allow_costs_its_call_alone() {
    let code = r#"
        import meet

        def handle(request):
            if request.path == "/neighbour":
                meet.note("neighbour")
                meet.wait("open")
            return {"statusCode": 200, "headers": {"x-echo": "a\x01" + request.path}, "body": "evil"} \
                if request.path == "/value" else "fine"
    "#;
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[("worker_concurrency", "4")]);
    let neighbour = call_aside(&heeler, "/neighbour");
    wait_noted(&function.gate, "neighbour", 1);
    for _ in 0..3 {
        let answer = heeler.get("/value");
        answer.assert_made_by_heeler(502, "bad_head");
        assert_eq!(
            answer.text(),
            "bad_head: the function's answer has a header x-echo with a value that HTTP does not allow\n"
        );
    }
    function.gate.open();
    assert_eq!(neighbour.join().expect("a caller"), (200, "fine".to_owned()));
    assert_eq!(said(&heeler, "worker started"), 1);
}

/// What a call leaves running ends with heeler, and holds neither the socket nor the answer.
#[test]
fn daemons_end_with_heeler() {
    let Some(function) = Function::python(PYTHON) else { return };
    let mut heeler: Heeler = function.start(&[]);
    heeler.get("/daemon").assert_ok();
    let left: Vec<i32> =
        heeler.descendants().iter().filter(|process| process.name == "sleep").map(|process| process.pid).collect();
    assert_eq!(left.len(), 1);
    heeler.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    tree::wait_until_gone(&left);
}

/// Killed again and again while calls go on: each costs the calls of that worker and no others.
#[test]
fn python_killed_under_load() {
    const KILLS: usize = 5;
    let code = "def handle(request):\n    return request.data\n";
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[("workers", "2"), ("worker_concurrency", "1")]);
    eventually("both are up", || said(&heeler, "worker is up") == 2);
    let (over, failed) = (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (heeler, over, failed) = (&heeler, &over, &failed);
            scope.spawn(move || {
                let mut conn = heeler.conn();
                while !over.load(order) {
                    let body = format!("caller {caller}");
                    let answer = conn.call(&Request::post("/", body.as_str()));
                    match answer.status {
                        200 => assert_eq!(answer.text(), body),
                        502 => drop(failed.fetch_add(1, order)),
                        status => panic!("{status}: {}", answer.text()),
                    }
                }
            });
        }
        for kill in 0..KILLS {
            let workers = heeler.descendants();
            let up = said(&heeler, "worker is up");
            tree::kill_if_there(workers[kill % workers.len()].pid);
            if !crate::support::within(crate::support::PATIENCE, || said(&heeler, "worker is up") > up) {
                break;
            }
        }
        over.store(true, order);
    });
    assert!(failed.load(order) <= KILLS, "{failed:?} calls failed by {KILLS} kills of workers with one place");
    assert_eq!(heeler.scrape().value("heeler_restarts_total", &[("cause", "signal")]), KILLS as f64);
}
