//! The server by its bytes, in four ways: HTTP/1.1 and HTTP/2, in the clear and over TLS.
//!
//! The catalogue of faults is in `catalogue.rs`, what else connections do in `connections.rs`, what HTTP/2 does with many
//! streams in `streams.rs`.
#![cfg(feature = "tls")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails, and figures are printed"
)]

mod catalogue;
mod connections;
mod frames;
mod look;
mod seen;
mod streams;
mod tee;
mod ways;

use std::time::Duration;

/// A bound, so that a test that would hang fails. Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a silence is waited for, once all has come that should. A slow machine can only make this too mild.
const SILENCE: Duration = Duration::from_millis(100);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits until something is so that another task makes so.
async fn until_async(so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was so");
}
