//! What a call of `clerk-actor-tokens` costs, beside the loops that a good engineer would write by hand.
//!
//! All make the same exchange ([`exchange`]) with the same [peer], a process of its own, so that what is
//! [measured](measure) is the client's process alone. Between the hand-written [`floor`] and the whole [`library`] lie the
//! [layers](layer) in which the difference is made. [`rounds`] is the loop that measures, [`callgrind`] counts
//! instructions. What is measured are the sections of the book's [`page`]: [`calls`], [`instructions`],
//! [`requirements`], [`cold`], [`memory`]. What the emulator costs is in [`emulator`].
//!
//! Not responsible for speed: latency and throughput over loopback say nothing of a network.

mod by_hand;
pub mod by_reqwest;
pub mod by_ureq;
pub mod callgrind;
pub mod calls;
pub mod chart;
pub mod cold;
pub mod emulator;
pub mod exchange;
pub mod floor;
pub mod instructions;
pub mod layer;
pub mod library;
pub mod load;
pub mod measure;
pub mod memory;
pub mod observed;
pub mod page;
pub mod peer;
pub mod plugged;
pub mod protocol;
pub mod requirements;
pub mod rounds;
pub mod size;
pub mod statistics;
pub mod table;
mod tls;
pub mod work;

/// Whatever went wrong. A benchmark ends at the first failure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
