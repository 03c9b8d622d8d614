//! The transport itself: one request out, one whole response in.
//!
//! Responsible for: the deadline over all of it, and for what is claimed when it fails. Not responsible for: opening
//! connections (`connect.rs`), reading the body (the transport kit), what hyper's errors prove (`classify.rs`).

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
    CallContext, DiscardConnection, Executor, HttpTransport, Moment, Request, Response, SendState, Timer,
    TransportError, TransportErrorKind,
};
use clerk_actor_tokens_transport_kit::{
    Bounds, GatedBody, Tls, TokioExecutors, TokioTimer, Truncated, Withdrawn, check_request, read_body,
};
use http::Version;
use hyper_util::client::legacy::{
    self, Client,
    connect::{Connect, capture_connection},
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use crate::{
    classify::{self, Sent},
    connection_state::ConnectionState,
    pool::{Pool, pool},
    pooled_connection::{PooledConnection, Waiting},
};

/// Core's [`HttpTransport`] over hyper-util's pooled client: HTTP/1.1 and HTTP/2, TLS by rustls.
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
    pooled: Pool,
    /// Without a pool, for requests that want a fresh connection.
    fresh: Pool,
    executors: TokioExecutors,
}

/// The longest that an exchange may take: a year, which tokio's clock can hold.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl HyperTransport {
    /// A transport over your own hyper-util client: your pool, your limits, your connector.
    ///
    /// `fresh` serves the requests that want a connection of their own ([`CallContext::wants_fresh_connection`]): make it
    /// as `pooled`, with `pool_max_idle_per_host(0)`.
    ///
    /// The deadline, the cap of the body and what failures prove are this crate's as ever. What is yours: the time that
    /// connecting may take, the size of a response's head, the windows of HTTP/2, and how long a connection may lie idle. Set
    /// an idle limit with a `pool_timer`, below the server's: without it a request can be given to a connection that the
    /// server is closing, and its fate is unknown.
    ///
    /// ```
    /// use clerk_actor_tokens_hyper::{HyperTransport, GatedBody};
    /// use hyper_util::client::legacy::{Client, connect::HttpConnector};
    /// use hyper_util::rt::{TokioExecutor, TokioTimer};
    /// use std::time::Duration;
    ///
    /// let client = |idle| -> Client<HttpConnector, GatedBody> {
    ///     Client::builder(TokioExecutor::new())
    ///         .pool_timer(TokioTimer::new())
    ///         .pool_idle_timeout(Duration::from_secs(10))
    ///         .pool_max_idle_per_host(idle)
    ///         .build_http()
    /// };
    /// let transport = HyperTransport::from_client(client(8), client(0));
    /// # let _ = transport;
    /// ```
    pub fn from_client<C>(pooled: Client<C, GatedBody>, fresh: Client<C, GatedBody>) -> Self
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        Self::from_pools(pool(pooled), pool(fresh))
    }

    pub(crate) fn from_pools(pooled: Pool, fresh: Pool) -> Self {
        Self { pooled, fresh, executors: TokioExecutors::default() }
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
        sendable(&request)?;
        let deadline = deadline_of(&context)?;
        let pool = if context.wants_fresh_connection() { &self.fresh } else { &self.pooled };
        let has_body = !request.body().is_empty();
        let mut request = request.map(|body| GatedBody::new(body, send_state.clone()));
        // Which version is spoken is the connection's affair; hyper refuses a request that names another.
        *request.version_mut() = Version::HTTP_11;
        let connection = PooledConnection::new(capture_connection(&mut request));

        let waiting = Waiting::new(send_state, &connection);
        let mut sleep = pin!(sleep_until(deadline));
        let mut exchange = pool(request);
        // The body begins the send state where hyper takes it. A result that is ready counts also where the time is over.
        let exchanged = poll_fn(|task| match Pin::new(&mut exchange).poll(task) {
            Poll::Ready(exchanged) => Poll::Ready(Some(exchanged)),
            Poll::Pending => sleep.as_mut().poll(task).map(|()| None),
        })
        .await;
        waiting.end();
        let response = match exchanged {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                return Err(Failed { send_state, connection: &connection, has_body }.without_head(error));
            }
            None => {
                // It may be dead without a sign of it, and HTTP/2 would give it the next request too.
                connection.discard();
                // It may still lie in a connection's queue.
                let is_unsent = send_state.cancel() || !connection.has_request();
                return Err(classify::deadline_without_head(is_unsent));
            }
        };
        if let Some(mark) = ConnectionState::of_response(&response) {
            mark.answered();
        }
        let (mut head, body) = response.into_parts();
        let bounds = Bounds {
            deadline: context.deadline(),
            timer: &TokioTimer,
            sleep,
            cap: context.response_cap(),
            says_its_end: head.version == Version::HTTP_2,
        };
        match read_body(pin!(body), bounds).await {
            Ok(body) => {
                head.extensions.insert(DiscardConnection::new(move || connection.discard()));
                Ok(Response::from_parts(head, body))
            }
            Err(cut) => {
                // The body was dropped unread, which closes an HTTP/1.1 connection, unless its end happened to be in
                // hyper's buffer: then it would go back to the pool. Over HTTP/2 it resets the stream. The connection
                // closes when the pool is swept next, within the idle timeout, or when its peer does not stop sending.
                connection.discard();
                let source = classify::sanitize(cut.source);
                Err(Truncated { source, ..cut }.into_error(head))
            }
        }
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

/// An exchange that failed before the head of a response was complete.
struct Failed<'a> {
    send_state: &'a SendState,
    connection: &'a PooledConnection,
    has_body: bool,
}

impl Failed<'_> {
    fn without_head(self, error: legacy::Error) -> TransportError {
        if let Some(kind) = classify::before_sending(&error, self.connection.has_request()) {
            // The request is no longer in a queue. It stays held, and may be sent over another transport.
            return classify::failure(kind, error);
        }
        let was_held = self.send_state.is_held();
        // The connection may still have the body in a queue.
        let is_withheld = self.send_state.cancel();
        if is_withheld && !was_held {
            return left();
        }
        let on_new_connection = !self.connection.has_answered();
        let sent = Sent { has_body: self.has_body, is_withheld, on_new_connection };
        classify::failure(classify::after_sending(&error, sent), error)
    }
}

/// The caller had canceled the request before it was sent.
fn left() -> TransportError {
    TransportError::blocked(Withdrawn)
}

/// Refuses what hyper could not send, before anything is opened.
fn sendable(request: &Request) -> Result<(), TransportError> {
    if Handle::try_current().is_err() {
        return Err(TransportError::blocked(
            "the hyper transport needs a tokio runtime, and this thread has entered none",
        )
        .with_advice("Make the call inside a tokio runtime, for example under #[tokio::main]."));
    }
    check_request(request, Tls::Available)
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
