//! A client under any datagrams, commands and ticks.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::client(bytes));
