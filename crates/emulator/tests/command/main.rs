//! The command: it says where it listens, answers there, and ends.
#![cfg(feature = "cli")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

#[path = "../promises/support.rs"]
mod support;

#[cfg(unix)]
mod endings;
mod faults;
#[cfg(unix)]
mod guide;
mod health;
mod listening;
#[cfg(target_os = "linux")]
mod namespace;
mod running;
mod secrets;
mod settings;
mod sources;
mod tls;
#[cfg(feature = "control-client")]
mod typed_client;
