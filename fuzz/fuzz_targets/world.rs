//! A whole room in the simulator, which checks every promise.

#![no_main]

use chatapp_simulator::keys::Crypto;
use chatapp_simulator::small_room::run_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run_bytes(bytes, Crypto::NullCipher));
