//! Which connection a request is sent over.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{DiscardConnection, Execution, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use http::HeaderValue;
use tokio::{
    io::AsyncWriteExt,
    sync::{Notify, mpsc},
    time::timeout,
};

use crate::support::{Exchanges, LONG, Server, assert_kind, closed_by_client, http_only, ok, post, read_request};

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::answering(ok("hello")).await;
    let transport = http_only();
    for _ in 0..5 {
        transport.exchange(post(&server.url("/"))).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn clones_share_the_pool() {
    let server = Server::answering(ok("hello")).await;
    let transport = http_only();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    transport.clone().exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_idled_too_long_is_not_used() {
    let server = Server::answering(ok("hello")).await;
    let transport = HyperTransport::builder().http_only().pool_idle_timeout(Duration::from_millis(20)).build().unwrap();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn with_no_idle_connections_allowed_each_request_has_its_own() {
    let server = Server::answering(ok("hello")).await;
    let transport = HyperTransport::builder().http_only().max_idle_per_host(0).build().unwrap();
    for sent in 1..4 {
        transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!(server.connections(), sent);
    }
}

#[tokio::test]
async fn a_discarded_connection_is_not_used_again_even_from_within_the_pool() {
    let server = Server::answering(ok("hello")).await;
    let transport = http_only();
    let response = transport.exchange(post(&server.url("/"))).await.unwrap();
    // It is back in the pool: this request is sent over it.
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1);
    response.extensions().get::<DiscardConnection>().expect("a handle").discard();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_fresh_connection_carried_nothing_before_and_carries_nothing_after() {
    let server = Server::answering(ok("hello")).await;
    let transport = http_only();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    for opened in [2, 3] {
        let request = post(&server.url("/")).with_fresh_connection();
        assert_eq!(transport.exchange(request).await.unwrap().body().as_ref(), b"hello");
        assert_eq!(server.connections(), opened);
    }
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 3, "the pooled one is still there");
}

#[tokio::test]
async fn a_connection_whose_answer_was_too_large_is_not_used_again() {
    // The answer fits into one read, so hyper could drain it and keep the connection.
    let server = Server::answering(ok("0123456789")).await;
    let transport = http_only();
    for opened in 1..4 {
        let request = post(&server.url("/")).with_response_cap(9);
        let error = transport.exchange(request).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::BodyTooLarge);
        assert_eq!(server.connections(), opened);
    }
}

#[tokio::test]
async fn bytes_left_over_from_one_answer_never_answer_the_next_request() {
    let server = Server::start(|connection, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            let extra = if connection == 0 { ok("another user's token") } else { String::new() };
            stream.write_all(format!("{}{extra}", ok("yours")).as_bytes()).await.unwrap();
        }
    })
    .await;
    let transport = http_only();
    for _ in 0..3 {
        let response = transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!(response.body().as_ref(), b"yours");
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_request_whose_idle_connection_was_closed_is_sent_over_another() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(ok("hello").as_bytes()).await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = http_only();
    for opened in 1..4 {
        transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!(server.connections(), opened);
        was_closed.recv().await.unwrap();
        // The close is in the socket; hyper sees it when the runtime next looks at its sockets.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_closes_connections_a_request_that_it_read_is_never_called_unexecuted() {
    let read = Arc::new(Mutex::new(HashSet::new()));
    let log = read.clone();
    // Says nothing of closing, and closes right after each answer: the next request races with the close.
    let server = Server::start(move |_, mut stream| {
        let log = log.clone();
        async move {
            if let Some(request) = read_request(&mut stream).await {
                let number = request.lines().find_map(|line| line.strip_prefix("x-number: ")).unwrap().to_owned();
                assert!(log.lock().unwrap().insert(number), "a request was sent twice");
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let transport = http_only();
    for number in 0..500_u32 {
        let mut request = post(&server.url("/"));
        request.headers_mut().insert("x-number", HeaderValue::from(number));
        let executed = match transport.exchange(request).await {
            Ok(_) => Execution::Executed,
            Err(error) => {
                // A pooled connection that died before a byte was written is replaced, not reported.
                assert_ne!(error.kind(), TransportErrorKind::Canceled);
                error.execution()
            }
        };
        let was_read = read.lock().unwrap().contains(&number.to_string());
        assert!(!(was_read && executed == Execution::NotExecuted), "request {number} was read");
        assert!(was_read || executed != Execution::Executed, "request {number} was answered unread");
    }
}

/// A second descriptor would keep a socket open that hyper has closed.
#[tokio::test]
async fn the_server_sees_the_end_of_each_connection_that_is_given_up() {
    #[derive(Debug, Clone, Copy)]
    enum Ends {
        ByTheServer,
        ByTheIdleLimit,
        ByDiscard,
        WithTheTransport,
    }
    for ends in [Ends::ByTheServer, Ends::ByTheIdleLimit, Ends::ByDiscard, Ends::WithTheTransport] {
        let ended = Arc::new(Notify::new());
        let notify = Arc::clone(&ended);
        let server = Server::start(move |number, mut stream| {
            let notify = Arc::clone(&notify);
            async move {
                read_request(&mut stream).await.unwrap();
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
                if matches!(ends, Ends::ByTheServer) {
                    stream.shutdown().await.unwrap();
                }
                closed_by_client(&mut stream).await;
                if number == 0 {
                    notify.notify_one();
                }
            }
        })
        .await;
        let idle = match ends {
            Ends::ByTheIdleLimit => Duration::from_millis(50),
            _ => LONG,
        };
        let transport = HyperTransport::builder().http_only().pool_idle_timeout(idle).build().unwrap();
        let response = transport.exchange(post(&server.url("/"))).await.unwrap();
        match ends {
            Ends::ByDiscard => {
                response.extensions().get::<DiscardConnection>().unwrap().discard();
                transport.exchange(post(&server.url("/"))).await.unwrap();
            }
            Ends::ByTheServer | Ends::ByTheIdleLimit | Ends::WithTheTransport => {}
        }
        // Dropped here, or kept.
        let kept = (!matches!(ends, Ends::WithTheTransport)).then_some(transport);
        timeout(LONG, ended.notified()).await.unwrap_or_else(|_| panic!("{ends:?}: it was still open"));
        drop(kept);
    }
}
