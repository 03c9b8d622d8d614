//! Tests without a network.
//!
//! | to test | use | feature |
//! | --- | --- | --- |
//! | your code against Clerk's behaviour, with faults and virtual time | the emulator | `emulator` |
//! | a program in another process or language | the emulator's server | `emulator-serve` |
//! | that program, from a test in Rust | the emulator's `control_client` | `emulator-control-client` |
//! | your code against a trait | `MockActorTokensApi` | `mockall` |
//! | the requests that a client sends | `ScriptedTransport`, `CapturingTransport` | `mock` |
//! | a transport of your own | the conformance kit | `conformance` |

/// Holds a transport, or what wraps one, to the contract of [`HttpTransport`](crate::transport::HttpTransport).
#[cfg(feature = "conformance")]
pub use clerk_actor_tokens_conformance as conformance;
/// Clerk in memory: as a transport and, with the feature `emulator-serve`, as a loopback server.
#[cfg(feature = "emulator")]
pub use clerk_actor_tokens_emulator as emulator;
/// Test doubles, and a page that says which is for what.
#[cfg(feature = "mock")]
pub use clerk_actor_tokens_mock as mock;
