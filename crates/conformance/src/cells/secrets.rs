//! No text of an error holds what the request or the answer holds.

use std::error::Error as StdError;

use clerk_actor_tokens_core::TransportError;

use super::{
    closed_port::ClosedPort,
    row::{BOOK, Row},
};
use crate::{
    server::{Act, Reads, Server, write},
    stage::{ANSWER_SECRET, Checked, KEY, Outgoing, REQUEST_SECRET, SHORT, Stage, URL_SECRET, fail},
};

pub(super) static ROWS: [Row<Stage>; 4] = [
    Row {
        name: "secrets.key",
        demand: "Neither `Display` nor `Debug` of an error, nor of its causes, shows the key",
        source: BOOK,
        check: |stage| Box::pin(search(stage, KEY)),
    },
    Row {
        name: "secrets.url",
        demand: "Neither `Display` nor `Debug` of an error, nor of its causes, shows the path or the query of the URL",
        source: BOOK,
        check: |stage| Box::pin(search(stage, URL_SECRET)),
    },
    Row {
        name: "secrets.request_body",
        demand: "Neither `Display` nor `Debug` of an error, nor of its causes, shows the body of the request",
        source: BOOK,
        check: |stage| Box::pin(search(stage, REQUEST_SECRET)),
    },
    Row {
        name: "secrets.answer",
        demand: "Neither `Display` nor `Debug` of an error, nor of its causes, shows parts of the answer",
        source: BOOK,
        check: |stage| Box::pin(search(stage, ANSWER_SECRET)),
    },
];

/// Makes exchanges fail in many ways, and searches what the errors show.
async fn search(stage: &Stage, secret: &str) -> Checked {
    let said = format!("{KEY} {ANSWER_SECRET}");
    let failures: [(&str, Vec<Act>); 8] = [
        ("a close", vec![Act::Close]),
        ("a reset", vec![Act::Reset]),
        ("no HTTP", vec![written(format!("{said}\r\n\r\n")), Act::Close]),
        ("an invalid status", vec![written(format!("HTTP/1.1 {said}\r\n\r\n")), Act::Close]),
        ("an invalid header", vec![written(format!("HTTP/1.1 200 OK\r\n{said}\r\n\r\n")), Act::Close]),
        ("an invalid length", vec![written(format!("HTTP/1.1 200 OK\r\ncontent-length: {said}\r\n\r\n")), Act::Close]),
        (
            "an invalid chunk",
            vec![
                written(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: {said}\r\n\r\n{said}\r\n")),
                Act::Close,
            ],
        ),
        (
            "a cut body",
            vec![
                written(format!("HTTP/1.1 200 OK\r\nx-link: {said}\r\ncontent-length: 999\r\n\r\n{said}")),
                Act::Close,
            ],
        ),
    ];
    for (what, acts) in failures {
        let server = Server::acting(acts)?;
        fails(stage, stage.post(&server)?, what, secret).await?;
    }

    let body = format!("HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{said}");
    for (what, acts) in
        [("silence", vec![Act::Hold]), ("silence within the body", vec![written(body.clone()), Act::Hold])]
    {
        let server = Server::acting(acts)?;
        let mut request = stage.post(&server)?;
        if let Some(timeout) = SHORT.first() {
            stage.bound(&mut request, *timeout);
        }
        fails(stage, request, what, secret).await?;
    }
    let server = Server::acting([written(body), Act::Hold])?;
    fails(stage, stage.post(&server)?.capped(10), "a body beyond the cap", secret).await?;

    let server = Server::start(Reads::Nothing, |_| vec![write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Close])?;
    let closed = ClosedPort::new()?;
    for (what, url) in [
        ("a refused connection", format!("http://{}/{URL_SECRET}", closed.address())),
        ("a URL without a host", format!("/{URL_SECRET}?{URL_SECRET}")),
        ("an invalid handshake", format!("https://{}/{URL_SECRET}", server.address())),
    ] {
        fails(stage, stage.post_to(&url)?, what, secret).await?;
    }
    Ok(())
}

fn written(text: String) -> Act {
    Act::Write(text.into_bytes().into())
}

/// Searches the error, if there is one: that there must be, and of which kind, other cells say.
async fn fails(stage: &Stage, sent: Outgoing, what: &str, secret: &str) -> Checked {
    match stage.attempt(sent).await {
        // Not shown here either.
        Some(Err(error)) if shown(&error).iter().any(|text| text.contains(secret)) => {
            fail(format!("{what}: the error shows it"))
        }
        _ => Ok(()),
    }
}

/// All that an error can be made to show.
fn shown(error: &TransportError) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        texts.extend([error.to_string(), format!("{error:#}"), format!("{error:?}"), format!("{error:#?}")]);
        next = error.source();
    }
    texts
}
