//! The end under load, over and over: TERM at 64 connections in every mode, and no call that was accepted is lost.
//!
//! The long form is one of `make soak`'s; DRAIN_CYCLES says how many cycles it has in each mode.
#![allow(clippy::disallowed_methods, reason = "its length is told from outside")]
#![allow(unreachable_pub, reason = "a module of other tests")]

mod support;

#[allow(dead_code, reason = "only its functions' folders are used here")]
#[path = "warm/function.rs"]
mod function;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use function::Function;
use support::load::{self, Tally};
use support::{ALL_MODES, Heeler, Request, echo_of, pattern};

const CONNECTIONS: usize = 64;

/// Gives its request's body back, in each language that is here.
const PYTHON: &str = "def handle(request):\n    return request.data\n";
const NODE: &str = "exports.handle = (req, res) => { res.end(req.rawBody); };";

const AT_ONCE: (&str, &str) = ("shutdown_delay", "0");

/// What ends, again and again; `function` goes with the value.
enum Kind {
    Mode(&'static str),
    Function(&'static str, &'static str, Function),
}

impl Kind {
    /// All modes, and workers in languages that are here.
    fn all() -> Vec<Kind> {
        let functions = [("python", "hks", Function::python(PYTHON)), ("node", "http", Function::node(NODE))];
        let functions =
            functions.into_iter().filter_map(|(name, style, function)| Some(Kind::Function(name, style, function?)));
        ALL_MODES.into_iter().map(Kind::Mode).chain(functions).collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Kind::Mode(name) | Kind::Function(name, ..) => name,
        }
    }

    fn start(&self) -> Heeler {
        match self {
            Kind::Mode(mode) => Heeler::play(mode, echo_of(mode), &[AT_ONCE]),
            Kind::Function(_, style, function) => function.start(&[AT_ONCE, ("handler_style", style)]),
        }
    }
}

/// Nothing here takes time, and there is no delay: what ends later than this has waited for something that never came. The
/// limit that would end it is `drain_timeout`, which is longer.
const MOST: Duration = Duration::from_secs(10);

/// TERM while every connection has a call under way: each gets its whole answer, and heeler ends with 0 in time.
fn term_under_load(kind: &Kind, cycles: usize) {
    let (tally, mut slowest, began) = (Tally::default(), Duration::ZERO, Instant::now());
    let body = pattern(100);
    let request = Request::post("/", body.clone()).header("Content-Type", "application/octet-stream");
    for _ in 0..cycles {
        let took = load::term_under_load(kind.start(), &request, &body, CONNECTIONS, &tally);
        assert!(took < MOST, "{}: the end took {took:?}", kind.name());
        slowest = slowest.max(took);
    }
    let [answered, lost, unheard] = [&tally.answered, &tally.lost, &tally.unheard].map(|of| of.load(Ordering::Relaxed));
    eprintln!(
        "drain: {}: {cycles} cycles at {CONNECTIONS} connections, {answered} calls answered, {lost} lost, {unheard} on new \
         connections without an answer, slowest end {slowest:.2?}, {:.0?} in all",
        kind.name(),
        began.elapsed()
    );
    assert_eq!(lost, 0, "{}: {tally:?}", kind.name());
    // A connection may come just as the door is closed; that of one in 64 is many already.
    assert!(unheard <= cycles, "{}: {tally:?}", kind.name());
}

#[test]
fn term_under_load_loses_no_call() {
    Kind::all().iter().for_each(|kind| term_under_load(kind, 5));
}

#[test]
#[ignore = "many cycles: make soak"]
fn term_under_load_loses_no_call_in_many_cycles() {
    let cycles = std::env::var("DRAIN_CYCLES").map_or(200, |cycles| cycles.parse().expect("a number of cycles"));
    Kind::all().iter().for_each(|kind| term_under_load(kind, cycles));
}
