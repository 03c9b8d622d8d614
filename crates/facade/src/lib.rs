#![cfg_attr(all(feature = "hyper", feature = "mock", feature = "emulator"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "hyper", feature = "mock", feature = "emulator")),
    doc = "Clerk's actor tokens (user impersonation) from Rust. The full page needs the features `hyper`, `mock` and `emulator`, which its examples use."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use clerk_actor_tokens_core::*;

/// Clerk in memory, for tests: as a transport and, with the feature `emulator-serve`, as a loopback server.
#[cfg(feature = "emulator")]
pub use clerk_actor_tokens_emulator as emulator;
/// The hyper transport, and [`client`](clerk_actor_tokens_hyper::client), the three-line start.
#[cfg(any(feature = "hyper", feature = "hyper-ring", feature = "hyper-no-tls"))]
pub use clerk_actor_tokens_hyper as hyper;
/// Test doubles, and a page that says which is for what.
#[cfg(feature = "mock")]
pub use clerk_actor_tokens_mock as mock;
