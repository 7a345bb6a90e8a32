//! Any bytes as what a CGI script prints.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heeler::fuzzed::cgi(bytes));
