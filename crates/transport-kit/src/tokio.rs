//! Tokio's clock and runtime as core's seams.

pub(crate) mod executor;
pub(crate) mod runtime;
pub(crate) mod timer;
