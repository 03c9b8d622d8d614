//! What core promises, seen from outside: one program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod common;

mod answers;
mod budget;
mod careful_reader;
mod close;
mod deadline;
mod detach;
mod dropped_exchanges;
mod end_time;
mod error_advice;
mod error_status;
mod error_texts;
mod exposure_and_stamp;
mod failure_rules;
mod gate;
mod held_hostile;
mod hold;
mod hold_programs;
mod hostile;
mod middleware_claims;
mod never_twice;
mod observed;
mod orphans;
mod own_middleware;
mod rate_limit;
mod record;
mod requests;
mod salvage;
mod secrets;
mod send_state;
mod sessions;
#[cfg(feature = "tracing")]
mod spans;
mod types;
