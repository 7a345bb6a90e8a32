//! The engine stops a container while calls come: none is lost, and it is over well before the engine would kill.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::boxed::{Kind, echo};
use super::support::load::{Tally, under_load};

const CALLERS: usize = 16;

/// Longer than heeler may take, so that what ends by the engine's KILL is told from what ends by itself.
const GRACE: Duration = Duration::from_secs(60);

fn loses_nothing(name: &str) {
    let Some(kind) = Kind::of(name) else { return };
    let container = kind.boxed().serve(&echo());
    let tally = Tally::default();
    let mut took = Duration::ZERO;
    let mut code = -1;
    under_load(container.address(), &echo(), b"some bytes", CALLERS, &tally, || {
        let began = Instant::now();
        code = container.stop(GRACE);
        took = began.elapsed();
    });
    assert_eq!(tally.lost.load(Ordering::Relaxed), 0);
    assert_eq!(code, 0);
    assert!(took < GRACE / 2, "{took:?}");
}

#[test]
fn custom_loses_no_call() {
    loses_nothing("custom");
}

#[test]
fn python_loses_no_call() {
    loses_nothing("python");
}

#[test]
fn node_loses_no_call() {
    loses_nothing("node");
}

#[test]
fn java_loses_no_call() {
    loses_nothing("java");
}

#[test]
fn go_loses_no_call() {
    loses_nothing("go");
}
