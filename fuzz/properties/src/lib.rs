//! What `clerk-actor-tokens-core` promises of any input, as functions that panic where a promise is broken.
//!
//! Each function takes arbitrary bytes, reads them as the input of its area, and compares what core makes of it with a
//! reading of its own. The fuzz targets call them, and so do the tests on stable: the promises stand once, here. Not a
//! place for examples: those are in `fuzz/corpus`.
//!
//! All of it is bounded: of an input longer than [`MOST`] bytes the rest is left out.
#![allow(clippy::expect_used, clippy::panic, reason = "a broken promise is a panic")]

mod base_url;
mod canary;
mod error_body;
mod exchange;
mod ids;
mod input;
mod json;
mod retry_after;
mod salvage;
mod token;

/// A promise about arbitrary bytes. Panics where it is broken.
pub type Property = fn(&[u8]);

/// Every property, under the name of its fuzz target and its folder of `fuzz/corpus`.
pub const PROPERTIES: [(&str, Property); 6] = [
    ("base_url", base_url::check),
    ("error_body", error_body::check),
    ("ids", ids::check),
    ("retry_after", retry_after::check),
    ("salvage", salvage::check),
    ("token", token::check),
];

pub use base_url::check as base_url;
pub use error_body::check as error_body;
pub use ids::check as ids;
pub use input::MOST;
pub use retry_after::check as retry_after;
pub use salvage::check as salvage;
pub use token::check as token;
