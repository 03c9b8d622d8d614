//! The deadline and the cap.

use std::time::Duration;

use clerk_actor_tokens_core::TransportErrorKind;
use clerk_actor_tokens_core::bytes::Bytes;

use super::{
    partial::is_partial,
    pool::UNREAD,
    row::{CONTRACT, Row, bytes_of_every_value, whole},
};
use crate::{
    race::holds,
    server::{Act, Reads, Server, write},
    stage::{Checked, Ended, Otherwise, Outgoing, RACY, SLACK, Stage, demand},
};

pub(super) static ROWS: [Row<Stage>; 12] = [
    Row {
        name: "deadline.before_the_head",
        demand: "Silence behind the request ends at the deadline, as `Timeout`",
        source: CONTRACT,
        check: |stage| Box::pin(silence(stage, b"")),
    },
    Row {
        name: "deadline.within_the_head",
        demand: "Silence within the head ends at the deadline, as `Timeout`",
        source: CONTRACT,
        check: |stage| Box::pin(silence(stage, b"HTTP/1.1 200 OK\r\ncontent-le")),
    },
    Row {
        name: "deadline.within_the_body",
        demand: "Silence within the body ends at the deadline, as `Timeout`, with the head and exactly the bytes that came",
        source: CONTRACT,
        check: |stage| Box::pin(within_the_body(stage)),
    },
    Row {
        name: "deadline.of_a_trickling_body",
        demand: "A body that comes byte by byte does not stretch the deadline",
        source: CONTRACT,
        check: |stage| Box::pin(trickling(stage, b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x")),
    },
    Row {
        name: "deadline.of_interim_answers",
        demand: "Interim answers (1xx) do not stretch the deadline",
        source: CONTRACT,
        check: |stage| Box::pin(trickling(stage, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    },
    Row {
        name: "deadline.that_has_passed",
        demand: "Behind its deadline nothing is sent: `TimeoutBeforeSend`, or `Timeout`",
        source: CONTRACT,
        check: |stage| Box::pin(that_has_passed(stage)),
    },
    Row {
        name: "deadline.of_connecting",
        demand: "A TLS handshake that is not answered ends at the deadline, in an error (also that there is no TLS)",
        source: CONTRACT,
        check: |stage| Box::pin(of_connecting(stage)),
    },
    Row {
        name: "deadline.kept_alone",
        demand: "A transport that says `keeps_deadlines` ends by the deadline whatever it waits for, also for a server that does \
                 not read",
        source: "`HttpTransport::keeps_deadlines`: the client then has no timer of its own",
        check: |stage| Box::pin(kept_alone(stage)),
    },
    Row {
        name: "cap.as_large",
        demand: "A body as large as the cap is an answer",
        source: CONTRACT,
        check: |stage| Box::pin(as_large(stage)),
    },
    Row {
        name: "cap.larger",
        demand: "A larger body is `BodyTooLarge`, with the head and the bytes up to the cap, in each framing",
        source: CONTRACT,
        check: |stage| Box::pin(larger(stage)),
    },
    Row {
        name: "cap.announced_larger",
        demand: "A body that is announced to be larger is still read up to the cap, and not further",
        source: CONTRACT,
        check: |stage| Box::pin(announced_larger(stage)),
    },
    Row {
        name: "cap.endless_body",
        demand: "A body without an end is cut at the cap while it is read, and its connection closed",
        source: CONTRACT,
        check: |stage| Box::pin(endless_body(stage)),
    },
];

fn is_timeout(ended: Ended) -> Checked {
    let error = ended.error()?;
    demand(error.kind() == TransportErrorKind::Timeout, || format!("it ended with {error:?}"))
}

async fn silence(stage: &Stage, before: &'static [u8]) -> Checked {
    let make = || {
        let server = Server::acting([write(before), Act::Hold])?;
        let request = stage.post(&server)?;
        Ok((server, request))
    };
    stage.sit_out(make, |_, ended| is_timeout(ended)).await
}

async fn within_the_body(stage: &Stage) -> Checked {
    let answers: [(&'static [u8], &'static [u8]); 4] = [
        (b"HTTP/1.1 201 Created\r\nx-head: kept\r\ncontent-length: 100\r\n\r\n", b""),
        (
            b"HTTP/1.1 201 Created\r\nx-head: kept\r\ncontent-length: 100\r\n\r\n{\"id\":\"act_1\",",
            b"{\"id\":\"act_1\",",
        ),
        (b"HTTP/1.1 201 Created\r\nx-head: kept\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde", b"abcde"),
        (b"HTTP/1.1 201 Created\r\nx-head: kept\r\n\r\nuntil the end", b"until the end"),
    ];
    for (bytes, arrived) in answers {
        let make = || {
            let server = Server::acting([write(bytes), Act::Hold])?;
            let request = stage.post(&server)?;
            Ok((server, request))
        };
        stage.sit_out(make, |_, ended| is_partial(&ended.error()?, TransportErrorKind::Timeout, 201, arrived)).await?;
    }
    Ok(())
}

async fn trickling(stage: &Stage, head: &'static [u8], drop: &'static [u8]) -> Checked {
    let make = || {
        let server = Server::acting([write(head), Act::Forever(drop.into(), Duration::from_millis(10))])?;
        let request = stage.post(&server)?;
        Ok((server, request))
    };
    stage.sit_out(make, |_, ended| is_timeout(ended)).await
}

async fn that_has_passed(stage: &Stage) -> Checked {
    let server = Server::acting([Act::Write(whole("200 OK", b"").into())])?;
    for _ in 0..RACY {
        let mut request = stage.post(&server)?;
        stage.bound(&mut request, Duration::ZERO);
        let error = stage.send(&server, request).await?.error()?;
        let is_timeout = matches!(error.kind(), TransportErrorKind::TimeoutBeforeSend | TransportErrorKind::Timeout);
        demand(is_timeout, || format!("it ended with {error:?}"))?;
        demand(server.seen().is_empty(), || "it was sent".into())?;
    }
    Ok(())
}

async fn of_connecting(stage: &Stage) -> Checked {
    let make = || {
        let server = Server::start(Reads::Nothing, |_| vec![Act::Hold])?;
        let request = stage.post_to(&format!("https://{}/", server.address()))?;
        Ok((server, request))
    };
    stage.sit_out(make, |_, ended| ended.error().map(drop)).await
}

async fn kept_alone(stage: &Stage) -> Checked {
    if !stage.keeps_deadlines() {
        return Err(Otherwise::NotApplicable("it does not say that it keeps deadlines".into()));
    }
    let head = write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nso far");
    let waits: [(&str, &[Act]); 3] = [
        ("silence behind the request", &[Act::Hold]),
        ("silence within the body", &[head.clone(), Act::Hold]),
        ("a body that trickles", &[head, Act::Forever(b"x".into(), Duration::from_millis(10))]),
    ];
    for (what, acts) in waits {
        let make = || {
            let server = Server::acting(acts)?;
            let sent = stage.post(&server)?;
            Ok((server, sent))
        };
        ends(stage, what, make).await?;
    }
    let make = || {
        let server = Server::start(Reads::Nothing, |_| vec![Act::Hold])?;
        let sent = stage.post_to(&format!("https://{}/", server.address()))?;
        Ok((server, sent))
    };
    ends(stage, "a TLS handshake that is not answered", make).await?;
    let make = || {
        let server = Server::start(Reads::Head, |_| vec![Act::Deaf])?;
        let mut sent = stage.post(&server)?;
        *sent.request.body_mut() = Bytes::from(vec![b' '; UNREAD]);
        Ok((server, sent))
    };
    ends(stage, "a body that the server does not read", make).await
}

async fn ends(stage: &Stage, what: &str, make: impl Fn() -> Result<(Server, Outgoing), Otherwise> + Send) -> Checked {
    let ended = stage.sit_out(make, |_, ended| ended.error().map(drop)).await;
    ended.map_err(|otherwise| otherwise.about(what))
}

async fn as_large(stage: &Stage) -> Checked {
    for length in [0, 10, 70_000] {
        let sent = bytes_of_every_value(length);
        let server = Server::acting([Act::Write(whole("200 OK", &sent).into())])?;
        let response = stage.send(&server, stage.post(&server)?.capped(length)).await?.answer()?;
        demand(response.body() == sent.as_slice(), || format!("of {length} bytes came {}", response.body().len()))?;
    }
    Ok(())
}

async fn larger(stage: &Stage) -> Checked {
    let body = bytes_of_every_value(70_000);
    let framed = |framing: &str, before: &str, after: &str| {
        let head = format!("HTTP/1.1 422 X\r\nx-head: kept\r\n{framing}\r\n\r\n{before}");
        [head.as_bytes(), &body, after.as_bytes()].concat()
    };
    let size = format!("{:x}\r\n", body.len());
    for bytes in [
        framed(&format!("content-length: {}", body.len()), "", ""),
        framed("transfer-encoding: chunked", &size, "\r\n0\r\n\r\n"),
        framed("connection: close", "", ""),
    ] {
        for cap in [0, 1, 69_999] {
            let server = Server::acting([Act::Write(bytes.clone().into()), Act::Close])?;
            let error = stage.send(&server, stage.post(&server)?.capped(cap)).await?.error()?;
            let expected = body.get(..cap).unwrap_or_default();
            is_partial(&error, TransportErrorKind::BodyTooLarge, 422, expected)?;
        }
    }
    Ok(())
}

async fn announced_larger(stage: &Stage) -> Checked {
    let server = Server::acting([
        write(b"HTTP/1.1 200 OK\r\nx-head: kept\r\ncontent-length: 1000000000\r\n\r\n"),
        Act::Repeat(b"x".into(), 2000),
        Act::Hold,
    ])?;
    let mut request = stage.post(&server)?.capped(1000);
    stage.bound(&mut request, Duration::from_secs(4));
    let error = stage.send(&server, request).await?.error()?;
    is_partial(&error, TransportErrorKind::BodyTooLarge, 200, &[b'x'; 1000])
}

async fn endless_body(stage: &Stage) -> Checked {
    // With pauses: one that keeps no cap must not fill the memory.
    let chunk = [b"4000\r\n", [b'x'; 0x4000].as_slice(), b"\r\n"].concat();
    let server = Server::acting([
        write(b"HTTP/1.1 200 OK\r\nx-head: kept\r\ntransfer-encoding: chunked\r\n\r\n"),
        Act::Forever(chunk.into(), Duration::from_millis(1)),
    ])?;
    let mut request = stage.post(&server)?.capped(100_001);
    stage.bound(&mut request, Duration::from_secs(4));
    let error = stage.send(&server, request).await?.error()?;
    is_partial(&error, TransportErrorKind::BodyTooLarge, 200, &[b'x'; 100_001])?;
    let closed = holds(SLACK, || server.is_left(0)).await;
    demand(closed, || "the connection was not closed".into())
}
