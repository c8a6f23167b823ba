//! Tests of the store through its public interface: content, keys, errors and power cuts.

mod backup;
mod common;
mod content;
mod keys;
mod medium;
mod power_cut;
mod shim;
mod shown;
mod trouble;
