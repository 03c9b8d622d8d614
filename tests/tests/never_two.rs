//! Never two tokens for one call: middleware that tries, against the emulator's ledger. Each promise is held by a client
//! that knows its transport and by one that has forgotten it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use clerk_actor_tokens::{
    Actor, ActorToken, Client, Error, ErrorKind,
    middleware::{Middleware, Next},
    testing::emulator::{Emulator, fault},
    transport::{HttpTransport, Request, Response, TransportError, TransportErrorKind},
};

/// Ways to send a request twice.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Twice {
    /// The second after 50 ms, if the first is not back; the first answer wins.
    Hedged,
    /// Both at once; the first answer wins.
    Raced,
    /// The second after the first, whatever came of it.
    InSequence,
    /// The second where the first failed.
    AfterAFailure,
    /// The first is dropped half-way.
    AfterDroppingTheFirst,
    /// The second after the first, and the first is said not to have been sent.
    Lying,
}

const ALL: [Twice; 6] =
    [Twice::Hedged, Twice::Raced, Twice::InSequence, Twice::AfterAFailure, Twice::AfterDroppingTheFirst, Twice::Lying];

/// Polls the first, then the second; the first that is ready wins.
async fn race<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| match first.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(output),
        Poll::Pending => second.as_mut().poll(context),
    })
    .await
}

#[async_trait::async_trait]
impl Middleware for Twice {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let again = request.clone();
        match self {
            Self::Hedged => {
                let late = async {
                    next.timer().sleep(Duration::from_millis(50)).await;
                    next.run(again).await
                };
                race(next.run(request), late).await
            }
            Self::Raced => race(next.run(request), next.run(again)).await,
            Self::InSequence => {
                let _ = next.run(request).await;
                next.run(again).await
            }
            Self::AfterAFailure => match next.run(request).await {
                Err(_) => next.run(again).await,
                Ok(response) if !response.status().is_success() => next.run(again).await,
                done => done,
            },
            Self::AfterDroppingTheFirst => {
                let dropped = race(async { next.run(request).await.map(Some) }, async { Ok(None) }).await;
                match dropped? {
                    Some(done) => Ok(done),
                    None => next.run(again).await,
                }
            }
            Self::Lying => {
                let _ = next.run(request).await;
                Err(TransportErrorKind::Connect.into())
            }
        }
    }
}

/// What befalls the first send.
fn befall(clerk: &Emulator, index: usize) {
    let next = clerk.next_create();
    match index {
        0 => next.after_commit(fault::pass()),
        1 => next.after_commit(fault::delay(Duration::from_secs(1))),
        2 => next.before_commit(fault::delay(Duration::from_secs(1))),
        3 => next.after_commit(fault::stall()),
        4 => next.after_commit(fault::reset()),
        5 => next.after_commit(fault::status(502)),
        6 => next.after_commit(fault::cut_at(80)),
        7 => next.before_commit(fault::stall()),
        8 => next.before_commit(fault::reset()),
        _ => next.before_commit(fault::status(503)),
    }
}

async fn create<T: HttpTransport + ?Sized>(client: &Client<T>) -> Result<ActorToken, Error> {
    client.actor_tokens().create("user_customer", Actor::new("user_agent")).send().await
}

/// Every way to send twice, under every fault, for a static and an erased client.
#[test]
fn a_middleware_that_sends_twice_gets_one_commit_and_an_honest_result() {
    let mut runs = 0;
    for twice in ALL {
        for index in 0..10 {
            for erased in [false, true] {
                let clerk = Emulator::new();
                befall(&clerk, index);
                let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(twice).build().unwrap();
                let result = pollster::block_on(async {
                    if erased { create(&client.erase()).await } else { create(&client).await }
                });

                let what = format!("{twice:?}, fault {index}, erased: {erased}");
                let creates = clerk.creates();
                assert!(creates.len() <= 1, "{what}: {creates:?}");
                match result {
                    Ok(token) => assert_eq!(creates.first().map(|entry| entry.id()), Some(token.id()), "{what}"),
                    Err(error) => {
                        assert!(creates.is_empty() || error.is_ambiguous(), "{what}: {error}");
                        // An answer that the transport handed over names its token, whatever became of it.
                        for create in creates.iter().filter(|create| create.is_delivered()) {
                            assert_eq!(error.salvaged_id(), Some(create.id().as_str()), "{what}: {error}");
                        }
                    }
                }
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 120);
}

#[test]
fn a_hedge_gets_the_first_answer_however_late_it_comes() {
    for delay in [0, 49, 50, 51, 5_000, 29_999] {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault::delay(Duration::from_millis(delay)));
        let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(Twice::Hedged).build().unwrap();
        let token = pollster::block_on(create(&client)).unwrap();
        clerk.assert_creates(1);
        clerk.assert_orphans(0);
        assert!(clerk.token(token.id()).is_some());
    }
}

#[test]
fn a_second_send_passes_where_the_first_is_proved_unexecuted() {
    let clerk = Emulator::new();
    clerk.next_create().before_send(fault::refused());
    let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(Twice::AfterAFailure).build().unwrap();
    assert!(pollster::block_on(create(&client)).is_ok());
    clerk.assert_creates(1);
}

#[test]
fn a_second_send_that_is_kept_back_says_why() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::reset());
    let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(Twice::AfterAFailure).build().unwrap();
    let error = pollster::block_on(create(&client)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked);
    assert!(error.is_ambiguous());
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("an earlier send of this call may have been executed"), "{cause}");
}

/// A revocation does no more twice than once, so nothing keeps a second one back.
#[test]
fn a_hedged_revocation_may_be_sent_twice() {
    let clerk = Emulator::new();
    let token = pollster::block_on(create(&clerk.client())).unwrap();
    clerk.next_revoke().before_commit(fault::delay(Duration::from_secs(1)));
    let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(Twice::Hedged).build().unwrap();
    assert!(pollster::block_on(client.actor_tokens().revoke(token.id()).send()).is_ok());
    let revokes = clerk.requests().iter().filter(|request| request.path().ends_with("/revoke")).count();
    assert_eq!(revokes, 2);
    clerk.assert_live(0);
}
