//! What the connections of the server share, and what a connection can do beside reading and writing.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::wire::ledger::Ledger;

/// What the connections of a server share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) ledger: Ledger,
    connections: AtomicUsize,
    ways: Mutex<BTreeMap<&'static str, usize>>,
}

impl Shared {
    pub(super) fn accepted(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn ways(&self) -> BTreeMap<&'static str, usize> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a way in which a connection or a request has ended.
    pub(super) fn count(&self, way: &'static str) {
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner).entry(way).or_default() += 1;
    }
}

/// A stream whose TCP connection can be reset.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Closes the connection by a reset when the stream is dropped (RFC 9293 section 3.10.4, ABORT).
    fn resets(&self);
}

impl Socket for TcpStream {
    fn resets(&self) {
        // Failing means that it is closed already.
        let _ = self.set_zero_linger();
    }
}

impl Socket for TlsStream<TcpStream> {
    fn resets(&self) {
        self.get_ref().0.resets();
    }
}
