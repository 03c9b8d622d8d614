//! All calls of a client share one retry budget: ten retries, a tenth back for a success, one for ten seconds.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, Client, ClientBuilder, Error, ErrorKind, Execution, HttpTransport, Idempotency, RetryBudget, RetryPolicy,
    TransportErrorKind,
};

use crate::common::{
    AGENT, Clock, Op, Play, Scripted, USER, builder, join, ok, response, run, test_key, token_json, with_header,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// Many attempts and no backoff: only the budget ends them, and no time passes.
fn eager(script: impl Fn(usize) -> Play + Send + Sync + 'static) -> ClientBuilder<Scripted> {
    let policy =
        RetryPolicy::new().max_attempts(Idempotency::Idempotent, 100).max_attempts(Idempotency::NonIdempotent, 100);
    builder(script).retry(policy.backoff(Duration::ZERO, Duration::ZERO))
}

/// How many retries a call makes that keeps failing.
fn retries<T: HttpTransport + ?Sized>(client: &Client<T>, op: Op) -> usize {
    run(client, op).unwrap_err().attempts().len() - 1
}

fn unreachable_server(_: usize) -> Play {
    TransportErrorKind::Connect.into()
}

#[track_caller]
fn assert_out_of_retries(error: &Error) {
    assert!(error.is_out_of_retries(), "{error}");
    assert!(error.to_string().contains("with the retry budget used up"), "{error}");
}

#[test]
fn all_clones_and_operations_share_ten_retries() {
    // Two attempts a call: each takes one token at most, from whichever clone.
    let policy =
        RetryPolicy::new().max_attempts(Idempotency::Idempotent, 2).max_attempts(Idempotency::NonIdempotent, 2);
    let client = eager(unreachable_server).retry(policy.backoff(Duration::ZERO, Duration::ZERO)).build().unwrap();
    let clones: [&dyn Fn(Op) -> Error; 4] = [
        &|op| run(&client, op).unwrap_err(),
        &|op| run(&client.clone(), op).unwrap_err(),
        &|op| run(&client.clone().erase(), op).unwrap_err(),
        &|op| run(&client.cancel_on_drop(), op).unwrap_err(),
    ];
    for call in 0..20 {
        let error = clones[call % 4](Op::BOTH[call % 2]);
        if call < 10 {
            // It ended because it had made its attempts, not because of the budget.
            assert_eq!(error.attempts().len(), 2, "{call}");
            assert!(!error.is_out_of_retries() && !error.to_string().contains("budget"));
        } else {
            assert_eq!(error.attempts().len(), 1, "{call}");
            assert_out_of_retries(&error);
        }
    }
    assert_eq!(client.transport().sends(), 30);
}

#[test]
fn calls_at_the_same_time_share_them_too() {
    let client = eager(unreachable_server).build().unwrap();
    let call = || async { client.actor_tokens().create(USER, Actor::new(AGENT)).send().await.map(drop) };
    let (one, other) = pollster::block_on(join(call(), call()));
    let attempts = one.unwrap_err().attempts().len() + other.unwrap_err().attempts().len();
    assert_eq!((attempts, client.transport().sends()), (12, 12));
}

#[test]
fn without_a_token_a_call_fails_as_its_last_attempt_did() {
    use TransportErrorKind as K;
    type Row = (Op, fn() -> Play, ErrorKind, Execution, Option<u16>);
    let table: [Row; 7] = [
        (Op::Create, || K::Connect.into(), ErrorKind::Connect, Execution::NotExecuted, None),
        (Op::Create, || K::Refused.into(), ErrorKind::Refused, Execution::NotExecuted, None),
        (Op::Create, || response(429, "").into(), ErrorKind::RateLimited, Execution::NotExecuted, Some(429)),
        (Op::Create, || response(421, "").into(), ErrorKind::Api, Execution::NotExecuted, Some(421)),
        (Op::Revoke, || response(503, "").into(), ErrorKind::Api, Execution::Unknown, Some(503)),
        (Op::Revoke, || K::Interrupted.into(), ErrorKind::Interrupted, Execution::Unknown, None),
        (Op::Revoke, || K::Timeout.into(), ErrorKind::Timeout, Execution::Unknown, None),
    ];
    for (op, play, kind, execution, status) in table {
        let client = eager(move |_| play()).retry_budget(RetryBudget::new().tokens(0)).build().unwrap();
        let error = run(&client, op).unwrap_err();
        assert_out_of_retries(&error);
        assert_eq!((error.kind(), error.execution()), (kind, execution));
        assert_eq!(error.status().map(|status| status.as_u16()), status);
        assert_eq!((error.attempts().len(), client.transport().sends()), (1, 1));
    }
}

#[test]
fn what_would_not_be_sent_again_anyway_is_not_out_of_retries() {
    for (op, code) in [(Op::Create, 500), (Op::Create, 422), (Op::Revoke, 404), (Op::Revoke, 418)] {
        let client =
            eager(move |_| response(code, "").into()).retry_budget(RetryBudget::new().tokens(0)).build().unwrap();
        let error = run(&client, op).unwrap_err();
        assert!(!error.is_out_of_retries(), "{op:?} {code}");
    }
}

#[test]
fn a_first_attempt_takes_none() {
    let client = eager(unreachable_server).retry_budget(RetryBudget::new().tokens(0)).build().unwrap();
    for _ in 0..50 {
        assert_eq!(retries(&client, Op::Create), 0);
    }
    assert_eq!(client.transport().sends(), 50);
}

#[test]
fn a_call_that_could_not_wait_anyway_takes_none() {
    let too_long = |number| match number {
        0..20 => with_header(response(429, ""), "retry-after", "31").into(),
        _ => TransportErrorKind::Connect.into(),
    };
    let client = eager(too_long).rate_limit_gate(Duration::ZERO).build().unwrap();
    for _ in 0..20 {
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::RateLimited, 1));
        assert!(!error.is_out_of_retries(), "it is out of time");
    }
    // Else time would have paid for them.
    assert_eq!(client.transport().clock.elapsed(), Duration::ZERO);
    assert_eq!(retries(&client, Op::Create), 10);
}

#[test]
fn an_unlimited_budget_is_never_used_up() {
    let client = eager(unreachable_server).retry_budget(RetryBudget::unlimited()).build().unwrap();
    for op in [Op::Create, Op::Revoke, Op::Create] {
        let error = run(&client, op).unwrap_err();
        assert_eq!(error.attempts().len(), 100);
        assert!(!error.is_out_of_retries());
    }
    // Set again, it is limited again.
    let client = eager(unreachable_server).retry_budget(RetryBudget::unlimited().tokens(3)).build().unwrap();
    assert_eq!(retries(&client, Op::Create), 3);
}

#[test]
fn each_client_has_a_budget_of_its_own() {
    for _ in 0..2 {
        let client = eager(unreachable_server).build().unwrap();
        assert_eq!(retries(&client, Op::Create), 10);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let table = [
        (RetryBudget::new().successes_per_token(0), "retry_budget.successes_per_token"),
        (RetryBudget::new().token_every(Duration::ZERO), "retry_budget.token_every"),
        (RetryBudget::unlimited().successes_per_token(0), "retry_budget.successes_per_token"),
    ];
    for (budget, field) in table {
        let refused = Client::builder(Scripted::new(unreachable_server), test_key()).retry_budget(budget).build();
        assert_eq!(refused.unwrap_err().setting(), field);
    }
    for budget in [
        RetryBudget::new().tokens(u32::MAX).successes_per_token(u32::MAX).token_every(Duration::MAX),
        RetryBudget::new().tokens(0).token_every(Duration::from_nanos(1)),
    ] {
        let client = eager(unreachable_server).retry_budget(budget).build().unwrap();
        run(&client, Op::Create).unwrap_err();
        client.transport().clock.jump(1_000_000 * SECOND);
        run(&client, Op::Create).unwrap_err();
    }
}

/// A server that fails or works as the switch says.
fn switched() -> (Client<Scripted>, Clock, &'static AtomicBool) {
    let works: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let client = eager(move |_| match works.load(Ordering::SeqCst) {
        true => ok(&token_json("pending")).into(),
        false => TransportErrorKind::Connect.into(),
    })
    .build()
    .unwrap();
    let clock = client.transport().clock.clone();
    (client, clock, works)
}

#[test]
fn a_success_after_a_retry_pays_like_any_other() {
    // Each call fails once and then succeeds: nine in ten of its tokens are gone for good.
    let client = eager(|number| match number {
        0..22 if number % 2 == 1 => ok(&token_json("pending")).into(),
        _ => TransportErrorKind::Connect.into(),
    })
    .build()
    .unwrap();
    for _ in 0..10 {
        run(&client, Op::Create).unwrap();
    }
    // 10 - 10 + 10 x 0.1.
    run(&client, Op::Create).unwrap();
    assert_eq!(retries(&client, Op::Create), 0);
}

/// What happens to a client.
#[derive(Debug, Clone, Copy)]
enum Event {
    Success,
    /// A call that fails until the budget ends it.
    Failure,
    /// This many milliseconds.
    Passes(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Success),
        1 => Just(Event::Failure),
        2 => (0u64..30_000).prop_map(Event::Passes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// A bucket by the book, in ten-thousandths of a token: a success is a tenth, a millisecond a ten-thousandth.
    #[test]
    fn successes_and_time_give_back_what_is_written(events in proptest::collection::vec(event(), 1..60)) {
        const TOKEN: u64 = 10_000;
        let (client, clock, works) = switched();
        let mut level = 10 * TOKEN;
        for event in events {
            match event {
                Event::Success => {
                    works.store(true, Ordering::SeqCst);
                    run(&client, Op::Create).unwrap();
                    works.store(false, Ordering::SeqCst);
                    level += TOKEN / 10;
                }
                Event::Failure => {
                    prop_assert_eq!(retries(&client, Op::Create) as u64, level / TOKEN);
                    level %= TOKEN;
                }
                Event::Passes(milliseconds) => {
                    clock.jump(Duration::from_millis(milliseconds));
                    level += milliseconds;
                }
            }
            level = level.min(10 * TOKEN);
        }
        prop_assert_eq!(retries(&client, Op::Create) as u64, level / TOKEN);
    }
}
