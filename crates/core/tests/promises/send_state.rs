//! What a transport says of a send decides what its failures prove, and whether a caller that goes away takes the request
//! along; and what becomes of orphans when things around them break.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Actor, BoxFuture, CallContext, Client, ClientBuilder, Execution, Executor, HttpTransport, Idempotency, Next,
    Request, Response, RetryBudget, RetryPolicy, SendState, SystemTimer, Timer, TransportError, TransportErrorKind,
    executor_fn, http::StatusCode, middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, Op, USER,
    failover::Failover,
    ok, pause, response, run,
    tasks::{Tasks, poll_times},
    test_key, token_json,
};

/// How a transport reports its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Nothing,
    Begins,
}

/// Connects for a while, then sends; creations are answered as `answers` says, the last one for good.
struct Connecting {
    tells: Tells,
    creates: AtomicUsize,
    revokes: AtomicUsize,
    create: fn(usize) -> Response,
    revoke: fn(usize) -> Response,
}

impl Connecting {
    fn new(tells: Tells) -> Arc<Self> {
        Arc::new(Self {
            tells,
            creates: AtomicUsize::new(0),
            revokes: AtomicUsize::new(0),
            create: |_| ok(&token_json("pending")),
            revoke: |_| ok(&token_json("revoked")),
        })
    }

    fn sent(&self) -> (usize, usize) {
        (self.creates.load(Ordering::Relaxed), self.revokes.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl HttpTransport for Connecting {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let send_state = context.send_state();
        match self.tells {
            Tells::Nothing => pause(3).await,
            Tells::Begins => {
                send_state.hold();
                pause(3).await;
                if !send_state.begin() {
                    return Err(TransportError::blocked("canceled"));
                }
            }
        }
        let is_revoke = request.uri().path().ends_with("/revoke");
        let (count, answer) = if is_revoke { (&self.revokes, self.revoke) } else { (&self.creates, self.create) };
        let number = count.fetch_add(1, Ordering::Relaxed);
        pause(3).await;
        Ok(answer(number))
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

fn detaching<T: HttpTransport>(transport: T, tasks: &Tasks) -> ClientBuilder<T> {
    Client::builder(transport, test_key()).executor(tasks.clone())
}

fn create<T: HttpTransport>(client: &Client<T>) -> BoxFuture<'static, ()> {
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).send();
    Box::pin(async move { drop(call.await) })
}

#[test]
fn a_creation_dropped_while_it_connects_is_not_sent_if_the_transport_can_tell() {
    for tells in [Tells::Nothing, Tells::Begins] {
        for polls in 1..20 {
            let (transport, tasks) = (Connecting::new(tells), Tasks::default());
            let client = detaching(Arc::clone(&transport), &tasks).build().unwrap();
            let mut call = create(&client);
            if poll_times(&mut call, polls).is_some() {
                break;
            }
            let (sent_before, _) = transport.sent();
            drop(call);
            tasks.run();
            let what = format!("{tells:?}, {polls} polls");
            let expected = if tells == Tells::Nothing { 1 } else { sent_before };
            assert_eq!(transport.sent(), (expected, expected), "{what}: what was made is revoked");
            assert!(pollster::block_on(client.close(Duration::ZERO)).is_clean(), "{what}");
        }
    }
}

/// A decorator that sends in a task of its own: dropping its future aborts nothing.
struct Detaching(Arc<Connecting>, Tasks);

#[async_trait]
impl HttpTransport for Detaching {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let (inner, answer) = (Arc::clone(&self.0), Arc::new(Mutex::new(None)));
        let told = Arc::clone(&answer);
        self.1.execute(Box::pin(async move {
            let result = inner.send(request, context).await;
            *told.lock().unwrap() = Some(result);
        }));
        loop {
            pause(1).await;
            if let Some(result) = answer.lock().unwrap().take() {
                return result;
            }
        }
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.0.executor()
    }
}

#[test]
fn a_send_in_a_task_of_a_decorators_own_is_canceled_too_or_told() {
    let tells = Tells::Begins;
    for task_polls in 0..8 {
        let (transport, tasks, own) = (Connecting::new(tells), Tasks::default(), Tasks::default());
        let client = detaching(Detaching(Arc::clone(&transport), own.clone()), &tasks).build().unwrap();
        let mut call = create(&client);
        assert!(poll_times(&mut call, 1).is_none());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..task_polls {
            own.poll(&mut context);
        }
        drop(call);
        own.run();
        for _ in 0..10 {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            tasks.poll(&mut context);
            own.run();
        }
        let (made, revoked) = transport.sent();
        assert_eq!(made, revoked, "{tells:?} after {task_polls} polls: nothing is lost in silence");
        assert!(pollster::block_on(client.close(Duration::ZERO)).is_clean());
    }
}

#[test]
fn an_unsafe_retry_that_connects_again_is_not_sent_for_nobody_and_the_first_send_is_told() {
    let transport = Arc::new(Connecting {
        create: |_| response(503, ""),
        ..Arc::into_inner(Connecting::new(Tells::Begins)).unwrap()
    });
    let tasks = Tasks::default();
    let policy = RetryPolicy::new()
        .danger_retry_create_on([StatusCode::SERVICE_UNAVAILABLE])
        .backoff(Duration::ZERO, Duration::ZERO);
    let client = detaching(Arc::clone(&transport), &tasks).retry(policy).build().unwrap();
    let mut call = create(&client);
    while transport.sent().0 == 0 || transport.creates.load(Ordering::Relaxed) < 1 {
        assert!(poll_times(&mut call, 1).is_none());
    }
    // The first answer arrives, and the second send looks for a connection.
    assert!(poll_times(&mut call, 5).is_none());
    assert_eq!(transport.sent(), (1, 0));
    drop(call);
    tasks.run();
    assert_eq!(transport.sent(), (1, 0), "nothing more is sent");
    let closed = pollster::block_on(client.close(Duration::ZERO));
    assert_eq!((closed.orphan_count(), closed.in_flight()), (1, 0));
    assert!(closed.orphans()[0].is_incomplete());
}

#[test]
fn taking_back_does_not_depend_on_the_budget_or_the_policy_of_callers() {
    let transport = Arc::new(Connecting {
        revoke: |number| if number < 4 { response(503, "") } else { ok(&token_json("revoked")) },
        ..Arc::into_inner(Connecting::new(Tells::Begins)).unwrap()
    });
    let tasks = Tasks::default();
    let client = detaching(Arc::clone(&transport), &tasks)
        .retry_budget(RetryBudget::new().tokens(0))
        .retry(RetryPolicy::none().max_attempts(Idempotency::Idempotent, 1))
        .build()
        .unwrap();
    let mut call = create(&client);
    while transport.sent().0 == 0 {
        assert!(poll_times(&mut call, 1).is_none());
    }
    drop(call);
    // Its backoff is real time here; what is asserted is what was sent.
    let closed =
        tasks.run_for(|| pollster::block_on(client.close(Duration::from_millis(1))), |closed| closed.in_flight() == 0);
    assert!(closed.is_clean(), "{closed:?}");
    assert_eq!(transport.sent(), (1, 5));
}

#[test]
fn a_executor_that_panics_while_its_caller_panics_ends_no_process() {
    for spawns in [false, true] {
        let transport = Connecting::new(Tells::Nothing);
        let executor = executor_fn(move |task| {
            if spawns {
                drop(task);
            }
            std::panic::resume_unwind(Box::new("no runtime"));
        });
        let client = Client::builder(Arc::clone(&transport), test_key()).executor(executor).build().unwrap();
        let mut call = create(&client);
        assert!(poll_times(&mut call, 2).is_none());
        let caller = catch_unwind(AssertUnwindSafe(move || {
            let _dropped_by_the_panic = call;
            std::panic::resume_unwind(Box::new("a caller"));
        }));
        assert!(caller.is_err());
        let closed = pollster::block_on(client.close(Duration::ZERO));
        assert_eq!((closed.orphan_count(), closed.in_flight()), (1, 0), "it is reported too");
    }
}

#[test]
fn an_actor_with_a_long_text_is_read_like_any_other() {
    let text = ",".repeat(100_000);
    let actor = Actor::new(AGENT).with("log", text.as_str());
    let echoed = serde_json::json!({"sub": AGENT, "log": text});
    let answer = ok(&crate::common::with(token_json("pending"), "actor", echoed));
    let client = crate::common::client(move |_| answer.clone().into());
    let token = pollster::block_on(client.actor_tokens().create(USER, actor.clone()).send()).unwrap();
    assert_eq!(token.actor(), Some(&actor));
}

/// What a transport has said of a send when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Held,
    Begun,
    GivenBack,
    Cancelled,
}

/// Says this of the send, in the order in which a transport would.
fn say(said: Said, send_state: &SendState) {
    if said != Said::Nothing {
        send_state.hold();
    }
    if matches!(said, Said::Begun | Said::GivenBack) {
        assert!(send_state.begin());
    }
    match said {
        Said::GivenBack => send_state.give_back(),
        Said::Cancelled => assert!(send_state.cancel()),
        Said::Nothing | Said::Held | Said::Begun => {}
    }
}

/// Fails in this way, and counts how often it is asked.
fn failing(said: Said, kind: TransportErrorKind, count: &Arc<AtomicUsize>) -> impl HttpTransport {
    let count = Arc::clone(count);
    transport_fn(move |_, context: CallContext| {
        count.fetch_add(1, Ordering::Relaxed);
        say(said, context.send_state());
        std::future::ready(Err(kind.into()))
    })
}

fn at_once() -> RetryPolicy {
    RetryPolicy::new().backoff(Duration::ZERO, Duration::ZERO)
}

#[test]
fn a_failure_that_claims_that_nothing_was_sent_counts_only_where_the_send_state_proves_it() {
    use TransportErrorKind as K;
    // With the sends of a creation whose failure is believed.
    let claims = [
        (K::Connect, 3),
        (K::Proxy, 3),
        (K::Canceled, 3),
        (K::Tls, 1),
        (K::ProxyRefused, 1),
        (K::TimeoutBeforeSend, 1),
        (K::RateLimited, 1),
        (K::Credential, 1),
        (K::Blocked, 1),
    ];
    let proofs = [
        (Said::Nothing, false),
        (Said::Held, true),
        (Said::Begun, false),
        (Said::GivenBack, true),
        (Said::Cancelled, true),
    ];
    for (kind, sends) in claims {
        for (said, is_proved) in proofs {
            let count = Arc::default();
            let client = Client::builder(failing(said, kind, &count), test_key()).retry(at_once()).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            let expected = if is_proved { (Execution::NotExecuted, sends) } else { (Execution::Unknown, 1) };
            assert_eq!((error.execution(), count.load(Ordering::Relaxed)), expected, "{kind:?}, {said:?}");
        }
    }
}

#[test]
fn the_refusal_of_a_peer_needs_no_proof_by_the_send_state() {
    use TransportErrorKind as K;
    for (kind, sends) in [(K::Refused, 2), (K::RefusedOnNewConnection, 1)] {
        for said in [Said::Nothing, Said::Held, Said::Begun] {
            let count = Arc::default();
            let client = Client::builder(failing(said, kind, &count), test_key()).retry(at_once()).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            let seen = (error.execution(), count.load(Ordering::Relaxed));
            assert_eq!(seen, (Execution::NotExecuted, sends), "{kind:?}, {said:?}");
        }
    }
}

#[test]
fn no_send_state_makes_a_doubtful_failure_certain() {
    use TransportErrorKind as K;
    for kind in [K::Interrupted, K::Timeout, K::BodyTooLarge, K::Other] {
        for said in [Said::Nothing, Said::Held, Said::Begun, Said::GivenBack, Said::Cancelled] {
            let count = Arc::default();
            let client = Client::builder(failing(said, kind, &count), test_key()).retry(at_once()).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            assert_eq!(error.execution(), Execution::Unknown, "{kind:?}, {said:?}");
            assert_eq!(count.load(Ordering::Relaxed), 1, "{kind:?}, {said:?}");
        }
    }
}

#[test]
fn what_one_transport_never_handed_over_may_go_to_another() {
    use TransportErrorKind as K;
    for (said, kind, goes_elsewhere) in [
        (Said::Held, K::Connect, true),
        (Said::GivenBack, K::Canceled, true),
        (Said::Begun, K::Interrupted, false),
        // A claim without a proof.
        (Said::Begun, K::Connect, false),
        (Said::Nothing, K::Connect, false),
    ] {
        let (first, second) = (Arc::default(), Connecting::new(Tells::Begins));
        let failover = Failover(failing(said, kind, &first), Arc::clone(&second));
        let client = Client::builder(failover, test_key()).retry(RetryPolicy::none()).build().unwrap();
        let created = run(&client, Op::Create);
        let what = format!("{said:?}, {kind:?}");
        assert_eq!((first.load(Ordering::Relaxed), second.sent().0), (1, usize::from(goes_elsewhere)), "{what}");
        assert_eq!(created.is_ok(), goes_elsewhere, "{what}");
    }
}

#[test]
fn the_second_transport_decides_what_is_known_of_a_request_that_went_there() {
    use TransportErrorKind as K;
    for (said, kind, execution, sends) in [
        (Said::Held, K::Connect, Execution::NotExecuted, 3),
        (Said::GivenBack, K::Canceled, Execution::NotExecuted, 3),
        (Said::Begun, K::Interrupted, Execution::Unknown, 1),
    ] {
        for first_said in [Said::Held, Said::GivenBack] {
            let (first, second) = (Arc::default(), Arc::default());
            let failover = Failover(failing(first_said, K::Connect, &first), failing(said, kind, &second));
            let client = Client::builder(failover, test_key()).retry(at_once()).build().unwrap();
            let error = run(&client, Op::Create).unwrap_err();
            let seen = (error.execution(), second.load(Ordering::Relaxed));
            assert_eq!(seen, (execution, sends), "{first_said:?}, then {said:?}");
        }
    }
}

/// What an earlier send of the same attempt has come to proves nothing of the next one.
#[test]
fn each_send_of_an_attempt_begins_with_a_state_of_its_own() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_here = Arc::clone(&seen);
    let transport = transport_fn(move |_: Request, context: CallContext| {
        let state = context.send_state().clone();
        let mut seen = seen_here.lock().unwrap();
        seen.push((state.is_unsent(), state.is_held()));
        let number = seen.len();
        async move {
            state.hold();
            if number < 4 {
                state.cancel();
                return Err(TransportErrorKind::Connect.into());
            }
            assert!(state.begin(), "it was not cancelled with an earlier one");
            Ok(ok(&token_json("pending")))
        }
    });
    let until_one_works = middleware_fn(|request: Request, next: Next<'_>| {
        Box::pin(async move {
            let mut exchanged = next.run(request.clone()).await;
            for _ in 1..4 {
                if exchanged.is_err() {
                    exchanged = next.run(request.clone()).await;
                }
            }
            exchanged
        })
    });
    let client = Client::builder(transport, test_key()).middleware(until_one_works).build().unwrap();
    run(&client, Op::Create).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(false, false); 4], "silent, each of them");
}
