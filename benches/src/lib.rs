//! What a call of `clerk-actor-tokens` costs, beside the loop that a good engineer would write by hand.
//!
//! Both make the same exchange ([`exchange`]) with the same [peer], a process of its own, so that what is
//! [measured](measure) is the client's process alone. Between the hand-written [`floor`] and the whole [`library`] lie the
//! [layers](layer) in which the difference is made. [`compare`] counts CPU time and allocations, [`instructions`] counts
//! instructions.
//!
//! Not responsible for speed: latency and throughput over loopback say nothing of a network.

pub mod compare;
pub mod exchange;
pub mod floor;
pub mod instructions;
pub mod layer;
pub mod library;
pub mod load;
pub mod measure;
pub mod peer;
pub mod report;

/// Whatever went wrong. A benchmark ends at the first failure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
