//! Any bytes as a path and headers in static mode.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::files(bytes));
