//! Every phase of a call stalled in turn: when the call returns, in virtual time to the nanosecond, and what it says.
//!
//! A transport keeps the deadline itself. A credential provider is ended at the deadline too, and a middleware by the
//! client's own race, the watchdog, 100 ms later.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and the tables are what this is run for"
)]

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, ActorTokenId, Client, ClientBuilder, Error, ErrorKind, Execution, RetryPolicy, SecretKey,
    middleware::middleware_fn,
    settings::credentials_fn,
    testing::emulator::{CommitKind, Emulator, fault, fault::AnyFault, fault::Phase},
    transport::HttpTransport,
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const WATCHDOG: Duration = Duration::from_millis(100);

/// The default of a call, and some others. A revocation's attempt has 10 s.
const DEADLINES: [Duration; 5] = [Duration::from_nanos(1), MS, Duration::from_secs(7), Duration::from_secs(10), HOUR];
const DEFAULT: Duration = Duration::from_secs(30);
const ATTEMPT: Duration = Duration::from_secs(10);

/// How a call ended: after how long, as what, and how much had been committed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    after: Duration,
    how: Result<(), (ErrorKind, Execution)>,
    commits: usize,
    sends: usize,
}

/// A call of one kind, over an emulator that is set up for it.
struct Stage {
    kind: CommitKind,
    clerk: Emulator,
    /// The token to revoke, made by another client.
    id: ActorTokenId,
}

impl Stage {
    fn new(kind: CommitKind) -> Self {
        let clerk = Emulator::builder().single_threaded().build();
        let made = clerk.client().actor_tokens().create("user_1", Actor::new("user_2"));
        let id = pollster::block_on(made.send()).unwrap().id().clone();
        Self { kind, clerk, id }
    }

    /// The faults of the attempts to come.
    fn meets(self, plan: &[(AnyFault, Phase)]) -> Self {
        for (fault, phase) in plan {
            match self.kind {
                CommitKind::Create => fault.queue(self.clerk.next_create(), *phase),
                _ => fault.queue(self.clerk.next_revoke(), *phase),
            }
        }
        self
    }

    /// Without backoff, so that all that takes time is what is stalled.
    fn builder(&self) -> ClientBuilder<Emulator> {
        let no_backoff = RetryPolicy::new().backoff(Duration::ZERO, Duration::ZERO);
        Client::builder(self.clerk.clone(), self.clerk.secret_key()).jitter_seed(7).retry(no_backoff)
    }

    fn call(&self, client: &Client<Emulator>) -> Ended {
        let timer = self.clerk.timer();
        let (began, requests, ledger) = (timer.now(), self.clerk.requests().len(), self.clerk.ledger().len());
        let how = match self.kind {
            CommitKind::Create => {
                pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).send()).map(drop)
            }
            _ => pollster::block_on(client.actor_tokens().revoke(&self.id).send()).map(drop),
        };
        Ended {
            after: timer.now().saturating_duration_since(began),
            how: how.map_err(|error: Error| (error.kind(), error.execution())),
            commits: self.clerk.ledger().len() - ledger,
            sends: self.clerk.requests().len() - requests,
        }
    }

    fn call_within(&self, deadline: Duration) -> Ended {
        self.call(&self.builder().timeout(deadline).build().unwrap())
    }
}

const KINDS: [CommitKind; 2] = [CommitKind::Create, CommitKind::Revoke];

fn print(kind: CommitKind, phase: &str, deadline: Duration, ended: &Ended) {
    let how = ended.how.map_or_else(|(kind, execution)| format!("{kind:?}, {execution:?}"), |()| "Ok".to_owned());
    let (after, commits) = (format!("{:?}", ended.after), ended.commits);
    println!(
        "{kind:<7} {phase:<34} deadline {:<6} after {after:<12} {how}, {commits} committed",
        format!("{deadline:?}")
    );
}

fn failed(after: Duration, kind: ErrorKind, execution: Execution, commits: usize, sends: usize) -> Ended {
    Ended { after, how: Err((kind, execution)), commits, sends }
}

/// What never ends at a phase of the exchange, how that surfaces, and what is committed by then.
fn stalls() -> Vec<(AnyFault, Phase, ErrorKind, Execution, usize)> {
    use ErrorKind::{ResponseTruncated, Timeout};
    use Execution::{Executed, NotExecuted, Unknown};
    vec![
        (fault::stall().into(), Phase::BeforeSend, Timeout, NotExecuted, 0),
        (fault::delay(HOUR * 2).into(), Phase::BeforeSend, Timeout, NotExecuted, 0),
        (fault::stall().into(), Phase::BeforeCommit, Timeout, Unknown, 0),
        (fault::delay(HOUR * 2).into(), Phase::BeforeCommit, Timeout, Unknown, 0),
        (fault::stall().into(), Phase::AfterCommit, Timeout, Unknown, 1),
        (fault::delay(HOUR * 2).into(), Phase::AfterCommit, Timeout, Unknown, 1),
        (fault::stall_at(0).into(), Phase::AfterCommit, ResponseTruncated, Executed, 1),
        (fault::slow_body(HOUR * 2).into(), Phase::AfterCommit, ResponseTruncated, Executed, 1),
    ]
}

#[test]
fn a_stalled_exchange_returns_exactly_at_the_deadline() {
    for (fault, phase, error, execution, commits) in stalls() {
        for kind in KINDS {
            for deadline in DEADLINES.into_iter().chain([DEFAULT]) {
                if kind == CommitKind::Revoke && deadline > ATTEMPT {
                    continue;
                }
                let stage = Stage::new(kind).meets(&[(fault.clone(), phase)]);
                let ended = stage.call_within(deadline);
                print(kind, &format!("{phase}({fault})"), deadline, &ended);
                let sends = usize::from(phase != Phase::BeforeSend);
                assert_eq!(ended, failed(deadline, error, execution, commits, sends), "{kind} {phase}({fault})");
            }
        }
    }
}

#[test]
fn connecting_that_takes_longer_than_the_deadline_returns_exactly_at_the_deadline() {
    for kind in KINDS {
        let connect_timeout: AnyFault = fault::connect_timeout().into();
        let stage = Stage::new(kind).meets(&[(connect_timeout.clone(), Phase::BeforeSend)]);
        let ended = stage.call_within(S * 3);
        print(kind, "before_send(connect_timeout())", S * 3, &ended);
        assert_eq!(ended, failed(S * 3, ErrorKind::Timeout, Execution::NotExecuted, 0, 0));
        // Two of 5 s fit, and the third is cut short.
        let thrice = vec![(connect_timeout, Phase::BeforeSend); 3];
        let stage = Stage::new(kind).meets(&thrice);
        let ended = stage.call_within(S * 12);
        print(kind, "before_send(connect_timeout()) x 3", S * 12, &ended);
        assert_eq!(ended, failed(S * 12, ErrorKind::Timeout, Execution::NotExecuted, 0, 0));
    }
}

/// How long the answer to a call of this kind is.
fn length_of_answer(kind: CommitKind) -> usize {
    let length = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&length);
    let measures = middleware_fn(move |request, next| {
        let seen = Arc::clone(&seen);
        Box::pin(async move {
            let response = next.run(request).await?;
            seen.store(response.body().len(), Ordering::Relaxed);
            Ok(response)
        })
    });
    let stage = Stage::new(kind);
    let client = stage.builder().middleware(measures).build().unwrap();
    assert_eq!(stage.call(&client).how, Ok(()));
    length.load(Ordering::Relaxed)
}

#[test]
fn a_body_that_stalls_behind_any_byte_returns_exactly_at_the_deadline() {
    for kind in KINDS {
        let length = length_of_answer(kind);
        assert!(length > 200, "{length}");
        let deadline = if kind == CommitKind::Create { DEFAULT } else { ATTEMPT };
        for byte in 0..length {
            let stage = Stage::new(kind).meets(&[(fault::stall_at(byte).into(), Phase::AfterCommit)]);
            let ended = stage.call_within(deadline);
            assert_eq!(
                ended,
                failed(deadline, ErrorKind::ResponseTruncated, Execution::Executed, 1, 1),
                "{kind}, byte {byte}"
            );
        }
        println!("{kind:<7} stalled behind each of {length} bytes: always after {deadline:?}");
    }
}

/// Each attempt of a revocation has 10 s, and the call has 30 s: two whole attempts, and a third that ends with the call. With
/// more time there is a fourth. What was committed before the answer stalled, the next attempt finds revoked.
#[test]
fn a_revocation_gives_each_attempt_its_time_and_ends_exactly_at_the_deadline() {
    let kind = CommitKind::Revoke;
    let silent = |attempts: usize| vec![(AnyFault::from(fault::stall()), Phase::BeforeCommit); attempts];
    for (deadline, attempts, after) in
        [(DEFAULT, 3, DEFAULT), (S * 25, 3, S * 25), (S * 35, 4, S * 35), (S * 40, 4, S * 40), (HOUR, 4, S * 40)]
    {
        let ended = Stage::new(kind).meets(&silent(attempts)).call_within(deadline);
        print(kind, &format!("before_commit(stall()) x {attempts}"), deadline, &ended);
        assert_eq!(ended, failed(after, ErrorKind::Timeout, Execution::Unknown, 0, attempts), "{deadline:?}");
    }
    for (fault, phase, error, execution, commits) in stalls().into_iter().filter(|it| it.1 == Phase::AfterCommit) {
        let ended = Stage::new(kind).meets(&[(fault.clone(), phase)]).call_within(DEFAULT);
        print(kind, &format!("{phase}({fault})"), DEFAULT, &ended);
        assert_eq!(ended, Ended { after: ATTEMPT, how: Ok(()), commits, sends: 2 }, "{error:?} {execution:?}");
    }
}

/// There is no attempt that could follow: nothing has been sent.
#[test]
fn an_attempt_of_a_revocation_that_sent_nothing_in_its_time_is_followed_by_others_until_the_deadline() {
    let kind = CommitKind::Revoke;
    // Each attempt has a third of the time.
    let stalls = [(); 3].map(|()| (fault::stall().into(), Phase::BeforeSend));
    let ended = Stage::new(kind).meets(&stalls).call_within(DEFAULT);
    print(kind, "before_send(stall())", DEFAULT, &ended);
    assert_eq!(ended, failed(DEFAULT, ErrorKind::Timeout, Execution::NotExecuted, 0, 0));
}

/// What hangs outside the transport is ended by the watchdog. What is hung behind a send that may have been executed leaves
/// that open; what arrived in full says that it was.
#[test]
fn what_hangs_outside_the_transport_ends_a_little_after_the_deadline() {
    use Execution::{Executed, NotExecuted};
    for kind in KINDS {
        for deadline in DEADLINES.into_iter().chain([DEFAULT]) {
            let within = if kind == CommitKind::Revoke { deadline.min(ATTEMPT) } else { deadline };
            let case = |phase: &str, after, execution, commits, build: &dyn Fn(&Stage) -> ClientBuilder<Emulator>| {
                let stage = Stage::new(kind);
                let client = build(&stage).timeout(deadline).build().unwrap();
                let ended = stage.call(&client);
                print(kind, phase, deadline, &ended);
                let sends = usize::from(execution != NotExecuted);
                assert_eq!(ended, failed(after, ErrorKind::Timeout, execution, commits, sends), "{kind} {phase}");
            };
            // One attempt: what sent nothing would be sent again (row 8a).
            case("key", within, NotExecuted, 0, &|stage| {
                let vault = credentials_fn(pending::<Result<SecretKey, Infallible>>);
                Client::builder(stage.clerk.clone(), vault).retry(RetryPolicy::none())
            });
            case("middleware, before it sends", within + WATCHDOG, NotExecuted, 0, &|stage| {
                let hangs = middleware_fn(|_, _| Box::pin(pending()));
                stage.builder().middleware(hangs).retry(RetryPolicy::none())
            });
        }
        let stage = Stage::new(CommitKind::Create);
        let hangs = middleware_fn(|request, next| {
            Box::pin(async move {
                let _ = next.run(request).await;
                pending().await
            })
        });
        let ended = stage.call(&stage.builder().middleware(hangs).build().unwrap());
        print(stage.kind, "middleware, behind the answer", DEFAULT, &ended);
        assert_eq!(ended, failed(DEFAULT + WATCHDOG, ErrorKind::Timeout, Executed, 1, 1));
    }
}

/// The gate and the backoff are waits whose end is known before: what would end at the deadline or after it is not begun.
#[test]
fn a_wait_that_nothing_could_follow_is_not_waited_for() {
    for kind in KINDS {
        for (asked, deadline) in [(30, 30), (31, 30), (60, 59), (86_400, 30)] {
            let limited: AnyFault = fault::status(429).retry_after(S * asked).into();
            let stage = Stage::new(kind).meets(&[(limited, Phase::BeforeCommit)]);
            let client = stage.builder().timeout(S * deadline).build().unwrap();
            let told = stage.call(&client);
            print(kind, &format!("429, Retry-After {asked} s"), S * deadline, &told);
            assert_eq!(told, failed(Duration::ZERO, ErrorKind::RateLimited, Execution::NotExecuted, 0, 1));
            let held_back = stage.call(&client);
            print(kind, "the gate is shut", S * deadline, &held_back);
            assert_eq!(held_back, failed(Duration::ZERO, ErrorKind::RateLimited, Execution::NotExecuted, 0, 0));
        }
        // A wait that something can follow is waited for, and no longer.
        let limited: AnyFault = fault::status(429).retry_after(S * 29).into();
        let ended = Stage::new(kind).meets(&[(limited, Phase::BeforeCommit)]).call_within(DEFAULT);
        print(kind, "429, Retry-After 29 s", DEFAULT, &ended);
        assert_eq!(ended, Ended { after: S * 29, how: Ok(()), commits: 1, sends: 2 });

        let refused = [(AnyFault::from(fault::refused()), Phase::BeforeSend)];
        let stage = Stage::new(kind).meets(&refused);
        let long = RetryPolicy::new().backoff(HOUR, HOUR);
        let ended = stage.call(&stage.builder().retry(long).build().unwrap());
        print(kind, "a backoff of up to an hour", DEFAULT, &ended);
        assert_eq!(ended, failed(Duration::ZERO, ErrorKind::Connect, Execution::NotExecuted, 0, 0));
    }
}

/// The wait for the gate counts: what is left of the deadline is what the exchange has.
#[test]
fn what_stalls_behind_a_wait_returns_exactly_at_the_deadline() {
    for kind in KINDS {
        let limited: AnyFault = fault::status(429).retry_after(S * 23).into();
        let plan = [(limited, Phase::BeforeCommit), (fault::stall().into(), Phase::AfterCommit)];
        let ended = Stage::new(kind).meets(&plan).call_within(DEFAULT);
        print(kind, "429, Retry-After 23 s; then a stall", DEFAULT, &ended);
        assert_eq!(ended, failed(DEFAULT, ErrorKind::Timeout, Execution::Unknown, 1, 2));
    }
}
