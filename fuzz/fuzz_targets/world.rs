//! A whole room in the simulator, which checks every promise.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chatapp_simulator::run::run_bytes(bytes));
