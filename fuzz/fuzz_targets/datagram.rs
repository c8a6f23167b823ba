//! Parsing is total, and whatever parses is emitted again with the same meaning.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::datagram(bytes));
