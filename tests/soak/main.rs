//! A soak of the real binary: every mode at once, with good calls on kept connections and with faults beside them, for as
//! long as SOAK_SECONDS says (60), or until there were SOAK_CALLS calls. At the end, at rest, every heeler has what it had at
//! its start: descriptors, threads and processes, no zombie, and no more memory than after its warm-up, but for a tenth.
//!
//! `make soak` runs the long form on the release binary.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "its length is told from outside")]
#![allow(unreachable_pub, dead_code, reason = "each module uses its own part of the others")]

#[path = "../warm/function.rs"]
mod function;
#[path = "../support/mod.rs"]
mod support;

mod caller;
mod clock;
mod faults;
mod figures;
mod forks;
mod instance;
mod kinds;
mod table;

use std::time::Duration;

use clock::Clock;
use instance::Instance;
use support::PATIENCE;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

#[test]
fn everything_at_the_end_is_as_it_was() {
    let time = Duration::from_secs(setting("SOAK_SECONDS").unwrap_or(60));
    let clock = Clock::new(time, setting("SOAK_CALLS").unwrap_or(u64::MAX));
    let mut instances = kinds::all(time + PATIENCE * 6);
    instances.iter_mut().for_each(Instance::note_start);
    clock.begin(6);
    under_load(&instances, &clock);
    instances.iter_mut().for_each(Instance::note_warm);
    clock.begin(1);
    under_load(&instances, &clock);
    instances.iter_mut().for_each(Instance::note_end);
    let wrong: Vec<String> = instances.iter().flat_map(Instance::complaints).collect();
    table::show(&instances, &clock, &wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Callers and faults at all instances, until this part's time is over.
fn under_load(instances: &[Instance], clock: &Clock) {
    std::thread::scope(|scope| {
        for instance in instances {
            scope.spawn(|| caller::call_on(instance, clock));
            scope.spawn(|| faults::go_on(instance, clock));
        }
        clock.tell_until_over();
    });
}
