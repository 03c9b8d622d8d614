//! What tests share that cross the crates: a search for credentials, the book's table of failures as an oracle, and the
//! checks of imports and of prose. And the book's pages, so that each of their snippets is compiled and run as a
//! documentation test.

pub mod canary;
pub mod error_samples;
pub mod failures_page;
pub mod imports;
pub mod prose;
pub mod schedules;
pub mod wire;

#[cfg(doctest)]
mod book;
