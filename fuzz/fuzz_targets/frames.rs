//! Any bytes as frames of a worker's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::frames(bytes));
