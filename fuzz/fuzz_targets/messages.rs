//! Any bytes as one message of a worker's.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::messages(bytes));
