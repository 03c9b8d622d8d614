//! What the transport promises, against servers on loopback that send hand-written bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails by panicking, and figures are printed"
)]

mod exchange;
mod failures;
mod h2_peer;
mod heads;
mod http2;
mod limits;
mod lying_peer;
mod pool;
mod refusals;
mod runtime;
mod support;
mod withheld;

// With connectors of their own.
#[cfg(feature = "connector")]
mod connector;
#[cfg(feature = "connector")]
mod late;
#[cfg(feature = "connector")]
mod pressure;
#[cfg(feature = "connector")]
mod send_state;

// With TLS.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod certs;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod child;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod environment;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod proxy;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod proxy_responses;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod socks;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tap;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls_bad_servers;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls_options;
