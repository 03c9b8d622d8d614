//! What of a head is read past, and what costs the connection.

use clerk_actor_tokens_core::TransportErrorKind;
use tokio::io::AsyncWriteExt;

use crate::support::{Exchanges, Server, assert_kind, http_only, ok, post, read_request};

/// Answers each request with these bytes, the first one of each connection with the first.
async fn in_turn(answers: &[String]) -> Server {
    let answers = answers.to_vec();
    Server::start(move |_, mut stream| {
        let answers = answers.clone();
        async move {
            for answer in answers {
                if read_request(&mut stream).await.is_none() {
                    return;
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            while read_request(&mut stream).await.is_some() {}
        }
    })
    .await
}

#[tokio::test]
async fn what_browsers_read_past_is_read_past() {
    for line in [
        "no colon at all",
        ": no name",
        "a name with spaces: x",
        "x-(braces): x",
        "x-spaced : x",
        "x-folded: one\r\n two",
        "x-folded: one\r\n\ttwo",
    ] {
        let answer =
            format!("HTTP/1.1 200 OK\r\nx-before: 1\r\n{line}\r\nx-after: 2\r\ncontent-length: 5\r\n\r\nhello");
        let server = in_turn(&[answer, ok("again")]).await;
        let transport = http_only();
        let response = transport.exchange(post(&server.url("/"))).await;
        let response = response.unwrap_or_else(|error| panic!("{line:?}: {error:?}"));
        assert_eq!(response.body(), "hello", "{line:?}");
        assert!(["x-before", "x-after"].iter().all(|name| response.headers().contains_key(*name)), "{line:?}");
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "again", "{line:?}");
    }
}

#[tokio::test]
async fn as_many_header_lines_are_read_as_are_allowed_and_no_more() {
    let answer = |lines: usize| {
        let lines: String = (1..lines).map(|line| format!("x-{line}: 1\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\n{lines}content-length: 5\r\n\r\nhello")
    };
    for lines in [100, 101, 256] {
        let server = in_turn(&[answer(lines)]).await;
        let response = http_only().exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!((response.headers().len(), response.body().as_ref()), (lines, &b"hello"[..]));
    }
    let server = in_turn(&[answer(257)]).await;
    assert_kind(&http_only().exchange(post(&server.url("/"))).await.unwrap_err(), TransportErrorKind::Interrupted);
}

#[tokio::test]
async fn a_response_that_is_framed_twice_costs_its_connection_and_what_is_smuggled_behind_it_is_no_answer() {
    let smuggled = ok("smuggled");
    let first = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{smuggled}",
        15 + smuggled.len()
    );
    for pause in [0, 20] {
        let server = in_turn(&[first.clone(), ok("second of this connection")]).await;
        let transport = http_only();
        for connections in 1..4 {
            let response = transport.exchange(post(&server.url("/"))).await.unwrap();
            assert_eq!((response.body().as_ref(), server.connections()), (&b"hello"[..], connections));
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        }
    }
}

#[tokio::test]
async fn lengths_that_contradict_each_other_or_are_none_are_no_answer() {
    for lengths in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: 0x5",
        "content-length: -5",
        "content-length: 5 5",
        "content-length: 18446744073709551616",
        // No header ends in a zero byte, wherever it is.
        "x-null\0: x\r\ncontent-length: 5",
    ] {
        let server = in_turn(&[format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nhello")]).await;
        let error = http_only().exchange(post(&server.url("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn bytes_behind_the_end_of_a_response_cost_the_connection_at_once_or_later() {
    for pause in [0, 5, 20] {
        let server = Server::start(move |_, mut stream| async move {
            while read_request(&mut stream).await.is_some() {
                stream.write_all(ok("hello").as_bytes()).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
                if stream.write_all(ok("unasked").as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let transport = http_only();
        for connections in 1..5 {
            let response = transport.exchange(post(&server.url("/"))).await.unwrap();
            assert_eq!((response.body().as_ref(), server.connections()), (&b"hello"[..], connections), "{pause}");
            tokio::time::sleep(std::time::Duration::from_millis(pause + 20)).await;
        }
    }
}
