//! The control plane, over a socket: what it answers is what its description says, and a page from elsewhere may not ask.
#![cfg(feature = "control")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and shows its figure"
)]

mod bounds;
mod client;
mod described;
mod flows;
mod guarded;
mod pages;
mod secrets;
#[cfg(feature = "control-client")]
mod typed;
