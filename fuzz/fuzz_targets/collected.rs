//! Any bytes as a list of failed events.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::collected(bytes));
