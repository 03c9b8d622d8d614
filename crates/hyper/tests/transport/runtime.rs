//! What the transport makes of tokio runtimes that are missing or end.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use clerk_actor_tokens_core::{Execution, HttpTransport, TransportErrorKind};
use tokio::{
    io::AsyncWriteExt,
    runtime::{Builder, Runtime},
    sync::Notify,
    time::timeout,
};

use crate::{
    h2_peer::{MAX_CONCURRENT_STREAMS, NO_ERROR, Peer, goaway},
    support::{
        Exchanges, LONG, SHORT, Server, assert_kind, causes, closed_by_client, http_only, http2, ok, post, post_within,
        read_request,
    },
};

#[test]
fn without_a_runtime_nothing_is_sent_and_the_error_says_what_is_needed() {
    let error = pollster::block_on(http_only().exchange(post("http://127.0.0.1:9/"))).unwrap_err();
    assert_kind(&error, TransportErrorKind::Blocked);
    assert_eq!(error.execution(), Execution::NotExecuted);
    assert!(causes(&error)[0].contains("tokio runtime"), "{error:?}");
    assert!(error.advice().unwrap().contains("inside a tokio runtime"));
}

#[test]
fn a_transport_outlives_the_runtime_that_it_was_used_in() {
    let servers = Runtime::new().unwrap();
    let server = servers.block_on(Server::answering(ok("hello")));
    let transport = http_only();
    for opened in 1..4 {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(transport.exchange(post(&server.url("/")))).unwrap();
        assert_eq!(server.connections(), opened);
    }
}

#[test]
fn a_runtime_has_connections_of_its_own_and_takes_only_these_along_when_it_ends() {
    let servers = Runtime::new().unwrap();
    let reached = Arc::new(Notify::new());
    let notify = reached.clone();
    let server = servers.block_on(Server::start(move |number, mut stream| {
        let notify = notify.clone();
        async move {
            while read_request(&mut stream).await.is_some() {
                if number > 0 {
                    notify.notify_one();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                if number > 1 {
                    std::future::pending::<()>().await;
                }
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
            }
        }
    }));
    let transport = http_only();
    let first = Runtime::new().unwrap();
    first.block_on(transport.exchange(post(&server.url("/")))).unwrap();
    // The first runtime is not driven and then ends, while a request of the second is in flight.
    let second = Runtime::new().unwrap();
    let (sender, url) = (transport.clone(), server.url("/"));
    let sending = second.spawn(async move { sender.exchange(post(&url)).await });
    second.block_on(async { timeout(LONG, reached.notified()).await }).unwrap();
    first.shutdown_background();
    assert_eq!(second.block_on(sending).unwrap().unwrap().body(), "hello");
    assert_eq!(server.connections(), 2);

    // One that ends under its own request leaves the fate of that unknown.
    let (sender, url) = (transport.clone(), server.url("/"));
    let third = Runtime::new().unwrap();
    let sending =
        third.spawn(async move { sender.exchange(post(&url)).await.map(drop).map_err(|error| error.execution()) });
    third.block_on(async { timeout(LONG, reached.notified()).await }).unwrap();
    third.shutdown_timeout(LONG);
    // The task ends with its runtime. It may have had a turn after its connection was gone.
    let ended = servers.block_on(sending).unwrap_or(Err(Execution::Unknown));
    assert_eq!(ended, Err(Execution::Unknown));
}

/// What a call of a runtime that has ended was waiting for.
#[derive(Debug, Clone, Copy)]
enum WaitsFor {
    Connection,
    Stream,
    Response,
}

#[test]
fn a_call_that_began_in_a_runtime_that_has_ended_comes_to_its_end_in_another() {
    let servers = Runtime::new().unwrap();
    for waits_for in [WaitsFor::Connection, WaitsFor::Stream, WaitsFor::Response] {
        let server = servers.block_on(Server::start(move |_, stream| async move {
            if matches!(waits_for, WaitsFor::Connection) {
                return std::future::pending().await;
            }
            // It takes one stream, and never answers.
            let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
            peer.closed_by_client().await;
        }));
        let transport = http2();
        let first = Runtime::new().unwrap();
        let mut calls: Vec<_> = (0..2).map(|_| transport.exchange(post(&server.url("/")))).collect();
        first.block_on(async {
            for call in &mut calls {
                assert!(timeout(SHORT, call).await.is_err(), "{waits_for:?}");
            }
        });
        drop(first);
        let call = match waits_for {
            WaitsFor::Response => calls.remove(0),
            WaitsFor::Connection | WaitsFor::Stream => calls.remove(1),
        };
        let error = Runtime::new().unwrap().block_on(async { timeout(LONG, call).await }).unwrap().unwrap_err();
        let expected = match waits_for {
            WaitsFor::Response => Execution::Unknown,
            WaitsFor::Connection | WaitsFor::Stream => Execution::NotExecuted,
        };
        assert_eq!(error.execution(), expected, "{waits_for:?}: {error:?}");
    }
}

/// The book warns of it: a paused clock jumps to the deadline while the test waits for a socket.
#[test]
fn under_a_paused_clock_the_deadline_passes_while_the_server_has_not_answered() {
    let servers = Runtime::new().unwrap();
    let server = servers.block_on(Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    }));
    let an_hour = Duration::from_secs(3600);
    let paused = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let error =
        paused.block_on(async { http_only().exchange(post_within(&server.url("/"), an_hour)).await.unwrap_err() });
    // The limit of connecting, or the deadline: which comes first depends on how fast the connection is open.
    assert!(matches!(error.kind(), TransportErrorKind::Timeout | TransportErrorKind::Connect), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_transports_clock_is_tokios() {
    let before = http_only().timer().now();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert!(http_only().timer().now().saturating_duration_since(before) >= Duration::from_secs(3600));
}

/// What a server says when it closes lies in the socket until the I/O driver runs. Here the one worker that drives it is held
/// up, as after a stop of the process. The request must not follow what nothing has read.
#[test]
fn an_http2_connection_that_the_server_has_left_is_not_used_while_the_worker_has_not_read_that() {
    let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (leave, leaves) = mpsc::channel::<()>();
    let (gone, has_gone) = mpsc::channel();
    let leaves = Arc::new(Mutex::new(leaves));
    let server = serving.block_on(Server::start(move |number, stream| {
        let (leaves, gone) = (leaves.clone(), gone.clone());
        async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            let request = peer.request().await.unwrap();
            peer.answer(request.id, "hello").await;
            if number > 0 {
                return peer.closed_by_client().await;
            }
            leaves.lock().unwrap().recv().unwrap();
            peer.send(goaway(request.id, NO_ERROR)).await;
            // Not dropped: bytes of the client that were not read would make the close a reset.
            let mut stream = peer.into_stream();
            stream.shutdown().await.unwrap();
            gone.send(()).unwrap();
            closed_by_client(&mut stream).await;
        }
    }));
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let transport = http2();
    runtime.block_on(async {
        transport.exchange(post(&server.url("/"))).await.unwrap();
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let holds_up = tokio::spawn(async move {
            held.send(()).unwrap();
            released.recv().unwrap();
        });
        is_held.recv().unwrap();
        leave.send(()).unwrap();
        has_gone.recv().unwrap();
        // How long the worker is held up decides only whether a fault is noticed.
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            release.send(()).unwrap();
        });
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
        holds_up.await.unwrap();
    });
    assert_eq!(server.connections(), 2);
}
