//! Which connection a request is moved to: one pool for each runtime, and in it one for each origin.
//!
//! A connection is used only from the runtime that drives it. Not responsible for opening connections (`connection/open.rs`)
//! or for one exchange (`transport.rs`).

mod alone;
mod attempt;
mod lease;
mod origin;
mod runtimes;
mod state;

pub(crate) use self::{
    lease::{Lease, OpenFailed},
    origin::OriginPool,
    runtimes::Runtimes,
};
