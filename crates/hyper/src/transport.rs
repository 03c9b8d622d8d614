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
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, capture_connection},
    },
    rt::TokioExecutor,
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::{BuildError, HyperTransportBuilder, TokioSpawner, TokioTimer, body, classify, connect::Connector};

/// Core's [`HttpTransport`] over hyper-util's pooled client: HTTP/1.1, TLS by rustls.
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
    pooled: HyperClient,
    /// The same connector without a pool, for requests that ask for a [`FreshConnection`].
    unpooled: HyperClient,
    spawner: TokioSpawner,
}

type HyperClient = Client<Connector, Full<Bytes>>;

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

    pub(crate) fn with_connector(connector: Connector, idle_timeout: Duration, max_idle: usize) -> Self {
        let client = |max_idle: usize| {
            Client::builder(TokioExecutor::new())
                .pool_timer(hyper_util::rt::TokioTimer::new())
                .pool_idle_timeout(idle_timeout)
                .pool_max_idle_per_host(max_idle)
                // On by default, written out because it is relied on. It sends again only what hyper gives back from
                // its queue (`TrySendError::take_message`), of which no byte was written, and only if that connection
                // was a reused one: `send_request` in hyper-util's `client/legacy/client.rs`.
                .retry_canceled_requests(true)
                .build(connector.clone())
        };
        Self { pooled: client(max_idle), unpooled: client(0), spawner: TokioSpawner::new() }
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
        let client = match request.extensions().get::<FreshConnection>() {
            Some(_) => &self.unpooled,
            None => &self.pooled,
        };
        let dispatch = Dispatch::of(&request).cloned().unwrap_or_default();
        let mut request = request.map(Full::new);
        // Which version is spoken is the connection's affair; hyper refuses a request that names another.
        *request.version_mut() = Version::HTTP_11;
        let connection = Connection(capture_connection(&mut request));

        dispatch.hold();
        let mut exchange = pin!(timeout_at(deadline, client.request(request)));
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
            Ok(Err(error)) => return Err(classify::without_head(error, connection.has_request())),
            Err(_) => return Err(classify::deadline_without_head(connection.has_request())),
        };
        let (mut head, body) = response.into_parts();
        match body::read(body, deadline, cap).await {
            Ok(body) => {
                head.extensions.insert(DiscardConnection::new(move || connection.discard()));
                Ok(Response::from_parts(head, body))
            }
            Err(cut) => {
                // The body was dropped unread, which closes the connection, unless its end happened to be in hyper's
                // buffer: then it would go back to the pool.
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

    /// Keeps the connection from being used again. It may be back in the pool already, since the body was read to its
    /// end; that is no obstacle: hyper-util's pool asks `PoolClient::is_open`, which is false for a poisoned
    /// connection, when a connection is put in, taken out and swept.
    fn discard(&self) {
        if let Some(connected) = &*self.0.connection_metadata() {
            connected.poison();
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
