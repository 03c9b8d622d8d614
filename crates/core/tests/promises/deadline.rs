//! Whatever stalls, a call ends by its deadline, and says whether anything had been sent.
//!
//! Time is virtual. The bound is the deadline, and the 100 ms by which the core's own race comes later than a transport
//! that keeps the deadline itself.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, BoxFuture, CallContext, Client, ErrorKind, Execution, Executor, HttpTransport, Idempotency, Moment, Request,
    Response, RetryPolicy, SecretKey, Timer, TransportError, TransportErrorKind, credentials_fn, middleware_fn,
};

use crate::common::{
    AGENT, Clock, ID, Op, Play, Scripted, USER, builder, client, ok, response, run, test_key, token_json, with_header,
};

const WATCHDOG: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

fn stall(_: usize) -> Play {
    Play::Stall
}

#[test]
fn a_credential_provider_that_stalls_costs_the_deadline_and_sends_nothing() {
    // A revocation's attempt has 10 s of the 30 s, and row 8a repeats it as long as there is time.
    for (op, attempts) in [(Op::Create, 1), (Op::Revoke, 3)] {
        let never = credentials_fn(std::future::pending::<Result<SecretKey, TransportError>>);
        let client = Client::builder(Scripted::new(stall), never).build().unwrap();
        let error = run(&client, op).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted), "{op:?}");
        assert!(error.is_timeout() && !error.is_ambiguous());
        assert_eq!((client.transport().sends(), error.attempts().len()), (0, attempts), "{op:?}");
        assert_eq!(client.transport().clock.elapsed(), 30 * SECOND, "{op:?}");
    }
}

#[test]
fn a_middleware_that_stalls_before_it_sends_costs_the_deadline_and_sends_nothing() {
    let stalling = middleware_fn(|_, _| Box::pin(std::future::pending()));
    let client = builder(stall).middleware(stalling).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted));
    assert_eq!(client.transport().sends(), 0);
    assert_eq!(client.transport().clock.elapsed(), 30 * SECOND + WATCHDOG);
}

#[test]
fn a_middleware_that_stalls_after_the_answer_leaves_a_token_behind_and_the_error_says_so() {
    let stalling = middleware_fn(|request, next| {
        Box::pin(async move {
            let _ = next.run(request).await;
            std::future::pending().await
        })
    });
    let client = builder(|_| ok(&token_json("pending")).into()).middleware(stalling).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Executed));
    assert_eq!(client.transport().sends(), 1);
    assert_eq!(client.transport().clock.elapsed(), 30 * SECOND + WATCHDOG);
}

#[test]
fn a_transport_that_ignores_the_deadline_is_dropped_a_little_after_it() {
    for timeout in [Duration::from_millis(1), SECOND, 7 * SECOND, 300 * SECOND] {
        let client = builder(stall).timeout(timeout).build().unwrap();
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Unknown));
        assert_eq!(client.transport().sends(), 1, "a creation is not sent again on time");
        assert_eq!(client.transport().clock.elapsed(), timeout + WATCHDOG);
    }
}

#[test]
fn a_transport_that_keeps_the_deadline_has_the_last_word() {
    let late = 30 * SECOND + Duration::from_millis(50);
    let cut =
        || Play::Fail(TransportError::new(TransportErrorKind::Timeout).with_partial(response(200, "{\"object\"")));
    type Late = fn(Duration) -> Play;
    let table: [(Late, ErrorKind, Execution); 4] = [
        (
            |late| Play::from(TransportErrorKind::TimeoutBeforeSend).after(late),
            ErrorKind::Timeout,
            Execution::NotExecuted,
        ),
        (|late| Play::from(TransportErrorKind::Timeout).after(late), ErrorKind::Timeout, Execution::Unknown),
        (|late| Play::from(TransportErrorKind::Connect).after(late), ErrorKind::Connect, Execution::NotExecuted),
        (|late| Play::from(response(500, "")).after(late), ErrorKind::Api, Execution::Unknown),
    ];
    for (play, kind, execution) in table {
        let client = client(move |_| play(late));
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (kind, execution));
        assert_eq!((client.transport().sends(), client.transport().clock.elapsed()), (1, late));
    }
    let client = client(move |_| cut().after(late));
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseTruncated, Execution::Executed));
}

#[test]
fn an_answer_that_comes_with_the_deadline_is_not_thrown_away() {
    for late in [30 * SECOND - Duration::from_millis(1), 30 * SECOND, 30 * SECOND + Duration::from_millis(99)] {
        let client = client(move |_| Play::from(ok(&token_json("pending"))).after(late));
        assert!(run(&client, Op::Create).is_ok(), "{late:?}");
    }
}

#[test]
fn a_creation_has_all_that_is_left_and_a_later_attempt_no_more_than_that() {
    let client = client(|n| match n {
        0 => Play::from(TransportErrorKind::Connect).after(5 * SECOND),
        1 => Play::from(TransportErrorKind::Connect).after(5 * SECOND),
        _ => Play::Stall,
    });
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Unknown));
    let clock = &client.transport().clock;
    assert_eq!(clock.elapsed(), 30 * SECOND + WATCHDOG);
    let sent = client.transport().sent();
    let contexts: Vec<_> = sent.iter().map(|sent| &sent.context).collect();
    assert_eq!(contexts.iter().map(|context| context.attempt()).collect::<Vec<_>>(), [1, 2, 3]);
    for context in contexts {
        assert_eq!(clock.since_start(context.deadline().moment()), 30 * SECOND);
        assert_eq!(context.operation().name(), "CreateActorToken");
        assert_eq!(context.response_cap(), 256 * 1024);
    }
}

#[test]
fn a_revocation_has_ten_seconds_an_attempt_and_thirty_in_all() {
    for seed in 0..20 {
        let client = builder(stall).jitter_seed(seed).build().unwrap();
        let error = run(&client, Op::Revoke).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Unknown));
        let clock = &client.transport().clock;
        assert!(clock.elapsed() <= 30 * SECOND + WATCHDOG, "{:?}", clock.elapsed());
        let sent = client.transport().sent();
        assert_eq!(sent.len(), 3);
        for (at, sent) in sent.iter().enumerate() {
            let context = &sent.context;
            assert_eq!(context.attempt() as usize, at + 1);
            let deadline = clock.since_start(context.deadline().moment());
            assert_eq!(deadline, (sent.at + 10 * SECOND).min(30 * SECOND));
        }
        assert_eq!(error.attempts().len(), 3);
    }
}

#[test]
fn a_revocation_whose_first_attempt_stalls_still_succeeds() {
    let client = client(|n| if n == 0 { Play::Stall } else { ok(&token_json("revoked")).into() });
    run(&client, Op::Revoke).unwrap();
    assert_eq!(client.transport().sends(), 2);
    assert!(client.transport().clock.elapsed() <= 10 * SECOND + WATCHDOG + Duration::from_millis(200));
}

#[test]
fn the_attempt_timeout_is_the_policys_and_not_a_creations() {
    let policy = RetryPolicy::new().attempt_timeout(2 * SECOND).max_attempts(Idempotency::Idempotent, 2);
    let client = builder(stall).retry(policy.clone()).build().unwrap();
    run(&client, Op::Revoke).unwrap_err();
    assert_eq!(client.transport().sends(), 2);
    assert!(client.transport().clock.elapsed() <= 2 * (2 * SECOND + WATCHDOG) + Duration::from_millis(200));

    let client = builder(|_| Play::from(ok(&token_json("pending"))).after(20 * SECOND)).retry(policy).build().unwrap();
    assert!(run(&client, Op::Create).is_ok());
}

#[test]
fn the_timeout_of_a_call_beats_the_clients() {
    let client = client(stall);
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).timeout(3 * SECOND);
    assert!(pollster::block_on(call.send()).unwrap_err().is_timeout());
    assert_eq!(client.transport().clock.elapsed(), 3 * SECOND + WATCHDOG);
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn the_longest_timeout_is_still_finite() {
    let client = builder(stall).timeout(Duration::MAX).build().unwrap();
    assert!(run(&client, Op::Create).unwrap_err().is_timeout());
    assert!(client.transport().clock.elapsed() < 400 * 24 * 3600 * SECOND);
}

#[test]
fn a_timeout_of_zero_is_refused() {
    assert_eq!(builder(stall).timeout(Duration::ZERO).build().unwrap_err().setting(), "timeout");
    let client = client(stall);
    let call = client.actor_tokens().revoke(ID).timeout(Duration::ZERO);
    let error = pollster::block_on(call.send()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidRequest, Execution::NotExecuted));
    assert_eq!(error.invalid_request().unwrap().field(), "timeout");
    assert_eq!(client.transport().sends(), 0);
}

/// Row 8a: a creation that is handed to the network after the deadline can only become a lost token.
#[test]
fn a_key_that_comes_after_the_deadline_is_too_late_to_send_anything() {
    let transport = Arc::new(Scripted::new(|_| ok(&token_json("pending")).into()));
    let clock = transport.clock.clone();
    let slow = credentials_fn(move || {
        let late = clock.sleep(30 * SECOND + Duration::from_millis(50));
        async move {
            late.await;
            Ok::<_, TransportError>(test_key())
        }
    });
    let client = Client::new(Arc::clone(&transport), slow);
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted));
    assert_eq!(transport.sends(), 0);
}

#[test]
fn a_middleware_that_sends_after_the_deadline_sends_nothing() {
    let late = middleware_fn(|request, next| {
        Box::pin(async move {
            next.timer().sleep(30 * SECOND + Duration::from_millis(50)).await;
            next.run(request).await
        })
    });
    let client = builder(|_| ok(&token_json("pending")).into()).middleware(late).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted));
    assert_eq!(client.transport().sends(), 0);
}

/// A machine that is suspended during a backoff finds the deadline passed when it wakes up.
struct Suspended {
    inner: Scripted,
    timer: Oversleeping,
}

struct Oversleeping(Clock);

impl Timer for Oversleeping {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn system_time(&self) -> SystemTime {
        self.0.system_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // The backoff of this test is the five seconds of `Retry-After`.
        self.0.sleep(if duration == 5 * SECOND { 3600 * SECOND } else { duration })
    }
}

#[async_trait]
impl HttpTransport for Suspended {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.inner.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        &self.timer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.inner.executor()
    }
}

#[test]
fn a_backoff_that_overslept_the_deadline_is_followed_by_nothing() {
    for op in Op::BOTH {
        let inner = Scripted::new(|_| with_header(response(429, ""), "retry-after", "5").into());
        let timer = Oversleeping(inner.clock.clone());
        let client = Client::new(Suspended { inner, timer }, test_key());
        let error = run(&client, op).unwrap_err();
        // Row 9: the last cause.
        assert_eq!((error.kind(), error.execution()), (ErrorKind::RateLimited, Execution::NotExecuted), "{op:?}");
        assert_eq!(client.transport().inner.sends(), 1, "{op:?}");
    }
}

/// What an earlier attempt may have done is not laid at the door of one that never sent anything.
#[test]
fn an_attempt_that_is_cut_off_before_it_sends_says_so_whatever_came_before_it() {
    let stalls_second = middleware_fn(|request, next| {
        Box::pin(async move {
            if next.context().attempt() == 2 {
                std::future::pending::<()>().await;
            }
            next.run(request).await
        })
    });
    let client = builder(|_| TransportErrorKind::Interrupted.into()).middleware(stalls_second).build().unwrap();
    let error = run(&client, Op::Revoke).unwrap_err();
    let attempts: Vec<_> = error.attempts().iter().map(|it| (it.error(), it.execution())).collect();
    let interrupted = (Some(ErrorKind::Interrupted), Execution::Unknown);
    let expected = [interrupted, (Some(ErrorKind::Timeout), Execution::NotExecuted), interrupted, interrupted];
    assert_eq!(attempts, expected);
    assert_eq!(error.execution(), Execution::Unknown);
}
