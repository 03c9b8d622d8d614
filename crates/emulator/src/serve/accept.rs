//! Connections: taken from the listener, each to its protocol, and ended.
//!
//! Which protocol a connection speaks is seen from how it begins: a TLS handshake, a CONNECT to a proxy, the preface of
//! HTTP/2 (prior knowledge), or HTTP/1.1. Over TLS, ALPN says it (RFC 7301).

use std::{
    convert::Infallible,
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

use super::{
    ahead::Ahead,
    connecting::{self, Opening},
    http1, http2,
    line::{Carrier, Line},
};
use crate::emulator::Inner;

/// How long the server rests when the operating system gives it no connection.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(10);

/// What a client is told that speaks in the clear where TLS is spoken.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 36\r\n\
connection: close\r\n\r\nthis server speaks TLS: use https://";

/// What all connections of one server share.
pub(super) struct Site {
    pub(super) inner: Arc<Inner>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) http2: bool,
    pub(super) accepted: AtomicUsize,
    #[cfg(feature = "tls")]
    pub(super) acceptor: Option<tokio_rustls::TlsAcceptor>,
}

impl Site {
    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(super) fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.acceptor.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// Waits until a connection has been idle for too long.
    pub(super) async fn idle(&self, line: &Line) {
        match self.idle_timeout {
            Some(limit) => line.idle(limit).await,
            None => pending().await,
        }
    }

    #[cfg(feature = "tls")]
    async fn handshake(&self, tcp: Ahead<TcpStream>) -> io::Result<(Box<dyn Carrier>, Protocol)> {
        let Some(acceptor) = &self.acceptor else { return Err(io::ErrorKind::Unsupported.into()) };
        let tls = acceptor.accept(tcp).await?;
        let protocol = if tls.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
        Ok((Box::new(tls), protocol))
    }

    #[cfg(not(feature = "tls"))]
    async fn handshake(&self, _tcp: Ahead<TcpStream>) -> io::Result<(Box<dyn Carrier>, Protocol)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// How the server leaves a connection that is not reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// So that the client sees all that was written: see [`Line::close`].
    Gentle,
    /// At once, whatever the client is sending.
    Sudden,
}

/// Runs until the other end of `stopped` is dropped.
pub(super) async fn accept_all(listener: TcpListener, site: Arc<Site>, mut stopped: oneshot::Receiver<Infallible>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    site.accepted.fetch_add(1, Ordering::Relaxed);
                    let site = Arc::clone(&site);
                    connections.spawn(async move { serve_connection(stream, &site).await });
                }
                // Most likely too many open files: asking again at once would not help.
                Err(_) => SystemTimer.sleep(AFTER_FAILED_ACCEPT).await,
            },
        }
    }
    connections.shutdown().await;
}

/// A client that goes away while it connects ends it like everything else that goes wrong: there is nobody to tell.
async fn serve_connection(stream: TcpStream, site: &Site) {
    // Small answers in one packet each; without it they are merely slower.
    let _ = stream.set_nodelay(true);
    let opened = async {
        match site.idle_timeout {
            None => open(Ahead::new(stream), site).await,
            Some(limit) => {
                tokio::select! {
                    opened = open(Ahead::new(stream), site) => opened,
                    () = SystemTimer.sleep(limit) => None,
                }
            }
        }
    };
    let Some((carrier, protocol)) = opened.await else { return };
    let line = Arc::new(Line::new(carrier));
    let parting = match protocol {
        Protocol::Http1 => http1::serve(&line, site).await,
        Protocol::Http2 => http2::serve(&line, site).await,
    };
    match parting {
        _ if line.is_reset() => {}
        Parting::Gentle => line.close().await,
        Parting::Sudden => line.end().await,
    }
}

/// Brings a connection to where a request can be read. `None` if a fault of connecting, or the client, has ended it.
async fn open(mut tcp: Ahead<TcpStream>, site: &Site) -> Option<(Box<dyn Carrier>, Protocol)> {
    loop {
        tcp = connecting::at_once(tcp, site).await?;
        let opening = connecting::opening(&mut tcp).await.ok()?;
        tcp = connecting::once_begun(tcp, opening, site).await?;
        match opening {
            Opening::Connect => connecting::tunnel(&mut tcp).await.ok()?,
            Opening::Tls if site.has_tls() => return site.handshake(tcp).await.ok(),
            _ if site.has_tls() => {
                tcp.write_all(SPEAK_TLS).await.ok()?;
                connecting::end(tcp).await;
                return None;
            }
            Opening::Http2 if site.http2 => return Some((Box::new(tcp), Protocol::Http2)),
            Opening::Tls | Opening::Http1 | Opening::Http2 => return Some((Box::new(tcp), Protocol::Http1)),
        }
    }
}
