//! What a hostile user can do around a creation: transports, middleware, executors and operations that misbehave, and
//! callers that leave at the worst moment. Nothing that may exist at Clerk is lost without a word.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Actor, ActorToken, ApiResponse, BaseUrl, BoxFuture, CallContext, Client, Closed, CreateActorToken, Creation, Error,
    Executor, HttpTransport, InvalidRequest, Middleware, Operation, OperationInfo, ParseError, Request, Response,
    RetryPolicy, SecretKey, Timer, TransportError, Undo, credentials_fn, http::StatusCode, middleware_fn,
};

use crate::common::{
    AGENT, USER, builder,
    clerk::{Answer, Clerk},
    ok, poll_and_drop, response,
    tasks::{Tasks, poll_times},
    test_key, token_json, with,
};
use serde_json::json;

type Outcome = Result<ApiResponse<ActorToken>, Error>;

fn create<T: HttpTransport + ?Sized>(client: &Client<T>) -> BoxFuture<'static, Outcome> {
    Box::pin(client.actor_tokens().create(USER, Actor::new(AGENT)).send_with_response())
}

fn close<T: HttpTransport + ?Sized>(client: &Client<T>) -> Closed {
    pollster::block_on(client.close(Duration::from_secs(100)))
}

fn revoked(clerk: &Clerk) -> Vec<String> {
    clerk.books().revoked.into_iter().map(|(id, ..)| id).collect()
}

/// A middleware that drops the exchange of a creation after two polls, and ends as `then` does.
fn after_dropping<F>(then: impl Fn() -> F + Send + Sync + 'static) -> impl Middleware
where
    F: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    middleware_fn(move |request, next| {
        let instead = then();
        Box::pin(async move {
            if is_revocation(&request) {
                return next.run(request).await;
            }
            poll_and_drop(next.run(request), 2).await;
            instead.await
        })
    })
}

fn is_revocation(request: &Request) -> bool {
    request.uri().path().ends_with("/revoke")
}

/// A stale token for the same user and actor, out of a cache: the one that was just made is thrown away.
#[test]
fn a_stale_token_in_place_of_the_one_that_was_made_does_not_hide_that_one() {
    let made = with(token_json("pending"), "id", json!("act_new"));
    let client = builder(move |_| ok(&made).into())
        .middleware(middleware_fn(|request, next| {
            Box::pin(async move {
                next.run(request).await?;
                Ok(ok(&with(token_json("pending"), "id", json!("act_stale"))))
            })
        }))
        .build()
        .unwrap();
    let response = pollster::block_on(create(&client)).unwrap();
    assert_eq!(response.value().id().as_str(), "act_stale");
    assert!(response.is_ambiguous() || close(&client).orphan_count() > 0, "act_new is lost without a word");
}

/// A middleware may write the response anew: as long as it names the same token, nothing is lost.
#[test]
fn the_same_token_written_anew_is_not_ambiguous() {
    let client = builder(move |_| ok(&token_json("pending")).into())
        .middleware(middleware_fn(|request, next| {
            Box::pin(async move {
                let response = next.run(request).await?;
                Ok(response.map(|body| body.to_vec().into()))
            })
        }))
        .build()
        .unwrap();
    assert!(!pollster::block_on(create(&client)).unwrap().is_ambiguous());
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn waker(alive: &Arc<AtomicUsize>) -> Waker {
        alive.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self(Arc::clone(alive))).into()
    }
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn a_send_that_waits_for_its_turn_keeps_one_waker_and_takes_it_along() {
    let alive = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (alive_inside, most_inside) = (Arc::clone(&alive), Arc::clone(&most));
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]).phases([0, 12, 0, 0]), Tasks::default());
    let client = Client::builder(clerk, test_key())
        .executor(tasks)
        .middleware(middleware_fn(move |request, next| {
            let (alive, most) = (Arc::clone(&alive_inside), Arc::clone(&most_inside));
            Box::pin(async move {
                let mut first: BoxFuture<'_, _> = Box::pin(next.run(request.clone()));
                assert!(poll_times(&mut first, 3).is_none());
                let mut second: BoxFuture<'_, _> = Box::pin(next.run(request));
                for _ in 0..8 {
                    let waker = Counted::waker(&alive);
                    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    drop(waker);
                    most.fetch_max(alive.load(Ordering::SeqCst), Ordering::SeqCst);
                }
                drop(second);
                assert!(alive.load(Ordering::SeqCst) <= 1, "the waker stays behind");
                first.await
            })
        }))
        .build()
        .unwrap();
    pollster::block_on(create(&client)).unwrap();
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    assert!(most.load(Ordering::SeqCst) <= 2, "{} wakers are kept for one send", most.load(Ordering::SeqCst));
}

#[derive(Default)]
struct Panicking(AtomicUsize);

impl Wake for Panicking {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.0.load(Ordering::SeqCst), 0, "a waker panics");
    }
}

#[test]
fn a_waker_of_a_send_that_was_given_up_cannot_make_a_report_be_lost() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Stall]), Tasks::default());
    let client = Client::builder(clerk, test_key())
        .executor(tasks.clone())
        .middleware(middleware_fn(move |request, next| {
            Box::pin(async move {
                let mut first: BoxFuture<'_, _> = Box::pin(next.run(request.clone()));
                assert!(poll_times(&mut first, 3).is_none());
                let mut second: BoxFuture<'_, _> = Box::pin(next.run(request));
                let panicking = Arc::new(Panicking::default());
                let waker = Waker::from(Arc::clone(&panicking));
                assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                panicking.0.store(1, Ordering::SeqCst);
                drop(second);
                first.await
            })
        }))
        .build()
        .unwrap();
    let mut call = create(&client);
    assert!(poll_times(&mut call, 5).is_none());
    drop(call);
    let _ = catch_unwind(AssertUnwindSafe(|| tasks.shut_down()));
    assert_eq!(close(&client).orphan_count(), 1);
}

/// A transport whose future panics when it is dropped, after it has given the token.
struct DropPanics {
    clerk: Clerk,
    /// Also in the middle of a panic.
    always: bool,
}

struct Bomb<'a>(BoxFuture<'a, Result<Response, TransportError>>, bool);

impl Future for Bomb<'_> {
    type Output = Result<Response, TransportError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl Drop for Bomb<'_> {
    fn drop(&mut self) {
        assert!(!self.1, "a transport's future panics when it is dropped");
    }
}

impl HttpTransport for DropPanics {
    fn send<'a: 'b, 'b>(
        &'a self,
        request: Request,
        context: CallContext,
    ) -> Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'b>>
    where
        Self: 'b,
    {
        let is_bomb = !is_revocation(&request) && (self.always || !std::thread::panicking());
        Box::pin(Bomb(self.clerk.send(request, context), is_bomb))
    }

    fn timer(&self) -> &dyn Timer {
        self.clerk.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

#[test]
fn a_transport_whose_future_panics_when_it_is_dropped_loses_nothing() {
    for polls in 1..40 {
        let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
        let client = Client::builder(DropPanics { clerk: clerk.clone(), always: false }, test_key())
            .executor(tasks.clone())
            .build()
            .unwrap();
        let mut call = create(&client);
        let ended = catch_unwind(AssertUnwindSafe(|| poll_times(&mut call, polls)));
        let is_held = matches!(ended, Ok(Some(Ok(_))));
        let _ = catch_unwind(AssertUnwindSafe(move || drop(call)));
        let _ = catch_unwind(AssertUnwindSafe(|| tasks.run()));
        let _ = catch_unwind(AssertUnwindSafe(|| tasks.shut_down()));
        let made = clerk.books().made.len();
        let found = usize::from(is_held) + revoked(&clerk).len() + close(&client).orphan_count();
        assert!(found >= made, "{polls} polls: {made} made, {found} found");
        assert_eq!(close(&client).in_flight(), 0, "{polls} polls");
    }
}

/// An operation of a user's own that reads the id in `parse` alone, and that calls back into the test.
struct OwnOperation {
    inner: CreateActorToken,
    in_parse: Arc<dyn Fn() + Send + Sync>,
}

impl OwnOperation {
    fn new(in_parse: impl Fn() + Send + Sync + 'static) -> Self {
        Self { inner: CreateActorToken::new(USER, Actor::new(AGENT)), in_parse: Arc::new(in_parse) }
    }
}

impl Operation for OwnOperation {
    type Output = ActorToken;

    fn info(&self) -> &'static OperationInfo {
        &CreateActorToken::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        self.inner.request(base)
    }

    fn parse(&self, response: &Response) -> Result<ActorToken, ParseError> {
        (self.in_parse)();
        self.inner.parse(response)
    }

    fn creation(&self) -> Option<&dyn Creation<ActorToken>> {
        Some(self)
    }
}

impl Creation<ActorToken> for OwnOperation {
    fn id_of(&self, token: &ActorToken) -> Option<String> {
        self.inner.id_of(token)
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        self.inner.undo(id)
    }
}

/// The response is whole, and a middleware still has it when the caller leaves.
#[test]
fn what_an_operation_reads_in_parse_alone_is_revoked_too_where_the_middleware_still_had_it() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .middleware(middleware_fn(|request, next| {
            Box::pin(async move {
                let is_revocation = is_revocation(&request);
                let response = next.run(request).await;
                crate::common::pause(if is_revocation { 0 } else { 100 }).await;
                response
            })
        }))
        .build()
        .unwrap();
    let mut call: BoxFuture<'_, _> = Box::pin(client.execute(OwnOperation::new(|| ())).send());
    assert!(poll_times(&mut call, 15).is_none());
    drop(call);
    tasks.run();
    assert_eq!(clerk.books().made, revoked(&clerk));
    assert!(close(&client).is_clean());
}

/// The caller leaves at the moment at which its detached exchange has ended and is being read.
#[test]
fn a_caller_that_leaves_while_its_detached_exchange_is_read_has_one_orphan_with_an_id() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .middleware(after_dropping(std::future::pending))
        .build()
        .unwrap();
    let call: Arc<Mutex<Option<BoxFuture<'static, _>>>> = Arc::default();
    let held = Arc::clone(&call);
    let operation = OwnOperation::new(move || drop(held.lock().unwrap().take()));
    let mut sent: BoxFuture<'static, _> = Box::pin(client.execute(operation).send());
    assert!(poll_times(&mut sent, 4).is_none());
    *call.lock().unwrap() = Some(sent);
    tasks.run();
    assert!(call.lock().unwrap().is_none());
    assert_eq!(clerk.books().made, revoked(&clerk));
    assert!(close(&client).is_clean());
}

/// A provider that serves several tenants gives whichever key is asked for now: the token is the other tenant's.
#[test]
fn an_orphan_is_revoked_with_a_key_of_the_tenant_that_made_it() {
    let tenant = Arc::new(Mutex::new("sk_test_a"));
    let current = Arc::clone(&tenant);
    let credentials = credentials_fn(move || {
        let key = *current.lock().unwrap();
        async move { SecretKey::new(key) }
    });
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), credentials).executor(tasks.clone()).build().unwrap();
    let mut call = create(&client);
    assert!(poll_times(&mut call, 3).is_none());
    drop(call);
    *tenant.lock().unwrap() = "sk_test_b";
    tasks.run();
    let keys: Vec<_> = clerk.books().revoked.into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, ["Bearer sk_test_a"]);
}

/// With an unsafe retry, a middleware keeps the token of the first attempt, and gives it back in the second: with stamps it
/// is no longer the answer to that one, but its id is known.
#[test]
fn a_response_that_a_middleware_gives_back_in_a_later_attempt_is_named() {
    let kept: Arc<Mutex<Option<Response>>> = Arc::default();
    let body = |request: &Request| -> serde_json::Value { serde_json::from_slice(request.body()).unwrap() };
    let transport = clerk_actor_tokens_core::transport_fn(move |request: Request, context: CallContext| async move {
        context.send_state().hold();
        assert!(context.send_state().begin());
        let echoed = with(token_json("pending"), "actor", body(&request)["actor"].clone());
        Ok(ok(&echoed))
    });
    let client = Client::builder(transport, test_key())
        .retry(
            RetryPolicy::new()
                .danger_retry_create_on([StatusCode::BAD_GATEWAY])
                .backoff(Duration::from_nanos(1), Duration::from_nanos(2)),
        )
        .middleware(middleware_fn(move |request, next| {
            let kept = Arc::clone(&kept);
            Box::pin(async move {
                match next.run(request).await {
                    Ok(token) => {
                        *kept.lock().unwrap() = Some(token);
                        Ok(response(502, ""))
                    }
                    Err(_) => Ok(kept.lock().unwrap().take().unwrap()),
                }
            })
        }))
        .build()
        .unwrap();
    let call = client.execute(CreateActorToken::new(USER, Actor::new(AGENT)).stamp_attempts("stamp")).send();
    match pollster::block_on(call) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.salvaged_id(), Some(crate::common::ID), "{error}"),
    }
}

/// A transport that has no executor to give, and says so with a panic.
struct NoExecutor(Clerk);

#[async_trait]
impl HttpTransport for NoExecutor {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.0.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.0.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        panic!("a transport panics where it is asked for an executor")
    }
}

/// Set in the process that runs one test by itself.
const CHILD: &str = "HOSTILE_CHILD";

/// In a process of its own: a panic out of a destructor in the middle of a panic aborts it.
#[test]
fn a_transport_that_panics_where_it_is_asked_for_an_executor_ends_the_call_and_not_the_process() {
    if std::env::var_os(CHILD).is_some() {
        let clerk = Clerk::new(&[Answer::Success]);
        let client = Client::new(NoExecutor(clerk.clone()), test_key());
        assert!(catch_unwind(AssertUnwindSafe(|| pollster::block_on(create(&client)))).is_err());
        assert_eq!(clerk.books().creates, 0);
        assert!(close(&client).is_clean(), "nothing was sent");
        return;
    }
    in_a_process_of_its_own(
        "a_transport_that_panics_where_it_is_asked_for_an_executor_ends_the_call_and_not_the_process",
    );
}

#[track_caller]
fn in_a_process_of_its_own(test: &str) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("hostile::{test}"), "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

/// An executor that panics drops its task in the middle of that panic, and with it the transport's future.
struct ExecutorPanics;

impl Executor for ExecutorPanics {
    fn execute(&self, _task: BoxFuture<'static, ()>) {
        panic!("an executor panics")
    }
}

#[test]
fn an_executor_that_panics_loses_its_task_and_says_so_also_in_the_middle_of_a_panic() {
    for is_panicking in [false, true] {
        let clerk = Clerk::new(&[Answer::Success]);
        let client = Client::builder(clerk.clone(), test_key()).executor(ExecutorPanics).build().unwrap();
        let mut call = create(&client);
        assert!(poll_times(&mut call, 3).is_none());
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _call = call;
            assert!(!is_panicking, "a caller panics");
        }));
        let closed = close(&client);
        assert_eq!((closed.orphan_count(), closed.in_flight()), (1, 0));
    }
}

#[test]
fn an_executor_that_panics_with_a_future_that_panics_when_it_is_dropped_does_not_end_the_process() {
    if std::env::var_os(CHILD).is_some() {
        let clerk = Clerk::new(&[Answer::Success]);
        let transport = DropPanics { clerk: clerk.clone(), always: true };
        let client = Client::builder(transport, test_key()).executor(ExecutorPanics).build().unwrap();
        let mut call = create(&client);
        assert!(poll_times(&mut call, 3).is_none());
        let _ = catch_unwind(AssertUnwindSafe(move || drop(call)));
        let closed = close(&client);
        assert_eq!((closed.orphan_count(), closed.in_flight()), (1, 0));
        return;
    }
    in_a_process_of_its_own(
        "an_executor_that_panics_with_a_future_that_panics_when_it_is_dropped_does_not_end_the_process",
    );
}

#[test]
fn a_token_made_up_beside_a_detached_exchange_is_ambiguous_and_what_was_made_is_revoked() {
    let (clerk, tasks) = (Clerk::new(&[Answer::Success]), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key())
        .executor(tasks.clone())
        .middleware(after_dropping(|| {
            std::future::ready(Ok(ok(&with(token_json("pending"), "id", json!("act_stale")))))
        }))
        .build()
        .unwrap();
    let response = pollster::block_on(create(&client)).unwrap();
    assert!(response.is_ambiguous());
    tasks.run();
    assert_eq!(clerk.books().made, revoked(&clerk));
}

/// As an executor must not do: it runs the task to its end in the destructor of the caller.
#[test]
fn an_executor_that_runs_its_task_at_once_loses_nothing() {
    for polls in 1..20 {
        let clerk = Clerk::new(&[Answer::Success]);
        let inline = clerk_actor_tokens_core::executor_fn(pollster::block_on);
        let client = Client::builder(clerk.clone(), test_key()).executor(inline).build().unwrap();
        let mut call = create(&client);
        let is_held = poll_times(&mut call, polls).is_some();
        drop(call);
        let made = clerk.books().made;
        assert_eq!(made.len(), usize::from(is_held) + revoked(&clerk).len(), "{polls} polls");
        assert!(close(&client).is_clean(), "{polls} polls");
    }
}

/// The first attempt was answered by a gateway, and the id of what it made is not known; the second is in flight.
#[test]
fn a_caller_that_leaves_behind_an_unsafe_retry_has_one_report_for_each_token_that_may_exist() {
    for polls in 1..60 {
        let (clerk, tasks) = (Clerk::new(&[Answer::Gateway, Answer::Success]), Tasks::default());
        let policy = RetryPolicy::new()
            .danger_retry_create_on([StatusCode::BAD_GATEWAY])
            .backoff(Duration::from_nanos(1), Duration::from_nanos(2));
        let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).retry(policy).build().unwrap();
        let mut call = create(&client);
        let held = poll_times(&mut call, polls);
        drop(call);
        tasks.run();
        let closed = close(&client);
        let unnamed = clerk.books().made.contains(&"act_0".to_owned());
        let second = clerk.books().made.contains(&"act_1".to_owned());
        match held {
            Some(response) => assert!(response.unwrap().is_ambiguous(), "{polls} polls"),
            None => {
                assert_eq!(closed.orphan_count(), usize::from(unnamed), "{polls} polls");
                assert_eq!(revoked(&clerk).len(), usize::from(second), "{polls} polls");
            }
        }
        assert_eq!(closed.in_flight(), 0, "{polls} polls");
    }
}

#[test]
fn no_number_and_no_depth_makes_a_created_token_unusable_or_panics() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let digits = "9".repeat(50_000);
    let members = [
        r#""created_at":1e9223372036854775808"#.to_owned(),
        r#""created_at":-0.0e-99999999999999999999"#.to_owned(),
        format!(r#""created_at":{digits}.{digits}e-{digits}"#),
        format!(r#""updated_at":{digits}"#),
        format!(r#""x":{deep}"#),
        r#""x":"\ud800","x":1,"x":{}"#.to_owned(),
        r#""actor":{"sub":"user_agent","n":1e99999,"m":-0,"$serde_json::private::Number":"x"}"#.to_owned(),
    ];
    for member in members {
        let body = format!(
            "\u{feff}{{\"object\":\"actor_token\",\"id\":\"act_1\",\"status\":\"pending\",\"user_id\":\"{USER}\",{member}}}"
        );
        let client = builder(move |_| response(200, body.clone()).into()).response_cap(10_000_000).build().unwrap();
        let token = pollster::block_on(create(&client)).unwrap().into_value();
        assert_eq!(token.id().as_str(), "act_1");
    }
}
