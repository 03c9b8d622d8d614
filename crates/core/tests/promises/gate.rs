//! After a 429 with `Retry-After`, all calls of a client hold back until that time is over.
//!
//! Time is virtual, so that "until" is exact.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use clerk_actor_tokens_core::{
    Actor, BaseUrl, Client, ClientBuilder, Error, ErrorKind, Execution, HttpTransport, Response, RetryPolicy,
    SecretKey, TransportError, TransportErrorKind, middleware_fn,
};

use crate::common::{
    AGENT, ID, Op, Play, SESSION, Scripted, USER, WALL_AT_START, builder, client, join, ok, pause, poll_and_drop,
    response, run, token_json, with_header,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// An HTTP date, this many seconds after the virtual calendar's start.
fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + WALL_AT_START + Duration::from_secs(seconds))
}

fn limited(retry_after: &str) -> Response {
    with_header(response(429, ""), "retry-after", retry_after)
}

/// A good answer to either call: whichever it is, the request's path says it.
fn good(op: Op) -> Play {
    ok(&op.reply()).into()
}

/// Makes the call once, with this much time.
fn once<T: HttpTransport + ?Sized>(client: &Client<T>, op: Op, timeout: Duration) -> Result<(), Error> {
    pollster::block_on(send(client, op, timeout))
}

async fn send<T: HttpTransport + ?Sized>(client: &Client<T>, op: Op, timeout: Duration) -> Result<(), Error> {
    let once = RetryPolicy::none();
    let api = client.actor_tokens();
    match op {
        Op::Create => api.create(USER, Actor::new(AGENT)).retry(once).timeout(timeout).send().await.map(drop),
        Op::Revoke => api.revoke(ID).retry(once).timeout(timeout).send().await.map(drop),
        Op::ListSessions => client.sessions().list(USER).retry(once).timeout(timeout).send().await.map(drop),
        Op::GetSession => client.sessions().get(SESSION).retry(once).timeout(timeout).send().await.map(drop),
        Op::RevokeSession => client.sessions().revoke(SESSION).retry(once).timeout(timeout).send().await.map(drop),
    }
}

/// A client that was just answered with this.
fn answered_with(first: Response, op: Op) -> Client<Scripted> {
    shut(builder(move |number| if number == 0 { first.clone().into() } else { good(op) }))
}

fn shut(builder: ClientBuilder<Scripted>) -> Client<Scripted> {
    let client = builder.build().unwrap();
    let error = once(&client, Op::Create, 30 * SECOND).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    client
}

#[test]
fn it_holds_back_every_clone_and_every_operation_until_the_time_is_over() {
    let forms = [
        limited("7"),
        // Eight seconds off by this side's calendar, seven by the answer's own.
        with_header(limited(&date(8)), "date", &date(1)),
        with_header(limited(&date(107)), "date", &date(100)),
        limited(&date(7)),
    ];
    for (form, op) in forms.iter().flat_map(|form| Op::BOTH.map(|op| (form, op))) {
        let held = |call: &dyn Fn(&Client<Scripted>) -> Result<(), Error>| {
            let client = answered_with(form.clone(), op);
            call(&client).unwrap();
            let sent = client.transport().sent();
            assert_eq!((sent.len(), sent[1].at), (2, 7 * SECOND), "{op:?}");
        };
        held(&|client| once(client, op, 30 * SECOND));
        held(&|client| once(&client.clone(), op, 30 * SECOND));
        held(&|client| once(&client.clone().erase(), op, 30 * SECOND));
        held(&|client| once(&client.cancel_on_drop(), op, 30 * SECOND));
    }
}

#[test]
fn a_revocation_that_is_limited_holds_creations_back() {
    let client = client(|number| if number == 0 { limited("7").into() } else { good(Op::Create) });
    once(&client, Op::Revoke, 30 * SECOND).unwrap_err();
    once(&client, Op::Create, 30 * SECOND).unwrap();
    assert_eq!(client.transport().sent()[1].at, 7 * SECOND);
}

#[test]
fn it_is_shut_for_sixty_seconds_at_most_or_for_what_is_set() {
    let table = [
        (None, "59", 59),
        (None, "60", 60),
        (None, "61", 60),
        (None, "86400", 60),
        (None, "99999999999999999999999999", 60),
        (Some(5 * SECOND), "86400", 5),
        (Some(5 * SECOND), "3", 3),
        (Some(Duration::MAX), "3600", 3600),
        (Some(Duration::ZERO), "7", 0),
        (None, "0", 0),
    ];
    for (limit, asked, opens) in table {
        let builder = builder(move |number| if number == 0 { limited(asked).into() } else { good(Op::Create) });
        let builder = match limit {
            Some(limit) => builder.rate_limit_gate(limit),
            None => builder,
        };
        let client = shut(builder);
        once(&client, Op::Create, 7200 * SECOND).unwrap();
        assert_eq!(client.transport().sent()[1].at, opens * SECOND, "{limit:?} {asked}");
    }
}

#[test]
fn without_a_gate_the_answered_call_itself_still_waits() {
    let client = builder(|number| if number == 0 { limited("7").into() } else { good(Op::Create) })
        .rate_limit_gate(Duration::ZERO)
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    assert_eq!(client.transport().sent()[1].at, 7 * SECOND);
}

#[test]
fn an_answered_call_waits_longer_than_the_gate_is_shut_if_it_was_asked_to() {
    let client = builder(|number| if number == 0 { limited("70").into() } else { good(Op::Create) })
        .timeout(100 * SECOND)
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    assert_eq!(client.transport().sent()[1].at, 70 * SECOND);
}

/// The error of a call that the gate holds back for longer than it has.
#[track_caller]
fn assert_held_back(error: &Error, shut: Duration) {
    assert_eq!((error.kind(), error.execution()), (ErrorKind::RateLimited, Execution::NotExecuted), "{error}");
    assert_eq!((error.status(), error.retry_after()), (None, Some(shut)));
    assert!(error.attempts().is_empty() && error.is_rate_limited() && !error.is_ambiguous());
    assert!(!error.is_out_of_retries() && error.exposure_until().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also where some of the time has passed already.
    #[test]
    fn a_call_waits_exactly_until_it_opens_or_fails_at_once(
        asked in 1u64..60, passed in 0u64..70_000, timeout in 1u64..70_000, revoke: bool
    ) {
        let op = if revoke { Op::Revoke } else { Op::Create };
        let client = answered_with(limited(&asked.to_string()), op);
        let (opens, now) = (Duration::from_secs(asked), Duration::from_millis(passed));
        client.transport().clock.jump(now);
        let (left, timeout) = (opens.saturating_sub(now), Duration::from_millis(timeout));
        let result = once(&client, op, timeout);
        if left < timeout {
            prop_assert!(result.is_ok());
            prop_assert_eq!(client.transport().sent()[1].at, opens.max(now));
        } else {
            assert_held_back(&result.unwrap_err(), left);
            prop_assert_eq!((client.transport().sends(), client.transport().clock.elapsed()), (1, now));
        }
    }

    /// `first` and `second` are what two answers ask for, the second one `delay` later; a third call waits meanwhile.
    #[test]
    fn it_opens_at_the_latest_moment_that_was_asked_for(first in 1u64..30, second in 0u64..30, delay in 0u64..30) {
        // At one and the same moment, either may be the earlier one.
        prop_assume!(first != delay);
        let delay = Duration::from_secs(delay);
        let client = client(move |number| match number {
            0 => limited(&first.to_string()).into(),
            1 => Play::from(limited(&second.to_string())).after(delay),
            _ => good(Op::Revoke),
        });
        let long = 1000 * SECOND;
        let limited = join(send(&client, Op::Create, long), send(&client, Op::Create, long));
        let (_, (waited, _)) = pollster::block_on(join(limited, async {
            // Until both are on their way and the first is answered.
            pause(8).await;
            assert_eq!(client.transport().sends(), 2);
            (send(&client, Op::Revoke, long).await, Ok(()))
        }));
        prop_assert!(waited.is_ok());
        let (first, second) = (Duration::from_secs(first), Duration::from_secs(second));
        let opens = if delay < first { first.max(delay + second) } else { first };
        prop_assert_eq!(client.transport().sent()[2].at, opens);
    }

    /// As before; the third call begins when both answers have come.
    #[test]
    fn a_later_answer_that_asks_for_less_opens_it_no_earlier(first in 1u64..30, second in 0u64..30, delay in 0u64..30) {
        let [first, second, delay] = [first, second, delay].map(Duration::from_secs);
        let client = client(move |number| match number {
            0 => limited(&first.as_secs().to_string()).into(),
            1 => Play::from(limited(&second.as_secs().to_string())).after(delay),
            _ => good(Op::Revoke),
        });
        let long = 1000 * SECOND;
        let _ = pollster::block_on(join(send(&client, Op::Create, long), send(&client, Op::Create, long)));
        once(&client, Op::Revoke, long).unwrap();
        prop_assert_eq!(client.transport().sent()[2].at, first.max(delay + second));
    }
}

#[test]
fn a_waiting_call_that_finds_it_shut_beyond_its_deadline_fails_then() {
    let client = client(|number| match number {
        0 => limited("5").into(),
        1 => Play::from(limited("10")).after(3 * SECOND),
        _ => panic!("nothing more is sent"),
    });
    let (_, (waited, _)) = pollster::block_on(join(
        async { join(send(&client, Op::Create, 30 * SECOND), send(&client, Op::Create, 30 * SECOND)).await },
        async {
            pause(8).await;
            (send(&client, Op::Create, 8 * SECOND).await, Ok(()))
        },
    ));
    assert_held_back(&waited.unwrap_err(), 8 * SECOND);
    assert_eq!(client.transport().clock.elapsed(), 5 * SECOND);
}

#[test]
fn a_retry_is_held_back_as_well_and_else_fails_with_its_own_cause() {
    // The first call cannot connect; another call's answer shuts the gate, before that or while it waits for its retry.
    for (fails_after, asked, is_sent) in [(0, "20", true), (0, "40", false), (1, "20", true), (1, "40", false)] {
        let client = builder(move |number| match number {
            0 => Play::from(TransportErrorKind::Connect).after(fails_after * SECOND),
            1 => limited(asked).into(),
            _ => good(Op::Create),
        })
        .retry(RetryPolicy::new().backoff(10 * SECOND, 10 * SECOND))
        .build()
        .unwrap();
        let (retried, _) = pollster::block_on(join(
            async { client.actor_tokens().create(USER, Actor::new(AGENT)).send().await.map(drop) },
            send(&client, Op::Create, 30 * SECOND),
        ));
        if is_sent {
            retried.unwrap();
            assert_eq!(client.transport().sent()[2].at, 20 * SECOND);
        } else {
            let error = retried.unwrap_err();
            assert_eq!((error.kind(), error.execution()), (ErrorKind::Connect, Execution::NotExecuted));
            assert_eq!((error.attempts().len(), client.transport().sends()), (1, 2));
            assert!(!error.is_out_of_retries());
            // Known beforehand, it is not waited for.
            assert!(fails_after == 0 || client.transport().clock.elapsed() == SECOND);
        }
    }
}

#[test]
fn an_answer_that_says_no_time_shuts_nothing() {
    let useless = ["soon", "", "-1", "1.5", "7 seconds", "Sun, 06 Nov 1994", "0x7"].map(limited);
    let past = limited(&date(0));
    for answer in useless.into_iter().chain([response(429, ""), past]) {
        let client = answered_with(answer, Op::Create);
        once(&client, Op::Create, 30 * SECOND).unwrap();
        assert_eq!(client.transport().sent()[1].at, Duration::ZERO);
    }
}

#[test]
fn another_status_with_retry_after_shuts_nothing() {
    for code in [503, 413, 200, 301, 408, 500] {
        let client = client(move |number| match number {
            0 => with_header(response(code, ""), "retry-after", "7").into(),
            _ => good(Op::Create),
        });
        once(&client, Op::Create, 30 * SECOND).unwrap_err();
        once(&client, Op::Create, 30 * SECOND).unwrap();
        assert_eq!(client.transport().sent()[1].at, Duration::ZERO, "{code}");
    }
}

#[test]
fn an_answer_cut_short_shuts_it_all_the_same() {
    for kind in [TransportErrorKind::Interrupted, TransportErrorKind::Timeout, TransportErrorKind::BodyTooLarge] {
        let client = shut(builder(move |number| match number {
            0 => Play::Fail(TransportError::new(kind).with_partial(limited("7"))),
            _ => good(Op::Create),
        }));
        once(&client, Op::Create, 30 * SECOND).unwrap();
        assert_eq!(client.transport().sent()[1].at, 7 * SECOND, "{kind:?}");
    }
}

fn other_key() -> SecretKey {
    SecretKey::new("sk_test_other").unwrap()
}

fn other_place() -> BaseUrl {
    "https://other.example.com/v1".parse().unwrap()
}

#[test]
fn a_call_with_its_own_key_or_place_is_not_held_back() {
    let api = |client: &Client<Scripted>| client.actor_tokens().create(USER, Actor::new(AGENT));
    for elsewhere in 0..3 {
        let client = answered_with(limited("7"), Op::Create);
        let call = match elsewhere {
            0 => api(&client).credentials(other_key()),
            1 => api(&client).base_url(other_place()),
            _ => api(&client.with_credentials(other_key())),
        };
        pollster::block_on(call.send()).unwrap();
        assert_eq!(client.transport().sent()[1].at, Duration::ZERO, "{elsewhere}");
    }
}

#[test]
fn a_call_with_its_own_key_or_place_does_not_hold_others_back() {
    let once = RetryPolicy::none();
    for elsewhere in 0..3 {
        let client = client(|number| if number == 0 { limited("7").into() } else { good(Op::Create) });
        let api = |client: &Client<Scripted>| client.actor_tokens().create(USER, Actor::new(AGENT)).retry(once.clone());
        let call = match elsewhere {
            0 => api(&client).credentials(other_key()),
            1 => api(&client).base_url(other_place()),
            _ => api(&client.with_credentials(other_key())),
        };
        pollster::block_on(call.send()).unwrap_err();
        run(&client, Op::Create).unwrap();
        assert_eq!(client.transport().sent()[1].at, Duration::ZERO, "{elsewhere}");
    }
}

#[test]
fn a_call_with_its_own_key_waits_for_itself() {
    let client = client(|number| if number == 0 { limited("7").into() } else { good(Op::Create) });
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).credentials(other_key());
    pollster::block_on(call.send()).unwrap();
    assert_eq!(client.transport().sent()[1].at, 7 * SECOND);
}

#[test]
fn a_client_with_another_key_has_a_gate_of_its_own() {
    let client = client(|number| if number == 0 { limited("7").into() } else { good(Op::Create) });
    let other = client.with_credentials(other_key());
    once(&other, Op::Create, 30 * SECOND).unwrap_err();
    assert_held_back(&once(&other.clone(), Op::Create, 5 * SECOND).unwrap_err(), 7 * SECOND);
    once(&client, Op::Create, 5 * SECOND).unwrap();
}

#[test]
fn a_waiting_call_that_is_dropped_leaves_nothing_behind() {
    let client = answered_with(limited("7"), Op::Revoke);
    for polls in 1..40 {
        let api = client.actor_tokens();
        let call = api.create(USER, Actor::new(AGENT)).send();
        assert!(pollster::block_on(poll_and_drop(call, polls)).is_none_or(|result| result.is_ok()));
        if client.transport().clock.elapsed() > Duration::ZERO {
            break;
        }
        assert_eq!(client.transport().sends(), 1);
    }
    run(&client, Op::Revoke).unwrap();
    let closed = pollster::block_on(client.close(SECOND));
    assert!(closed.is_clean(), "{closed:?}");
}

#[test]
fn a_middleware_sees_nothing_of_a_call_that_is_held_back() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let client = shut(builder(|_| limited("7").into()).middleware(middleware_fn(move |request, next| {
        counter.fetch_add(1, Ordering::SeqCst);
        Box::pin(next.run(request))
    })));
    let before = seen.load(Ordering::SeqCst);
    let error = once(&client, Op::Create, 2 * SECOND).unwrap_err();
    assert_held_back(&error, 7 * SECOND);
    assert_eq!(seen.load(Ordering::SeqCst), before);
}

#[test]
fn a_middleware_that_holds_a_call_back_itself_fails_it_in_the_same_way() {
    let limit = || middleware_fn(|_, _| Box::pin(async { Err(TransportError::rate_limited(3 * SECOND)) }));
    for op in Op::BOTH {
        let client = builder(|_| panic!("nothing is sent")).middleware(limit()).build().unwrap();
        let error = run(&client, op).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::RateLimited, Execution::NotExecuted));
        assert_eq!((error.status(), error.retry_after()), (None, Some(3 * SECOND)));
        assert_eq!(error.attempts().len(), 1, "it is not tried again");
        assert_eq!(client.transport().clock.elapsed(), Duration::ZERO);
    }
}

#[test]
fn what_a_middleware_holds_back_shuts_no_gate() {
    let held = Mutex::new(true);
    let client = builder(|_| ok(&token_json("pending")).into())
        .middleware(middleware_fn(move |request, next| {
            let hold = std::mem::take(&mut *held.lock().unwrap());
            Box::pin(async move {
                if hold { Err(TransportError::rate_limited(50 * SECOND)) } else { next.run(request).await }
            })
        }))
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap_err();
    run(&client, Op::Create).unwrap();
    assert_eq!(client.transport().sent()[0].at, Duration::ZERO);
}
