//! The wire contract of Clerk, as JSON Schemas: what the client sends fits them, and so does what the emulator answers.
//!
//! The schemas are in `tests/contract`. What they have to say is written down here once more, in `shapes.rs`.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and the figures are shown"
)]

mod answers;
mod loosened;
mod requests;
mod schemas;
mod sessions;
mod shape;
mod shapes;
