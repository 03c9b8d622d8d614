//! The gated body over hyper's own connections: what is withheld is never a whole request at the server.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use clerk_actor_tokens_core::{SendState, bytes::Bytes, http::Request};
use clerk_actor_tokens_transport_kit::GatedBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, DuplexStream},
    time::timeout,
};

/// A body, whole or empty, and its state: held.
fn body(text: &'static str) -> (GatedBody, SendState) {
    let state = SendState::default();
    state.hold();
    (GatedBody::new(Bytes::from_static(text.as_bytes()), state.clone()), state)
}

fn post(body: GatedBody) -> Request<GatedBody> {
    Request::post("http://127.0.0.1/").header("host", "127.0.0.1").body(body).unwrap()
}

/// What the server reads until nothing more comes.
async fn arrived(mut server: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // The client may keep the connection open: what it has to say is there at once.
    while let Ok(Ok(read @ 1..)) = timeout(Duration::from_millis(200), server.read(&mut buffer)).await {
        bytes.extend_from_slice(&buffer[..read]);
    }
    bytes
}

async fn over_http1(text: &'static str, cancelled: bool) -> (Vec<u8>, bool) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    let (body, state) = body(text);
    assert!(!cancelled || state.cancel());
    tokio::spawn(async move { drop(sender.send_request(post(body)).await) });
    (arrived(server).await, state.is_unsent())
}

async fn over_http2(text: &'static str, cancelled: bool) -> (Vec<u8>, bool) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let (body, state) = body(text);
    assert!(!cancelled || state.cancel());
    tokio::spawn(async move { drop(sender.send_request(post(body)).await) });
    (arrived(server).await, state.is_unsent())
}

/// Whether these bytes hold a whole request of HTTP/1.1.
fn is_whole_http1(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => body.len() >= length.parse().unwrap(),
        None => !head.contains("transfer-encoding") || body.ends_with("0\r\n\r\n"),
    }
}

/// Whether a stream was ended by these frames (RFC 9113 sections 4.1 and 6): DATA or HEADERS with END_STREAM.
fn is_whole_http2(bytes: &[u8]) -> bool {
    let mut rest = bytes.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap_or_default();
    while let Some((head, payload)) = rest.split_at_checked(9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        if matches!(head[3], 0 | 1) && head[4] & 1 == 1 {
            return true;
        }
        rest = payload.get(length..).unwrap_or_default();
    }
    false
}

#[tokio::test]
async fn what_is_given_away_is_a_whole_request_and_counts_as_begun() {
    for text in ["{}", ""] {
        let (bytes, is_unsent) = over_http1(text, false).await;
        assert!(is_whole_http1(&bytes) && !is_unsent, "{text:?}: {}", String::from_utf8_lossy(&bytes));
        let is_chunked = String::from_utf8_lossy(&bytes).contains("transfer-encoding");
        assert!(!is_chunked, "its length is known");
        let (bytes, is_unsent) = over_http2(text, false).await;
        assert!(is_whole_http2(&bytes) && !is_unsent, "{text:?}");
    }
}

#[tokio::test]
async fn what_is_withheld_is_never_a_whole_request() {
    for text in ["{}", ""] {
        let (bytes, is_unsent) = over_http1(text, true).await;
        assert!(!is_whole_http1(&bytes) && is_unsent, "{text:?}: {}", String::from_utf8_lossy(&bytes));
        let (bytes, is_unsent) = over_http2(text, true).await;
        assert!(!is_whole_http2(&bytes) && is_unsent, "{text:?}");
    }
}
