//! Any bytes as arguments of each command.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::words(bytes));
