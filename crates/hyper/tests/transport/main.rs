//! What the transport promises, against servers on loopback that send hand-written bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod exchange;
mod failures;
mod limits;
mod pool;
mod runtime;
mod support;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
