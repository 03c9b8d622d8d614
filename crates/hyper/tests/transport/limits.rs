//! The deadline and the cap.

use std::time::Duration;

use clerk_actor_tokens_core::{Deadline, Execution, Timer, TransportError, TransportErrorKind};
use clerk_actor_tokens_hyper::{HyperTransport, TokioTimer};
use tokio::io::AsyncWriteExt;

use crate::support::{
    Exchange, Exchanges, LONG, SHORT, Server, assert_kind, closed_by_client, http_only, ok, post, post_within,
    read_request,
};

fn capped(url: &str, cap: usize) -> Exchange {
    post(url).with_response_cap(cap)
}

#[tokio::test]
async fn after_its_deadline_nothing_is_sent() {
    let server = Server::answering(ok("hello")).await;
    let transport = http_only();
    let mut request = post(&server.url("/"));
    request.context = request.context.with_deadline(Deadline::at(TokioTimer.now()));
    let error = transport.exchange(request).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
    assert_eq!(error.execution(), Execution::NotExecuted);
    assert_eq!(server.connections(), 0);
}

/// A server that reads the request, writes these bytes and then holds the connection open.
async fn stalling_after(answer: &'static str) -> Server {
    Server::start(move |_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        closed_by_client(&mut stream).await;
    })
    .await
}

async fn stalled(answer: &'static str) -> TransportError {
    let server = stalling_after(answer).await;
    let error = http_only().exchange(post_within(&server.url("/"), SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Timeout);
    assert_eq!(error.execution(), Execution::Unknown);
    error
}

#[tokio::test]
async fn a_stall_before_the_head_is_complete_ends_at_the_deadline_with_nothing() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        assert!(stalled(answer).await.partial().is_none());
    }
}

#[tokio::test]
async fn a_stall_within_the_body_ends_at_the_deadline_with_exactly_what_was_sent() {
    for (answer, arrived) in [
        ("HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n", ""),
        ("HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":\"act_1\",", "{\"id\":\"act_1\","),
        ("HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde", "abcde"),
        ("HTTP/1.1 201 Created\r\n\r\nuntil the end", "until the end"),
    ] {
        let error = stalled(answer).await;
        let partial = error.partial().expect("the head had arrived");
        assert_eq!(partial.status(), 201);
        assert_eq!(partial.body(), arrived);
    }
}

#[tokio::test]
async fn a_body_that_trickles_does_not_stretch_the_deadline() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let result = tokio::time::timeout(LONG, http_only().exchange(post_within(&server.url("/"), SHORT))).await;
    let error = result.expect("the deadline was stretched").unwrap_err();
    assert_kind(&error, TransportErrorKind::Timeout);
    assert!(!error.partial().unwrap().body().is_empty());
}

#[tokio::test]
async fn a_flood_of_interim_answers_does_not_stretch_the_deadline() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await.is_ok() {}
    })
    .await;
    let result = tokio::time::timeout(LONG, http_only().exchange(post_within(&server.url("/"), SHORT))).await;
    let error = result.expect("the deadline was stretched").unwrap_err();
    assert_kind(&error, TransportErrorKind::Timeout);
    assert!(error.partial().is_none());
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_not_taken_and_one_below_is() {
    // hyper looks at the limit between two reads, the last of which may bring as much again.
    for (limit, fits, too_large) in [(8 * 1024, 7 * 1024, 17 * 1024), (64 * 1024, 60 * 1024, 130 * 1024)] {
        let transport = HyperTransport::builder().http_only().max_head_size(limit).build().unwrap();
        let head = |size| format!("HTTP/1.1 200 OK\r\nx-large: {}\r\ncontent-length: 2\r\n\r\nhi", "a".repeat(size));
        let server = Server::answering(head(fits)).await;
        let response = transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!((response.headers()["x-large"].len(), response.body().as_ref()), (fits, &b"hi"[..]));

        let server = Server::answering(head(too_large)).await;
        let error = transport.exchange(post(&server.url("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Interrupted);
        assert!(error.partial().is_none());
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_read_for_ever() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        for line in 0.. {
            if stream.write_all(format!("x-{line}: y\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await;
    let error = http_only().exchange(post(&server.url("/"))).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Interrupted);
}

#[tokio::test]
async fn a_body_as_large_as_the_cap_is_an_answer() {
    let server = Server::answering(ok("0123456789")).await;
    let response = http_only().exchange(capped(&server.url("/"), 10)).await.unwrap();
    assert_eq!(response.body().len(), 10);
}

#[tokio::test]
async fn a_body_larger_than_the_cap_is_kept_up_to_the_cap() {
    for cap in [0, 1, 9] {
        let server = Server::answering(ok("0123456789")).await;
        let error = http_only().exchange(capped(&server.url("/"), cap)).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::BodyTooLarge);
        let partial = error.partial().expect("the head had arrived");
        assert_eq!(partial.status(), 200);
        assert_eq!(partial.body(), &"0123456789"[..cap]);
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap_and_its_connection_closed() {
    let (closed, was_closed) = tokio::sync::oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let server = Server::start(move |_, mut stream| {
        let closed = closed.lock().unwrap().take().expect("one connection");
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            while stream.write_all(b"5\r\nabcde\r\n").await.is_ok() {}
            closed.send(()).unwrap();
        }
    })
    .await;
    let error = http_only().exchange(capped(&server.url("/"), 100_001)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::BodyTooLarge);
    assert_eq!(error.partial().unwrap().body().len(), 100_001);
    tokio::time::timeout(LONG, was_closed).await.expect("the connection stayed open").unwrap();
}
