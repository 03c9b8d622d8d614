//! A connection that is being made: how the client begins, and the faults that it meets before a request can be read.
//!
//! A connection belongs to no call yet. So it meets the fault at the front of the creates' queue, or else of the
//! revokes', if that is one of connecting; a client that opens connections ahead of its calls meets it with them. Over a
//! connection that is already up a request meets such a fault itself: see `serve_exchange.rs`.
//!
//! The emulator is its own proxy: a CONNECT to any host, in the clear, leads back to it, as a connection of its own.

use std::io;

use bytes::Buf as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{frames::PREFACE, peek_stream::PeekStream, state::ServerState};
use crate::fault::{Action, Wire};

/// How a client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Tls,
    /// As to a proxy (RFC 9110 section 9.3.6).
    Connect,
    Http2,
    Http1,
}

/// The type of a TLS record that is part of a handshake (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;

/// A fatal `handshake_failure`, as a record (RFC 8446 sections 5.1 and 6).
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// The beginning of a record with a ServerHello of 122 bytes in it (RFC 8446 section 4.1.3): no more than 13 come.
const PART_OF_SERVER_HELLO: [u8; 18] = [HANDSHAKE, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3, 4, 5, 6, 7];

/// The longest head of a CONNECT, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// Meets the fault that needs no word of the client's, if that is the next: `None` if it ended the connection.
pub(super) async fn at_once(tcp: PeekStream<TcpStream>, state: &ServerState) -> Option<PeekStream<TcpStream>> {
    let has_tls = state.has_tls();
    let fault = state.inner().lock().scripts.take_connecting(|action| match action {
        Action::Stall(None) => true,
        Action::Break(cause) => match cause.wire {
            Wire::TlsAlert | Wire::TlsCut => !has_tls,
            Wire::Proxy(_) => false,
            _ => true,
        },
        _ => false,
    });
    match wire_of(fault) {
        None => return Some(tcp),
        Some(Wire::Silence) => drain(tcp).await,
        Some(Wire::End) => end(tcp).await,
        Some(_) => reset(tcp),
    }
    None
}

/// Meets the fault that depends on how the client began, if that is the next: `None` if it ended the connection.
pub(super) async fn once_begun(
    tcp: PeekStream<TcpStream>,
    opening: Opening,
    state: &ServerState,
) -> Option<PeekStream<TcpStream>> {
    let fault = state.inner().lock().scripts.take_connecting(|action| match action {
        Action::Break(cause) => match cause.wire {
            Wire::Proxy(_) => true,
            // Those are for the handshake in the tunnel.
            Wire::TlsAlert | Wire::TlsCut => opening != Opening::Connect,
            _ => false,
        },
        _ => false,
    });
    match (wire_of(fault), opening) {
        (None, _) => return Some(tcp),
        (Some(Wire::Proxy(status)), Opening::Connect) => {
            let challenge = if status == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                "proxy-authenticate: Basic realm=\"emulator\"\r\n"
            } else {
                ""
            };
            let answer = format!("HTTP/1.1 {status}\r\n{challenge}content-length: 0\r\nconnection: close\r\n\r\n");
            said(tcp, answer.as_bytes()).await;
        }
        (Some(Wire::TlsAlert), Opening::Tls) => said(tcp, &ALERT).await,
        (Some(Wire::TlsCut), Opening::Tls) => said(tcp, &PART_OF_SERVER_HELLO).await,
        _ => reset(tcp),
    }
    None
}

fn wire_of(fault: Option<Action>) -> Option<Wire> {
    match fault? {
        Action::Break(cause) => Some(cause.wire),
        // Of all others that are of connecting there is only the stall.
        _ => Some(Wire::Silence),
    }
}

/// Reads how the client begins, as far as it takes to know.
pub(super) async fn opening(tcp: &mut PeekStream<TcpStream>) -> io::Result<Opening> {
    loop {
        let begun = tcp.held();
        if begun.first() == Some(&HANDSHAKE) {
            return Ok(Opening::Tls);
        }
        match (begins(begun, b"CONNECT "), begins(begun, PREFACE)) {
            (Some(true), _) => return Ok(Opening::Connect),
            (_, Some(true)) => return Ok(Opening::Http2),
            (Some(false), Some(false)) => return Ok(Opening::Http1),
            _ => {}
        }
        if !tcp.more().await? {
            return if tcp.held().is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Opening::Http1) };
        }
    }
}

/// Whether these bytes begin with all of `word`; `None` if they are too few to know.
fn begins(bytes: &[u8], word: &[u8]) -> Option<bool> {
    if bytes.len() >= word.len() { Some(bytes.starts_with(word)) } else { (!word.starts_with(bytes)).then_some(false) }
}

/// Reads the CONNECT, whatever it asks for, and answers that the tunnel is there.
pub(super) async fn tunnel(tcp: &mut PeekStream<TcpStream>) -> io::Result<()> {
    let end = b"\r\n\r\n";
    loop {
        let head = tcp.held();
        if let Some(place) = head.windows(end.len()).position(|window| window == end) {
            head.advance(place.saturating_add(end.len()));
            return tcp.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
        }
        if head.len() > LONGEST_HEAD || !tcp.more().await? {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// Says this as the last word, once something of the client's has come.
async fn said(mut tcp: PeekStream<TcpStream>, word: &[u8]) {
    if tcp.write_all(word).await.is_ok() {
        end(tcp).await;
    }
}

/// Ends the server's side, and reads on until the client has gone: bytes left unread would make it a reset.
pub(super) async fn end(mut tcp: PeekStream<TcpStream>) {
    if tcp.shutdown().await.is_ok() {
        drain(tcp).await;
    }
}

/// Reads, and throws away, until the client has gone.
async fn drain(mut tcp: PeekStream<TcpStream>) {
    let mut piece = [0; 1024];
    while let Ok(1..) = tcp.read(&mut piece).await {}
}

fn reset(tcp: PeekStream<TcpStream>) {
    // Closing with a linger time of zero sends RST (RFC 9293 section 3.10.4, ABORT).
    let _ = tcp.stream().set_zero_linger();
}
