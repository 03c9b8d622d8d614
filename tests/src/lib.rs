//! What tests share that cross the crates: a search for credentials, the book's table of failures as an oracle, and the
//! checks of imports and of prose.

pub mod canary;
pub mod error_samples;
pub mod failures_page;
pub mod faults;
pub mod imports;
pub mod prose;
pub mod schedules;
pub mod wire;
