//! What is said of an exchange that broke off.

use std::{error::Error, sync::Arc};

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
use tokio::{
    io::AsyncWriteExt,
    net::TcpListener,
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::support::{
    Exchanges, LONG, SHORT, Server, assert_kind, causes, closed_by_client, http_only, ok, post, post_within,
    read_request,
};

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_executed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = http_only().exchange(post(&url)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Connect);
    assert_eq!(error.execution(), Execution::NotExecuted);
    assert!(error.partial().is_none());
}

const SIZED: &str = "HTTP/1.1 201 Created\r\nx-test: 1\r\ncontent-length: 16\r\n\r\n{\"id\":\"act_1234\"";
const CHUNKED: &str = "HTTP/1.1 201 Created\r\nx-test: 1\r\ntransfer-encoding: chunked\r\n\r\n\
                       5\r\n{\"id\"\r\nb\r\n:\"act_1234\"\r\n0\r\n\r\n";

/// The body of [`CHUNKED`], and of [`SIZED`].
const BODY: &str = "{\"id\":\"act_1234\"";

/// How a server breaks off after it wrote some bytes.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Close,
    Reset,
}

async fn cut_after(answer: &'static str, length: usize, cut: Cut) -> Server {
    Server::start(move |_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(&answer.as_bytes()[..length]).await.unwrap();
        if let Cut::Reset = cut {
            stream.set_zero_linger().unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn wherever_an_answer_is_cut_the_request_is_never_called_unexecuted_and_what_arrived_is_kept() {
    let transport = http_only();
    for answer in [SIZED, CHUNKED] {
        let head = answer.find("\r\n\r\n").unwrap() + 4;
        for length in 0..answer.len() {
            let server = cut_after(answer, length, Cut::Close).await;
            let error = transport.exchange(post(&server.url("/"))).await.expect_err("it was cut");
            assert_kind(&error, TransportErrorKind::Interrupted);
            assert_eq!(error.execution(), Execution::Unknown, "cut after {length} bytes");
            let Some(partial) = error.partial() else {
                assert!(length < head, "the head had arrived whole, {length} bytes");
                continue;
            };
            assert!(length >= head);
            assert_eq!(partial.status(), 201);
            assert_eq!(partial.headers()["x-test"], "1");
            let arrived = if answer == SIZED { &answer[head..length] } else { &BODY[..chunked_body(length - head)] };
            assert_eq!(partial.body(), arrived, "cut after {length} bytes");
        }
    }
}

/// How many bytes of the body are in the first `length` bytes of [`CHUNKED`]'s body.
fn chunked_body(length: usize) -> usize {
    match length {
        0..=3 => 0,
        4..=8 => length - 3,
        9..=13 => 5,
        14..=24 => length - 8,
        _ => 16,
    }
}

#[tokio::test]
async fn wherever_an_answer_is_reset_the_request_is_never_called_unexecuted() {
    let transport = http_only();
    for length in 0..SIZED.len() {
        let server = cut_after(SIZED, length, Cut::Reset).await;
        let error = transport.exchange(post(&server.url("/"))).await.expect_err("it was reset");
        assert_kind(&error, TransportErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_proves_nothing() {
    for answer in ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 999999 No\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\0\0\0\0\0\0\0\0"] {
        let server = Server::answering(answer).await;
        let error = http_only().exchange(post(&server.url("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is_opened() {
    for url in ["/v1/actor_tokens", "ftp://127.0.0.1/", "127.0.0.1:80", "http://:80/"] {
        let Ok(url) = url.parse::<http::Uri>() else { continue };
        let mut request = post("http://127.0.0.1/");
        *request.uri_mut() = url;
        let error = http_only().exchange(request).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Blocked);
        assert!(causes(&error)[0].contains("absolute"), "{error:?}");
    }
}

#[tokio::test]
async fn a_transport_for_http_only_refuses_https_before_it_connects_and_says_why() {
    let server = Server::answering(ok("hello")).await;
    let error = http_only().exchange(post(&server.url("/").replace("http://", "https://"))).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::Tls);
    assert_eq!(error.execution(), Execution::NotExecuted);
    assert_eq!(server.connections(), 0);
    let causes = causes(&error).concat();
    assert!(causes.contains("http_only()"), "{causes}");
    let features = causes.contains("`aws-lc-rs`") && causes.contains("`ring`");
    assert_eq!(features, !cfg!(any(feature = "aws-lc-rs", feature = "ring")), "{causes}");
}

#[tokio::test]
async fn dropping_the_future_before_the_answer_closes_the_connection() {
    let reached = Arc::new(Notify::new());
    let (closed, was_closed) = oneshot::channel();
    let (notify, closed) = (reached.clone(), std::sync::Mutex::new(Some(closed)));
    let server = Server::start(move |_, mut stream| {
        let (notify, closed) = (notify.clone(), closed.lock().unwrap().take().expect("one connection"));
        async move {
            read_request(&mut stream).await.unwrap();
            notify.notify_one();
            closed_by_client(&mut stream).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = http_only();
    tokio::select! {
        result = transport.exchange(post(&server.url("/"))) => panic!("never answered: {result:?}"),
        () = reached.notified() => {}
    }
    timeout(LONG, was_closed).await.expect("the connection stayed open").unwrap();
}

#[tokio::test]
async fn dropping_the_future_within_the_body_closes_the_connection() {
    let (closed, was_closed) = oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let server = Server::start(move |_, mut stream| {
        let closed = closed.lock().unwrap().take().expect("one connection");
        async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345").await.unwrap();
            closed_by_client(&mut stream).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = http_only();
    // Dropped by this timeout, long before its own deadline.
    timeout(SHORT, transport.exchange(post(&server.url("/")))).await.expect_err("never complete");
    timeout(LONG, was_closed).await.expect("the connection stayed open").unwrap();
}

#[tokio::test]
async fn no_error_shows_what_was_sent_or_received() {
    let answers = [
        "HTTP/1.1 200 OK\r\nx-canary: CANARY\r\ncontent-length: 100\r\n\r\nCANARY",
        "HTTP/1.1 200 OK\r\nx-canary: CANARY\r\ntransfer-encoding: chunked\r\n\r\nCANARY",
        "HTTP/1.1 200 OK\r\nCANARY CANARY: 1\r\ncontent-length: CANARY\r\n\r\n",
        "HTTP/1.1 CANARY\r\n\r\n",
        "CANARY\r\n\r\n",
        "",
    ];
    for answer in answers {
        let server = Server::start(move |_, mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        for (url, timeout) in [(server.url("/CANARY?CANARY=CANARY"), SHORT), ("http://127.0.0.1:9/CANARY".into(), LONG)]
        {
            let mut request = post_within(&url, timeout);
            request.headers_mut().insert("authorization", "Bearer CANARY".parse().unwrap());
            *request.body_mut() = "CANARY".into();
            let error = http_only().exchange(request).await.unwrap_err();
            let mut texts = vec![format!("{error} {error:?} {error:#?}")];
            let mut next = error.source();
            while let Some(cause) = next {
                texts.push(format!("{cause} {cause:?} {cause:#?}"));
                next = cause.source();
            }
            assert!(!texts.concat().contains("CANARY"), "{texts:#?}");
        }
    }
}

#[tokio::test]
async fn the_transport_shows_nothing_of_its_insides() {
    let transport = http_only();
    let server = Server::answering(ok("CANARY")).await;
    transport.exchange(post(&server.url("/CANARY"))).await.unwrap();
    assert_eq!(format!("{transport:?}"), "HyperTransport { .. }");
}
