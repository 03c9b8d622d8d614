//! What an HTTP/2 server's refusals prove, frame by frame.
//!
//! Not responsible for what a call does next (`lying_peer.rs`) or for exchanges that work (`http2.rs`).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    h2_peer::{CODES, DATA, END_STREAM, LAST, NO_ERROR, Peer, REFUSED_STREAM, frame, goaway, headers, rst},
    support::{Exchanges, Server, assert_kind, http2, post},
};

/// What the server does once it has read the whole request. `Ours` is the request's own stream.
#[derive(Debug, Clone, Copy)]
enum Say {
    Rst,
    /// GOAWAY whose last stream is below the request's.
    GoAwayBelow,
    GoAwayBelowAndClose,
    /// GOAWAY whose last stream is the request's own.
    GoAwayOursAndClose,
    GoAwayOursAndReset,
    /// GOAWAY that still allows any stream (RFC 9113 section 6.8).
    GoAwayAnyAndClose,
    /// First that, then one whose last stream is below the request's.
    GoAwayAnyThenBelow,
    /// GOAWAY below another one that was at the request's stream: the request is refused after all.
    GoAwayOursThenBelow,
    GoAwayOursThenRst,
}

#[derive(Debug, Clone, Copy)]
enum Codes {
    Only(u32),
    AllBut(u32),
    All,
}

use TransportErrorKind::{Interrupted, Refused, RefusedOnNewConnection};

/// What is claimed, of a request with a body on a new connection, without one there, and of both on a connection that has
/// answered before.
#[rustfmt::skip]
const TABLE: [(Say, Codes, [TransportErrorKind; 4]); 12] = [
    (Say::Rst,                 Codes::Only(REFUSED_STREAM),   [Refused,       Refused,     Refused,     Refused]),
    (Say::Rst,                 Codes::AllBut(REFUSED_STREAM), [Interrupted,   Interrupted, Interrupted, Interrupted]),
    (Say::GoAwayBelow,         Codes::Only(NO_ERROR),         [Refused,       Interrupted, Refused,     Interrupted]),
    (Say::GoAwayBelow,         Codes::AllBut(NO_ERROR),       [RefusedOnNewConnection, Interrupted, Refused,     Interrupted]),
    (Say::GoAwayBelowAndClose, Codes::Only(NO_ERROR),         [Refused,       Interrupted, Refused,     Interrupted]),
    (Say::GoAwayBelowAndClose, Codes::AllBut(NO_ERROR),       [RefusedOnNewConnection, Interrupted, Refused,     Interrupted]),
    (Say::GoAwayOursAndClose,  Codes::All,                    [Interrupted,   Interrupted, Interrupted, Interrupted]),
    (Say::GoAwayOursAndReset,  Codes::All,                    [Interrupted,   Interrupted, Interrupted, Interrupted]),
    (Say::GoAwayAnyAndClose,   Codes::All,                    [Interrupted,   Interrupted, Interrupted, Interrupted]),
    (Say::GoAwayAnyThenBelow,  Codes::Only(NO_ERROR),         [Refused,       Interrupted, Refused,     Interrupted]),
    (Say::GoAwayOursThenBelow, Codes::AllBut(NO_ERROR),       [RefusedOnNewConnection, Interrupted, Refused,     Interrupted]),
    (Say::GoAwayOursThenRst,   Codes::Only(REFUSED_STREAM),   [Refused,       Refused,     Refused,     Refused]),
];

impl Codes {
    fn each(self) -> impl Iterator<Item = u32> {
        CODES.into_iter().filter(move |code| match self {
            Self::Only(only) => *code == only,
            Self::AllBut(but) => *code != but,
            Self::All => true,
        })
    }
}

async fn say(mut peer: Peer, id: u32, say: Say, code: u32) {
    let below = id.saturating_sub(2);
    let (bytes, end) = match say {
        Say::Rst => (rst(id, code), End::Stay),
        Say::GoAwayBelow => (goaway(below, code), End::Stay),
        Say::GoAwayBelowAndClose => (goaway(below, code), End::Close),
        Say::GoAwayOursAndClose => (goaway(id, code), End::Close),
        Say::GoAwayOursAndReset => (goaway(id, code), End::Reset),
        Say::GoAwayAnyAndClose => (goaway(LAST, code), End::Close),
        Say::GoAwayAnyThenBelow => ([goaway(LAST, NO_ERROR), goaway(below, code)].concat(), End::Stay),
        Say::GoAwayOursThenBelow => ([goaway(id, NO_ERROR), goaway(below, code)].concat(), End::Stay),
        Say::GoAwayOursThenRst => ([goaway(id, NO_ERROR), rst(id, code)].concat(), End::Stay),
    };
    peer.send(bytes).await;
    end.of(peer).await;
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy)]
enum End {
    Stay,
    Close,
    Reset,
}

impl End {
    async fn of(self, mut peer: Peer) {
        match self {
            Self::Stay => peer.closed_by_client().await,
            Self::Close => {
                let mut stream = peer.into_stream();
                let _ = stream.shutdown().await;
                crate::support::closed_by_client(&mut stream).await;
            }
            Self::Reset => reset(&peer.into_stream()),
        }
    }
}

fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// A server that answers the first `answered` requests of each connection, and then does this.
async fn server(answered: usize, act: Say, code: u32) -> Server {
    Server::start(move |_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        for _ in 0..answered {
            let Some(request) = peer.request().await else { return };
            peer.answer(request.id, "hello").await;
        }
        let Some(request) = peer.request().await else { return };
        say(peer, request.id, act, code).await;
    })
    .await
}

#[tokio::test]
async fn each_frame_proves_what_the_table_says() {
    let mut checked = 0;
    for (act, codes, expected) in TABLE {
        for code in codes.each() {
            for (index, expected) in expected.into_iter().enumerate() {
                let (answered, has_body) = (index / 2, index % 2 == 0);
                let server = server(answered, act, code).await;
                let transport = http2();
                for _ in 0..answered {
                    transport.exchange(post(&server.url("/"))).await.unwrap();
                }
                let request = post(&server.url("/"));
                let request = if has_body { request } else { request.without_body() };
                let error = transport.exchange(request).await.unwrap_err();
                let case = format!("{act:?}, code {code}, {answered} answered, body: {has_body}: {error:?}");
                assert_eq!(error.kind(), expected, "{case}");
                assert_eq!(error.execution() == Execution::NotExecuted, expected != Interrupted, "{case}");
                assert!(error.partial().is_none(), "{case}");
                assert_eq!(server.connections(), 1, "{case}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 4 * (15 + 15 + 15 + 15 + 15 + 15 + 1 + 14 + 1));
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_proves_nothing() {
    for end in [End::Close, End::Reset] {
        for has_body in [true, false] {
            for answered in [0, 1] {
                let server = Server::start(move |_, stream| async move {
                    let Some(mut peer) = Peer::accept(stream).await else { return };
                    for _ in 0..answered {
                        let request = peer.request().await.unwrap();
                        peer.answer(request.id, "hello").await;
                    }
                    peer.request().await.unwrap();
                    end.of(peer).await;
                })
                .await;
                let transport = http2();
                for _ in 0..answered {
                    transport.exchange(post(&server.url("/"))).await.unwrap();
                }
                let request = post(&server.url("/"));
                let request = if has_body { request } else { request.without_body() };
                assert_kind(&transport.exchange(request).await.unwrap_err(), Interrupted);
            }
        }
    }
}

/// Frames that break the protocol: what the client makes of them is its own word, and no refusal of the server's.
#[tokio::test]
async fn a_server_that_breaks_the_protocol_proves_nothing() {
    type Bytes = fn(u32) -> Vec<u8>;
    let cases: [(&str, Bytes); 9] = [
        ("a head on stream 0", |_| headers(0, &[0x88], 0)),
        ("a head of no field", |id| headers(id, &[], END_STREAM)),
        ("a head that is no HPACK", |id| headers(id, &[0xff; 40], END_STREAM)),
        ("data before the head", |id| frame(DATA, 0, id, "x")),
        ("a reset of a stream that was never opened", |id| rst(id + 2, REFUSED_STREAM)),
        ("a reset of no length", |id| frame(3, 0, id, [])),
        ("a GOAWAY that is cut short", |_| frame(7, 0, 0, [0; 7])),
        ("a GOAWAY that allows more than the one before", |id| {
            [goaway(id, NO_ERROR), goaway(id + 2, NO_ERROR)].concat()
        }),
        ("plain HTTP/1.1", |_| b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let server = Server::start(move |_, stream| async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            let request = peer.request().await.unwrap();
            peer.send(bytes(request.id)).await;
            peer.closed_by_client().await;
        })
        .await;
        let error = http2().exchange(post(&server.url("/"))).await.unwrap_err();
        assert_eq!(error.kind(), Interrupted, "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away_and_still_answers_is_an_answer() {
    for (last, code) in [(1, NO_ERROR), (LAST, NO_ERROR), (1, 11), (LAST, 11)] {
        let server = Server::start(move |_, stream| async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            let request = peer.request().await.unwrap();
            peer.send(goaway(last, code)).await;
            peer.answer(request.id, "hello").await;
            peer.closed_by_client().await;
        })
        .await;
        let transport = http2();
        for opened in 1..3 {
            let response = transport.exchange(post(&server.url("/"))).await.unwrap();
            assert_eq!(response.body(), "hello");
            assert_eq!(server.connections(), opened, "a connection that goes away is not used again");
        }
    }
}

#[tokio::test]
async fn after_a_refusal_the_next_request_goes_over_a_new_connection_where_the_old_one_goes_away() {
    for (act, opened) in [(Say::GoAwayBelow, 2), (Say::Rst, 1)] {
        let server = Server::start(move |connection, stream| async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            let mut refused = connection > 0;
            while let Some(request) = peer.request().await {
                if std::mem::replace(&mut refused, true) {
                    peer.answer(request.id, "hello").await;
                } else if let Say::Rst = act {
                    peer.send(rst(request.id, REFUSED_STREAM)).await;
                } else {
                    peer.send(goaway(request.id.saturating_sub(2), NO_ERROR)).await;
                }
            }
        })
        .await;
        let transport = http2();
        assert_kind(&transport.exchange(post(&server.url("/"))).await.unwrap_err(), Refused);
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
        assert_eq!(server.connections(), opened);
    }
}

/// What a server that goes away has read: the bodies of requests, and how many had none.
#[derive(Default)]
struct Read {
    bodies: HashSet<String>,
    without_body: usize,
}

/// The server goes away at any moment of the exchange: before the request, between its frames, after it. It never says that
/// a stream was not processed, so a request that it read whole is never called unexecuted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_a_server_goes_away_a_request_that_it_read_and_did_not_refuse_is_never_called_unexecuted() {
    let read = Arc::new(Mutex::new(Read::default()));
    let log = Arc::clone(&read);
    let server = Server::start(move |connection, stream| {
        let (log, random) = (Arc::clone(&log), fastrand::Rng::with_seed(connection as u64));
        async move {
            if let Some(peer) = Peer::accept(stream).await {
                go_away_at_some_frame(peer, random, &log).await;
            }
        }
    })
    .await;
    let (transport, mut random) = (http2(), fastrand::Rng::with_seed(7));
    let (mut unexecuted, mut unexecuted_without_body, mut without_body, mut unknown) = (Vec::new(), 0, 0, 0);
    for number in 0..1_000 {
        let has_body = random.bool();
        let mut request = post(&server.url("/")).without_body();
        if has_body {
            *request.body_mut() = number.to_string().into();
        } else {
            without_body += 1;
        }
        match transport.exchange(request).await {
            Err(error) if error.execution() != Execution::NotExecuted => unknown += 1,
            Err(_) if has_body => unexecuted.push(number),
            Err(_) => unexecuted_without_body += 1,
            Ok(_) => {}
        }
    }
    drop(transport);
    let read = read.lock().unwrap();
    for number in &unexecuted {
        assert!(!read.bodies.contains(&number.to_string()), "request {number} was read");
    }
    assert!(read.without_body + unexecuted_without_body <= without_body, "one without a body was read");
    println!(
        "figure: 1,000 requests to servers that go away at any moment: {} called unexecuted, {unknown} unknown, 0 wrongly",
        unexecuted.len() + unexecuted_without_body
    );
}

async fn go_away_at_some_frame(mut peer: Peer, mut random: fastrand::Rng, log: &Mutex<Read>) {
    let goes_away_before = random.usize(0..5);
    let mut body = Vec::new();
    for number in 0.. {
        if number == goes_away_before {
            // It would still take any stream.
            peer.send(goaway(LAST, if random.bool() { NO_ERROR } else { 11 })).await;
        }
        let Some(frame) = peer.next().await else { return };
        if frame.kind == DATA {
            body.extend_from_slice(&frame.payload);
        }
        if !frame.ends_request() {
            continue;
        }
        match std::mem::take(&mut body) {
            body if body.is_empty() => log.lock().unwrap().without_body += 1,
            body => assert!(log.lock().unwrap().bodies.insert(String::from_utf8(body).unwrap()), "it was sent twice"),
        }
        if random.bool() {
            return;
        }
        peer.answer(frame.stream, "hello").await;
    }
}

#[tokio::test]
async fn the_transport_is_told_of_a_refusal_only_by_its_own_stream() {
    // Stream 1 is refused while stream 3 waits: stream 3 is answered.
    let server = Server::start(|_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        let first = peer.request().await.unwrap();
        let second = peer.request().await.unwrap();
        peer.send(rst(first.id, REFUSED_STREAM)).await;
        peer.answer(second.id, "hello").await;
        peer.closed_by_client().await;
    })
    .await;
    let transport = http2();
    let (url, other) = (server.url("/"), transport.clone());
    let (one, two) = tokio::join!(transport.exchange(post(&url)), other.exchange(post(&url)));
    let (refused, answered) = if one.is_err() { (one, two) } else { (two, one) };
    assert_kind(&refused.unwrap_err(), Refused);
    assert_eq!(answered.unwrap().body(), "hello");
    assert_eq!(server.connections(), 1);
}
