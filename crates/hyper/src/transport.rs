//! The transport itself: one request out, one whole response in.
//!
//! Responsible for: the deadline over all of it, and for what is claimed when it fails. Not responsible for: opening
//! connections (`connect.rs`), reading the body (`body.rs`), what hyper's errors prove (`classify.rs`).

use std::{
    fmt,
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, DEFAULT_RESPONSE_CAP, DiscardConnection, Executor, FreshConnection, HttpTransport, Request, Response,
    SendState, Timer, TransportError, TransportErrorKind,
};
use http::{Uri, Version};
use hyper_util::client::legacy::{
    Client,
    connect::{Connect, capture_connection},
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::{
    TokioExecutor, TokioTimer, body,
    classify::{self, Sent},
    pool::{Pool, pool},
    pooled_connection::{PooledConnection, Waiting},
    request_body::{RequestBody, Withdrawn},
};

/// Core's [`HttpTransport`] over hyper-util's pooled client: HTTP/1.1 and HTTP/2, TLS by rustls.
///
/// It needs a tokio runtime with time and I/O enabled (`tokio::main` and `enable_all` do). Clones share the pool.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request, TransportErrorKind};
/// use clerk_actor_tokens_hyper::HyperTransport;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = HyperTransport::builder().http_only().build()?;
/// # let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
/// // Nobody listens at `free`.
/// let request = http::Request::get(format!("http://{free}/")).body(Default::default())?;
/// let error = transport.send(request).await.unwrap_err();
/// assert_eq!(error.kind(), TransportErrorKind::Connect);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    pooled: Pool,
    /// Without a pool, for requests that ask for a [`FreshConnection`].
    fresh: Pool,
    executor: TokioExecutor,
}

/// How long an exchange may take whose request carries no [`CallContext`].
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl HyperTransport {
    /// A transport over your own hyper-util client: your pool, your limits, your connector.
    ///
    /// `fresh` serves the requests that ask for a connection of their own ([`FreshConnection`]): make it as `pooled`, with
    /// `pool_max_idle_per_host(0)`.
    ///
    /// The deadline, the cap of the body and what failures prove are this crate's as ever. What is yours: the time that
    /// connecting may take, the size of a response's head, the windows of HTTP/2, and how long a connection may lie idle. Set
    /// an idle limit with a `pool_timer`, below the server's: without it a request can be given to a connection that the
    /// server is closing, and its fate is unknown.
    ///
    /// ```
    /// use clerk_actor_tokens_hyper::{HyperTransport, RequestBody};
    /// use hyper_util::client::legacy::{Client, connect::HttpConnector};
    /// use hyper_util::rt::{TokioExecutor, TokioTimer};
    /// use std::time::Duration;
    ///
    /// let client = |idle| -> Client<HttpConnector, RequestBody> {
    ///     Client::builder(TokioExecutor::new())
    ///         .pool_timer(TokioTimer::new())
    ///         .pool_idle_timeout(Duration::from_secs(10))
    ///         .pool_max_idle_per_host(idle)
    ///         .build_http()
    /// };
    /// let transport = HyperTransport::from_client(client(8), client(0));
    /// # let _ = transport;
    /// ```
    pub fn from_client<C>(pooled: Client<C, RequestBody>, fresh: Client<C, RequestBody>) -> Self
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        Self::from_pools(pool(pooled), pool(fresh))
    }

    pub(crate) fn from_pools(pooled: Pool, fresh: Pool) -> Self {
        Self { pooled, fresh, executor: TokioExecutor::new() }
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpTransport for HyperTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        sendable(&request)?;
        self.executor.remember();
        let (deadline, cap) = limits(&request);
        if deadline <= Instant::now() {
            return Err(TransportError::new(TransportErrorKind::TimeoutBeforeSend));
        }
        let pool = match request.extensions().get::<FreshConnection>() {
            Some(_) => &self.fresh,
            None => &self.pooled,
        };
        let send_state = SendState::of(&request).cloned().unwrap_or_default();
        let has_body = !request.body().is_empty();
        let mut request = request.map(|body| RequestBody::new(body, send_state.clone()));
        // Which version is spoken is the connection's affair; hyper refuses a request that names another.
        *request.version_mut() = Version::HTTP_11;
        let connection = PooledConnection::new(capture_connection(&mut request));

        send_state.hold();
        let waiting = Waiting::new(&send_state, &connection);
        let mut exchange = pin!(timeout_at(deadline, pool(request)));
        let exchanged = poll_fn(|context| match has_body {
            // The body begins the send_state itself.
            true => exchange.as_mut().poll(context).map(Some),
            // It is handed to a connection in the poll in which that is chosen, so that each poll is a step.
            false => match send_state.step(|| (exchange.as_mut().poll(context), connection.has_request())) {
                Some(polled) => polled.map(Some),
                None => Poll::Ready(None),
            },
        });
        let exchanged = exchanged.await;
        waiting.end();
        let response = match exchanged {
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(error))) => {
                let was_held = send_state.is_held();
                let is_withheld = has_body && send_state.cancel();
                if is_withheld && !was_held {
                    return Err(left());
                }
                let sent = Sent {
                    handed_over: connection.has_request(),
                    has_body,
                    is_withheld,
                    on_new_connection: !connection.has_answered(),
                };
                return Err(classify::without_head(error, sent));
            }
            Some(Err(_)) => {
                // It may be dead without anybody having said so, and HTTP/2 would give it the next request too.
                connection.discard();
                let is_unsent = send_state.cancel() || !connection.has_request();
                return Err(classify::deadline_without_head(is_unsent));
            }
            None => return Err(left()),
        };
        connection.answered();
        let (mut head, body) = response.into_parts();
        match body::read(body, deadline, cap, head.version == Version::HTTP_2).await {
            Ok(body) => {
                head.extensions.insert(DiscardConnection::new(move || connection.discard()));
                Ok(Response::from_parts(head, body))
            }
            Err(cut) => {
                // The body was dropped unread, which closes an HTTP/1.1 connection, unless its end happened to be in
                // hyper's buffer: then it would go back to the pool. Over HTTP/2 it resets the stream. The connection
                // closes when the pool is swept next, within the idle timeout, or when its peer does not stop sending.
                connection.discard();
                let partial = Response::from_parts(head, cut.received);
                Err(TransportError::new(cut.kind).with_source(cut.source).with_partial(partial))
            }
        }
    }

    fn timer(&self) -> &dyn Timer {
        &TokioTimer
    }

    fn executor(&self) -> Option<&dyn Executor> {
        Some(&self.executor)
    }
}

/// Whoever made the request had canceled it before it was sent.
fn left() -> TransportError {
    TransportError::blocked(Withdrawn)
}

/// Refuses what hyper could not send, before anything is opened.
fn sendable(request: &Request) -> Result<(), TransportError> {
    if Handle::try_current().is_err() {
        return Err(TransportError::blocked("the hyper transport needs a tokio runtime, and none is entered here"));
    }
    if !is_absolute(request.uri()) {
        return Err(TransportError::blocked("the request's URL is not an absolute http or https URL"));
    }
    Ok(())
}

fn is_absolute(url: &Uri) -> bool {
    matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
}

/// By when the exchange must be over, and how many bytes of body are kept.
fn limits(request: &Request) -> (Instant, usize) {
    match CallContext::of(request) {
        Some(call) => (Instant::from_std(call.deadline().instant()), call.response_cap()),
        None => (Instant::now() + DEFAULT_TIMEOUT, DEFAULT_RESPONSE_CAP),
    }
}
