//! A caller that goes away while its request waits for a connection takes it along; and what becomes of orphans when things
//! around them break.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests may fail the test")]

mod common;

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
    Actor, BoxFuture, Client, ClientBuilder, HttpTransport, Idempotency, Request, Response, RetryBudget, RetryPolicy,
    SendState, TransportError, executor_fn, http::StatusCode,
};
use common::{
    AGENT, USER, ok, pause, response,
    tasks::{Tasks, poll_times},
    test_key, token_json,
};

/// How a transport tells of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Nothing,
    Begins,
    Steps,
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
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let send_state = SendState::of(&request).cloned().unwrap();
        match self.tells {
            Tells::Nothing => pause(3).await,
            Tells::Begins => {
                send_state.hold();
                pause(3).await;
                if !send_state.begin() {
                    return Err(TransportError::blocked("canceled"));
                }
            }
            Tells::Steps => {
                send_state.hold();
                for _ in 0..3 {
                    pause(1).await;
                    if send_state.step(|| ((), false)).is_none() {
                        return Err(TransportError::blocked("canceled"));
                    }
                }
                if send_state.step(|| ((), true)).is_none() {
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
    for tells in [Tells::Nothing, Tells::Begins, Tells::Steps] {
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
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (inner, answer) = (Arc::clone(&self.0), Arc::new(Mutex::new(None)));
        let told = Arc::clone(&answer);
        clerk_actor_tokens_core::Executor::execute(
            &self.1,
            Box::pin(async move {
                let result = inner.send(request).await;
                *told.lock().unwrap() = Some(result);
            }),
        );
        loop {
            pause(1).await;
            if let Some(result) = answer.lock().unwrap().take() {
                return result;
            }
        }
    }
}

#[test]
fn a_send_in_a_task_of_a_decorators_own_is_canceled_too_or_told() {
    for tells in [Tells::Begins, Tells::Steps] {
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
    assert_eq!((closed.orphan_count(), closed.under_way()), (1, 0));
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
        tasks.run_for(|| pollster::block_on(client.close(Duration::from_millis(1))), |closed| closed.under_way() == 0);
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
        assert_eq!((closed.orphan_count(), closed.under_way()), (1, 0), "it is told all the same");
    }
}

#[test]
fn an_actor_with_a_long_text_is_read_like_any_other() {
    let text = ",".repeat(100_000);
    let actor = Actor::new(AGENT).with("log", text.as_str());
    let echoed = serde_json::json!({"sub": AGENT, "log": text});
    let answer = ok(&common::with(token_json("pending"), "actor", echoed));
    let client = common::client(move |_| answer.clone().into());
    let token = pollster::block_on(client.actor_tokens().create(USER, actor.clone()).send()).unwrap();
    assert_eq!(token.actor(), Some(&actor));
}
