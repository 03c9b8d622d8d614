//! Doubles of these tests' own: a clock that moves by hand, a transport that plays a script and remembers what it was
//! sent, and the responses that Clerk gives.
//!
//! Nothing here knows the failure rules: what a script leads to is written down in the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

pub(crate) mod clerk;
pub(crate) mod failover;
pub(crate) mod tasks;

use std::{
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::workspace::JitterSeed as _;
use clerk_actor_tokens_core::{
    Actor, BoxFuture, CallContext, Client, ClientBuilder, Error, Execution, Executor, HttpTransport, Middleware,
    Moment, Request, Response, SecretKey, Timer, TransportError, TransportErrorKind, http::StatusCode, middleware_fn,
};
use serde_json::{Value, json};

pub(crate) const USER: &str = "user_customer";
pub(crate) const AGENT: &str = "user_agent";
/// As 1 in 10,000 of Clerk's ids, it holds what begins a ticket: an id must be shown whole in spite of it.
pub(crate) const ID: &str = "act_37dGasfY2eyJvfZe9mOP1p5RlJF";
/// The virtual calendar at the start: Sun, 06 Nov 1994 08:49:37 GMT, the date that RFC 9110 uses in its examples.
pub(crate) const WALL_AT_START: Duration = Duration::from_secs(784_111_777);

/// A clock that is still until everybody waits, and then jumps to the end of the shortest sleep.
#[derive(Clone)]
pub(crate) struct Clock {
    state: Arc<Mutex<ClockState>>,
}

#[derive(Default)]
struct ClockState {
    elapsed: Duration,
    sleepers: BTreeMap<u64, Duration>,
    next: u64,
    idle_polls: u32,
}

/// How often sleeps are polled in vain before time moves: each task that can make progress has done so by then.
const IDLE: u32 = 24;

impl Clock {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().elapsed
    }

    pub(crate) fn since_start(&self, moment: Moment) -> Duration {
        moment.saturating_duration_since(Moment::from_origin(Duration::ZERO))
    }

    /// Says that somebody makes progress, so that time does not move.
    fn busy(&self) {
        self.state.lock().unwrap().idle_polls = 0;
    }

    /// Moves time, as a machine that was asleep finds it moved.
    pub(crate) fn jump(&self, by: Duration) {
        self.state.lock().unwrap().elapsed += by;
    }
}

impl Timer for Clock {
    fn now(&self) -> Moment {
        Moment::from_origin(self.elapsed())
    }

    fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + WALL_AT_START + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock().unwrap();
        let (id, until) = (state.next, state.elapsed + duration);
        state.next += 1;
        state.idle_polls = 0;
        state.sleepers.insert(id, until);
        Box::pin(Sleep { clock: self.clone(), id, until })
    }
}

struct Sleep {
    clock: Clock,
    id: u64,
    until: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state.lock().unwrap();
        if state.elapsed >= self.until {
            state.idle_polls = 0;
            return Poll::Ready(());
        }
        state.idle_polls += 1;
        if state.idle_polls > IDLE {
            state.idle_polls = 0;
            if let Some(earliest) = state.sleepers.values().min().copied() {
                state.elapsed = state.elapsed.max(earliest);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Ok(mut state) = self.clock.state.lock() {
            state.sleepers.remove(&self.id);
        }
    }
}

/// What the transport does with a request.
pub(crate) enum Play {
    Answer(Response),
    Fail(TransportError),
    /// Never comes back, whatever the deadline says.
    Stall,
    After(Duration, Box<Play>),
}

impl From<TransportErrorKind> for Play {
    fn from(kind: TransportErrorKind) -> Self {
        Self::Fail(kind.into())
    }
}

impl From<Response> for Play {
    fn from(response: Response) -> Self {
        Self::Answer(response)
    }
}

impl Play {
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }

    /// Whether the request is never handed over in it.
    fn is_unsent(&self) -> bool {
        match self {
            Self::Answer(_) | Self::Stall => false,
            Self::Fail(error) => is_unsent(error),
            Self::After(_, then) => then.is_unsent(),
        }
    }
}

/// Whether an error says that this side sent nothing. A refusal of the peer's is an answer to what was sent.
fn is_unsent(error: &TransportError) -> bool {
    use TransportErrorKind::{Refused, RefusedOnNewConnection};
    let is_refusal = matches!(error.kind(), Refused | RefusedOnNewConnection);
    error.execution() == Execution::NotExecuted && error.partial().is_none() && !is_refusal
}

/// What became of a request that the transport was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Still in flight, or dropped half-way.
    Open,
    Answered(StatusCode),
    Failed(TransportErrorKind, Option<StatusCode>),
}

#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) context: CallContext,
    /// Since the start, on the virtual clock.
    pub(crate) at: Duration,
    pub(crate) fate: Fate,
}

type Script = Box<dyn Fn(usize) -> Play + Send + Sync>;

/// Plays a script: the n-th send, counted from 0, gets the n-th play.
///
/// It hands the request over at once, and says so. Where the play is a failure to send, it holds the request to the end.
pub(crate) struct Scripted {
    pub(crate) clock: Clock,
    script: Script,
    sent: Mutex<Vec<Sent>>,
    /// How many polls an exchange takes, so that others can come in between.
    polls: u32,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(usize) -> Play + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(), script: Box::new(script), sent: Mutex::default(), polls: 2 }
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn sends(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    fn settle(&self, number: usize, fate: Fate) {
        if let Some(sent) = self.sent.lock().unwrap().get_mut(number) {
            sent.fate = fate;
        }
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let send_state = context.send_state().clone();
        let number = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(Sent { request, context, at: self.clock.elapsed(), fate: Fate::Open });
            sent.len() - 1
        };
        assert!(number < 1000, "this never ends");
        self.clock.busy();
        send_state.hold();
        let mut play = (self.script)(number);
        if !play.is_unsent() && !send_state.begin() {
            return Err(TransportError::blocked("canceled"));
        }
        pause(self.polls).await;
        loop {
            match play {
                Play::After(delay, then) => {
                    self.clock.sleep(delay).await;
                    play = *then;
                }
                Play::Stall => return std::future::pending().await,
                Play::Answer(response) => {
                    self.settle(number, Fate::Answered(response.status()));
                    return Ok(response);
                }
                Play::Fail(error) => {
                    self.settle(number, Fate::Failed(error.kind(), error.partial().map(Response::status)));
                    return Err(error);
                }
            }
        }
    }

    fn timer(&self) -> &dyn Timer {
        &self.clock
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// Lets everybody else be polled this many times.
pub(crate) async fn pause(polls: u32) {
    let mut left = polls;
    std::future::poll_fn(|context| match left {
        0 => Poll::Ready(()),
        _ => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// The first of the two to be ready; the other is dropped. The first one is polled first.
pub(crate) async fn race<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(value),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await
}

/// Both.
pub(crate) async fn join<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> (T, T) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|context| {
        if first.is_none() {
            if let Poll::Ready(value) = one.as_mut().poll(context) {
                first = Some(value);
            }
        }
        if second.is_none() {
            if let Poll::Ready(value) = other.as_mut().poll(context) {
                second = Some(value);
            }
        }
        if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

/// Polls a future at most this often, and drops it.
pub(crate) async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
    race(async { Some(future.await) }, async {
        pause(polls.saturating_sub(1)).await;
        None
    })
    .await
}

/// A middleware with a timeout of so many polls, as `timeout(100 ms, next.run(..))` is one of so much time.
pub(crate) fn timeout_after(polls: u32) -> impl Middleware {
    middleware_fn(move |request, next| {
        Box::pin(async move {
            match poll_and_drop(next.run(request), polls).await {
                Some(exchanged) => exchanged,
                None => Err(TransportErrorKind::Timeout.into()),
            }
        })
    })
}

/// A middleware that drops an exchange after so many polls, and sends again.
pub(crate) fn hedge_after(polls: u32) -> impl Middleware {
    middleware_fn(move |request, next| {
        Box::pin(async move {
            match poll_and_drop(next.run(request.clone()), polls).await {
                Some(exchanged) => exchanged,
                None => next.run(request).await,
            }
        })
    })
}

/// One of the two calls, in the shape that most tests want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Revoke,
    ListSessions,
    GetSession,
    RevokeSession,
}

impl Op {
    /// The calls about sessions. All of them have the rows of a revocation, but for its own (20 to 25).
    pub(crate) const SESSIONS: [Self; 3] = [Self::ListSessions, Self::GetSession, Self::RevokeSession];

    pub(crate) const BOTH: [Self; 2] = [Self::Create, Self::Revoke];

    /// A good answer of this call.
    pub(crate) fn reply(self) -> Value {
        match self {
            Self::Create => token_json("pending"),
            Self::Revoke => token_json("revoked"),
            Self::ListSessions => json!([session_json("active")]),
            Self::GetSession => session_json("active"),
            Self::RevokeSession => session_json("revoked"),
        }
    }
}

/// Makes the call and forgets the value.
pub(crate) fn run<T: HttpTransport + ?Sized>(client: &Client<T>, api: Op) -> Result<(), Error> {
    pollster::block_on(async {
        match api {
            Op::Create => client.actor_tokens().create(USER, Actor::new(AGENT)).send().await.map(drop),
            Op::Revoke => client.actor_tokens().revoke(ID).send().await.map(drop),
            Op::ListSessions => client.sessions().list(USER).send().await.map(drop),
            Op::GetSession => client.sessions().get(SESSION).send().await.map(drop),
            Op::RevokeSession => client.sessions().revoke(SESSION).send().await.map(drop),
        }
    })
}

pub(crate) fn test_key() -> SecretKey {
    SecretKey::new("sk_test_key").unwrap()
}

pub(crate) fn builder(script: impl Fn(usize) -> Play + Send + Sync + 'static) -> ClientBuilder<Scripted> {
    Client::builder(Scripted::new(script), test_key()).jitter_seed(7)
}

pub(crate) fn client(script: impl Fn(usize) -> Play + Send + Sync + 'static) -> Client<Scripted> {
    builder(script).build().unwrap()
}

pub(crate) fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

pub(crate) fn response(code: u16, body: impl Into<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = status(code);
    response
}

pub(crate) fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    response.headers_mut().append(name, value.parse().unwrap());
    response
}

/// The session that the calls about sessions are about.
pub(crate) const SESSION: &str = "sess_1";

pub(crate) fn session_json(state: &str) -> Value {
    json!({
        "object": "session",
        "id": SESSION,
        "status": state,
        "user_id": USER,
        "client_id": "client_1",
        "actor": {"sub": AGENT},
        "created_at": 1_700_000_000_000_i64,
    })
}

pub(crate) fn token_json(state: &str) -> Value {
    json!({
        "object": "actor_token",
        "id": ID,
        "status": state,
        "user_id": USER,
        "actor": {"sub": AGENT},
        "token": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        "url": "https://clerk.example.com/v1/tickets/accept?ticket=eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        "created_at": 1_700_000_000_000_i64,
        "updated_at": 1_700_000_000_001_i64,
    })
}

/// `200` with this object.
pub(crate) fn ok(body: &Value) -> Response {
    with_header(response(200, body.to_string()), "content-type", "application/json")
}

pub(crate) fn api_error(code: u16, word: &str, message: &str, long_message: &str) -> Response {
    let body = json!({
        "errors": [{"message": message, "long_message": long_message, "code": word, "meta": {}}],
        "clerk_trace_id": "0123456789abcdef0123456789abcdef",
    });
    with_header(response(code, body.to_string()), "content-type", "application/json")
}

pub(crate) fn cannot_be_revoked(state: &str) -> Response {
    api_error(
        400,
        "actor_token_cannot_be_revoked_code",
        "cannot revoke",
        &format!("Actor token cannot be revoked because its status is `{state}`. Only pending tokens can be revoked."),
    )
}

/// A copy of an object without one key.
pub(crate) fn without(mut object: Value, key: &str) -> Value {
    object.as_object_mut().unwrap().remove(key);
    object
}

/// A copy of an object with one key set.
pub(crate) fn with(mut object: Value, key: &str, value: Value) -> Value {
    object.as_object_mut().unwrap().insert(key.to_owned(), value);
    object
}
