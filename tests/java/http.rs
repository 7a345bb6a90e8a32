//! HttpFunction through heeler: bodies that flow, calls beside each other, their ends, the worker's end.

use nix::sys::signal::Signal;

use crate::support::{Gate, Heeler, Request, assert_same, eventually, flow, pattern, three_events};
use crate::worker::{builder, framework, target};

const LARGE: usize = 64 << 20;
/// More than all buffers between function and caller hold.
const FLOOD: usize = 16 << 20;

fn slow(gate: &Gate, env: &[(&str, &str)]) -> Option<Heeler> {
    let own = [("FUNCTION_TARGET", "functions.Slow"), ("TESTFN_GATE", gate.path())];
    Some(builder(&own)?.envs(env).start())
}

#[test]
fn answers_of_every_kind() {
    let Some(heeler) = framework("Answers") else { return };
    assert_eq!(heeler.get("/").assert_ok().text(), "hello");
    assert_eq!(heeler.get("/status").status, 418);
    assert_eq!(heeler.get("/headers").all("x-a"), ["1", "2"]);
    assert_eq!(heeler.get("/bytes").assert_ok().body, [0, 1, 0xff]);
    assert_eq!(heeler.get("/large").assert_ok().body.len(), 1 << 20);
    assert_eq!(heeler.get("/favicon.ico").status, 404);
}

/// The JDK, the two interfaces, and nothing of the runtime's own.
#[test]
fn a_function_sees_what_is_its_own_and_the_interfaces() {
    let Some(heeler) = framework("Answers") else { return };
    assert_eq!(heeler.get("/loader").assert_ok().text(), "true false false true true true");
}

#[test]
fn an_exception_is_500_and_its_text_is_for_the_log() {
    let Some(heeler) = framework("Answers") else { return };
    let answer = heeler.get("/throw");
    answer.assert_made_by_heeler(500, "raised");
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    heeler.stderr.wait_for("a secret");
    heeler.get("/").assert_ok();
}

/// A body that were held would be more than the JVM has, heap and buffers outside of it together.
#[test]
fn bodies_flow_through_a_worker_that_could_not_hold_them() {
    let own = [("FUNCTION_TARGET", "functions.Echo"), ("JAVA_TOOL_OPTIONS", "-Xmx24m -XX:MaxDirectMemorySize=16m")];
    let Some(builder) = builder(&own) else { return };
    let heeler = builder.start();
    let piece = pattern(1 << 20);
    assert_same(&heeler.post("/", &piece[..70_000]).assert_ok().body, &piece[..70_000], "a small body");
    flow(&mut heeler.conn(), "/", &piece, LARGE);
}

#[test]
fn pieces_go_out_when_the_function_flushes() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[]) else { return };
    three_events(&mut heeler.conn(), &gate);
}

#[test]
fn a_slow_caller_stalls_its_own_call_only() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[]) else { return };
    let mut stalled = heeler.conn();
    stalled.send(&Request::get("/flood").bytes());
    let mut head = stalled.read_head().expect("a head");
    for _ in 0..20 {
        assert_eq!(heeler.get("/").assert_ok().text(), "quick");
    }
    assert!(!gate.has("flooded"), "16 MiB went somewhere while nobody read them");
    stalled.read_body(&mut head, "GET").expect("the rest");
    assert_eq!(head.body.len(), FLOOD);
}

#[test]
fn many_calls_at_once_each_with_its_own_thread() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[]) else { return };
    let mut held: Vec<_> = (0..40)
        .map(|number| {
            let mut conn = heeler.conn();
            conn.send(&Request::get(&format!("/hold?{number}")).bytes());
            conn
        })
        .collect();
    gate.wait_count("held.", 40);
    assert_eq!(heeler.get("/").assert_ok().text(), "quick");
    gate.open();
    for (number, conn) in held.iter_mut().enumerate() {
        assert_eq!(conn.read_response("GET").expect("an answer").text(), format!("held {number}"));
    }
}

#[test]
fn the_deadline_is_504_and_interrupts_the_function() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[("exec_timeout", "1s")]) else { return };
    let worker = heeler.descendants()[0].pid;
    assert_eq!(heeler.get("/sleep").status, 504);
    gate.wait_for("interrupted");
    assert_eq!(heeler.get("/").assert_ok().text(), "quick");
    assert_eq!(heeler.descendants()[0].pid, worker, "the worker goes on");
}

#[test]
fn a_caller_that_leaves_interrupts_the_function() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[]) else { return };
    let mut conn = heeler.conn();
    conn.send(&Request::get("/sleep").bytes());
    gate.wait_for("asleep");
    drop(conn);
    gate.wait_for("interrupted");
}

#[test]
fn printed_lines_have_their_calls_id() {
    let gate = Gate::new();
    let Some(heeler) = slow(&gate, &[]) else { return };
    heeler.call(&Request::get("/some").header("X-Call-Id", "the-id")).assert_ok();
    let line = heeler.stdout.wait_for_json("the line", |line| line["call_id"] == "the-id");
    assert_eq!(line["msg"], "asked for /some");
}

#[test]
fn term_lets_calls_finish_and_closes_the_function() {
    let gate = Gate::new();
    let Some(mut heeler) = slow(&gate, &[("shutdown_delay", "0")]) else { return };
    let mut conn = heeler.conn();
    conn.send(&Request::get("/hold?1").bytes());
    gate.wait_for("held.1");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    gate.open();
    assert_eq!(conn.read_response("GET").expect("an answer").text(), "held 1");
    heeler.stderr.wait_for("the function is closed");
    assert_eq!(heeler.exit_code(), 0);
}

/// What the image's build makes, so that Java starts sooner.
#[test]
fn the_class_archive_is_used() {
    let Some(target) = target() else { return };
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("java");
    std::fs::create_dir(&folder).unwrap();
    let jar = folder.join("heeler.jar");
    std::fs::copy(target.join("runtimes/java/heeler.jar"), &jar).unwrap();
    let archive = format!("-XX:ArchiveClassesAtExit={}", folder.join("heeler.jsa").display());
    let made = std::process::Command::new("java").args([&archive, "-jar"]).arg(&jar).arg("--warm-up").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let env = [("FUNCTION_TARGET", "functions.Answers"), ("runtimes", place.path().to_str().unwrap())];
    let heeler = builder(&env).unwrap().start();
    assert_eq!(heeler.get("/").assert_ok().text(), "hello");
    let worker = heeler.descendants()[0].pid;
    let mapped =
        || std::fs::read_to_string(format!("/proc/{worker}/maps")).is_ok_and(|maps| maps.contains("heeler.jsa"));
    eventually("the archive is mapped", mapped);
}
