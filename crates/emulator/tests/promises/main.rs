//! What the emulator promises, seen from outside: one program, so that it is linked once.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

mod support;

mod behaviours;
mod bytes;
mod catalogue;
#[cfg(feature = "serve")]
mod detached;
mod errors;
mod executors;
mod fault_details;
mod fault_names;
mod hold;
mod hold_hostile;
mod kept;
mod lifecycle;
mod messages;
mod requests;
#[cfg(feature = "serve")]
mod serve;
mod sessions;
mod snapshots;
#[cfg(feature = "signing")]
mod tokens;
mod transport;
