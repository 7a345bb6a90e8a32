//! Any bytes as the environment of heeler itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::environment(bytes));
