//! HTTP/2: what goes out and comes back, over which connection, and what holds when it breaks off.
//!
//! Not responsible for refusals (`refusals.rs`) or for how it is agreed on (`tls.rs`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use clerk_actor_tokens_core::{DiscardConnection, Execution, TransportError, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    h2_peer::{
        CODES, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, LAST, MAX_CONCURRENT_STREAMS, Peer, RST_STREAM,
        SETTINGS, STATUS_200, answering, frame, goaway, headers, literal, rst, settings, status,
    },
    support::{Exchanges, LONG, SHORT, Server, assert_kind, http2, post, post_within},
};

/// A server that writes this for each request, and continues.
async fn saying(bytes: impl Fn(u32) -> Vec<u8> + Clone + Send + Sync + 'static) -> Server {
    Server::start(move |_, stream| {
        let bytes = bytes.clone();
        async move {
            let Some(mut peer) = Peer::accept(stream).await else { return };
            while let Some(request) = peer.request().await {
                peer.send(bytes(request.id)).await;
            }
        }
    })
    .await
}

async fn fails(server: &Server, kind: TransportErrorKind) -> TransportError {
    let error = http2().exchange(post(&server.url("/"))).await.unwrap_err();
    assert_kind(&error, kind);
    assert_eq!(error.execution(), Execution::Unknown);
    error
}

#[tokio::test]
async fn the_body_goes_out_whole_and_the_answer_comes_back_whole() {
    let (seen, mut bodies) = mpsc::unbounded_channel();
    let server = Server::start(move |_, stream| {
        let seen = seen.clone();
        async move {
            let mut peer = Peer::accept(stream).await.unwrap();
            while let Some(request) = peer.request().await {
                seen.send(request.body).unwrap();
                let head = [
                    STATUS_200,
                    &literal("x-many", b"one"),
                    &literal("x-many", b"two"),
                    &literal("x-raw", b"\xff\xfe"),
                ];
                let head = headers(request.id, &head.concat(), 0);
                let data = [
                    frame(DATA, 0, request.id, "hel"),
                    frame(DATA, 0, request.id, ""),
                    frame(DATA, 0, request.id, "lo"),
                ];
                let trailers = headers(request.id, &literal("x-trailer", b"1"), END_STREAM);
                peer.send([head, data.concat(), trailers].concat()).await;
            }
        }
    })
    .await;
    let transport = http2();
    for _ in 0..3 {
        let response = transport.exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, &b"hello"[..]));
        let many: Vec<_> = response.headers().get_all("x-many").iter().collect();
        assert_eq!(many, ["one", "two"]);
        assert_eq!(response.headers()["x-raw"].as_bytes(), b"\xff\xfe");
        assert_eq!(bodies.recv().await.unwrap(), b"{\"user_id\":\"user_1\"}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    let server = Server::start(|_, stream| async move {
        let mut peer = Peer::accept(stream).await.unwrap();
        let mut next = 200;
        while let Some(request) = peer.request().await {
            let head = [status(next), literal("location", b"/elsewhere")].concat();
            peer.send(headers(request.id, &head, END_STREAM)).await;
            next += 1;
        }
    })
    .await;
    let transport = http2();
    // A second request for one status would shift all that follow.
    for status in 200..1000 {
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().status().as_u16(), status);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn interim_answers_are_not_the_answer_and_may_be_in_pieces() {
    let server = saying(|id| {
        let interim = [headers(id, &status(100), 0), headers(id, &status(103), 0)].concat();
        let head = status(201);
        let (first, second) = head.split_at(2);
        let head = [frame(HEADERS, 0, id, first), frame(CONTINUATION, END_HEADERS, id, second)].concat();
        // Padded: one byte says how much, and four follow.
        [interim, head, frame(DATA, END_STREAM | 8, id, [&[4][..], b"hi", &[0; 4]].concat())].concat()
    })
    .await;
    let response = http2().exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (201, &b"hi"[..]));
}

#[tokio::test]
async fn a_flood_of_interim_answers_does_not_stretch_the_deadline() {
    let server = Server::start(|_, stream| async move {
        let mut peer = Peer::accept(stream).await.unwrap();
        let request = peer.request().await.unwrap();
        while peer.sent(headers(request.id, &status(103), 0)).await {}
    })
    .await;
    let result = timeout(LONG, http2().exchange(post_within(&server.url("/"), SHORT))).await;
    let error = result.expect("the deadline was stretched").unwrap_err();
    // hyper may lose patience before the deadline does.
    assert!(matches!(error.kind(), TransportErrorKind::Timeout | TransportErrorKind::Interrupted), "{error:?}");
    assert!(error.partial().is_none());
}

#[tokio::test]
async fn requests_share_one_connection_at_the_same_time() {
    const REQUESTS: usize = 32;
    // Answers only once all of them are here.
    let server = Server::start(|_, stream| async move {
        let mut peer = Peer::accept(stream).await.unwrap();
        let mut waiting = Vec::new();
        while let Some(request) = peer.request().await {
            waiting.push(request.id);
            if waiting.len() == REQUESTS {
                for id in waiting.drain(..).rev() {
                    peer.answer(id, &id.to_string()).await;
                }
            }
        }
    })
    .await;
    let transport = http2();
    let all = (0..REQUESTS).map(|_| {
        let (transport, request) = (transport.clone(), post(&server.url("/")));
        tokio::spawn(async move { transport.exchange(request).await.unwrap().into_body() })
    });
    let mut bodies = Vec::new();
    for sent in all.collect::<Vec<_>>() {
        bodies.push(sent.await.unwrap());
    }
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!((bodies.len(), server.connections()), (REQUESTS, 1), "each its own answer, over one connection");
}

#[tokio::test]
async fn a_server_that_takes_one_request_at_a_time_is_given_one_at_a_time() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let server = Server::start(move |_, stream| {
        let seen = Arc::clone(&seen);
        async move {
            let mut peer = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await.unwrap();
            let mut open = 0;
            let mut first = true;
            while let Some(frame) = peer.next().await {
                open += usize::from(frame.kind == HEADERS);
                if !first {
                    seen.fetch_max(open, Ordering::SeqCst);
                }
                if frame.ends_request() {
                    // What came in meanwhile would be seen before the answer.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    peer.answer(frame.stream, "hello").await;
                    (open, first) = (open - 1, false);
                }
            }
        }
    })
    .await;
    let transport = http2();
    // The settings have arrived with this answer.
    transport.exchange(post(&server.url("/"))).await.unwrap();
    let all: Vec<_> = (0..8)
        .map(|_| {
            let (transport, request) = (transport.clone(), post(&server.url("/")));
            tokio::spawn(async move { transport.exchange(request).await })
        })
        .collect();
    for sent in all {
        assert_eq!(sent.await.unwrap().unwrap().body(), "hello");
    }
    assert_eq!((server.connections(), most.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_server_that_takes_no_request_is_given_none_and_the_deadline_ends_the_wait() {
    let heads = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&heads);
    let server = Server::start(move |_, stream| {
        let seen = Arc::clone(&seen);
        async move {
            let mut peer = Peer::accept(stream).await.unwrap();
            let request = peer.request().await.unwrap();
            peer.send(settings(&[(MAX_CONCURRENT_STREAMS, 0)])).await;
            while peer.next().await.unwrap().kind != SETTINGS {}
            peer.answer(request.id, "hello").await;
            while let Some(frame) = peer.next().await {
                seen.fetch_add(usize::from(frame.kind == HEADERS), Ordering::SeqCst);
            }
        }
    })
    .await;
    let transport = http2();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    let error = transport.exchange(post_within(&server.url("/"), SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
    assert_eq!(heads.load(Ordering::SeqCst), 0);
}

/// Where an answer breaks off after its head: with what, whether the connection stays.
#[tokio::test]
async fn wherever_a_body_is_broken_off_the_head_and_what_arrived_are_kept() {
    let mut breaks: Vec<(String, Bytes, bool)> = Vec::new();
    for code in CODES {
        breaks.push((format!("reset, code {code}"), rst(1, code).into(), false));
        breaks.push((format!("goaway below, code {code}"), goaway(0, code).into(), false));
        breaks.push((format!("goaway below and close, code {code}"), goaway(0, code).into(), true));
        breaks.push((format!("goaway and close, code {code}"), goaway(LAST, code).into(), true));
    }
    breaks.push(("close".into(), Bytes::new(), true));
    for (name, bytes, closes) in breaks {
        for sized in [true, false] {
            for length in [0, 1, 5, 16] {
                let end = bytes.clone();
                let server = Server::start(move |_, stream| {
                    let end = end.clone();
                    async move {
                        let mut peer = Peer::accept(stream).await.unwrap();
                        let id = peer.request().await.unwrap().id;
                        let size = if sized { literal("content-length", b"20") } else { Vec::new() };
                        let head = headers(id, &[&status(201)[..], &size, &literal("x-test", b"1")].concat(), 0);
                        let data = frame(DATA, 0, id, &"{\"id\":\"act_1234\""[..length]);
                        peer.send([&head[..], &data, &end].concat()).await;
                        if !closes {
                            peer.closed_by_client().await;
                        }
                    }
                })
                .await;
                let case = format!("{name}, sized: {sized}, after {length}");
                let error = http2().exchange(post(&server.url("/"))).await.expect_err(&case);
                assert_eq!(error.kind(), TransportErrorKind::Interrupted, "{case}: {error:?}");
                let partial = error.partial().unwrap_or_else(|| panic!("the head had arrived: {case}: {error:?}"));
                assert_eq!((partial.status().as_u16(), &partial.headers()["x-test"]), (201, &"1".parse().unwrap()));
                assert_eq!(partial.body(), &"{\"id\":\"act_1234\""[..length], "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_whole_answer_stays_one_whatever_is_said_of_its_stream_afterwards() {
    for after in CODES.map(|code| rst(1, code)).into_iter().chain(CODES.map(|code| goaway(1, code))) {
        let end = after.clone();
        let server =
            saying(move |id| [headers(id, STATUS_200, 0), frame(DATA, END_STREAM, id, "hello"), end.clone()].concat())
                .await;
        assert_eq!(http2().exchange(post(&server.url("/"))).await.unwrap().body(), "hello", "{after:?}");
    }
}

#[tokio::test]
async fn a_length_that_does_not_match_is_no_answer() {
    for length in ["4", "6"] {
        let server = saying(move |id| {
            let head = [STATUS_200, &literal("content-length", length.as_bytes())].concat();
            [headers(id, &head, 0), frame(DATA, END_STREAM, id, "hello")].concat()
        })
        .await;
        fails(&server, TransportErrorKind::Interrupted).await;
    }
}

/// A head whose one large field has this many bytes, in frames that are not too large.
fn large_head(id: u32, size: usize) -> Vec<u8> {
    let block = [STATUS_200, &literal("x-large", &vec![b'a'; size])].concat();
    let mut frames: Vec<_> = block.chunks(16 * 1024).map(|chunk| frame(CONTINUATION, 0, id, chunk)).collect();
    frames[0][3] = HEADERS;
    frames[0][4] = END_STREAM;
    frames.last_mut().unwrap()[4] |= END_HEADERS;
    frames.concat()
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_not_taken_and_one_below_is() {
    for (limit, fits, too_large) in [(8 * 1024, 7 * 1024, 9 * 1024), (64 * 1024, 60 * 1024, 70 * 1024)] {
        let transport = || {
            let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
            builder.max_head_size(limit).build().unwrap()
        };
        let server = saying(move |id| large_head(id, fits)).await;
        let response = transport().exchange(post(&server.url("/"))).await.unwrap();
        assert_eq!(response.headers()["x-large"].len(), fits);

        let server = saying(move |id| large_head(id, too_large)).await;
        let error = transport().exchange(post(&server.url("/"))).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Interrupted);
        assert!(error.partial().is_none());
    }
}

#[tokio::test]
async fn a_stall_ends_at_the_deadline_with_what_arrived_and_the_connection_is_not_used_again() {
    type Bytes = fn(u32) -> Vec<u8>;
    let stalls: [(Bytes, Option<&str>); 4] = [
        (|_| Vec::new(), None),
        (|id| frame(HEADERS, 0, id, STATUS_200), None),
        (|id| headers(id, STATUS_200, 0), Some("")),
        (|id| [headers(id, STATUS_200, 0), frame(DATA, 0, id, "hel")].concat(), Some("hel")),
    ];
    for (bytes, arrived) in stalls {
        let server = Server::start(move |connection, stream| async move {
            let mut peer = Peer::accept(stream).await.unwrap();
            while let Some(request) = peer.request().await {
                if connection == 0 {
                    peer.send(bytes(request.id)).await;
                } else {
                    peer.answer(request.id, "hello").await;
                }
            }
        })
        .await;
        let transport = http2();
        let error = transport.exchange(post_within(&server.url("/"), SHORT)).await.unwrap_err();
        assert_kind(&error, TransportErrorKind::Timeout);
        assert_eq!(error.partial().map(|partial| partial.body().as_ref()), arrived.map(str::as_bytes));
        assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn a_body_that_trickles_does_not_stretch_the_deadline() {
    let server = Server::start(|_, stream| async move {
        let mut peer = Peer::accept(stream).await.unwrap();
        let id = peer.request().await.unwrap().id;
        peer.send(headers(id, STATUS_200, 0)).await;
        while peer.sent(frame(DATA, 0, id, "x")).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let result = timeout(LONG, http2().exchange(post_within(&server.url("/"), SHORT))).await;
    let error = result.expect("the deadline was stretched").unwrap_err();
    assert_kind(&error, TransportErrorKind::Timeout);
    assert!(!error.partial().unwrap().body().is_empty());
}

#[tokio::test]
async fn a_body_larger_than_the_cap_is_kept_up_to_the_cap_and_its_connection_not_used_again() {
    let server = answering().await;
    let transport = http2();
    for (cap, opened) in [(5, 1), (4, 1), (0, 2), (5, 3)] {
        let request = post(&server.url("/")).with_response_cap(cap);
        let result = transport.exchange(request).await;
        assert_eq!(server.connections(), opened);
        if cap == 5 {
            assert_eq!(result.unwrap().body(), "hello");
            continue;
        }
        let error = result.unwrap_err();
        assert_kind(&error, TransportErrorKind::BodyTooLarge);
        assert_eq!(error.partial().unwrap().body(), &"hello"[..cap]);
    }
}

#[tokio::test]
async fn a_discarded_connection_is_not_used_again_and_what_is_under_way_on_it_ends_well() {
    let server = answering().await;
    let transport = http2();
    let response = transport.exchange(post(&server.url("/"))).await.unwrap();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1);
    let under_way = transport.clone();
    let request = post(&server.url("/"));
    let under_way = tokio::spawn(async move { under_way.exchange(request).await });
    tokio::task::yield_now().await;
    response.extensions().get::<DiscardConnection>().expect("a handle").discard();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    under_way.await.unwrap().unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_fresh_connection_carried_nothing_before_and_carries_nothing_after() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = Server::start(move |connection, stream| {
        let closed = closed.clone();
        async move {
            let mut peer = Peer::accept(stream).await.unwrap();
            while let Some(request) = peer.request().await {
                peer.answer(request.id, "hello").await;
            }
            closed.send(connection).unwrap();
        }
    })
    .await;
    let transport = http2();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    for opened in [2, 3] {
        let request = post(&server.url("/")).with_fresh_connection();
        assert_eq!(transport.exchange(request).await.unwrap().body(), "hello");
        assert_eq!(server.connections(), opened);
        assert_eq!(timeout(LONG, was_closed.recv()).await.expect("it stayed open"), Some(opened - 1));
    }
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 3, "the pooled one is still there");
}

#[tokio::test]
async fn dropping_the_future_resets_the_stream_and_the_next_request_takes_another_connection() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let server = Server::start(move |number, stream| {
        let tell = tell.clone();
        async move {
            let mut peer = Peer::accept(stream).await.unwrap();
            let request = peer.request().await.unwrap();
            if number > 0 {
                peer.answer(request.id, "hello").await;
                return peer.closed_by_client().await;
            }
            tell.send(0).unwrap();
            loop {
                let frame = peer.next().await.unwrap();
                if frame.kind == RST_STREAM && frame.stream == request.id {
                    tell.send(u32::from_be_bytes(frame.payload.try_into().unwrap())).unwrap();
                    break;
                }
            }
            peer.closed_by_client().await;
        }
    })
    .await;
    let transport = http2();
    tokio::select! {
        result = transport.exchange(post(&server.url("/"))) => panic!("never answered: {result:?}"),
        _ = told.recv() => {}
    }
    const CANCEL: u32 = 8;
    assert_eq!(timeout(LONG, told.recv()).await.expect("the server gets no reset"), Some(CANCEL));
    assert_eq!(transport.exchange(post(&server.url("/"))).await.unwrap().body(), "hello");
    // It may have been dead without a word.
    assert_eq!(server.connections(), 2);
}
