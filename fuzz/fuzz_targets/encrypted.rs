//! Encrypted datagrams and stored messages, with working keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::encrypted(bytes));
