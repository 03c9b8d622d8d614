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
use bytes::Bytes;
use clerk_actor_tokens_core::{
    CallContext, DEFAULT_RESPONSE_CAP, DiscardConnection, Dispatch, FreshConnection, HttpTransport, Request, Response,
    Spawner, Timer, TransportError, TransportErrorKind,
};
use http::{Uri, Version};
use http_body_util::Full;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::{
    Client,
    connect::{CaptureConnection, Connect, Connection as HyperConnection, capture_connection},
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};
use tower_service::Service;

use crate::{
    BoxError, BuildError, HyperTransportBuilder, TokioSpawner, TokioTimer, body,
    classify::{self, Sent},
    pool::{Pool, pool},
    tracked::Mark,
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
    spawner: TokioSpawner,
}

/// How long an exchange may take whose request carries no [`CallContext`].
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl HyperTransport {
    /// A transport with the defaults: see the builder's methods for them.
    ///
    /// # Errors
    /// [`BuildError`] if the crate was built with neither the feature `aws-lc-rs` nor `ring`.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Configures a transport.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::new()
    }

    /// A transport over your own connector, with the defaults for all else:
    /// [`build_with_connector`](HyperTransportBuilder::build_with_connector).
    ///
    /// # Errors
    /// None today; it is the builder's method that has some.
    pub fn with_connector<C>(connector: C) -> Result<Self, BuildError>
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Read + Write + HyperConnection + Unpin + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
    {
        Self::builder().build_with_connector(connector)
    }

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
    /// use bytes::Bytes;
    /// use clerk_actor_tokens_hyper::HyperTransport;
    /// use http_body_util::Full;
    /// use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::{TokioExecutor, TokioTimer}};
    /// use std::time::Duration;
    ///
    /// let client = |idle| -> Client<HttpConnector, Full<Bytes>> {
    ///     Client::builder(TokioExecutor::new())
    ///         .pool_timer(TokioTimer::new())
    ///         .pool_idle_timeout(Duration::from_secs(10))
    ///         .pool_max_idle_per_host(idle)
    ///         .build_http()
    /// };
    /// let transport = HyperTransport::from_client(client(8), client(0));
    /// # let _ = transport;
    /// ```
    pub fn from_client<C>(pooled: Client<C, Full<Bytes>>, fresh: Client<C, Full<Bytes>>) -> Self
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        Self::from_pools(pool(pooled), pool(fresh))
    }

    pub(crate) fn from_pools(pooled: Pool, fresh: Pool) -> Self {
        Self { pooled, fresh, spawner: TokioSpawner::new() }
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
        self.spawner.remember();
        let (deadline, cap) = limits(&request);
        if deadline <= Instant::now() {
            return Err(TransportError::new(TransportErrorKind::TimeoutUnsent));
        }
        let pool = match request.extensions().get::<FreshConnection>() {
            Some(_) => &self.fresh,
            None => &self.pooled,
        };
        let dispatch = Dispatch::of(&request).cloned().unwrap_or_default();
        let has_body = !request.body().is_empty();
        let mut request = request.map(Full::new);
        // Which version is spoken is the connection's affair; hyper refuses a request that names another.
        *request.version_mut() = Version::HTTP_11;
        let connection = Connection(capture_connection(&mut request));

        dispatch.hold();
        let mut exchange = pin!(timeout_at(deadline, pool(request)));
        // The request goes to a connection in the poll in which that is chosen, so that each poll is a step of the dispatch.
        let exchanged =
            poll_fn(|context| match dispatch.step(|| (exchange.as_mut().poll(context), connection.has_request())) {
                Some(polled) => polled.map(Some),
                None => Poll::Ready(None),
            });
        let Some(exchanged) = exchanged.await else {
            return Err(TransportError::blocked("nobody waits for this request any more"));
        };
        let response = match exchanged {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let handed_over = connection.has_request();
                let sent = Sent { handed_over, has_body, on_new_connection: !connection.has_answered() };
                return Err(classify::without_head(error, sent));
            }
            Err(_) => {
                // It may be dead without anybody having said so, and HTTP/2 would give it the next request too.
                connection.discard();
                return Err(classify::deadline_without_head(connection.has_request()));
            }
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

    fn spawner(&self) -> Option<&dyn Spawner> {
        Some(&self.spawner)
    }
}

/// The connection that a request was given to, once there is one.
struct Connection(CaptureConnection);

impl Connection {
    /// Whether the request was given to a connection, so that bytes of it may have been written. True also while the
    /// pool replaces a connection that gave the request back unwritten, which errs on the safe side.
    fn has_request(&self) -> bool {
        self.0.connection_metadata().is_some()
    }

    fn answered(&self) {
        if let Some(mark) = self.mark() {
            mark.answered();
        }
    }

    /// Whether it has ever answered. Of a connection of somebody else's client that is not known, and assumed.
    fn has_answered(&self) -> bool {
        self.mark().is_none_or(|mark| mark.has_answered())
    }

    fn mark(&self) -> Option<Mark> {
        self.0.connection_metadata().as_ref().and_then(Mark::of)
    }

    /// Keeps the connection from being used again. It may be back in the pool already, since the body was read to its
    /// end; that is no obstacle: hyper-util's pool asks `PoolClient::is_open`, which is false for a poisoned
    /// connection, when a connection is put in, taken out and swept.
    fn discard(&self) {
        if let Some(connected) = &*self.0.connection_metadata() {
            connected.poison();
            if let Some(mark) = Mark::of(connected) {
                mark.give_up();
            }
        }
    }
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
