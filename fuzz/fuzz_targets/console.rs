//! Any lines, typed and received: they are understood or refused, and never drive the display.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_fuzz::console(bytes));
