//! Workers that mean harm beside one that does not: nothing of theirs is ever taken for an answer, and heeler lives on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::kept::probe;
use crate::support::working::said;
use crate::support::{Builder, Conn, Failure, Gate, Heeler, PATIENCE, Request, eventually, testfn, tree};

/// What callers saw.
#[derive(Debug, Default)]
struct Seen {
    good: AtomicUsize,
    /// Right answers of hostile workers.
    right: AtomicUsize,
    /// No answers of theirs.
    failed: AtomicUsize,
}

impl Seen {
    fn cases(&self) -> usize {
        self.right.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }
}

fn foes(words: &str, gate: &Gate) -> Builder {
    let command = testfn(&format!("foe {words}"));
    let env = [("mode", "warm"), ("fprocess", &command), ("kill_grace", "300ms"), ("exec_timeout", "1s")];
    Heeler::builder().envs(&env).env("TESTFN_GATE", gate.path()).metrics()
}

/// Calls until it is over: each has a body of its own, which is the only right answer.
fn call_on(heeler: &Heeler, caller: usize, over: &AtomicBool, seen: &Seen) {
    let mut conn = heeler.conn();
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let body = format!("call {number} of {caller}");
        let answer = match conn.try_call(&Request::post("/", body.as_str())) {
            Ok(answer) => answer,
            Err(Failure::Cut(_) | Failure::Nothing) => {
                seen.failed.fetch_add(1, Ordering::Relaxed);
                conn = heeler.conn();
                continue;
            }
            Err(other) => panic!("{other:?}"),
        };
        let which = match (answer.status, answer.header("x-good")) {
            (200, Some(_)) => &seen.good,
            (200, None) => &seen.right,
            (500 | 502 | 504, None) => {
                assert_ne!(answer.reason(), "", "{}", answer.text());
                assert!(!answer.text().contains("evil"), "{}", answer.text());
                &seen.failed
            }
            (status, _) => panic!("{status}: {}", answer.text()),
        };
        assert!(answer.status != 200 || answer.text() == body, "a wrong answer to {body:?}: {:?}", answer.text());
        which.fetch_add(1, Ordering::Relaxed);
    }
}

/// Until so many calls have been at hostile workers.
fn play(heeler: &Heeler, callers: usize, cases: usize) -> Seen {
    let (seen, over) = (Seen::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let (seen, over) = (&seen, &over);
                scope.spawn(move || call_on(heeler, caller, over, seen))
            })
            .collect();
        // One that has panicked says more than this would.
        let began = std::time::Instant::now();
        while seen.cases() < cases
            && !callers.iter().any(|caller| caller.is_finished())
            && began.elapsed() < PATIENCE * 6
        {
            assert_eq!(probe(heeler, "/_/health").0, 200);
            crate::support::pass(std::time::Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
    seen
}

#[track_caller]
fn check(seed: u64, cases: usize) {
    let gate = Gate::new();
    let mut heeler = foes(&seed.to_string(), &gate).env("workers", "4").start();
    let seen = play(&heeler, 8, 200);
    let before = tree::size(heeler.pid, "VmHWM");
    let more = play(&heeler, 8, cases);
    let grown = tree::grown(heeler.pid, "VmHWM", before) >> 20;
    let told = format!("seed {seed}: {more:?}, {} lives", said(&heeler, "worker started"));
    eprintln!("{told}; {grown} MiB more");
    assert!(more.cases() >= cases, "{told}");
    assert!(seen.good.into_inner() + more.good.into_inner() > 100, "{told}");
    // Enough of them for wrong ones to show. How many there are hangs on how many calls share a worker that breaks.
    assert!(more.right.into_inner() > cases / 10, "{told}");
    assert!(grown < 16, "heeler took {grown} MiB more, {told}");
    assert!(heeler.runs());
    for lines in [&heeler.stdout, &heeler.stderr] {
        let panicked = lines.all().into_iter().find(|line| line.contains("panicked"));
        assert_eq!(panicked, None);
        assert!(
            lines.all().iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
            "a line in pieces"
        );
    }
    heeler.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn no_wrong_answer_reaches_a_caller() {
    check(1, 1_500);
}

/// `cargo test --test warm -- --ignored many_seeds`
#[test]
#[ignore = "a minute of it; each seed plays something else"]
fn many_seeds() {
    (2..22).for_each(|seed| check(seed, 3_000));
}

/// They never come up: the good one serves all calls, and starts of the others are ever further apart.
#[test]
fn what_is_played_before_hello_harms_nobody() {
    let gate = Gate::new();
    let heeler = foes("7 early", &gate).env("workers", "3").env("start_timeout", "1s").start();
    gate.open();
    let mut conn: Conn = heeler.conn();
    eventually("eight of them have failed", || {
        assert_eq!(conn.call(&Request::post("/", "hello")).assert_ok().header("x-good"), Some("1"));
        said(&heeler, "worker is started again") >= 8
    });
    assert_eq!(probe(&heeler, "/_/ready"), (200, "OK".to_owned()));
}
