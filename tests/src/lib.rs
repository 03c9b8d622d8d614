//! What tests share that cross the crates: a search for credentials, and the book's table of failures as an oracle. And
//! the book's pages, so that each of their snippets is compiled and run as a documentation test.

pub mod canary;
pub mod failures_page;
pub mod schedules;
pub mod wire;

#[cfg(doctest)]
mod book;
