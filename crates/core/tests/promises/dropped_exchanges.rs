//! What a middleware's own timeout, its hedge, its panic, its failover, and a transport that claims too much come to.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, ActorToken, ApiResponse, BaseUrl, BoxFuture, CallContext, Client, Closed, CreateActorToken, Creation, Error,
    ErrorKind, Execution, Executor, HttpTransport, InvalidRequest, Middleware, Next, Operation, OperationInfo,
    ParseError, Request, Response, Salvage, SecretKey, Timer, TransportError, TransportErrorKind, Undo, credentials_fn,
    middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, Clock, ID, Op, Play, USER, builder,
    clerk::{Answer, Clerk},
    failover::Failover,
    hedge_after, join, ok, poll_and_drop, race, response, run,
    tasks::{Tasks, poll_times},
    test_key, timeout_after, token_json, with_header,
};

const SECOND: Duration = Duration::from_secs(1);

fn create<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, Result<ApiResponse<ActorToken>, Error>> {
    Box::pin(client.actor_tokens().create(USER, Actor::new(AGENT)).send_with_response())
}

fn close<T: HttpTransport + ?Sized>(client: &Client<T>) -> Closed {
    pollster::block_on(client.close(60 * SECOND))
}

fn revoked(clerk: &Clerk) -> Vec<String> {
    clerk.books().revoked.into_iter().map(|(id, ..)| id).collect()
}

#[test]
fn what_a_middlewares_timeout_drops_after_the_hand_over_runs_on_and_is_revoked_and_close_waits_for_it() {
    for answer in [Answer::Success, Answer::CutWithId] {
        let (clerk, tasks) = (Clerk::new(&[answer]).phases([0, 2, 12, 2]), Tasks::default());
        let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone());
        let client = client.middleware(timeout_after(8)).build().unwrap();
        let error = pollster::block_on(create(&client)).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Unknown));
        assert!(error.is_detached() && error.is_ambiguous());
        assert!(error.to_string().contains("the client revokes what it makes"), "{error}");
        assert!(error.advice().contains("close()"), "{}", error.advice());
        assert_eq!((clerk.books().creates, revoked(&clerk).len()), (1, 0), "it is still in flight");

        let mut closing: BoxFuture<'_, Closed> = Box::pin(client.close(60 * SECOND));
        assert!(poll_times(&mut closing, 5).is_none(), "close waits for it");
        let closed = tasks.run_beside(closing);
        assert!(closed.is_clean(), "{closed:?}");
        assert_eq!(revoked(&clerk), ["act_0"]);
        assert_eq!(clerk.books().creates, 1);
    }
}

#[test]
fn what_a_middlewares_timeout_drops_while_it_connects_is_cancelled_and_the_loop_continues() {
    for op in Op::BOTH {
        // The first attempt waits for a connection that does not come; the second has one at once.
        let attempts = Arc::new(AtomicUsize::new(0));
        let clock = Clock::new();
        let transport = Connecting { clock: clock.clone(), attempts: Arc::clone(&attempts), op };
        let tasks = Tasks::default();
        let client = Client::builder(transport, test_key()).executor(tasks.clone());
        let client = client.middleware(timeout_after(8)).build().unwrap();
        assert!(run(&client, op).is_ok(), "{op:?}");
        assert_eq!(attempts.load(Ordering::SeqCst), 2);
        assert_eq!(tasks.spawned(), 0);
        assert!(close(&client).is_clean());
    }
}

/// A transport whose first exchange never gets a connection.
struct Connecting {
    clock: Clock,
    attempts: Arc<AtomicUsize>,
    op: Op,
}

#[async_trait]
impl HttpTransport for Connecting {
    async fn send(&self, _request: Request, context: CallContext) -> Result<Response, TransportError> {
        context.send_state().hold();
        if self.attempts.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        assert!(context.send_state().begin());
        Ok(ok(&self.op.reply()))
    }

    fn timer(&self) -> &dyn Timer {
        &self.clock
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

#[test]
fn where_no_attempt_gets_a_connection_in_the_middlewares_time_it_is_proved_that_nothing_was_sent() {
    let never_connects = transport_fn(|_: Request, context: CallContext| async move {
        context.send_state().hold();
        std::future::pending().await
    });
    let client = Client::builder(never_connects, test_key()).jitter_seed(7).timeout(2 * SECOND);
    let client = client.middleware(timeout_after(3)).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::NotExecuted));
    assert_eq!(error.attempts().len(), 3);
    assert!(!error.is_detached() && close(&client).is_clean());
}

/// The kind is what the middleware says; what it claims to have happened is not.
#[test]
fn a_dropped_exchange_surfaces_as_what_the_middleware_fails_with() {
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Blocked, TransportErrorKind::Interrupted] {
        for (connecting, execution) in [(100, Execution::NotExecuted), (0, Execution::Unknown)] {
            let fails = middleware_fn(move |request, next| {
                Box::pin(async move {
                    poll_and_drop(next.run(request), 8).await;
                    Err(kind.into())
                })
            });
            let (clerk, tasks) = (Clerk::new(&[Answer::Stall]).phases([connecting, 2, 2, 2]), Tasks::default());
            let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone());
            let error = pollster::block_on(create(&client.middleware(fails).build().unwrap())).unwrap_err();
            assert_eq!(error.execution(), execution, "{kind:?}");
            let expected = match kind {
                TransportErrorKind::Timeout => ErrorKind::Timeout,
                TransportErrorKind::Blocked => ErrorKind::Blocked,
                _ => ErrorKind::Interrupted,
            };
            assert_eq!(error.kind(), expected);
            assert_eq!(clerk.books().made.len(), usize::from(connecting == 0));
            assert_eq!(tasks.spawned(), usize::from(connecting == 0));
        }
    }
}

#[test]
fn without_an_executor_a_dropped_exchange_is_broken_off_and_the_error_says_what_may_have_happened() {
    let clerk = Clerk::new(&[Answer::Success]).phases([0, 2, 12, 2]);
    let client = Client::builder(clerk.clone(), test_key()).middleware(timeout_after(8)).build().unwrap();
    let error = pollster::block_on(create(&client)).unwrap_err();
    assert_eq!((error.execution(), error.is_detached()), (Execution::Unknown, false));
    assert!(error.advice().contains("may exist"), "{}", error.advice());
    assert!(close(&client).is_clean(), "the caller has the error: it is no orphan");
}

#[test]
fn a_revocation_that_a_middleware_drops_is_sent_again_and_never_detached() {
    let sends = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&sends);
    let stalls_once = transport_fn(move |_: Request, context: CallContext| {
        let number = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(context.send_state().begin());
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(ok(&token_json("revoked")))
        }
    });
    let tasks = Tasks::default();
    let client = Client::builder(stalls_once, test_key()).executor(tasks.clone()).jitter_seed(7);
    let client = client.middleware(timeout_after(4)).build().unwrap();
    let answer = pollster::block_on(client.actor_tokens().revoke(ID).send_with_response()).unwrap();
    assert_eq!(answer.attempts()[0].execution(), Execution::Unknown);
    assert_eq!((sends.load(Ordering::SeqCst), tasks.spawned()), (2, 0));
}

/// A hedge: a second send of the same attempt beside the first, or behind one that was dropped.
#[test]
fn a_hedge_waits_for_the_detached_send_and_passes_only_if_that_one_was_not_executed() {
    let table = [
        (Answer::Success, 1, true),
        (Answer::CutWithId, 1, true),
        (Answer::Lost, 1, true),
        (Answer::Refused, 2, false),
        (Answer::Unreachable, 2, false),
    ];
    for (first, creates, is_orphaned) in table {
        let (clerk, tasks) = (Clerk::new(&[first, Answer::Success]).phases([0, 2, 12, 2]), Tasks::default());
        let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(hedge_after(8));
        let client = client.build().unwrap();
        let outcome = tasks.run_beside(create(&client));
        tasks.run();
        let books = clerk.books();
        assert_eq!(books.creates, creates, "{first:?}");
        match is_orphaned {
            true => {
                let error = outcome.unwrap_err();
                assert!(error.is_detached() && error.is_ambiguous(), "{first:?} {error}");
                let made_and_named = books.made.len() == 1 && first.tells_id();
                assert_eq!(revoked(&clerk), if made_and_named { vec!["act_0"] } else { vec![] }, "{first:?}");
                assert_eq!(close(&client).orphan_count(), usize::from(!made_and_named), "{first:?}");
            }
            false => {
                let answer = outcome.unwrap();
                assert_eq!(answer.value().id().as_str(), "act_1", "{first:?}");
                assert!(!answer.is_ambiguous() && revoked(&clerk).is_empty() && close(&client).is_clean());
            }
        }
    }
}

#[test]
fn a_hedge_behind_a_detached_send_that_never_ends_has_the_deadline_of_its_attempt() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Stall]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(hedge_after(8));
    let error = pollster::block_on(create(&client.timeout(3 * SECOND).build().unwrap())).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Timeout, Execution::Unknown));
    assert_eq!(clerk.books().creates, 1);
    assert!(clerk.clock.elapsed() <= 3 * SECOND + Duration::from_millis(100));
}

#[test]
fn two_sends_side_by_side_are_one_creation() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let racing = middleware_fn(|request, next| {
        Box::pin(async move { race(next.run(request.clone()), next.run(request)).await })
    });
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(racing).build().unwrap();
    assert!(tasks.run_beside(create(&client)).is_ok());
    tasks.run();
    assert_eq!((clerk.books().creates, revoked(&clerk).len()), (1, 0));
    let both = middleware_fn(|request, next| {
        Box::pin(async move { join(next.run(request.clone()), next.run(request)).await.0 })
    });
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(both).build().unwrap();
    assert!(tasks.run_beside(create(&client)).is_ok());
    tasks.run();
    assert_eq!((clerk.books().creates, revoked(&clerk).len()), (2, 0));
}

/// A creation whose reading panics.
struct Panicking {
    inner: CreateActorToken,
    salvage_panics: bool,
}

impl Operation for Panicking {
    type Output = ActorToken;

    fn info(&self) -> &'static OperationInfo {
        &CreateActorToken::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        self.inner.request(base)
    }

    fn parse(&self, _: &Response) -> Result<ActorToken, ParseError> {
        panic!("the operation panics")
    }

    fn creation(&self) -> Option<&dyn Creation<ActorToken>> {
        Some(self)
    }
}

impl Creation<ActorToken> for Panicking {
    fn id_of(&self, token: &ActorToken) -> Option<String> {
        self.inner.id_of(token)
    }

    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        assert!(!self.salvage_panics, "the operation panics");
        self.inner.salvage(partial)
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        self.inner.undo(id)
    }
}

#[test]
fn a_panic_in_parse_keeps_nothing_from_being_revoked() {
    let operation =
        |salvage_panics| Panicking { inner: CreateActorToken::new(USER, Actor::new(AGENT)), salvage_panics };
    for salvage_panics in [false, true] {
        for caller_leaves in [false, true] {
            let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
            let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
            let mut call: BoxFuture<'_, _> = Box::pin(client.execute(operation(salvage_panics)).send());
            match caller_leaves {
                true => assert!(poll_times(&mut call, 3).is_none()),
                false => assert!(catch_unwind(AssertUnwindSafe(|| poll_times(&mut call, 100))).is_err()),
            }
            drop(call);
            tasks.run();
            let what = format!("salvage panics: {salvage_panics}, the caller leaves: {caller_leaves}");
            assert_eq!(clerk.books().made, ["act_0"], "{what}");
            assert_eq!(revoked(&clerk).len(), usize::from(!salvage_panics), "{what}");
            assert_eq!(close(&client).orphan_count(), usize::from(salvage_panics), "{what}");
        }
    }
}

/// As a transport over somebody else's client does behind a redirect to a port without a listener.
#[test]
fn a_transport_that_says_nothing_of_what_it_sent_proves_nothing() {
    for kind in [
        TransportErrorKind::Connect,
        TransportErrorKind::Tls,
        TransportErrorKind::Proxy,
        TransportErrorKind::ProxyRefused,
        TransportErrorKind::Canceled,
        TransportErrorKind::TimeoutBeforeSend,
        TransportErrorKind::RateLimited,
        TransportErrorKind::Credential,
        TransportErrorKind::Blocked,
    ] {
        for begins in [false, true] {
            let made = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&made);
            let claims = transport_fn(move |_: Request, context: CallContext| {
                counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    if begins {
                        context.send_state().hold();
                        assert!(context.send_state().begin());
                    }
                    Err(TransportError::new(kind).with_source("the cause"))
                }
            });
            let client = Client::builder(claims, test_key()).jitter_seed(7).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            assert_eq!((made.load(Ordering::SeqCst), error.execution()), (1, Execution::Unknown), "{kind:?}");
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            let causes = format!("{error:?}");
            assert!(causes.contains("without holding the request") && causes.contains("the cause"), "{causes}");
        }
    }
}

#[test]
fn what_was_given_back_counts_as_unsent() {
    let gives_back = transport_fn(|_: Request, context: CallContext| async move {
        assert!(context.send_state().begin());
        context.send_state().give_back();
        Err(TransportErrorKind::Canceled.into())
    });
    let client = Client::builder(gives_back, test_key()).jitter_seed(7).build().unwrap();
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!((error.execution(), error.attempts().len()), (Execution::NotExecuted, 3));
}

#[test]
fn what_was_never_handed_over_may_go_to_another_transport() {
    let (dead, live) = (Clerk::new(&[Answer::Unreachable]), Clerk::new(&[Answer::Success]));
    let client = Client::new(Failover(dead.clone(), live.clone()), test_key());
    let answer = pollster::block_on(create(&client)).unwrap();
    assert_eq!(answer.attempts().len(), 1);
    assert_eq!((dead.books().made.len(), live.books().made.len()), (0, 1));
}

/// A middleware that keeps a request of one call and sends it through the next of another.
struct Smuggler(Arc<Mutex<Option<Request>>>);

#[async_trait]
impl Middleware for Smuggler {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let kept = self.0.lock().unwrap().clone();
        match kept {
            Some(other) if request.uri().path() != other.uri().path() => {
                let mut last = next.run(other.clone()).await;
                for _ in 0..3 {
                    last = next.run(other.clone()).await;
                }
                last
            }
            _ => {
                *self.0.lock().unwrap() = Some(request);
                Err(TransportError::blocked("kept"))
            }
        }
    }
}

#[test]
fn a_creation_through_a_revocations_next_is_refused() {
    let client = builder(|_| Play::Answer(ok(&token_json("pending")))).middleware(Smuggler(Arc::default())).build();
    let client = client.unwrap();
    run(&client, Op::Create).unwrap_err();
    let error = run(&client, Op::Revoke).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert!(format!("{error:?}").contains("another method or path"), "{error:?}");
    assert_eq!(client.transport().sends(), 0);
}

#[test]
fn one_provider_for_several_tenants_holds_back_the_one_that_was_answered_429() {
    let tenant = Arc::new(Mutex::new("sk_test_a"));
    let current = Arc::clone(&tenant);
    let credentials = credentials_fn(move || {
        let key = *current.lock().unwrap();
        async move { SecretKey::new(key) }
    });
    let limited = |number| match number {
        0 => with_header(response(429, ""), "retry-after", "50").into(),
        _ => ok(&token_json("revoked")).into(),
    };
    let client = Client::builder(crate::common::Scripted::new(limited), credentials).jitter_seed(7).build().unwrap();
    assert_eq!(run(&client, Op::Revoke).unwrap_err().kind(), ErrorKind::RateLimited);
    *tenant.lock().unwrap() = "sk_test_b";
    run(&client, Op::Revoke).unwrap();
    *tenant.lock().unwrap() = "sk_test_a";
    let held_back = run(&client, Op::Revoke).unwrap_err();
    assert_eq!((held_back.kind(), held_back.status()), (ErrorKind::RateLimited, None));
    assert_eq!(client.transport().sends(), 2);
}

#[test]
fn after_a_wait_at_the_gate_the_provider_is_asked_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let credentials = credentials_fn(move || {
        // The key is rotated while the call waits: the new one is not held back, and is the one that is sent.
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move { SecretKey::new(format!("sk_test_{}", number.min(2))) }
    });
    let limited = |number| match number {
        0 => with_header(response(429, ""), "retry-after", "5").into(),
        _ => ok(&token_json("revoked")).into(),
    };
    let client = Client::builder(crate::common::Scripted::new(limited), credentials).jitter_seed(7).build().unwrap();
    run(&client, Op::Revoke).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let keys: Vec<_> =
        client.transport().sent().iter().map(|it| it.request.headers()["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer sk_test_0", "Bearer sk_test_1"]);
}
