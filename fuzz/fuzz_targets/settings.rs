//! Any bytes as the value of a setting.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::settings(bytes));
