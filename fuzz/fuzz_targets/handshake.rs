//! The messages of a handshake, with real keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::handshake(bytes));
