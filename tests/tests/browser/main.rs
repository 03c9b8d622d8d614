//! The emulator's page, in a browser: Chromium without a window, by WebDriver.
//!
//! They need Debian's `chromium` and `chromium-driver`, so a plain `cargo test` leaves them out and `.ci/run` runs them. They
//! are here, and not beside the emulator, because a client calls it over a socket too.
//!
//! `SCREENSHOTS=docs/src/images` writes the pictures of the book; `AXE=.../axe.min.js` is what `accessible.rs` needs.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

mod accessible;
mod application;
mod attacked;
mod attacker;
mod driver;
mod emulated;
mod keyboard;
mod looked_at;
mod mouse;
mod tab;
