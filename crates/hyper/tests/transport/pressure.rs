//! Many calls at once, and servers that take leave, are silent, or close behind each response.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens_core::{DiscardConnection, Execution, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    task::JoinSet,
};
use tower_service::Service;

use crate::{
    h2_peer::{END_STREAM, MAX_CONCURRENT_STREAMS, Peer, STATUS_200, goaway, headers, settings},
    support::{Exchanges, LONG, SHORT, Server, assert_kind, causes, http2, ok, post, post_within, read_request},
};

#[tokio::test]
async fn a_server_that_takes_leave_of_each_connection_is_not_asked_without_end() {
    for code in [0, 0xc] {
        let server = Server::start(move |_, mut stream| async move {
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).await.unwrap();
            stream.write_all(&[settings(&[]), goaway(0, code)].concat()).await.unwrap();
            while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
        })
        .await;
        for calls in 1..4 {
            let error = http2().exchange(post(&server.url("/"))).await.unwrap_err();
            assert_eq!(error.execution(), Execution::NotExecuted, "{error:?}");
            assert!(server.connections() <= 4 * calls, "{} connections of {calls} calls", server.connections());
        }
    }
}

#[tokio::test]
async fn one_call_that_is_dropped_harms_none_of_those_beside_it() {
    const CALLS: usize = 1_300;
    let (all_are_there, one_is_dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, go) = (Arc::clone(&all_are_there), Arc::clone(&one_is_dropped));
    let server = Server::start(move |_, stream| {
        let (tell, go) = (Arc::clone(&tell), Arc::clone(&go));
        async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            let mut ids = Vec::new();
            while ids.len() <= CALLS {
                let Some(request) = peer.request().await else { return };
                ids.push(request.id);
            }
            tell.notify_one();
            go.notified().await;
            // Each in a packet of its own: the client reads as often.
            for id in ids {
                peer.send(headers(id, STATUS_200, END_STREAM)).await;
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            peer.closed_by_client().await;
        }
    })
    .await;
    let transport = http2();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (transport, request) = (transport.clone(), post(&server.url("/")));
        calls.spawn(async move { transport.exchange(request).await.map(drop) });
    }
    let (sender, request) = (transport.clone(), post(&server.url("/")));
    let dropped = tokio::spawn(async move { drop(sender.exchange(request).await) });
    all_are_there.notified().await;
    dropped.abort();
    assert!(dropped.await.is_err());
    one_is_dropped.notify_one();
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_whose_peer_says_nothing_holds_up_no_call_longer_than_the_limit_of_connecting() {
    let server = Server::start(|number, stream| async move {
        if number == 0 {
            std::future::pending::<()>().await;
        }
        let Some(mut peer) = Peer::accept(stream).await else { return };
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
        }
    })
    .await;
    let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
    let transport = builder.connect_timeout(Duration::from_millis(300)).pool_idle_timeout(LONG).build().unwrap();
    let error = transport.exchange(post(&server.url("/"))).await.unwrap_err();
    assert_eq!(error.execution(), Execution::NotExecuted, "{error:?}");
    assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
}

/// Connects after a while, and counts.
#[derive(Clone)]
struct Slow(HttpConnector, Arc<AtomicUsize>);

impl Service<Uri> for Slow {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        self.1.fetch_add(1, Ordering::SeqCst);
        let connecting = self.0.call(target);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connecting.await.map_err(Into::into)
        })
    }
}

#[tokio::test]
async fn a_server_that_closes_behind_each_response_is_connected_to_once_for_each_call() {
    const CALLS: usize = 200;
    let server = Server::start(|_, mut stream| async move {
        if read_request(&mut stream).await.is_some() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let attempts = Arc::<AtomicUsize>::default();
    let slow = Slow(HttpConnector::new(), Arc::clone(&attempts));
    let transport = HyperTransport::builder().build_with_connector(slow).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (transport, request) = (transport.clone(), post_within(&server.url("/"), LONG));
        calls.spawn(async move { transport.exchange(request).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    // Twice as many, if a connection that has ended is handed to a waiting call.
    let attempts = attempts.load(Ordering::SeqCst);
    assert!((CALLS..=CALLS + CALLS / 10).contains(&attempts), "{attempts}");
}

/// Panics the first time.
#[derive(Clone)]
struct Panics(HttpConnector, Arc<AtomicUsize>);

impl Service<Uri> for Panics {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        assert!(self.1.fetch_add(1, Ordering::SeqCst) > 0, "the first call of this connector panics");
        let connecting = self.0.call(target);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}

#[tokio::test]
async fn a_connector_that_panics_fails_the_call_that_waits_for_it_and_no_other() {
    let server = Server::start(|_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
        }
    })
    .await;
    let panics = Panics(HttpConnector::new(), Arc::default());
    let transport = HyperTransport::builder().http2_prior_knowledge().build_with_connector(panics).unwrap();
    let error = transport.exchange(post(&server.url("/"))).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
    assert!(causes(&error).iter().any(|cause| cause.starts_with("the connector panicked")), "{error:?}");
    assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");

    let server = Server::answering(ok("hello")).await;
    let panics = Panics(HttpConnector::new(), Arc::default());
    let transport = HyperTransport::builder().build_with_connector(panics).unwrap();
    assert_kind(&transport.exchange(post(&server.url("/"))).await.unwrap_err(), TransportErrorKind::Connect);
    assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
}

/// A peer that takes one stream at a time, and answers no request but the first of each connection, once it may.
async fn one_stream_at_a_time(may_answer: Arc<Notify>) -> Server {
    Server::start(move |_, stream| {
        let may_answer = Arc::clone(&may_answer);
        async move {
            let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
            let Some(request) = peer.request().await else { return };
            may_answer.notified().await;
            peer.answer(request.id, "hello").await;
            peer.closed_by_client().await;
        }
    })
    .await
}

#[tokio::test]
async fn another_connection_is_opened_only_where_more_than_one_is_allowed() {
    for allowed in [1, 2] {
        let may_answer = Arc::new(Notify::new());
        let server = one_stream_at_a_time(Arc::clone(&may_answer)).await;
        let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
        let transport = builder.max_http2_connections(allowed).build().unwrap();
        let mut first: Vec<_> = (0..allowed).map(|_| transport.exchange(post(&server.url("/")))).collect();
        for (opened, call) in (1..).zip(&mut first) {
            assert!(tokio::time::timeout(SHORT, call).await.is_err(), "it is not answered");
            assert_eq!(server.connections(), opened);
        }
        // None has a stream left for this one.
        let error = transport.exchange(post_within(&server.url("/"), SHORT)).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
        assert_eq!(server.connections(), allowed);
        for call in first {
            may_answer.notify_one();
            assert_eq!(call.await.unwrap().body(), "hello");
        }
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_stream_of_a_discarded_connection_waits_for_another_connection() {
    let may_answer = Arc::new(Notify::new());
    let server = one_stream_at_a_time(Arc::clone(&may_answer)).await;
    // What rests is not looked through meanwhile.
    let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
    let transport = builder.pool_idle_timeout(LONG * 2).build().unwrap();
    may_answer.notify_one();
    let answered = transport.exchange(post(&server.url("/"))).await.unwrap();
    // This one is never answered, and has the only stream.
    let mut silent = transport.exchange(post(&server.url("/")));
    assert!(tokio::time::timeout(SHORT, &mut silent).await.is_err());
    let mut waits = transport.exchange(post(&server.url("/")));
    assert!(tokio::time::timeout(SHORT, &mut waits).await.is_err());
    assert_eq!(server.connections(), 1);
    answered.extensions().get::<DiscardConnection>().unwrap().discard();
    may_answer.notify_one();
    assert_eq!(waits.await.unwrap().body(), "hello");
    assert_eq!(server.connections(), 2);
}
