//! What a row of a table of cells is, and what the rows share.

use std::{borrow::Cow, sync::Arc};

use clerk_actor_tokens_core::{BoxFuture, HttpTransport};

use crate::stage::Checked;

/// Makes the transport of one cell.
pub(crate) type Make = Arc<dyn Fn() -> Arc<dyn HttpTransport> + Send + Sync>;
/// Puts the decorator around a transport.
pub(crate) type Wrap = Arc<dyn Fn(Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> + Send + Sync>;

/// A cell that is going to be run.
pub(crate) struct Planned {
    pub(crate) name: Cow<'static, str>,
    pub(crate) demand: &'static str,
    pub(crate) source: &'static str,
    pub(crate) check: Box<dyn Fn() -> BoxFuture<'static, Checked>>,
}

/// A row of a table of cells.
pub(super) struct Row<Subject: 'static> {
    pub(super) name: &'static str,
    pub(super) demand: &'static str,
    pub(super) source: &'static str,
    pub(super) check: for<'a> fn(&'a Subject) -> BoxFuture<'a, Checked>,
}

/// Where a demand is written down.
pub(super) const CONTRACT: &str = "the contract of `HttpTransport`";
pub(super) const BOOK: &str = "the book's page on transports";

/// An answer with a `Content-Length`. `head` is the text behind the version.
pub(super) fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// So many bytes, of every value.
pub(super) fn bytes_of_every_value(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8)).to_le_bytes().first().copied().unwrap_or_default()).collect()
}
