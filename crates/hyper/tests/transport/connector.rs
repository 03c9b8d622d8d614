//! Connectors and clients of one's own.

use std::{
    convert::Infallible,
    future::{Future, Ready, pending, ready},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, HttpConnector, dns::Name},
    rt::TokioIo,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};
use tower_service::Service;

use crate::{
    h2_peer::{Peer, answering, goaway},
    support::{Exchanges, LONG, SHORT, Server, assert_kind, causes, ok, post, post_within},
};

/// A connector that does this.
#[derive(Clone)]
struct Does<F>(F);

type Io = TokioIo<TcpStream>;
type Connecting = Pin<Box<dyn Future<Output = io::Result<Io>> + Send>>;

impl<F: Fn(Uri) -> Connecting> Service<Uri> for Does<F> {
    type Response = Io;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Connecting {
        (self.0)(target)
    }
}

/// A connector that is never ready.
#[derive(Clone)]
struct NeverReady;

impl Service<Uri> for NeverReady {
    type Response = Io;
    type Error = io::Error;
    type Future = Ready<io::Result<Io>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Err(io::ErrorKind::Other.into()))
    }
}

/// Names are what this says.
#[derive(Clone)]
struct Resolves(Vec<SocketAddr>);

impl Service<Name> for Resolves {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

#[tokio::test]
async fn a_connector_of_ones_own_is_used_and_its_connections_are_pooled() {
    let server = Server::answering(ok("hello")).await;
    let port = server.port();
    let connector = Does(move |target: Uri| -> Connecting {
        assert_eq!(target.host(), Some("clerk.test"));
        Box::pin(async move { TcpStream::connect(("127.0.0.1", port)).await.map(TokioIo::new) })
    });
    let transport = HyperTransport::builder().build_with_connector(connector).unwrap();
    for _ in 0..3 {
        assert_eq!(transport.exchange(post("http://clerk.test/")).await.unwrap().body(), "hello");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connector_that_never_finishes_or_is_never_ready_ends_at_the_connect_timeout() {
    let builder = || HyperTransport::builder().connect_timeout(SHORT);
    let stalls = Does(|_| -> Connecting { Box::pin(pending()) });
    for transport in [builder().build_with_connector(stalls), builder().build_with_connector(NeverReady)] {
        let error = transport.unwrap().exchange(post("http://clerk.test/")).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Connect);
        assert_eq!(error.execution(), Execution::NotExecuted);
        assert!(causes(&error).iter().any(|cause| cause == "connecting took longer than 200ms"), "{error:?}");
    }
}

#[tokio::test]
async fn a_deadline_below_the_connect_timeout_ends_the_wait_with_nothing_sent() {
    let stalls = Does(|_| -> Connecting { Box::pin(pending()) });
    let transport = HyperTransport::builder().connect_timeout(LONG).build_with_connector(stalls).unwrap();
    let error = transport.exchange(post_within("http://clerk.test/", SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
}

#[tokio::test]
async fn a_connector_that_fails_is_a_failed_connection_and_its_words_are_kept() {
    let fails = Does(|_| -> Connecting { Box::pin(async { Err(io::Error::other("no way there")) }) });
    let error = HyperTransport::builder()
        .build_with_connector(fails)
        .unwrap()
        .exchange(post("http://clerk.test/"))
        .await
        .unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
    assert!(causes(&error).iter().any(|cause| cause.contains("no way there")), "{error:?}");
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[tokio::test]
async fn a_connector_that_fails_with_an_error_of_rustls_is_a_refused_handshake() {
    let fails = Does(|_| -> Connecting {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked);
        Box::pin(async { Err(io::Error::new(io::ErrorKind::InvalidData, refused)) })
    });
    let error = HyperTransport::builder()
        .build_with_connector(fails)
        .unwrap()
        .exchange(post("http://clerk.test/"))
        .await
        .unwrap_err();
    assert_kind(&error, TransportErrorKind::Tls);
}

/// Says that it speaks HTTP/2.
struct Http2(Io);

impl hyper_util::client::legacy::connect::Connection for Http2 {
    fn connected(&self) -> Connected {
        Connected::new().negotiated_h2()
    }
}

impl hyper::rt::Read for Http2 {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Http2 {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[derive(Clone)]
struct Negotiates(u16);

impl Service<Uri> for Negotiates {
    type Response = Http2;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Http2>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let port = self.0;
        Box::pin(async move { Ok(Http2(TokioIo::new(TcpStream::connect(("127.0.0.1", port)).await?))) })
    }
}

#[tokio::test]
async fn a_connector_says_which_connection_speaks_http_2_and_its_refusals_count() {
    let server = answering().await;
    let transport = HyperTransport::builder().build_with_connector(Negotiates(server.port())).unwrap();
    for _ in 0..3 {
        let response = transport.exchange(post("http://clerk.test/")).await.unwrap();
        assert_eq!((response.version(), response.body().as_ref()), (http::Version::HTTP_2, &b"hello"[..]));
    }
    assert_eq!(server.connections(), 1);

    let refusing = Server::start(|_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        peer.request().await;
        peer.send(goaway(0, 11)).await;
        peer.closed_by_client().await;
    })
    .await;
    let transport = HyperTransport::builder().build_with_connector(Negotiates(refusing.port())).unwrap();
    let error = transport.exchange(post("http://clerk.test/")).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::RefusedOnNewConnection);
}

#[tokio::test]
async fn a_resolver_of_ones_own_is_asked() {
    let server = Server::answering(ok("hello")).await;
    let resolver = Resolves(vec![([127, 0, 0, 1], 0).into()]);
    let connector = HttpConnector::new_with_resolver(resolver);
    let transport = HyperTransport::builder().build_with_connector(connector).unwrap();
    let response = transport.exchange(post(&format!("http://clerk.test:{}/", server.port()))).await.unwrap();
    assert_eq!(response.body(), "hello");
}

#[tokio::test]
async fn an_address_that_is_dead_does_not_hide_one_that_lives() {
    // The same port, at addresses without a listener.
    let server = Server::answering(ok("hello")).await;
    let url = format!("http://clerk.test:{}/", server.port());
    for addresses in [
        vec![([0, 0, 0, 0, 0, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into()],
        vec![([127, 0, 0, 2], 0).into(), ([127, 0, 0, 1], 0).into()],
        vec![([127, 0, 0, 1], 0).into(), ([0, 0, 0, 0, 0, 0, 0, 1], 0).into()],
    ] {
        let transport = HyperTransport::builder()
            .build_with_connector(HttpConnector::new_with_resolver(Resolves(addresses)))
            .unwrap();
        assert_eq!(transport.exchange(post(&url)).await.unwrap().body(), "hello");
    }
    let nowhere = HttpConnector::new_with_resolver(Resolves(Vec::new()));
    let error =
        HyperTransport::builder().build_with_connector(nowhere).unwrap().exchange(post(&url)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
}

/// Happy eyeballs (RFC 8305).
#[tokio::test]
async fn an_address_that_is_silent_does_not_hide_one_that_lives() {
    let server = Server::answering(ok("hello")).await;
    let port = server.port();
    // A machine without IPv6 has no such address, and refuses at once.
    let _silent = silent(port).await;
    let addresses = vec![([0, 0, 0, 0, 0, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into()];
    let connector = HttpConnector::new_with_resolver(Resolves(addresses));
    let transport = HyperTransport::builder().connect_timeout(LONG).build_with_connector(connector).unwrap();
    let response = transport.exchange(post(&format!("http://clerk.test:{port}/"))).await.unwrap();
    assert_eq!(response.body(), "hello");
}

/// A listener at this port of `::1` whose queue is full: a client that connects gets no answer.
async fn silent(port: u16) -> Option<(TcpListener, Vec<TcpStream>)> {
    let address = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
    let socket = TcpSocket::new_v6().ok()?;
    socket.bind(address).ok()?;
    let listener = socket.listen(1).ok()?;
    let mut queue = Vec::new();
    while let Ok(stream) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
        queue.push(stream.ok()?);
    }
    Some((listener, queue))
}

#[tokio::test]
async fn dns_that_fails_is_a_failed_connection() {
    let transport = HyperTransport::builder().http_only().connect_timeout(Duration::from_secs(15)).build().unwrap();
    let error = transport.exchange(post("http://no-such-host.invalid/")).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
    assert_eq!(error.execution(), Execution::NotExecuted);
}
