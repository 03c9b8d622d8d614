//! Watching calls: what an observer is given, for counters, durations and alarms.
//!
//! [Observing calls](crate::guide::observing) has spans, events and metrics.

#[doc(inline)]
pub use clerk_actor_tokens_core::{AttemptEnded, CallEnded, Observer, OrphanEnd};
