//! Connections: taken from the listener, each to its protocol, and ended.
//!
//! Which protocol a connection speaks is seen from how it begins: a TLS handshake, a CONNECT to a proxy, the preface of
//! HTTP/2 (prior knowledge), or HTTP/1.1. Over TLS, ALPN says it (RFC 7301).

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
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
    connecting::{self, Opening},
    connection::{Carrier, Connection, Parting},
    http1, http2,
    peek_stream::PeekStream,
    state::{Protocol, ServerState},
};

/// How long the server rests when the operating system gives it no connection.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(10);

/// The answer to a client that speaks in the clear to a TLS server.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 36\r\n\
connection: close\r\n\r\nthis server speaks TLS: use https://";

/// Runs until the other end of `stopped` is dropped.
pub(super) async fn accept_all(
    listener: TcpListener,
    state: Arc<ServerState>,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    state.accepted.fetch_add(1, Ordering::Relaxed);
                    let state = Arc::clone(&state);
                    connections.spawn(async move { serve_connection(stream, &state).await });
                }
                // Most likely too many open files: asking again at once would not help.
                Err(_) => SystemTimer.sleep(AFTER_FAILED_ACCEPT).await,
            },
        }
    }
    connections.shutdown().await;
}

/// A client that goes away while it connects ends it like every other failure: no client is left to answer.
async fn serve_connection(stream: TcpStream, state: &ServerState) {
    // Small answers in one packet each; without it they are merely slower.
    let _ = stream.set_nodelay(true);
    let opened = async {
        match state.idle_timeout {
            None => open(PeekStream::new(stream), state).await,
            Some(limit) => {
                tokio::select! {
                    opened = open(PeekStream::new(stream), state) => opened,
                    () = SystemTimer.sleep(limit) => None,
                }
            }
        }
    };
    let Some((carrier, protocol)) = opened.await else { return };
    let connection = Arc::new(Connection::new(carrier));
    let parting = match protocol {
        Protocol::Http1 => http1::serve(&connection, state).await,
        Protocol::Http2 => http2::serve(&connection, state).await,
    };
    match parting {
        _ if connection.is_reset() => {}
        Parting::Gentle => connection.close().await,
        Parting::Sudden => connection.end().await,
    }
}

/// Brings a connection to where a request can be read. `None` if a fault of connecting, or the client, has ended it.
async fn open(mut tcp: PeekStream<TcpStream>, state: &ServerState) -> Option<(Box<dyn Carrier>, Protocol)> {
    loop {
        tcp = connecting::at_once(tcp, state).await?;
        let opening = connecting::opening(&mut tcp).await.ok()?;
        tcp = connecting::once_begun(tcp, opening, state).await?;
        match opening {
            Opening::Connect => connecting::tunnel(&mut tcp).await.ok()?,
            Opening::Tls if state.has_tls() => return state.handshake(tcp).await.ok(),
            _ if state.has_tls() => {
                tcp.write_all(SPEAK_TLS).await.ok()?;
                connecting::end(tcp).await;
                return None;
            }
            Opening::Http2 if state.http2 => return Some((Box::new(tcp), Protocol::Http2)),
            Opening::Tls | Opening::Http1 | Opening::Http2 => return Some((Box::new(tcp), Protocol::Http1)),
        }
    }
}
