//! The store through its public interface: what comes back, what it says when it is in trouble, and
//! what a power cut leaves.

mod common;
mod content;
mod keys;
mod power_cut;
mod shim;
mod trouble;
