//! The book's samples of errors: every public error, made by a real call or a real mistake, and printed.
//!
//! The page is what this makes, to the letter. Texts are read there as a user reads them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of tests fails by a panic"
)]

mod calls;
mod markdown;
mod over_hyper;
mod refusals;

use std::path::PathBuf;

/// How the page begins.
const INTRODUCTION: &str = "\
# Samples of errors

A test makes each error on this page, and compares the page with the result.
`cargo run -p clerk-actor-tokens-tests --bin error-samples` writes the page anew.
";

/// Returns the file of the page.
#[must_use]
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/error-samples.md")
}

/// Makes the page.
///
/// # Panics
/// If a sample is no error.
#[must_use]
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    calls::write(&mut page);
    refusals::write(&mut page);
    page
}
