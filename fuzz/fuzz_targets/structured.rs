//! Any bytes as a structured event.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../../tests/events/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::any_structured(bytes));
