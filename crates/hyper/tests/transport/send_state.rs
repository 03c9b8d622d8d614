//! What the send state says when an exchange ends: it proves, or does not prove, that nothing was sent.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use clerk_actor_tokens_core::{HttpTransport, SendState, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::{io::AsyncReadExt, time::timeout};
use tower_service::Service;

use crate::support::{Exchange, SHORT, Server, assert_kind, http_only, ok, post, post_within};

/// What the state is called: its `Debug` is the one place that names all five.
fn name(state: &SendState) -> String {
    format!("{state:?}")
}

/// A connection whose peer closes it after it was opened and before anything is written.
#[derive(Clone, Default)]
struct ClosedBeforeUse {
    reads: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
}

impl Service<Uri> for ClosedBeforeUse {
    type Response = Self;
    type Error = io::Error;
    type Future = Ready<io::Result<Self>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Connection for ClosedBeforeUse {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for ClosedBeforeUse {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        // hyper reads once when the connection starts, and once when the request comes.
        match self.reads.fetch_add(1, Ordering::SeqCst) {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl Write for ClosedBeforeUse {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.fetch_add(bytes.len(), Ordering::SeqCst);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The same request, with and without a body.
fn both(url: &str) -> [Exchange; 2] {
    [post(url), post(url).without_body()]
}

#[tokio::test]
async fn what_a_failure_to_connect_leaves_held_goes_out_over_another_transport() {
    let server = Server::answering(ok("hello")).await;
    for (url, kind) in [
        ("http://127.0.0.1:1/", TransportErrorKind::Connect),
        ("https://127.0.0.1:1/", TransportErrorKind::Tls),
        ("ftp://127.0.0.1/", TransportErrorKind::Blocked),
    ] {
        for Exchange { request, context } in both(url) {
            let has_body = !request.body().is_empty();
            let error = http_only().send(request, context.clone()).await.unwrap_err();
            assert_kind(&error, kind);
            assert_eq!(name(context.send_state()), "SendState(held)", "{kind:?}, body: {has_body}");

            let Exchange { mut request, .. } = post(&server.url("/"));
            if !has_body {
                *request.body_mut() = bytes::Bytes::new();
            }
            let response = http_only().send(request, context.clone()).await.unwrap();
            assert_eq!(response.body(), "hello");
            assert_eq!(name(context.send_state()), "SendState(begun)", "{kind:?}, body: {has_body}");
        }
    }
}

#[tokio::test]
async fn a_request_that_a_connection_gives_back_unwritten_is_proved_unsent_and_may_be_sent_again() {
    let server = Server::answering(ok("hello")).await;
    for Exchange { request, context } in both("http://clerk.test/") {
        let closed = ClosedBeforeUse::default();
        let written = closed.written.clone();
        let error = HyperTransport::builder()
            .build_with_connector(closed)
            .unwrap()
            .send(request, context.clone())
            .await
            .unwrap_err();
        assert_kind(&error, TransportErrorKind::Canceled);
        assert_eq!(written.load(Ordering::SeqCst), 0);
        assert_eq!(name(context.send_state()), "SendState(held)");
        http_only().send(post(&server.url("/")).request, context).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_sent_before_over_another_transport_is_not_proved_unsent_by_one_that_sends_nothing() {
    let server = Server::answering(ok("hello")).await;
    for Exchange { request, context } in both(&server.url("/")) {
        let [mut nowhere, mut given_back] = [request.clone(), request.clone()];
        http_only().send(request, context.clone()).await.unwrap();

        *nowhere.uri_mut() = "http://127.0.0.1:1/".parse().unwrap();
        assert_kind(&http_only().send(nowhere, context.clone()).await.unwrap_err(), TransportErrorKind::Connect);
        assert_eq!(name(context.send_state()), "SendState(begun)");

        *given_back.uri_mut() = "http://clerk.test/".parse().unwrap();
        let closed = HyperTransport::builder().build_with_connector(ClosedBeforeUse::default()).unwrap();
        assert_kind(&closed.send(given_back, context.clone()).await.unwrap_err(), TransportErrorKind::Canceled);
        assert_eq!(name(context.send_state()), "SendState(begun)");
    }
}

#[tokio::test]
async fn what_ends_while_it_connects_is_cancelled_and_refused_from_then_on() {
    for (index, exchange) in both("http://clerk.test/").into_iter().enumerate() {
        for is_dropped in [false, true] {
            let transport = HyperTransport::builder().build_with_connector(Never).unwrap();
            let context = post_within("http://clerk.test/", SHORT).context;
            let request = exchange.request.clone();
            let sending = transport.send(request, context.clone());
            if is_dropped {
                assert!(timeout(SHORT / 4, sending).await.is_err());
            } else {
                assert_kind(&sending.await.unwrap_err(), TransportErrorKind::TimeoutBeforeSend);
            }
            assert_eq!(name(context.send_state()), "SendState(cancelled)", "{index}, dropped: {is_dropped}");
            assert!(!context.send_state().begin());
        }
    }
}

/// A connector whose connections never come about.
#[derive(Clone)]
struct Never;

impl Service<Uri> for Never {
    type Response = ClosedBeforeUse;
    type Error = io::Error;
    type Future = std::future::Pending<io::Result<ClosedBeforeUse>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test]
async fn a_request_that_is_cancelled_before_it_is_sent_is_refused_and_opens_nothing_that_gets_it() {
    let server = Server::start(|_, mut stream| async move {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        assert!(!bytes.ends_with(b"\"user_1\"}"), "the whole request came");
    })
    .await;
    for Exchange { request, context } in both(&server.url("/")) {
        context.send_state().hold();
        assert!(context.send_state().cancel());
        assert_kind(&http_only().send(request, context.clone()).await.unwrap_err(), TransportErrorKind::Blocked);
        assert_eq!(name(context.send_state()), "SendState(cancelled)");
    }
}
