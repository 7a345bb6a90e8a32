//! Any bytes as a request at the front.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::requests(bytes));
