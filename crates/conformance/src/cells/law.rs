//! The one law: no error says that nothing was executed once the server has the request. And what goes with it: the request
//! is sent once, and no answer is made up.
//!
//! Each [`Behaviour`] is a row of what a server can do once it has read a request; each is met on a fresh and on a reused
//! connection. The judgement knows nothing of HTTP/1.1, so that a server of another protocol brings behaviours of its own
//! and is checked alike.

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::{SystemTimer, Timer as _, bytes::Bytes};

use super::{
    closed_port::ClosedPort,
    row::{CONTRACT, Make, Planned, Row},
};
use crate::{
    server::{Act, Reads, Server, write},
    stage::{Checked, LONG, Otherwise, SETTLE, SHORT, Stage, demand, fail},
};

pub(super) static ROWS: [Row<Stage>; 2] = [
    Row {
        name: "law.any_bytes",
        demand: "Whatever bytes answer a request: nothing panics, and no error says that nothing was executed",
        source: CONTRACT,
        check: |stage| Box::pin(any_bytes(stage)),
    },
    Row {
        name: "law.claims",
        demand: "An error says that nothing was sent only where the `SendState` is held, given back or cancelled",
        source: CONTRACT,
        check: |stage| Box::pin(claims(stage)),
    },
];

/// What a server does once it has a request.
struct Behaviour {
    name: [&'static str; 2],
    demand: &'static str,
    reads: Reads,
    acts: &'static [Act],
    gives: Gives,
}

/// What a client can have been given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// No whole answer: only an error is true.
    NoAnswer,
    /// Something that some take for an answer.
    Maybe,
}

/// Whether the request goes over a connection that carried others.
#[derive(Clone, Copy)]
enum Over {
    Fresh,
    Reused,
}

macro_rules! behaviours {
    ($($name:literal, $reads:ident, $gives:ident, $demand:literal, [$($act:expr),+ $(,)?];)+) => {
        [$(Behaviour {
            name: [concat!("law.", $name, ".fresh"), concat!("law.", $name, ".reused")],
            demand: concat!($demand, ": unknown, sent once"),
            reads: Reads::$reads,
            acts: &[$($act),+],
            gives: Gives::$gives,
        }),+]
    };
}

const HEAD: Act = write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
const BODY: Act = write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"object\":\"actor_token\"");
const CHUNKED: Act = write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");

static BEHAVIOURS: [Behaviour; 35] = behaviours! {
    "close", Request, NoAnswer, "The server reads the request and closes", [Act::Close];
    "reset", Request, NoAnswer, "The server reads the request and resets the connection", [Act::Reset];
    "half_close", Request, NoAnswer, "The server reads the request and closes its side alone", [Act::HalfClose, Act::Hold];
    "silence", Request, NoAnswer, "The server reads the request and is silent to the deadline", [Act::Hold];
    "close_within_the_request", Head, NoAnswer, "The server reads the head of the request and closes", [Act::Close];
    "reset_within_the_request", Head, NoAnswer, "The server reads the head of the request and resets the connection", [Act::Reset];
    "part_of_the_version", Request, NoAnswer, "The server reads the request, writes `HT` and closes", [write(b"HT"), Act::Close];
    "part_of_the_status", Request, NoAnswer, "The server reads the request, writes half a status line and closes",
        [write(b"HTTP/1.1 20"), Act::Close];
    "part_of_the_head", Request, NoAnswer, "The server reads the request, writes half a head and closes",
        [write(b"HTTP/1.1 200 OK\r\ncontent-le"), Act::Close];
    "part_of_the_head_reset", Request, NoAnswer, "The server reads the request, writes half a head and resets the connection",
        [write(b"HTTP/1.1 200 OK\r\ncontent-le"), Act::Reset];
    "part_of_the_head_silence", Request, NoAnswer, "The server reads the request, writes half a head and is silent",
        [write(b"HTTP/1.1 200 OK\r\ncontent-le"), Act::Hold];
    "head_close", Request, NoAnswer, "The server reads the request, writes the head and closes", [HEAD, Act::Close];
    "head_reset", Request, NoAnswer, "The server reads the request, writes the head and resets the connection",
        [HEAD, Act::Reset];
    "body_close", Request, NoAnswer, "The server reads the request, writes half the body and closes", [BODY, Act::Close];
    "body_reset", Request, NoAnswer, "The server reads the request, writes half the body and resets the connection",
        [BODY, Act::Reset];
    "body_silence", Request, NoAnswer, "The server reads the request, writes half the body and is silent", [BODY, Act::Hold];
    "chunked_cut", Request, NoAnswer, "The server reads the request and cuts a chunked body",
        [CHUNKED, write(b"5\r\nab"), Act::Close];
    "chunk_size_garbage", Request, NoAnswer, "The server reads the request and writes an invalid chunk size",
        [CHUNKED, write(b"zz\r\nabc\r\n0\r\n\r\n"), Act::Close];
    "chunk_size_overflow", Request, NoAnswer, "The server reads the request and writes a chunk size beyond 64 bits",
        [CHUNKED, write(b"FFFFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"), Act::Close];
    "garbage", Request, NoAnswer, "The server reads the request and answers with bytes that are no HTTP",
        [write(b"\x00\x01\xfe\xff\r\n\r\n\x7f"), Act::Close];
    "other_protocol", Request, NoAnswer, "The server reads the request and answers in HTTP/2 that it processed nothing",
        // SETTINGS, and GOAWAY with the last stream 0 and no error: no proof on a connection that speaks HTTP/1.1.
        [write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), Act::Close];
    "tls_alert", Request, NoAnswer, "The server reads the request and answers with a TLS alert",
        [write(b"\x15\x03\x03\x00\x02\x02\x28"), Act::Close];
    "version_garbage", Request, NoAnswer, "The server reads the request and answers in an invalid version",
        [write(b"HTTP/9.x 200 OK\r\ncontent-length: 0\r\n\r\n"), Act::Close];
    "status_garbage", Request, NoAnswer, "The server reads the request and answers with an invalid status",
        [write(b"HTTP/1.1 2OO OK\r\ncontent-length: 0\r\n\r\n"), Act::Close];
    "header_garbage", Request, Maybe, "The server reads the request and answers with an invalid header",
        [write(b"HTTP/1.1 200 OK\r\nno header\x00\x01\r\ncontent-length: 0\r\n\r\n"), Act::Close];
    "huge_head", Request, Maybe, "The server reads the request and answers with a head of 2 MiB",
        [write(b"HTTP/1.1 200 OK\r\nx-huge: "), Act::Repeat(std::borrow::Cow::Borrowed(b"0123456789abcdef"), 128 * 1024), write(b"\r\n\r\n"), Act::Close];
    "length_garbage", Request, Maybe, "The server reads the request and answers with an invalid Content-Length",
        [write(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello"), Act::Close];
    "length_twice", Request, Maybe, "The server reads the request and answers with two lengths",
        [write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"), Act::Close];
    "length_and_chunks", Request, Maybe, "The server reads the request and answers with a length and with chunks",
        [write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), Act::Close];
    "interim_close", Request, NoAnswer, "The server reads the request, writes an interim answer and closes",
        [write(b"HTTP/1.1 100 Continue\r\n\r\n"), Act::Close];
    "interim_flood", Request, NoAnswer, "The server reads the request, writes 5,000 interim answers and closes",
        [Act::Repeat(std::borrow::Cow::Borrowed(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"), 5000), Act::Close];
    "interim_silence", Request, NoAnswer, "The server reads the request, writes an interim answer and is silent",
        [write(b"HTTP/1.1 102 Processing\r\n\r\n"), Act::Hold];
    "switching_protocols", Request, Maybe, "The server reads the request, switches protocols unasked and closes",
        [write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), Act::Close];
    "answer_before_the_body", Head, Maybe, "The server reads the head of the request, answers 413 and closes",
        [write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n"), Act::ReadRest, Act::Close];
    "request_timeout", Request, Maybe, "The server reads the request, answers 408 and closes",
        [write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), Act::Close];
};

/// The cells of the table.
pub(super) fn behaviours(make: &Make) -> impl Iterator<Item = Planned> {
    let cells = BEHAVIOURS.iter().flat_map(|behaviour| {
        let [fresh, reused] = behaviour.name;
        [(behaviour, fresh, Over::Fresh), (behaviour, reused, Over::Reused)]
    });
    cells.map(|(behaviour, name, over)| {
        let make = Arc::clone(make);
        Planned {
            name: name.into(),
            demand: behaviour.demand,
            source: "the one law: never `NotExecuted` when the server has the request",
            check: Box::new(move || {
                let make = Arc::clone(&make);
                Box::pin(async move { judge(&Stage::new(make()), behaviour, over).await })
            }),
        }
    })
}

/// How often a reused connection is looked for.
const TRIES: usize = 3;

async fn judge(stage: &Stage, behaviour: &'static Behaviour, over: Over) -> Checked {
    // What is silent is to be sat out, and once more with a longer deadline if the request was not read before the first.
    let deadlines: &[Duration] = match behaviour.acts.last() {
        Some(Act::Hold) => &SHORT,
        _ => &[LONG],
    };
    // A creation has a body and a revocation has none: clients send the two in different ways.
    for (what, has_body) in [("with a body", true), ("without a body", false)] {
        let mut last = fail("nothing was sent");
        for deadline in deadlines {
            for _ in 0..TRIES {
                last = once(stage, behaviour, over, *deadline, has_body).await;
                if !matches!(last, Err(Otherwise::NotApplicable(_))) {
                    break;
                }
            }
            if !matches!(last, Err(Otherwise::Failed(_))) {
                break;
            }
        }
        last.map_err(|otherwise| otherwise.about(what))?;
    }
    Ok(())
}

async fn once(stage: &Stage, behaviour: &'static Behaviour, over: Over, deadline: Duration, has_body: bool) -> Checked {
    let server = Server::start(behaviour.reads, |_| behaviour.acts.to_vec())?;
    if matches!(over, Over::Reused) && !stage.warm_up(&server).await? {
        return Err(Otherwise::NotApplicable("it uses no connection again".into()));
    }
    let mut request = stage.post(&server)?;
    if !has_body {
        *request.request.body_mut() = Bytes::new();
    }
    stage.bound(&mut request, deadline);
    // What every exchange must keep is looked at there: the law, and that it is sent once.
    let ended = stage.send(&server, request).await?;
    let seen = server.seen_of(ended.exchange);
    let Some(seen) = seen.first() else {
        return fail(match ended.result {
            Ok(_) => "an answer, though the server never read the request".to_owned(),
            Err(error) => format!("the server never read the request: {error:?}"),
        });
    };
    if let Ok(response) = &ended.result {
        demand(behaviour.gives == Gives::Maybe, || {
            format!("Ok with status {}, though the server gave no whole answer", response.status().as_u16())
        })?;
    }
    // A second send may come later than the end of the first.
    let (exchange, before) = (ended.exchange, seen.before);
    SystemTimer.sleep(SETTLE).await;
    demand(server.seen_of(exchange).len() == 1, || "the server read the request twice".into())?;
    match over {
        Over::Reused if before == 0 => Err(Otherwise::NotApplicable("the request went over a new connection".into())),
        _ => Ok(()),
    }
}

/// The failures behind which nothing was sent. Whether an error says so is not asked here; if it does, the stage looks for
/// the proof.
async fn claims(stage: &Stage) -> Checked {
    let (nobody, closed) = (Server::acting([])?, ClosedPort::new()?);
    let refused = stage.post_to(&format!("http://{}/", closed.address()))?;
    stage.send(&nobody, refused).await.map_err(|otherwise| otherwise.about("a refused connection"))?;
    let mut late = stage.post(&nobody)?;
    stage.bound(&mut late, Duration::ZERO);
    stage.send(&nobody, late).await.map_err(|otherwise| otherwise.about("a deadline that has passed"))?;
    let cutting = Server::start(Reads::Nothing, |_| vec![Act::Close])?;
    let cut = stage.post_to(&format!("https://{}/", cutting.address()))?;
    stage.send(&cutting, cut).await.map_err(|otherwise| otherwise.about("a TLS handshake that is cut off"))?;
    Ok(())
}

/// How many answers are made up.
const ANSWERS: u64 = 64;

async fn any_bytes(stage: &Stage) -> Checked {
    for seed in 1..=ANSWERS {
        let server = Server::acting([Act::Write(made_up(seed).into()), Act::Close])?;
        let ended = stage.send(&server, stage.post(&server)?).await;
        let ended = ended.map_err(|otherwise| otherwise.about(&format!("answer {seed}")))?;
        let was_read = !server.seen_of(ended.exchange).is_empty();
        demand(was_read, || format!("answer {seed}: the server never read the request"))?;
    }
    Ok(())
}

/// Pieces of answers, whole and broken, in an order that the seed decides.
fn made_up(seed: u64) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 500 X\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"HTTP/1.1 ",
        b"204 N\r\n",
        b"content-length: 5\r\n",
        b"content-length: 18446744073709551616\r\n",
        b"transfer-encoding: chunked\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"connection: close, keep-alive\r\n",
        b": \r\n",
        b"\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"\x00\xff\xfe",
        b"\n\n \t",
    ];
    // Xorshift (Marsaglia 2003): the same in every run.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // Every other one begins like an answer.
    let mut bytes =
        if seed % 2 == 0 { PIECES.first().map(|piece| piece.to_vec()).unwrap_or_default() } else { Vec::new() };
    for _ in 0..next() % 8 {
        let piece = usize::try_from(next() % 16).ok().and_then(|at| PIECES.get(at)).copied().unwrap_or_default();
        bytes.extend_from_slice(piece);
    }
    bytes
}
