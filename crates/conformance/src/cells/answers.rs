//! An answer is handed on as it came.

use clerk_actor_tokens_core::http::{HeaderValue, header};

use super::row::{CONTRACT, Row, bytes_of_every_value, whole};
use crate::{
    peer::EXCHANGE,
    server::{Act, Reads, Seen, Server, write},
    stage::{Checked, Ended, Otherwise, Stage, demand},
};
use clerk_actor_tokens_core::Response;

pub(super) static ROWS: [Row<Stage>; 8] = [
    Row {
        name: "answer.every_status",
        demand: "Every status is `Ok`, with its body: 2xx, 3xx, 4xx and 5xx",
        source: CONTRACT,
        check: |stage| Box::pin(every_status(stage)),
    },
    Row {
        name: "answer.redirects",
        demand: "No redirect is followed: the 3xx is the answer, with its `Location`",
        source: CONTRACT,
        check: |stage| Box::pin(redirects(stage)),
    },
    Row {
        name: "answer.repeated_headers",
        demand: "Every value of a repeated header is kept, in order",
        source: "RFC 9110 section 5.3: `Set-Cookie` cannot be joined",
        check: |stage| Box::pin(repeated_headers(stage)),
    },
    Row {
        name: "answer.non_utf8_headers",
        demand: "A header value that is not UTF-8 is kept byte for byte",
        source: "RFC 9110 section 5.5: obs-text",
        check: |stage| Box::pin(non_utf8_headers(stage)),
    },
    Row {
        name: "answer.body",
        demand: "The body is handed on byte for byte",
        source: CONTRACT,
        check: |stage| Box::pin(body(stage)),
    },
    Row {
        name: "answer.framings",
        demand: "A body is read to its end in each of the three framings, and trailers are no part of it",
        source: "RFC 9112 section 6.3",
        check: |stage| Box::pin(framings(stage)),
    },
    Row {
        name: "answer.encoded_body",
        demand: "A compressed body is handed on as it is, with its `Content-Encoding`",
        source: "the book's page on transports: bodies are not decoded",
        check: |stage| Box::pin(encoded_body(stage)),
    },
    Row {
        name: "answer.interim",
        demand: "Interim answers (1xx) are passed over: the final one is the answer",
        source: "RFC 9110 section 15.2",
        check: |stage| Box::pin(interim(stage)),
    },
];

/// What a transport makes of this answer.
async fn answer_of(stage: &Stage, acts: Vec<Act>) -> Result<Response, Otherwise> {
    let server = Server::acting(acts)?;
    stage.send(&server, stage.post(&server)?).await?.answer()
}

fn written(bytes: impl Into<Vec<u8>>) -> Act {
    Act::Write(bytes.into().into())
}

/// Those that something in an HTTP stack may treat in a way of its own, and some that no library knows.
const STATUSES: [u16; 40] = [
    200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300, 304, 305, 399, 400, 401, 402, 403, 404, 405, 407, 408, 409,
    410, 411, 413, 415, 417, 421, 422, 425, 426, 429, 431, 451, 499, 500, 503, 504, 599,
];

/// A server that gives these answers in turn: the first to exchange 0, which is that of a fresh stage's first request.
fn in_turn(answers: Vec<Vec<u8>>) -> Result<Server, Otherwise> {
    let answer_to = move |seen: &Seen| {
        let exchange = seen.request.header(EXCHANGE).and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let answer = exchange.and_then(|exchange: usize| answers.get(exchange));
        vec![answer.map_or(Act::Close, |answer| written(answer.clone()))]
    };
    Ok(Server::start(Reads::Request, answer_to)?)
}

/// An answer that something in an HTTP stack may act on.
fn with_status(status: u16) -> Vec<u8> {
    let head =
        format!("{status} X\r\nwww-authenticate: Basic realm=x\r\nproxy-authenticate: Basic realm=x\r\nretry-after: 0");
    match status {
        204 | 304 => format!("HTTP/1.1 {head}\r\n\r\n").into_bytes(),
        _ => whole(&head, body_with(status)),
    }
}

fn body_with(status: u16) -> &'static [u8] {
    if matches!(status, 204 | 205 | 304) { b"" } else { b"the body" }
}

async fn every_status(stage: &Stage) -> Checked {
    let server = in_turn(STATUSES.map(with_status).into())?;
    for status in STATUSES {
        let response = stage.send(&server, stage.post(&server)?).await.and_then(Ended::answer);
        let response = response.map_err(|otherwise| otherwise.about(&format!("status {status}")))?;
        demand(response.status() == status, || format!("{status} became {}", response.status().as_u16()))?;
        demand(response.body() == body_with(status), || format!("the body of a {status} is not what was sent"))?;
    }
    Ok(())
}

async fn redirects(stage: &Stage) -> Checked {
    let elsewhere = Server::acting([written(whole("200 OK", b"elsewhere"))])?;
    let absolute = format!("http://{}/elsewhere", elsewhere.address());
    let locations = [absolute.as_str(), "/v1/elsewhere", "?again", ""];
    let redirects: Vec<_> =
        [301, 302, 303, 307, 308].into_iter().flat_map(|status| locations.map(|location| (status, location))).collect();
    let answer = |(status, location): &(u16, &str)| whole(&format!("{status} X\r\nlocation: {location}"), b"");
    let server = in_turn(redirects.iter().map(answer).collect())?;
    for (before, (status, location)) in redirects.into_iter().enumerate() {
        let response = stage.send(&server, stage.post(&server)?).await?.answer()?;
        let seen = server.seen().len().saturating_add(elsewhere.connections());
        demand(seen == before.saturating_add(1), || format!("a {status} was followed"))?;
        demand(response.status() == status, || format!("{status} became {}", response.status().as_u16()))?;
        let is_kept = response.headers().get(header::LOCATION).is_some_and(|value| value == location);
        demand(is_kept, || format!("the `Location` of a {status} was not kept"))?;
    }
    Ok(())
}

fn values<'a>(response: &'a Response, name: &str) -> Vec<&'a [u8]> {
    response.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

async fn repeated_headers(stage: &Stage) -> Checked {
    let head = "200 OK\r\nx-many: one\r\nset-cookie: a=1\r\nX-Many: two, three\r\nset-cookie: b=2\r\nx-many: four";
    let response = answer_of(stage, vec![written(whole(head, b""))]).await?;
    for (name, expected) in [("x-many", &["one", "two, three", "four"][..]), ("set-cookie", &["a=1", "b=2"])] {
        let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
        let got = values(&response, name);
        demand(got == expected, || format!("`{name}` was sent {} times and came {} times", expected.len(), got.len()))?;
    }
    Ok(())
}

async fn non_utf8_headers(stage: &Stage) -> Checked {
    let bytes = b"HTTP/1.1 200 OK\r\nx-latin: caf\xe9\r\nx-raw: \x80\xfe\xff\r\ncontent-length: 0\r\n\r\n";
    let response = answer_of(stage, vec![write(bytes)]).await?;
    for (name, expected) in [("x-latin", &b"caf\xe9"[..]), ("x-raw", b"\x80\xfe\xff")] {
        demand(values(&response, name) == [expected], || format!("`{name}` did not come as it was sent"))?;
    }
    Ok(())
}

async fn body(stage: &Stage) -> Checked {
    for length in [0, 1, 70_000] {
        let sent = bytes_of_every_value(length);
        let response = answer_of(stage, vec![written(whole("200 OK", &sent))]).await?;
        demand(response.body() == sent.as_slice(), || {
            format!("of a body of {length} bytes came {}, or others", response.body().len())
        })?;
    }
    Ok(())
}

async fn framings(stage: &Stage) -> Checked {
    let answers: [(&str, &'static [u8], &[u8]); 6] = [
        ("a Content-Length", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        ("chunks", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
        (
            "chunks with extensions and trailers",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-end: 1\r\n\r\n",
            b"hello",
        ),
        ("no chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        ("the end of the connection", b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello", b"hello"),
        ("the end of the connection, HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
    ];
    for (framing, bytes, expected) in answers {
        let response = answer_of(stage, vec![write(bytes), Act::Close]).await;
        let response = response.map_err(|otherwise| otherwise.about(framing))?;
        demand(response.body() == expected, || format!("{framing}: the body is not what was sent"))?;
    }
    Ok(())
}

/// `hello`, compressed.
const GZIPPED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86, 0xa6,
    0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
];

async fn encoded_body(stage: &Stage) -> Checked {
    for (encoding, sent) in [
        ("gzip", GZIPPED),
        ("x-gzip", GZIPPED),
        ("deflate", b"not compressed"),
        ("br", b"not compressed"),
        ("zstd", b"no"),
    ] {
        let bytes = whole(&format!("200 OK\r\ncontent-encoding: {encoding}"), sent);
        let response = answer_of(stage, vec![written(bytes)]).await.map_err(|otherwise| otherwise.about(encoding))?;
        demand(response.body() == sent, || format!("a body in {encoding} was not handed on as it is"))?;
        let kept = values(&response, "content-encoding");
        demand(kept == [encoding.as_bytes()], || format!("`Content-Encoding: {encoding}` was not kept"))?;
    }
    Ok(())
}

async fn interim(stage: &Stage) -> Checked {
    let interim =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
    let response = answer_of(stage, vec![write(interim), written(whole("201 Created", b"hello"))]).await?;
    demand(response.status() == 201, || format!("201 became {}", response.status().as_u16()))?;
    demand(response.body() == &b"hello"[..], || "the body is not what was sent".into())
}
