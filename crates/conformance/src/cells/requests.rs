//! A request goes out as it was given.

use clerk_actor_tokens_core::bytes::Bytes;
use clerk_actor_tokens_core::http::{HeaderName, HeaderValue, Method, Uri, header::ACCEPT_ENCODING};

use super::row::{BOOK, CONTRACT, Row, bytes_of_every_value, whole};
use crate::{
    server::{Act, ReadRequest, Reads, Server},
    stage::{Checked, KEY, Otherwise, Outgoing, REQUEST_SECRET, Stage, URL_SECRET, demand, fail},
};

pub(super) static ROWS: [Row<Stage>; 7] = [
    Row {
        name: "request.target",
        demand: "Method, path and query go out byte for byte, and no percent-encoding is changed",
        source: CONTRACT,
        check: |stage| Box::pin(target(stage)),
    },
    Row {
        name: "request.dot_segments",
        demand: "Dot segments of a path go out as they are (some clients can only remove them: skip it there)",
        source: CONTRACT,
        check: |stage| Box::pin(dot_segments(stage)),
    },
    Row {
        name: "request.headers",
        demand: "Every header goes out, with each of its values byte for byte and in order",
        source: CONTRACT,
        check: |stage| Box::pin(headers(stage)),
    },
    Row {
        name: "request.body",
        demand: "The body goes out byte for byte, also an empty one",
        source: CONTRACT,
        check: |stage| Box::pin(body(stage)),
    },
    Row {
        name: "request.accept_encoding",
        demand: "`Accept-Encoding` goes out as it was given, with no decoder added",
        source: BOOK,
        check: |stage| Box::pin(accept_encoding(stage)),
    },
    Row {
        name: "request.https_in_the_clear",
        demand: "Nothing of a request to an `https` URL is sent unencrypted",
        source: "RFC 9110 section 4.2.2",
        check: |stage| Box::pin(https_in_the_clear(stage)),
    },
    Row {
        name: "request.unsendable_url",
        demand: "A URL that cannot be sent to is an error, not a panic",
        source: BOOK,
        check: |stage| Box::pin(unsendable_url(stage)),
    },
];

/// What the server read of this request.
async fn read_of(stage: &Stage, server: &Server, sent: Outgoing) -> Result<ReadRequest, Otherwise> {
    let ended = stage.send(server, sent).await?;
    let exchange = ended.exchange;
    ended.answer()?;
    match server.seen_of(exchange).pop() {
        Some(seen) => Ok(seen.request),
        None => fail("the server never read the request"),
    }
}

fn answering() -> Result<Server, Otherwise> {
    Ok(Server::acting([Act::Write(whole("200 OK", b"").into())])?)
}

async fn target(stage: &Stage) -> Checked {
    goes_out(stage, TARGETS).await
}

async fn dot_segments(stage: &Stage) -> Checked {
    goes_out(stage, DOT_SEGMENTS).await
}

const TARGETS: &[(Method, &str)] = &[
    (Method::POST, "/v1/actor_tokens"),
    (Method::GET, "/"),
    (Method::POST, "/v1//a%2Fb/%7E/;x=y/c"),
    (Method::PATCH, "/v1/a?x=1&x=2&y=%20+%2B&z"),
    (Method::DELETE, "/v1/a?"),
    (Method::POST, "/v1/a?b=c?d/e"),
];

/// RFC 3986 section 5.2.4 removes them from references, and not from the target of a request.
const DOT_SEGMENTS: &[(Method, &str)] = &[
    (Method::POST, "/v1/./a/../c"),
    (Method::POST, "/v1/a/.."),
    (Method::GET, "/./"),
    (Method::POST, "/v1/a/%2e%2e/c"),
];

async fn goes_out(stage: &Stage, targets: &[(Method, &str)]) -> Checked {
    let server = answering()?;
    for (method, target) in targets.iter().cloned() {
        let mut sent = stage.post_to(&format!("http://{}{target}", server.address()))?;
        if method == Method::GET {
            *sent.request.body_mut() = Bytes::new();
        }
        *sent.request.method_mut() = method.clone();
        let read = read_of(stage, &server, sent).await?;
        demand(read.method == method.as_str(), || format!("{method} became {}", read.method))?;
        demand(read.target == target, || format!("{target} became {}", read.target))?;
    }
    Ok(())
}

async fn headers(stage: &Stage) -> Checked {
    let server = answering()?;
    let mut sent = stage.post(&server)?;
    let many = HeaderName::from_static("x-many");
    for value in ["one", "two, three", "four"] {
        sent.request.headers_mut().append(many.clone(), HeaderValue::from_static(value));
    }
    if let Ok(raw) = HeaderValue::from_bytes(b"caf\xe9 \x80\xff") {
        sent.request.headers_mut().insert("x-raw", raw);
    }
    let given = sent.request.headers().clone();
    let read = read_of(stage, &server, sent).await?;
    // `Accept-Encoding` has a cell of its own.
    for name in given.keys().filter(|name| *name != ACCEPT_ENCODING) {
        let expected = given.get_all(name).iter().map(HeaderValue::as_bytes);
        demand(read.header_values(name.as_str()).eq(expected), || format!("`{name}` did not go out as it was given"))?;
    }
    Ok(())
}

async fn body(stage: &Stage) -> Checked {
    let server = answering()?;
    for length in [0, 1, 70_000] {
        let given = bytes_of_every_value(length);
        let mut sent = stage.post(&server)?;
        *sent.request.body_mut() = given.clone().into();
        let read = read_of(stage, &server, sent).await?;
        demand(read.body == given, || format!("of a body of {length} bytes went {}, or others", read.body.len()))?;
    }
    Ok(())
}

async fn accept_encoding(stage: &Stage) -> Checked {
    let server = answering()?;
    let read = read_of(stage, &server, stage.post(&server)?).await?;
    let sent: Vec<_> = read.header_values("accept-encoding").map(String::from_utf8_lossy).collect();
    demand(sent == ["identity"], || format!("`Accept-Encoding: identity` went out as {sent:?}"))
}

async fn https_in_the_clear(stage: &Stage) -> Checked {
    let make = || {
        let server = Server::start(Reads::Nothing, |_| vec![Act::Hold])?;
        let request = stage.post_to(&format!("https://{}/v1/{URL_SECRET}", server.address()))?;
        Ok((server, request))
    };
    let check = |server: &Server, _| {
        let raw = String::from_utf8_lossy(&server.raw()).into_owned();
        let parts = [KEY, URL_SECRET, REQUEST_SECRET, "HTTP/1.1"];
        demand(!parts.iter().any(|part| raw.contains(part)), || "parts of it were".into())
    };
    stage.sit_out(make, check).await
}

async fn unsendable_url(stage: &Stage) -> Checked {
    let server = answering()?;
    for url in ["/v1/actor_tokens", "*", "127.0.0.1:1", "ftp://127.0.0.1:1/"] {
        let mut sent = stage.post(&server)?;
        let Ok(uri) = url.parse::<Uri>() else { continue };
        *sent.request.uri_mut() = uri;
        let ended = stage.send(&server, sent).await?;
        demand(ended.result.is_err(), || format!("Ok from `{url}`"))?;
    }
    Ok(())
}
