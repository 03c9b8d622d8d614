//! What an error says of a creation whose middleware dropped the exchange, discarded the response, or lied about it.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorToken, ApiResponse, BoxFuture, Client, Error, Execution, HttpTransport, Middleware, TransportErrorKind,
    middleware_fn,
};

use crate::common::{
    AGENT, USER, builder,
    clerk::{Answer, Clerk},
    hedge_after, ok, response,
    tasks::Tasks,
    test_key, timeout_after, token_json,
};

fn create<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, Result<ApiResponse<ActorToken>, Error>> {
    Box::pin(client.actor_tokens().create(USER, Actor::new(AGENT)).send_with_response())
}

/// A middleware that discards whatever it gets, and says that there was no connection.
fn liar() -> impl Middleware {
    middleware_fn(|request, next| {
        Box::pin(async move {
            let _discarded = next.run(request).await;
            Err(TransportErrorKind::Connect.into())
        })
    })
}

/// What runs on may make something at its deadline, long after the error.
#[test]
fn the_exposure_of_a_detached_creation_counts_from_the_deadline_of_its_exchange() {
    let timeout = Duration::from_secs(300);
    let lifetime = Duration::from_secs(3600);
    let (clerk, tasks) = (Clerk::new(&[Answer::Stall]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(timeout_after(8));
    let client = client.timeout(timeout).build().unwrap();
    let now = HttpTransport::timer(&clerk).system_time();
    let error = pollster::block_on(create(&client)).unwrap_err();
    assert!(error.is_detached());
    assert!(error.exposure_until().unwrap() >= now + timeout + lifetime);
    assert!(error.session_exposure_until() > error.exposure_until());
}

#[test]
fn a_response_of_somebody_else_that_a_middleware_discards_proves_nothing() {
    let bodies = [("<html>", Execution::Unknown), (r#"{"errors":[]}"#, Execution::Unknown), ("", Execution::Executed)];
    for (body, execution) in bodies {
        for middlewares in [0, 1] {
            let mut client = builder(move |_| response(200, body).into());
            for _ in 0..middlewares {
                client = client.middleware(liar());
            }
            let error = pollster::block_on(create(&client.build().unwrap())).unwrap_err();
            assert_eq!(error.execution(), execution, "{body:?}, {middlewares} middlewares");
        }
    }
}

#[test]
fn an_attempt_whose_middleware_lies_says_what_its_send_has_done() {
    let client = builder(|_| ok(&token_json("pending")).into()).middleware(liar()).build().unwrap();
    let error = pollster::block_on(create(&client)).unwrap_err();
    assert_eq!(error.execution(), Execution::Executed);
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.attempts()[0].execution(), Execution::Executed);
}

type Calling = Arc<Mutex<Option<BoxFuture<'static, Result<ApiResponse<ActorToken>, Error>>>>>;

/// A runtime that polls the caller as soon as it is woken, on the thread that wakes it.
struct PollsAtOnce {
    call: Calling,
    outcome: Mutex<Option<Result<ApiResponse<ActorToken>, Error>>>,
}

impl PollsAtOnce {
    fn poll(self: &Arc<Self>) {
        let Some(mut call) = self.call.lock().unwrap().take() else { return };
        let waker = Waker::from(Arc::clone(self));
        match call.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => *self.outcome.lock().unwrap() = Some(outcome),
            Poll::Pending => *self.call.lock().unwrap() = Some(call),
        }
    }
}

impl Wake for PollsAtOnce {
    fn wake(self: Arc<Self>) {
        self.poll();
    }
}

/// The end of a detached exchange wakes a second send of its attempt, before anybody has taken care of what it made.
#[test]
fn an_error_says_that_its_exchange_was_detached_also_while_that_one_ends() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]).phases([0, 2, 12, 2]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).middleware(hedge_after(8));
    let client = client.build().unwrap();
    let caller = Arc::new(PollsAtOnce { call: Arc::new(Mutex::new(Some(create(&client)))), outcome: Mutex::default() });
    while tasks.spawned() == 0 {
        caller.poll();
    }
    caller.poll();
    tasks.run();
    let error = caller.outcome.lock().unwrap().take().unwrap().unwrap_err();
    assert!(error.is_detached() && error.is_ambiguous(), "{error}");
    // By the same middleware, so perhaps twice.
    assert!(clerk.books().revoked.iter().any(|(id, ..)| id == "act_0"));
}
