//! A middleware tries everything to make a creation happen twice, or to hide what happened.
//!
//! Whatever it does: at most one send that is not proved unexecuted reaches the transport, nothing is sent after it,
//! and the call's error never claims less than what the transport saw.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorToken, BoxFuture, Client, ClientBuilder, Error, ErrorKind, Execution, Idempotency, Next, Request,
    Response, RetryPolicy, TransportError, TransportErrorKind, http, middleware_fn,
};

use crate::common::{
    AGENT, Fate, ID, Op, Play, Scripted, Sent, USER, builder, join, ok, pause, poll_and_drop, race, response, run,
    test_key, token_json, with, with_header,
};
use proptest::prelude::*;
use serde_json::json;

type Exchanged = Result<Response, TransportError>;
type Script = fn(usize) -> Play;

fn wrapped<F>(script: impl Fn(usize) -> Play + Send + Sync + 'static, handle: F) -> Client<Scripted>
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Exchanged> + Send + Sync + 'static,
{
    wrap(builder(script), handle).build().unwrap()
}

fn wrap<F>(builder: ClientBuilder<Scripted>, handle: F) -> ClientBuilder<Scripted>
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Exchanged> + Send + Sync + 'static,
{
    builder.middleware(middleware_fn(handle))
}

fn create(client: &Client<Scripted>) -> Result<ActorToken, Error> {
    pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send())
}

fn success(_: usize) -> Play {
    ok(&token_json("pending")).into()
}

/// Whether the fate of a request proves that Clerk ran nothing: the failure rules, by hand.
fn is_proved_unexecuted(sent: &Sent) -> bool {
    use TransportErrorKind as K;
    let status_proves = |status: http::StatusCode| {
        matches!(
            status.as_u16(),
            307 | 308 | 400 | 401 | 402 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 421 | 422 | 429
        )
    };
    match sent.fate {
        // Dropped while it was held, it was never handed over.
        Fate::Open => sent.context.send_state().is_unsent(),
        Fate::Answered(status) | Fate::Failed(_, Some(status)) => status_proves(status),
        Fate::Failed(kind, None) => matches!(
            kind,
            K::Connect
                | K::Tls
                | K::Proxy
                | K::ProxyRefused
                | K::Canceled
                | K::Refused
                | K::TimeoutBeforeSend
                | K::RateLimited
                | K::Credential
                | K::Blocked
        ),
    }
}

fn is_executed(fate: Fate) -> bool {
    matches!(fate, Fate::Answered(status) | Fate::Failed(_, Some(status)) if status.is_success())
}

/// The promise of this file.
#[track_caller]
fn assert_never_twice(sent: &[Sent], result: &Result<ActorToken, Error>) {
    let doubtful: Vec<_> = sent.iter().enumerate().filter(|(_, sent)| !is_proved_unexecuted(sent)).collect();
    assert!(doubtful.len() <= 1, "{} sends may each have minted a token", doubtful.len());
    if let Some((at, _)) = doubtful.first() {
        assert_eq!(at + 1, sent.len(), "something was sent after it");
    }
    let Err(error) = result else { return };
    let told = error.execution();
    if sent.iter().any(|sent| is_executed(sent.fate)) {
        assert_eq!(told, Execution::Executed, "{error:?}");
    } else if !doubtful.is_empty() {
        assert!(told >= Execution::Unknown, "{error:?}");
    }
    assert_eq!(error.is_ambiguous(), told != Execution::NotExecuted);
}

#[test]
fn a_hedge_gets_the_first_sends_answer() {
    for late in 0..6 {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                let second = request.clone();
                race(next.run(request), async move {
                    pause(late).await;
                    next.run(second).await
                })
                .await
            })
        });
        let token = create(&client).unwrap();
        assert_eq!(token.id().as_str(), ID);
        assert_eq!(client.transport().sends(), 1, "{late}");
    }
}

#[test]
fn a_hedge_that_is_late_gets_the_first_sends_answer_too() {
    let slow = |n| success(n).after(Duration::from_secs(3));
    let client = wrapped(slow, |request, next| {
        Box::pin(async move {
            let second = request.clone();
            race(next.run(request), async move {
                next.timer().sleep(Duration::from_secs(1)).await;
                next.run(second).await
            })
            .await
        })
    });
    assert!(create(&client).is_ok());
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn a_hedge_over_a_send_that_was_refused_may_send_the_second() {
    let script = |n| if n == 0 { response(422, "{}").into() } else { success(n) };
    let client = wrapped(script, |request, next| {
        Box::pin(async move {
            let (_, second) = join(next.run(request.clone()), next.run(request)).await;
            second
        })
    });
    assert!(create(&client).is_ok());
    assert_eq!(client.transport().sends(), 2, "the first is proved not to have been executed");
}

#[test]
fn sends_that_are_joined_make_one() {
    for take_second in [false, true] {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                let (first, second) = join(next.run(request.clone()), next.run(request)).await;
                if take_second { second } else { first }
            })
        });
        let result = create(&client);
        assert_eq!(client.transport().sends(), 1);
        assert_eq!(result.is_ok(), !take_second);
        if let Err(error) = &result {
            assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::Executed));
        }
        assert_never_twice(&client.transport().sent(), &result);
    }
}

#[test]
fn a_retry_after_anything_doubtful_is_refused() {
    let scripts: [(Script, Execution); 6] = [
        (success, Execution::Executed),
        (|_| response(200, "{").into(), Execution::Executed),
        (|_| TransportErrorKind::Interrupted.into(), Execution::Unknown),
        (|_| TransportErrorKind::Timeout.into(), Execution::Unknown),
        (|_| response(500, "").into(), Execution::Unknown),
        (
            |_| Play::Fail(TransportError::new(TransportErrorKind::Connect).with_partial(response(200, ""))),
            Execution::Executed,
        ),
    ];
    for (script, execution) in scripts {
        let client = wrapped(script, |request, next| {
            Box::pin(async move {
                let _ = next.run(request.clone()).await;
                next.run(request).await
            })
        });
        let result = create(&client);
        assert_eq!(client.transport().sends(), 1);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Blocked);
        assert_eq!(error.execution(), execution);
    }
}

#[test]
fn a_retry_after_an_answer_that_is_not_clerks_is_refused() {
    // The middleware discards the page; the loop sees that it is not Clerk's.
    let client = wrapped(
        |_| response(200, "<html>").into(),
        |request, next| {
            Box::pin(async move {
                let _ = next.run(request.clone()).await;
                next.run(request).await
            })
        },
    );
    let error = create(&client).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::Unknown));
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn an_error_made_up_after_a_success_neither_repeats_nor_hides_it() {
    for kind in KINDS {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                next.run(request).await?;
                Err(kind.into())
            })
        });
        let result = create(&client);
        assert_eq!(client.transport().sends(), 1, "{kind:?}");
        assert_eq!(result.as_ref().unwrap_err().execution(), Execution::Executed, "{kind:?}");
        assert_never_twice(&client.transport().sent(), &result);
        let error = result.unwrap_err();
        assert_eq!(error.attempts().len(), 1, "{kind:?}: what cannot be sent is not attempted");
    }
}

#[test]
fn an_answer_made_up_after_a_success_neither_repeats_nor_hides_it() {
    for code in [307, 400, 408, 421, 422, 429, 500, 503] {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                next.run(request).await?;
                Ok(with_header(response(code, ""), "retry-after", "0"))
            })
        });
        let result = create(&client);
        assert_eq!(client.transport().sends(), 1, "{code}");
        assert_eq!(result.as_ref().unwrap_err().execution(), Execution::Executed, "{code}");
        assert_never_twice(&client.transport().sent(), &result);
    }
}

#[test]
fn an_error_made_up_after_a_lost_answer_does_not_hide_it() {
    let lost = |_| TransportErrorKind::Interrupted.into();
    let client = wrapped(lost, |request, next| {
        Box::pin(async move {
            let _ = next.run(request).await;
            Err(TransportErrorKind::Connect.into())
        })
    });
    let result = create(&client);
    assert_eq!(client.transport().sends(), 1);
    assert_eq!(result.as_ref().unwrap_err().execution(), Execution::Unknown);
    assert_never_twice(&client.transport().sent(), &result);
}

#[test]
fn a_doubtful_error_made_up_without_a_send_is_believed() {
    use TransportErrorKind as K;
    for kind in [K::Interrupted, K::Timeout, K::BodyTooLarge, K::Other] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let client = wrapped(success, move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { Err(kind.into()) })
        });
        let error = create(&client).unwrap_err();
        assert_eq!(client.transport().sends(), 0);
        assert_eq!(error.execution(), Execution::Unknown, "a middleware may have sent it some other way");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{kind:?}: so it is not asked again");
    }
}

#[test]
fn a_send_that_was_dropped_half_way_is_the_last() {
    for polls in 1..8 {
        let stall = |n| if n == 0 { Play::Stall } else { success(n) };
        let client = wrapped(stall, move |request, next| {
            Box::pin(async move {
                let dropped = poll_and_drop(next.run(request.clone()), polls).await;
                assert!(dropped.is_none());
                next.run(request).await
            })
        });
        let result = create(&client);
        assert_eq!(client.transport().sends(), 1, "{polls}");
        let error = result.as_ref().unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::Unknown));
        assert_never_twice(&client.transport().sent(), &result);
    }
}

#[test]
fn a_send_that_was_dropped_before_it_began_does_not_count() {
    let client = wrapped(success, |request, next| {
        Box::pin(async move {
            drop(next.run(request.clone()));
            next.run(request).await
        })
    });
    assert!(create(&client).is_ok());
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn a_send_that_is_held_and_not_polled_lets_no_other_pass() {
    let client = wrapped(
        |_| Play::Stall,
        |request, next| {
            Box::pin(async move {
                let mut held = pin!(next.run(request.clone()));
                let _ = poll_and_drop(held.as_mut(), 2).await;
                next.run(request).await
            })
        },
    );
    let result = create(&client);
    assert_eq!(client.transport().sends(), 1);
    assert_eq!(result.as_ref().unwrap_err().kind(), ErrorKind::Timeout);
    assert_never_twice(&client.transport().sent(), &result);
    assert!(client.transport().clock.elapsed() <= Duration::from_millis(30_100));
}

#[test]
fn a_call_that_is_dropped_sends_nothing_more() {
    let client = builder(|_| TransportErrorKind::Connect.into()).build().unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).send();
    let dropped = pollster::block_on(poll_and_drop(call, 3));
    assert!(dropped.is_none());
    assert!(client.transport().sends() <= 1);
}

#[test]
fn a_refused_send_may_be_repeated_by_a_middleware() {
    let script = |n| if n == 0 { response(429, "").into() } else { success(n) };
    let client = wrap(builder(script), |request, next| {
        Box::pin(async move {
            let first = next.run(request.clone()).await;
            if first.is_ok_and(|response| response.status() == 429) {
                return next.run(request).await;
            }
            Err(TransportErrorKind::Other.into())
        })
    })
    .retry(RetryPolicy::none())
    .build()
    .unwrap();
    assert!(create(&client).is_ok());
    assert_eq!(client.transport().sends(), 2);
}

#[test]
fn an_unsafe_retry_is_the_only_way_past_a_doubtful_send() {
    let client = wrap(builder(|_| response(503, "").into()), |request, next| {
        Box::pin(async move {
            let _ = next.run(request.clone()).await;
            next.run(request).await
        })
    })
    .retry(unsafe_retry(2))
    .build()
    .unwrap();
    let error = create(&client).unwrap_err();
    assert_eq!(client.transport().sends(), 2);
    assert_eq!(error.execution(), Execution::Unknown);
}

fn unsafe_retry(attempts: u32) -> RetryPolicy {
    let policy = RetryPolicy::new().max_attempts(Idempotency::NonIdempotent, attempts);
    policy.danger_retry_create_on([http::StatusCode::SERVICE_UNAVAILABLE])
}

/// However often a middleware sends: as many as the policy has attempts, and no more.
#[test]
fn an_unsafe_retry_has_no_more_sends_than_the_policy_has_attempts() {
    for attempts in 1..5 {
        let client = wrap(builder(|_| response(503, "").into()), |request, next| {
            Box::pin(async move {
                for _ in 0..20 {
                    let _ = next.run(request.clone()).await;
                }
                next.run(request).await
            })
        });
        let client = client.retry(unsafe_retry(attempts)).build().unwrap();
        create(&client).unwrap_err();
        assert_eq!(client.transport().sends(), attempts as usize);
    }
}

/// What a middleware sends within one attempt, or calls something else, is not forgotten in a success.
#[test]
fn a_success_says_that_another_send_may_have_made_a_token_too() {
    let gateway_then_token = |number| match number {
        0 => response(503, "").into(),
        _ => success(number),
    };
    let twice = wrapped_unsafe_retry(gateway_then_token, |request, next| {
        Box::pin(async move {
            let _ = next.run(request.clone()).await;
            next.run(request).await
        })
    });
    let renamed = wrapped_unsafe_retry(gateway_then_token, |request, next| {
        Box::pin(async move {
            let mut answer = next.run(request).await?;
            if answer.status().as_u16() == 503 {
                *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
            }
            Ok(answer)
        })
    });
    for client in [twice, renamed] {
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).send_with_response();
        let answer = pollster::block_on(call).unwrap();
        assert_eq!(client.transport().sends(), 2);
        assert!(answer.is_ambiguous());
    }
}

fn wrapped_unsafe_retry<F>(script: Script, handle: F) -> Client<Scripted>
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Exchanged> + Send + Sync + 'static,
{
    wrap(builder(script), handle).retry(unsafe_retry(3)).build().unwrap()
}

#[test]
fn a_revocation_may_be_hedged_and_repeated() {
    let revoked = |_| ok(&token_json("revoked")).into();
    let client = wrapped(revoked, |request, next| {
        Box::pin(async move { join(next.run(request.clone()), next.run(request)).await.0 })
    });
    assert!(run(&client, Op::Revoke).is_ok());
    assert_eq!(client.transport().sends(), 2);
}

#[test]
fn the_id_in_a_success_that_a_middleware_threw_away_is_not_lost() {
    let client = wrapped(success, |request, next| {
        Box::pin(async move {
            let _ = next.run(request.clone()).await;
            Err(TransportErrorKind::Blocked.into())
        })
    });
    let error = create(&client).unwrap_err();
    assert_eq!(error.execution(), Execution::Executed);
    assert_eq!(error.salvaged_id(), Some(ID), "the token exists, and its id had arrived whole");
}

#[test]
fn the_id_in_a_success_that_a_middleware_mangled_is_not_lost() {
    for mangled in ["<html>", "{}", "", r#"{"object":"actor_token","id":"act_9","user_id":"user_9"}"#] {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                let _ = next.run(request).await;
                Ok(response(200, mangled))
            })
        });
        let error = create(&client).unwrap_err();
        assert_eq!(error.execution(), Execution::Executed, "{mangled}");
        assert_eq!(error.salvaged_id(), Some(ID), "{mangled}: what the transport gave counts");
    }
}

/// A future that is forgotten is neither finished nor dropped: nothing will ever report it.
#[test]
fn a_send_that_is_forgotten_half_way_is_unknown_and_no_second_one_follows() {
    for again in [false, true] {
        let client = wrapped(success, move |request, next| {
            Box::pin(async move {
                let mut first = Box::pin(next.run(request.clone()));
                std::future::poll_fn(|context| {
                    assert!(first.as_mut().poll(context).is_pending());
                    std::task::Poll::Ready(())
                })
                .await;
                std::mem::forget(first);
                if again { next.run(request).await } else { Err(TransportError::blocked("gave up")) }
            })
        });
        let error = create(&client).unwrap_err();
        assert_eq!(client.transport().sends(), 1);
        assert!(error.is_ambiguous(), "again: {again}: {error}");
    }
}

#[test]
fn a_success_behind_an_unsafe_retry_says_that_there_may_be_another_token() {
    let unsafe_retry = RetryPolicy::new().danger_retry_create_on([http::StatusCode::BAD_GATEWAY]);
    for (first, expected) in [(502, true), (429, false), (200, false)] {
        let script = move |n| if n == 0 && first != 200 { response(first, "").into() } else { success(n) };
        let client = builder(script).retry(unsafe_retry.clone()).build().unwrap();
        let call = client.actor_tokens().create(USER, Actor::new(AGENT));
        let response = pollster::block_on(call.send_with_response()).unwrap();
        assert_eq!(response.is_ambiguous(), expected, "{first}");
    }
}

#[test]
fn a_request_that_lost_its_extensions_still_has_its_context() {
    let client = wrapped(success, |mut request, next| {
        Box::pin(async move {
            request.extensions_mut().clear();
            next.run(request).await
        })
    });
    assert!(create(&client).is_ok());
    let sent = client.transport().sent();
    let context = &sent[0].context;
    assert_eq!((context.operation().name(), context.attempt()), ("CreateActorToken", 1));
    assert_eq!(client.transport().clock.since_start(context.deadline().moment()), Duration::from_secs(30));
}

#[test]
fn a_request_of_the_middlewares_own_making_is_guarded_all_the_same() {
    let client = wrapped(success, |request, next| {
        Box::pin(async move {
            let copy = || {
                let mut copy = Request::new(request.body().clone());
                *copy.method_mut() = request.method().clone();
                *copy.uri_mut() = request.uri().clone();
                copy
            };
            let _ = next.run(copy()).await;
            next.run(copy()).await
        })
    });
    let result = create(&client);
    assert_eq!(client.transport().sends(), 1);
    assert_never_twice(&client.transport().sent(), &result);
}

#[test]
fn a_request_to_another_origin_is_refused_and_the_key_does_not_go_there() {
    let elsewhere = [
        "https://evil.test/v1/actor_tokens",
        "http://api.clerk.com/v1/actor_tokens",
        "https://api.clerk.com:8443/v1/actor_tokens",
        "https://api.clerk.com:443/v1/actor_tokens",
        "https://api.clerk.com.evil.test/v1/actor_tokens",
        "https://user@api.clerk.com/v1/actor_tokens",
        "https://api.clerk.com@evil.test/v1/actor_tokens",
        "/v1/actor_tokens",
    ];
    for url in elsewhere {
        let client = wrap(Client::builder(Scripted::new(success), test_key()), move |mut request, next| {
            Box::pin(async move {
                *request.uri_mut() = url.parse().unwrap();
                next.run(request).await
            })
        })
        .build()
        .unwrap();
        let error = create(&client).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted), "{url}");
        assert_eq!(client.transport().sends(), 0, "{url}");
    }
}

#[test]
fn no_middleware_sees_the_key() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut client = builder(success);
    for _ in 0..2 {
        let seen = Arc::clone(&seen);
        client = wrap(client, move |request, next| {
            seen.lock().unwrap().push(request.headers().clone());
            Box::pin(next.run(request))
        });
    }
    let client = client.build().unwrap();
    create(&client).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|headers| !headers.contains_key("authorization")));
    assert!(client.transport().sent()[0].request.headers().contains_key("authorization"));
}

/// One step of a middleware that was written by dice.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Continues, and keeps what comes.
    Run,
    /// Continues, and throws away what comes.
    RunAndForget,
    /// Continues, and drops the future after so many polls.
    RunAndDrop(u32),
    /// Makes the future and never polls it.
    Never,
    Race(u32),
    Join,
    /// Polls one send a little, holds it, continues with another for a while, then finishes the first.
    Interleave(u32),
    /// Makes up an error.
    Claim(TransportErrorKind),
    /// Makes up an answer.
    Answer(u16),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Run),
        2 => Just(Step::RunAndForget),
        2 => (0u32..8).prop_map(Step::RunAndDrop),
        1 => Just(Step::Never),
        2 => (0u32..8).prop_map(Step::Race),
        1 => Just(Step::Join),
        1 => (1u32..8).prop_map(Step::Interleave),
        2 => kind().prop_map(Step::Claim),
        1 => prop::sample::select(vec![307u16, 400, 408, 421, 422, 429, 500, 503]).prop_map(Step::Answer),
        1 => (0u64..4000).prop_map(Step::Wait),
    ]
}

/// What a middleware may claim.
const KINDS: [TransportErrorKind; 14] = [
    TransportErrorKind::Connect,
    TransportErrorKind::Tls,
    TransportErrorKind::Proxy,
    TransportErrorKind::ProxyRefused,
    TransportErrorKind::Canceled,
    TransportErrorKind::Refused,
    TransportErrorKind::TimeoutBeforeSend,
    TransportErrorKind::Timeout,
    TransportErrorKind::Interrupted,
    TransportErrorKind::BodyTooLarge,
    TransportErrorKind::Credential,
    TransportErrorKind::Blocked,
    TransportErrorKind::RateLimited,
    TransportErrorKind::Other,
];

fn kind() -> impl Strategy<Value = TransportErrorKind> {
    prop::sample::select(&KINDS[..])
}

/// What the transport sees, by dice: mostly failures that let the next send pass, so that programs run on.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Kind(TransportErrorKind),
    Partial(TransportErrorKind, u16),
    Status(u16),
    Success,
    Slow,
    Stall,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let status = || prop::sample::select(vec![200u16, 307, 400, 408, 421, 422, 429, 500, 503]);
    prop_oneof![
        4 => kind().prop_map(Outcome::Kind),
        2 => (kind(), status()).prop_map(|(kind, status)| Outcome::Partial(kind, status)),
        4 => status().prop_map(Outcome::Status),
        2 => Just(Outcome::Success),
        1 => Just(Outcome::Slow),
        1 => Just(Outcome::Stall),
    ]
}

fn play(outcome: Outcome, number: usize) -> Play {
    let token = ok(&with(token_json("pending"), "id", json!(format!("act_{number}"))));
    match outcome {
        Outcome::Kind(kind) => kind.into(),
        Outcome::Partial(kind, status) => {
            Play::Fail(TransportError::new(kind).with_partial(response(status, r#"{"object":"#)))
        }
        Outcome::Status(status) => response(status, "").into(),
        Outcome::Success => token.into(),
        Outcome::Slow => Play::Answer(token).after(Duration::from_secs(2)),
        Outcome::Stall => Play::Stall,
    }
}

async fn perform(program: &[Step], request: Request, next: Next<'_>) -> Exchanged {
    let mut kept = Err(TransportErrorKind::Blocked.into());
    let go = || next.run(request.clone());
    for step in program {
        match *step {
            Step::Run => kept = go().await,
            Step::RunAndForget => drop(go().await),
            Step::RunAndDrop(polls) => drop(poll_and_drop(go(), polls).await),
            Step::Never => drop(go()),
            Step::Race(late) => {
                kept = race(go(), async {
                    pause(late).await;
                    go().await
                })
                .await;
            }
            Step::Join => kept = join(go(), go()).await.1,
            Step::Interleave(polls) => {
                let mut held = Box::pin(go());
                if let Some(done) = poll_and_drop(held.as_mut(), polls).await {
                    kept = Ok(done?);
                    continue;
                }
                drop(poll_and_drop(go(), polls).await);
                kept = held.await;
            }
            Step::Claim(kind) => kept = Err(kind.into()),
            Step::Answer(status) => kept = Ok(response(status, "")),
            Step::Wait(millis) => next.timer().sleep(Duration::from_millis(millis)).await,
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_middleware_can_make_two_tokens_or_hide_one(
        outer in prop::collection::vec(step(), 0..4),
        inner in prop::collection::vec(step(), 0..5),
        has_outer: bool,
        has_inner: bool,
        outcomes in prop::collection::vec(outcome(), 1..12),
    ) {
        let script = move |number: usize| play(outcomes[number % outcomes.len()], number);
        let mut client = builder(script);
        for (program, is_there) in [(outer, has_outer), (inner, has_inner)] {
            if is_there {
                let program = Arc::new(program);
                client = wrap(client, move |request, next| {
                    let program = Arc::clone(&program);
                    Box::pin(async move { perform(&program, request, next).await })
                });
            }
        }
        let client = client.build().unwrap();
        let result = create(&client);
        let sent = client.transport().sent();
        assert_never_twice(&sent, &result);
        if let Ok(token) = &result {
            let minted = sent.iter().position(|sent| is_executed(sent.fate)).map(|at| format!("act_{at}"));
            prop_assert_eq!(Some(token.id().as_str()), minted.as_deref());
        }
        prop_assert!(client.transport().clock.elapsed() <= Duration::from_millis(30_100));
    }
}
