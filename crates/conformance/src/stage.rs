//! What a cell has: a fresh transport, and a way to send that holds it to what every exchange must keep.
//!
//! That is: the end by the deadline, one send at most, no claim that nothing was executed once the server has the request,
//! and no such claim without the send state that proves it. Whatever a cell is about, it fails where one of these is broken.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::bytes::Bytes;
use clerk_actor_tokens_core::http::{HeaderName, HeaderValue, Method, Uri, header};
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, Execution, HttpTransport, Idempotency, OperationInfo, Request, Response,
    SendState, SystemTimer, Timer as _, TransportError, TransportErrorKind,
};

use super::{
    peer::{EXCHANGE, WARM_UP},
    race::{holds, within},
    server::Server,
};

/// The deadline of exchanges that need none: far longer than anything takes on loopback.
pub(crate) const LONG: Duration = Duration::from_secs(10);
/// How much later than its deadline an exchange may end. A bound, no measure.
pub(crate) const SLACK: Duration = Duration::from_secs(2);
/// The deadlines of exchanges that must be sat out. The second is for a machine on which the first was too short for what
/// comes before the silence.
pub(crate) const SHORT: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(2000)];

/// How often what may go either way by chance is asked.
pub(crate) const RACY: usize = 10;

/// How long what a transport does behind its answer may take: a close that it sees, what it wrote being read.
pub(crate) const AFTERMATH: Duration = Duration::from_millis(30);
/// The same where it is looked for more than once: a connection back in the pool.
pub(crate) const SETTLE: Duration = Duration::from_millis(10);

/// The call that the kit's requests belong to: one that must not be sent twice.
pub(crate) static INFO: OperationInfo = OperationInfo::new("Conformance", "/actor_tokens", Idempotency::NonIdempotent);

/// What no text of an error may hold.
pub(crate) const KEY: &str = "sk_test_KEYofTheConformanceKit";
pub(crate) const URL_SECRET: &str = "URLofTheConformanceKit";
pub(crate) const REQUEST_SECRET: &str = "REQUESTofTheConformanceKit";
pub(crate) const ANSWER_SECRET: &str = "ANSWERofTheConformanceKit";

/// What a check ends with if its demand is not simply met.
#[derive(Debug, Clone)]
pub(crate) enum Otherwise {
    Failed(String),
    /// Failed, and a longer deadline would change nothing.
    Overdue(String),
    NotProved(String),
    NotApplicable(String),
}

pub(crate) type Checked = Result<(), Otherwise>;

pub(crate) fn fail<T>(why: impl Into<String>) -> Result<T, Otherwise> {
    Err(Otherwise::Failed(why.into()))
}

/// Fails unless the condition holds.
pub(crate) fn demand(condition: bool, why: impl FnOnce() -> String) -> Checked {
    if condition { Ok(()) } else { fail(why()) }
}

impl Otherwise {
    /// The same, where what is demanded is hygiene and not law: breaking it costs something, and never a second token.
    pub(crate) fn into_hygiene(self) -> Self {
        match self {
            Self::Failed(why) => Self::NotProved(why),
            other => other,
        }
    }

    /// The same, with what it is about.
    pub(crate) fn about(self, what: &str) -> Self {
        match self {
            Self::Failed(why) => Self::Failed(format!("{what}: {why}")),
            Self::Overdue(why) => Self::Overdue(format!("{what}: {why}")),
            Self::NotProved(why) => Self::NotProved(format!("{what}: {why}")),
            Self::NotApplicable(why) => Self::NotApplicable(format!("{what}: {why}")),
        }
    }
}

impl From<io::Error> for Otherwise {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("the kit's own server failed, which says nothing of the transport: {error}"))
    }
}

/// What a cell sends: a request, and the call that it belongs to.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    pub(crate) context: CallContext,
}

impl Outgoing {
    /// Sets the cap of the answer's body.
    pub(crate) fn capped(mut self, bytes: usize) -> Self {
        self.context = self.context.with_response_cap(bytes);
        self
    }
}

/// How an exchange ended.
pub(crate) struct Ended {
    pub(crate) exchange: u32,
    pub(crate) result: Result<Response, TransportError>,
}

/// What an error claims, by the table of failures.
fn claims_nothing_done(error: &TransportError) -> bool {
    error.execution() == Execution::NotExecuted
}

/// Whether the peer says that it did not process the request.
pub(crate) fn is_refusal(kind: TransportErrorKind) -> bool {
    matches!(kind, TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection)
}

/// Whether the client takes an error at its word that nothing was executed: the send state proves it, or the peer said so.
fn is_believed(error: &TransportError, send_state: &SendState) -> bool {
    is_refusal(error.kind()) || send_state.is_unsent()
}

impl Ended {
    /// The answer.
    pub(crate) fn answer(self) -> Result<Response, Otherwise> {
        self.result.or_else(|error| fail(format!("no answer, but {error:?}")))
    }

    /// The error.
    pub(crate) fn error(self) -> Result<TransportError, Otherwise> {
        match self.result {
            Ok(response) => fail(format!(
                "Ok with status {} and {} bytes, though the server gave no whole answer",
                response.status().as_u16(),
                response.body().len()
            )),
            Err(error) => Ok(error),
        }
    }
}

/// A server, as far as the law asks it.
pub(crate) trait Witness: Sync {
    /// How many requests of this exchange it has read.
    fn times_seen(&self, exchange: u32) -> usize;

    /// Whether it says of requests that it has not processed them.
    fn refuses(&self) -> bool {
        false
    }
}

impl Witness for Server {
    fn times_seen(&self, exchange: u32) -> usize {
        self.seen_of(exchange).len()
    }
}

pub(crate) struct Stage {
    transport: Arc<dyn HttpTransport>,
    exchanges: AtomicU32,
}

impl Stage {
    pub(crate) fn new(transport: Arc<dyn HttpTransport>) -> Self {
        Self { transport, exchanges: AtomicU32::new(0) }
    }

    /// A creation to this server, due after `LONG`.
    pub(crate) fn post(&self, server: &Server) -> Result<Outgoing, Otherwise> {
        self.post_to(&format!("http://{}/v1/actor_tokens?ticket={URL_SECRET}", server.address()))
    }

    /// A creation to this URL.
    pub(crate) fn post_to(&self, url: &str) -> Result<Outgoing, Otherwise> {
        let body = format!(r#"{{"user_id":"user_1","actor":{{"sub":"{REQUEST_SECRET}"}}}}"#);
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = match url.parse::<Uri>() {
            Ok(url) => url,
            Err(error) => return fail(format!("the kit's own URL is none: {error}")),
        };
        let mut key = HeaderValue::try_from(format!("Bearer {KEY}")).unwrap_or(HeaderValue::from_static("Bearer"));
        key.set_sensitive(true);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, key);
        headers.insert(header::USER_AGENT, HeaderValue::from_static("clerk-actor-tokens-conformance"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let exchange = self.exchanges.fetch_add(1, Ordering::SeqCst);
        headers.insert(HeaderName::from_static(EXCHANGE), HeaderValue::from(exchange));
        Ok(Outgoing { request, context: CallContext::new(&INFO, self.deadline(LONG)) })
    }

    /// Sets the deadline.
    pub(crate) fn bound(&self, sent: &mut Outgoing, timeout: Duration) {
        sent.context = sent.context.clone().with_deadline(self.deadline(timeout));
    }

    fn deadline(&self, timeout: Duration) -> Deadline {
        Deadline::after(self.transport.timer().now(), timeout)
    }

    /// Whether the transport says that it needs no help to end by its deadlines.
    pub(crate) fn keeps_deadlines(&self) -> bool {
        self.transport.keeps_deadlines()
    }

    /// Sends. `None` if the exchange did not end in time.
    pub(crate) async fn attempt(&self, sent: Outgoing) -> Option<Result<Response, TransportError>> {
        let left = sent.context.deadline().remaining(self.transport.timer().now());
        let limit = left.saturating_add(SLACK);
        let start = Instant::now();
        let result = within(limit, (*self.transport).send(sent.request, sent.context)).await;
        // One that blocks its thread cannot be left.
        result.filter(|_| start.elapsed() <= limit)
    }

    /// Sends, and checks what each exchange must keep. `server` is the server that may read the request.
    pub(crate) async fn send(&self, server: &(impl Witness + ?Sized), sent: Outgoing) -> Result<Ended, Otherwise> {
        let exchange = exchange_of(&sent.request);
        let send_state = sent.context.send_state().clone();
        let Some(result) = self.attempt(sent).await else {
            return Err(Otherwise::Overdue(format!("it had not ended {SLACK:?} after its deadline")));
        };
        let claims_nothing_done = result.as_ref().is_err_and(claims_nothing_done);
        if claims_nothing_done {
            // What was written may not have been read yet.
            SystemTimer.sleep(AFTERMATH).await;
        }
        let seen = server.times_seen(exchange);
        match (&result, seen) {
            (_, 2..) => return fail(format!("the server read this one request {seen} times")),
            // It was there, and the server says that it was not processed.
            (Err(error), 1) if server.refuses() && is_refusal(error.kind()) => {}
            (Err(error), 1) if claims_nothing_done => {
                return fail(format!(
                    "the server has the request, but the error says that nothing was done: {error:?}"
                ));
            }
            (Err(error), _) if claims_nothing_done && !is_believed(error, &send_state) => {
                return fail(format!(
                    "the error says that nothing was sent, and {send_state:?} does not prove it: {error:?}"
                ));
            }
            _ => {}
        }
        Ok(Ended { exchange, result })
    }

    /// Sends with a deadline that is to be sat out, and looks at how it ended. Once more with a longer one if that was not
    /// as it must be: what comes before the silence may have been slow.
    pub(crate) async fn sit_out<'a, T: Send>(
        &'a self,
        make: impl Fn() -> Result<(Server, Outgoing), Otherwise> + Send + 'a,
        check: impl Fn(&Server, Ended) -> Result<T, Otherwise> + Send + 'a,
    ) -> Result<T, Otherwise> {
        let mut last = fail("nothing was sent");
        for timeout in SHORT {
            let (server, mut sent) = make()?;
            self.bound(&mut sent, timeout);
            last = match self.send(&server, sent).await {
                Ok(ended) => check(&server, ended),
                Err(otherwise) => Err(otherwise),
            };
            if matches!(last, Ok(_) | Err(Otherwise::Overdue(_))) {
                break;
            }
        }
        last
    }

    /// Brings the transport to hold an idle connection to this server. `false` if it does not: it reuses none.
    pub(crate) async fn warm_up(&self, server: &Server) -> Result<bool, Otherwise> {
        const TIMES: usize = 5;
        for _ in 0..TIMES {
            let mut sent = self.post(server)?;
            sent.request.headers_mut().insert(HeaderName::from_static(WARM_UP), HeaderValue::from_static("1"));
            let ended = self.send(server, sent).await?;
            let exchange = ended.exchange;
            ended.answer()?;
            SystemTimer.sleep(SETTLE).await;
            if server.seen_of(exchange).iter().any(|seen| seen.before > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Starts an exchange and drops it as soon as `ready` holds. Gives the connection that it went over.
    pub(crate) async fn drop_when(
        &self,
        server: &Server,
        sent: Outgoing,
        ready: impl Fn() -> bool + Send,
    ) -> Result<usize, Otherwise> {
        let exchange = exchange_of(&sent.request);
        let sending: BoxFuture<'_, _> = (*self.transport).send(sent.request, sent.context);
        let waiting = async {
            holds(LONG, ready).await;
        };
        if super::race::race(sending, waiting).await.is_some() {
            return fail("it ended before it could be dropped");
        }
        match server.seen_of(exchange).first() {
            Some(seen) => Ok(seen.connection),
            None => fail("the server never read the request"),
        }
    }
}

/// The number that the request carries.
pub(crate) fn exchange_of(request: &Request) -> u32 {
    request.headers().get(EXCHANGE).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(u32::MAX)
}
