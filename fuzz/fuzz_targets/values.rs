//! Any bytes as values in an event.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::values(bytes));
