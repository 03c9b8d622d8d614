//! Many streams on one connection: a fault of one is no fault of the others, and a GOAWAY is true.

use bytes::Bytes;
use clerk_actor_tokens_emulator::fault;
use h2::{
    Reason,
    client::{ResponseFuture, SendRequest},
};
use tokio::task::JoinHandle;

use crate::{
    PATIENCE, SILENCE,
    frames::{self, Frame},
    look::{BODY, request, within},
    run,
    tee::Log,
    until_async,
    ways::{Fixture, Way},
};

const WAYS: [Way; 2] = [Way::Http2, Way::Http2Tls];

struct Client {
    send: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
    log: Log,
}

impl Client {
    async fn of(server: &Fixture) -> Self {
        let log = Log::default();
        let stream = server.connect(&Log::default(), &log).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        Self { send, connection: tokio::spawn(connection), log }
    }

    fn create(&mut self) -> ResponseFuture {
        let (head, mut body) = self.send.send_request(request("/v1/actor_tokens"), false).unwrap();
        body.send_data(BODY.into(), true).unwrap();
        head
    }

    async fn status(head: ResponseFuture) -> u16 {
        within(PATIENCE, head).await.unwrap().unwrap().status().as_u16()
    }

    /// The length of a whole answer with 200.
    async fn whole(head: ResponseFuture) -> usize {
        let head = within(PATIENCE, head).await.unwrap().unwrap();
        assert_eq!(head.status().as_u16(), 200);
        let (mut body, mut read) = (head.into_body(), 0);
        while let Some(data) = within(PATIENCE, body.data()).await.unwrap() {
            let length = data.unwrap().len();
            read += length;
            body.flow_control().release_capacity(length).unwrap();
        }
        read
    }

    fn goaway(&self) -> Option<(u32, u32)> {
        frames::read(&self.log.bytes()).iter().find_map(Frame::goaway)
    }
}

#[test]
fn many_creations_on_one_connection_are_all_answered() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            let mut client = Client::of(&server).await;
            let heads: Vec<_> = (0..100).map(|_| client.create()).collect();
            for head in heads {
                assert!(Client::whole(head).await > 500);
            }
            server.clerk.assert_creates(100);
            server.clerk.assert_orphans(0);
            assert_eq!(server.served.connections(), 1);
        }
    });
}

#[test]
fn a_stream_that_is_reset_or_stalled_leaves_the_others_alone() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            server.clerk.next_create().before_commit(fault::refused_stream());
            server.clerk.next_create().after_commit(fault::stall());
            server.clerk.next_create().after_commit(fault::cut_at(61));
            server.clerk.next_create().after_commit(fault::rst_stream(11));
            let mut client = Client::of(&server).await;
            let [refused, stalled, cut, reset, good] = [(); 5].map(|()| client.create());
            assert_eq!(within(PATIENCE, refused).await.unwrap().unwrap_err().reason(), Some(Reason::REFUSED_STREAM));
            let mut body = within(PATIENCE, cut).await.unwrap().unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap().len(), 61);
            assert_eq!(body.data().await.unwrap().unwrap_err().reason(), Some(Reason::INTERNAL_ERROR));
            assert_eq!(within(PATIENCE, reset).await.unwrap().unwrap_err().reason(), Some(Reason::ENHANCE_YOUR_CALM));
            assert_eq!(Client::status(good).await, 200);
            assert!(within(SILENCE, stalled).await.is_none());
            assert_eq!(client.goaway(), None);
            server.clerk.assert_creates(4);
            server.clerk.assert_orphans(3);
        }
    });
}

/// Those below the named stream are answered, it and those above are not, and nothing of them is committed.
#[test]
fn a_goaway_below_a_stream_lets_those_below_it_finish() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            let short = SILENCE * 3;
            server.clerk.next_create().before_commit(fault::delay(short));
            server.clerk.next_create().before_commit(fault::goaway_below());
            server.clerk.next_create().before_commit(fault::delay(short / 2));
            let mut client = Client::of(&server).await;
            let [below, refused, above] = [(); 3].map(|()| client.create());
            assert!(Client::whole(below).await > 500);
            for unprocessed in [refused, above] {
                let error = within(PATIENCE, unprocessed).await.unwrap().unwrap_err();
                assert!(error.is_go_away() && error.is_remote(), "{error}");
                assert_eq!(error.reason(), Some(Reason::NO_ERROR));
            }
            assert_eq!(client.goaway(), Some((1, 0)));
            let _ = within(PATIENCE, client.connection).await.unwrap();
            server.clerk.assert_creates(1);
            server.clerk.assert_orphans(0);
            // The fault that the third had taken went with it.
            let _ = server.clerk.take_unused_faults();
        }
    });
}

/// It could not say so of the stream without saying it of those above, of which it would be a lie.
#[test]
fn a_goaway_never_disowns_what_was_committed() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            server.clerk.next_create().before_commit(fault::goaway_below());
            let mut client = Client::of(&server).await;
            // Its head comes first, and takes the fault. Its body comes last.
            let (first, mut body) = client.send.send_request(request("/v1/actor_tokens"), false).unwrap();
            let second = client.create();
            assert_eq!(Client::status(second).await, 200);
            body.send_data(BODY.into(), true).unwrap();
            let error = within(PATIENCE, first).await.unwrap().unwrap_err();
            assert_eq!((error.is_go_away(), error.reason()), (false, Some(Reason::REFUSED_STREAM)));
            assert_eq!(client.goaway(), None);
            server.clerk.assert_creates(1);
            server.clerk.assert_faults_used();
        }
    });
}

#[test]
fn a_goaway_above_names_every_stream_that_was_seen_and_answers_none() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            server.clerk.next_create().after_commit(fault::stall());
            server.clerk.next_create().after_commit(fault::goaway_above());
            let mut client = Client::of(&server).await;
            let heads = [client.create(), client.create()];
            for head in heads {
                within(PATIENCE, head).await.unwrap().unwrap_err();
            }
            assert_eq!(client.goaway(), Some((3, 0)));
            server.clerk.assert_creates(2);
            server.clerk.assert_orphans(2);
        }
    });
}

#[test]
fn a_client_that_resets_its_stream_ends_the_exchange_that_waits() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            server.clerk.next_create().before_commit(fault::delay(PATIENCE * 180));
            let mut client = Client::of(&server).await;
            let head = client.create();
            until_async(|| server.clerk.requests().len() == 1).await;
            drop(head);
            // Dropped, it is reset with CANCEL. The connection continues, and shows that the reset has been read.
            let next = client.create();
            assert_eq!(Client::status(next).await, 200);
            server.clerk.assert_creates(1);
            server.clerk.assert_orphans(0);
        }
    });
}

/// More than the client's window holds: it is delivered with its last byte.
#[test]
fn a_large_answer_waits_for_the_client_to_have_room() {
    run(async {
        for way in WAYS {
            let server = Fixture::new(way).await;
            server.clerk.next_create().after_commit(fault::padded_to(200_000));
            let mut client = Client::of(&server).await;
            let head = client.create();
            let mut body = within(PATIENCE, head).await.unwrap().unwrap().into_body();
            let mut read = 0;
            while read < 65_535 {
                read += body.data().await.unwrap().unwrap().len();
            }
            server.clerk.assert_orphans(1);
            body.flow_control().release_capacity(read).unwrap();
            while let Some(data) = within(PATIENCE, body.data()).await.unwrap() {
                let length = data.unwrap().len();
                read += length;
                body.flow_control().release_capacity(length).unwrap();
            }
            assert_eq!(read, 200_000);
            server.clerk.assert_orphans(0);
        }
    });
}
