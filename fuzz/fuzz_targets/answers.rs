//! Any bytes as an upstream's answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::answers(bytes));
