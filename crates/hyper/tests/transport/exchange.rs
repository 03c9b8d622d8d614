//! What goes out and what comes back when nothing fails.

use http::{HeaderValue, StatusCode, Version};
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::support::{Exchanges, Server, http_only, post, read_request};

#[tokio::test]
async fn the_request_goes_out_as_it_was_made_and_only_host_and_length_are_added() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut stream| {
        let seen = seen.clone();
        async move {
            seen.send(read_request(&mut stream).await.unwrap()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let mut request = post(&server.url("/v1/actor_tokens?a=b%20c"));
    request.headers_mut().append("x-many", HeaderValue::from_static("one"));
    request.headers_mut().append("x-many", HeaderValue::from_static("two"));
    http_only().exchange(request).await.unwrap();
    assert_eq!(
        requests.recv().await.unwrap(),
        format!(
            "POST /v1/actor_tokens?a=b%20c HTTP/1.1\r\nx-many: one\r\nx-many: two\r\nhost: 127.0.0.1:{}\r\n\
             content-length: 20\r\n\r\n{{\"user_id\":\"user_1\"}}",
            server.port()
        )
    );
}

#[tokio::test]
async fn headers_that_are_repeated_or_not_utf_8_come_back_untouched() {
    let server = Server::answering(*b"HTTP/1.1 200 OK\r\nx-many: one\r\nx-many: two\r\nx-raw: \xff\xfe\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x00\x01\xfe\xff").await;
    let response = http_only().exchange(post(&server.url("/"))).await.unwrap();
    let many: Vec<_> = response.headers().get_all("x-many").iter().collect();
    assert_eq!(many, ["one", "two"]);
    assert_eq!(response.headers()["x-raw"].as_bytes(), b"\xff\xfe");
    assert_eq!(response.body().as_ref(), b"\x00\x01\xfe\xff", "a body is never decoded");
}

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    let server = Server::start(|_, mut stream| async move {
        let mut status = 200;
        while read_request(&mut stream).await.is_some() {
            let answer = format!("HTTP/1.1 {status} Word\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            status += 1;
        }
    })
    .await;
    let transport = http_only();
    // A second request for one status would shift all that follow.
    for status in 200..1000 {
        let response = transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
    }
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let server = Server::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nhi",
    )
    .await;
    let response = http_only().exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.body().as_ref(), b"hi");
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let answer =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nx-trailer: 1\r\n\r\n";
    let server = Server::answering(answer).await;
    let response = http_only().exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(response.body().as_ref(), b"abcdefg");
}

#[tokio::test]
async fn extensions_of_chunks_are_passed_over() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;name=\"value\"\r\nabc\r\n1 ; x\r\nd\r\n0;last\r\n\r\n",
    )
    .await;
    let transport = http_only();
    for _ in 0..2 {
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "abcd");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_will_close_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    ] {
        // It does not close: a client that believes its header uses a new one.
        let server = Server::answering(answer).await;
        let transport = http_only();
        for opened in 1..4 {
            assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hi");
            assert_eq!(server.connections(), opened);
        }
    }
}

#[tokio::test]
async fn the_version_of_the_request_does_not_matter() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11, Version::HTTP_2, Version::HTTP_3] {
        let mut request = post(&server.url("/"));
        *request.version_mut() = version;
        http_only().exchange(request).await.unwrap();
    }
}
