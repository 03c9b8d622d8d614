//! What only real sockets show, each as a figure and as a check: closing a client with calls in flight, connections that
//! the server closes when they are idle, stalls in every phase, redirects, and answers without end. Also servers that take few
//! streams or go away, calls that are dropped beside others, and a process that is stopped.
//!
//! Each room runs at the size that it is given: large in the binary `wire`, small in `tests/wire.rs`. What must hold is
//! the same at both. A room returns what it measured, with every promise that was broken in words; speed is measured and
//! never asserted. The schedules of faults over sockets are in [`schedules`](crate::schedules::sockets).

pub mod clerk;
pub mod close;
pub mod dropped;
pub mod flood;
pub mod idle;
mod latency;
mod ledger;
pub mod memory;
pub mod over;
pub mod protocol;
mod raw;
pub mod redirects;
pub mod stalls;
pub mod stopped;
pub mod streams;
pub mod truthful;

/// Why a room could not do its work at all: the machine gave no socket, say.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
