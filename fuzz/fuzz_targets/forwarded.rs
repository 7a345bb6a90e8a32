//! Any bytes as a request on its way to an upstream.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::forwarded(bytes));
