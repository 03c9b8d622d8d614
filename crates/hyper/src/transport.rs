//! The transport itself: one request out, one whole response in.
//!
//! Responsible for: the deadline over all of it, for sending again what a connection gave back, and for what is claimed when it
//! fails. Not responsible for: which connection (`pool.rs`), reading the body (the transport kit), what errors prove
//! (`classify.rs`).

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Moment, Request, Response, SendState, Timer, TransportError,
    TransportErrorKind,
};
use clerk_actor_tokens_transport_kit::{
    Bounds, GatedBody, Tls, TokioExecutors, TokioTimer, Truncated, Withdrawn, check_request, read_body, require_tokio,
    without_goaway_text,
};
use http::Version;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    classify::{self, Sent},
    connection::open::Open,
    exchange::{self, Moved},
    pool::{Lease, OriginPool, Runtimes},
    settings::Settings,
};

/// Core's [`HttpTransport`] over hyper's connections: HTTP/1.1 and HTTP/2, TLS by rustls.
///
/// It needs a tokio runtime with time and I/O enabled (`tokio::main` and `enable_all` do). Clones share the pool.
///
/// ```
/// use clerk_actor_tokens_core::{
///     CallContext, CreateActorToken, Deadline, HttpTransport, Operation, Request, TransportErrorKind,
/// };
/// use clerk_actor_tokens_hyper::HyperTransport;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = HyperTransport::builder().http_only().build()?;
/// # let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
/// // No server listens at `free`.
/// let request = http::Request::get(format!("http://{free}/")).body(Default::default())?;
/// let deadline = Deadline::after(transport.timer().now(), Duration::from_secs(30));
/// let context = CallContext::new(&CreateActorToken::INFO, deadline);
/// let error = transport.send(request, context).await.unwrap_err();
/// assert_eq!(error.kind(), TransportErrorKind::Connect);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    runtimes: Arc<Runtimes>,
    executors: TokioExecutors,
}

/// The longest that an exchange may take: a year, which tokio's clock can hold.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How often a request is moved to another connection after one that was idle gave it back.
const MOVES: usize = 4;

impl HyperTransport {
    pub(crate) fn new_over(open: Open, settings: Settings) -> Self {
        Self { runtimes: Arc::new(Runtimes::new(open, settings)), executors: TokioExecutors::default() }
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpTransport for HyperTransport {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let send_state = context.send_state();
        // First, so that a refusal below is proved.
        send_state.hold();
        let runtime = require_tokio("the hyper transport")?;
        check_request(&request, Tls::Available)?;
        let deadline = deadline_of(&context)?;
        let Some(pool) = self.runtimes.pool(&runtime, request.uri()) else {
            return Err(TransportError::blocked("the request's URL has no origin"));
        };
        let mut sleep = pin!(sleep_until(deadline));
        let exchange = Exchange { pool: &pool, context: &context, has_body: !request.body().is_empty() };
        let (lease, response) = exchange.head(request, sleep.as_mut()).await?;
        exchange.body(lease, response, sleep).await
    }

    fn timer(&self) -> &dyn Timer {
        &TokioTimer
    }

    /// Returns the executor of the runtime that is entered here. Where none is, tasks are dropped unless a runtime is
    /// entered where they are started.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(self.executors.entered())
    }

    /// Returns `true`: the sleep that `send` arms ends each part of an exchange.
    fn keeps_deadlines(&self) -> bool {
        true
    }
}

/// One exchange, over as many connections as give its request back.
struct Exchange<'a> {
    pool: &'a Arc<OriginPool>,
    context: &'a CallContext,
    has_body: bool,
}

impl Exchange<'_> {
    /// Waits for a connection, moves the request to it, and waits for the head of the response.
    async fn head(
        &self,
        request: Request,
        mut sleep: Pin<&mut Sleep>,
    ) -> Result<(Lease, http::Response<Incoming>), TransportError> {
        let send_state = self.context.send_state();
        let url = request.uri().clone();
        let mut request = request.map(|body| GatedBody::new(body, send_state.clone()));
        // hyper refuses a request that names another version than its connection's.
        *request.version_mut() = Version::HTTP_11;
        let mut moves_left = MOVES;
        loop {
            let waiting = async {
                match self.context.wants_fresh_connection() {
                    true => self.pool.fresh().await,
                    false => self.pool.connection().await,
                }
            };
            let cancels = Cancels(send_state);
            let mut lease = match until(sleep.as_mut(), pin!(waiting)).await {
                Some(Ok(lease)) => lease,
                // It stays held, and may be sent over another transport.
                Some(Err(error)) => {
                    cancels.end();
                    return Err(classify::not_opened(error));
                }
                None => return Err(classify::deadline_without_head(true)),
            };
            // A wait may end a little after the deadline.
            if sleep.deadline() <= Instant::now() {
                self.give_back(lease);
                return Err(classify::deadline_without_head(true));
            }
            // One that was idle may have been closed meanwhile. Where a new one is closed at once, the server does not want it.
            let was_used = lease.has_answered();
            let moved = until(sleep.as_mut(), pin!(exchange::send(&mut lease, request, &url))).await;
            cancels.end();
            match moved {
                Some(Moved::Answered(response)) => return Ok((lease, response)),
                // Asked again by its body before it is sent. A send that was cancelled meanwhile is not moved again.
                Some(Moved::GivenBack(given_back, _)) if moves_left > 0 && was_used && send_state.is_held() => {
                    moves_left -= 1;
                    request = *given_back;
                }
                Some(Moved::GivenBack(_, error)) => return Err(classify::failure(TransportErrorKind::Canceled, error)),
                Some(Moved::Failed(error)) => return Err(self.failed(&lease, error)),
                // The connection is dropped: HTTP/1.1 closes it, HTTP/2 resets the stream and is not used again.
                None => return Err(classify::deadline_without_head(send_state.cancel())),
            }
        }
    }

    /// Nothing was moved to it. One of an exchange alone is in no pool.
    fn give_back(&self, lease: Lease) {
        match lease {
            Lease::Http1(connection) if !self.context.wants_fresh_connection() => self.pool.put_back(connection),
            Lease::Http1(_) | Lease::Http2(_) => {}
        }
    }

    fn failed(&self, lease: &Lease, error: hyper::Error) -> TransportError {
        let was_held = self.context.send_state().is_held();
        // The connection may still have the body in a queue.
        let is_withheld = self.context.send_state().cancel();
        if is_withheld && !was_held {
            return left();
        }
        let sent = Sent { has_body: self.has_body, is_withheld, on_new_connection: !lease.has_answered() };
        classify::failure(classify::after_sending(&error, sent), error)
    }

    /// Reads the body, and puts the connection back.
    async fn body(
        &self,
        lease: Lease,
        response: http::Response<Incoming>,
        sleep: Pin<&mut Sleep>,
    ) -> Result<Response, TransportError> {
        let (mut head, body) = response.into_parts();
        let bounds = Bounds {
            deadline: self.context.deadline(),
            timer: &TokioTimer,
            sleep,
            cap: self.context.response_cap(),
            says_its_end: head.version == Version::HTTP_2,
        };
        match read_body(pin!(body), bounds).await {
            Ok(body) => {
                head.extensions.insert(lease.discard());
                match lease {
                    Lease::Http2(mut stream) => stream.end(),
                    Lease::Http1(_) if exchange::is_framed_twice(&head.headers) => {}
                    Lease::Http1(_) if exchange::is_last(head.version, &head.headers) => {}
                    Lease::Http1(_) if self.context.wants_fresh_connection() => {}
                    Lease::Http1(connection) => self.pool.put_back(connection),
                }
                Ok(Response::from_parts(head, body))
            }
            // The connection is dropped with what was not read of it.
            Err(cut) => {
                let source = without_goaway_text(cut.source);
                Err(Truncated { source, ..cut }.into_error(head))
            }
        }
    }
}

/// Runs the future until the sleep is over. A result that is ready counts also where the time is over.
async fn until<F: Future>(mut sleep: Pin<&mut Sleep>, mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|task| match future.as_mut().poll(task) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(task).map(|()| None),
    })
    .await
}

/// Where an exchange is dropped before its answer, what has not been sent of it never will be.
struct Cancels<'a>(&'a SendState);

impl Cancels<'_> {
    /// It has come to an end by itself.
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Cancels<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The caller had canceled the request before it was sent.
fn left() -> TransportError {
    TransportError::blocked(Withdrawn)
}

/// Returns the context's deadline on tokio's clock, unless it has passed.
fn deadline_of(context: &CallContext) -> Result<Instant, TransportError> {
    let now = Instant::now();
    let left = context.deadline().remaining(Moment::from_instant(now.into_std()));
    if left.is_zero() {
        return Err(TransportError::new(TransportErrorKind::TimeoutBeforeSend));
    }
    Ok(now.checked_add(left.min(FAR)).unwrap_or(now))
}
