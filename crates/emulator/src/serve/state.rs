//! What all connections of one server share: its settings, and the emulator behind it.

use std::{
    future::pending,
    io,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use tokio::net::TcpStream;

use super::{
    connection::{Carrier, Connection},
    peek_stream::PeekStream,
};
use crate::state::Inner;

/// Who answers: Clerk, and the control plane beside it where there is one.
#[derive(Clone)]
pub(super) struct Answering {
    pub(super) inner: Arc<Inner>,
    #[cfg(feature = "control")]
    pub(super) control: Option<Arc<crate::control::Control>>,
}

/// What all connections of one server share.
pub(super) struct ServerState {
    pub(super) answering: Answering,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) http2: bool,
    pub(super) accepted: AtomicUsize,
    #[cfg(feature = "tls")]
    pub(super) acceptor: Option<tokio_rustls::TlsAcceptor>,
}

impl ServerState {
    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.answering.inner
    }

    pub(super) fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.acceptor.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// Waits until a connection has been idle for too long.
    pub(super) async fn idle(&self, connection: &Connection) {
        match self.idle_timeout {
            Some(limit) => connection.idle(limit).await,
            None => pending().await,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) async fn handshake(&self, tcp: PeekStream<TcpStream>) -> io::Result<(Box<dyn Carrier>, Protocol)> {
        let Some(acceptor) = &self.acceptor else { return Err(io::ErrorKind::Unsupported.into()) };
        let tls = acceptor.accept(tcp).await?;
        let protocol = if tls.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        Ok((Box::new(tls), protocol))
    }

    #[cfg(not(feature = "tls"))]
    pub(super) async fn handshake(&self, _tcp: PeekStream<TcpStream>) -> io::Result<(Box<dyn Carrier>, Protocol)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}
