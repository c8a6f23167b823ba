//! A server under any datagrams, ticks and store results.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::server(bytes));
