//! Whether the project's prose keeps its rules: short sentences, plain words, links that lead somewhere.
//!
//! This module is responsible for what a sentence, a word and a link are, in Markdown and in Rust, and for what breaks a
//! rule. It is not responsible for which files there are: `cargo run -p clerk-actor-tokens-tests --bin prose` reads them.
//!
//! The rules:
//! - A sentence has at most [`LONGEST_SENTENCE`] words. Inline code is one word, and a link counts as its text. Headings
//!   and code blocks are left out. A table is checked cell by cell.
//! - A word of [`Banned`] is not used. Headings count here. So do comments, documentation and string literals of Rust,
//!   also those of a Rust snippet in Markdown. Identifiers, inline code and other code blocks do not count.
//! - A relative link leads to a file that exists, and its fragment to a heading of that file.

mod banned;
mod links;
mod markdown;
mod passage;
mod rust;

pub use self::{
    banned::{Allowed, Banned, Use},
    links::{Dead, dead_links, relative_links},
    markdown::{Link, Page},
    passage::{LONGEST_SENTENCE, Passage, Word},
    rust::texts_of_rust,
};

#[cfg(test)]
mod tests;
