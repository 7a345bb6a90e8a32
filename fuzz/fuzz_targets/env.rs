//! Any bytes as a request in a child's environment.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::env(bytes));
