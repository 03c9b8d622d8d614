//! Wrapping an exchange.
//!
//! A [`Middleware`] sees the request on its way out, and the response or failure on its way back.
//! It may change both, wait, refuse, or call [`Next::run`] more than once. It never sees the secret
//! key, because authentication comes after the last middleware. Nor can it make a second actor
//! token. The client's send log is right around the transport. It lets a second send of a creation
//! pass only if the first is proved not to have been executed. The second waits until the first has
//! ended: a middleware that begins two must poll both. (An opt-in,
//! [`danger_retry_create_on`](crate::RetryPolicy::danger_retry_create_on), loosens that.)
//!
//! A middleware wraps an attempt. An exchange that it drops, as a timeout of its own does, may be detached: see
//! [`ClientBuilder::middleware`](crate::ClientBuilder::middleware).

mod headers;
mod rate_limit;
mod request_log;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    time::{BoxFuture, Timer},
    transport::{CallContext, HttpTransport, Request, Response, TransportError},
};

pub use self::{
    headers::Headers,
    rate_limit::RateLimit,
    request_log::{RequestLine, RequestLog},
};

/// Wraps each attempt of a call: see
/// [`ClientBuilder::middleware`](crate::ClientBuilder::middleware). To wrap the whole call with its
/// retries, wrap [`send`](crate::Call::send), or implement
/// [`ActorTokensApi`](crate::ActorTokensApi).
///
/// ```
/// use clerk_actor_tokens_core::{Middleware, Next, Request, Response, TransportError, async_trait};
///
/// struct RequestId;
///
/// #[async_trait]
/// impl Middleware for RequestId {
///     async fn handle(&self, mut request: Request, next: Next<'_>) -> Result<Response, TransportError> {
///         request.headers_mut().insert("x-request-id", http::HeaderValue::from_static("42"));
///         next.run(request).await
///     }
/// }
/// ```
#[async_trait]
pub trait Middleware: Send + Sync + 'static {
    /// Handles one exchange; `next.run(request)` continues it.
    ///
    /// # Errors
    /// What `next` returns, or [`TransportError::blocked`] to refuse.
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError>;
}

/// The rest of an attempt: the middleware further in, then the transport.
///
/// `Copy`, and public to make, so that a middleware is unit-tested with a slice and a fake transport:
///
/// ```
/// use clerk_actor_tokens_core::{
///     CallContext, CreateActorToken, Deadline, Middleware, Next, Operation, Request, Response, SystemTimer, Timer,
///     middleware_fn, transport_fn,
/// };
/// use std::time::Duration;
///
/// let mine = middleware_fn(|mut request, next| Box::pin(async move {
///     request.headers_mut().insert("x-a", http::HeaderValue::from_static("1"));
///     next.run(request).await
/// }));
/// let fake = transport_fn(|request: Request, _context| async move {
///     assert_eq!(request.headers()["x-a"], "1");
///     Ok(Response::default())
/// });
/// let deadline = Deadline::after(SystemTimer.now(), Duration::from_secs(30));
/// let context = CallContext::new(&CreateActorToken::INFO, deadline);
/// let response = pollster::block_on(mine.handle(Request::default(), Next::new(&[], &fake, &context)));
/// assert!(response.is_ok());
/// ```
#[derive(Clone, Copy)]
pub struct Next<'a> {
    chain: &'a [Arc<dyn Middleware>],
    end: End<'a>,
    context: &'a CallContext,
}

#[derive(Clone, Copy)]
enum End<'a> {
    Transport(&'a dyn HttpTransport),
    Core(&'a dyn Endpoint),
}

/// The core's own part of an attempt, behind the last middleware: authentication and the send log.
pub(crate) trait Endpoint: Send + Sync {
    fn call<'a>(
        &'a self,
        request: Request,
        context: &'a CallContext,
    ) -> BoxFuture<'a, Result<Response, TransportError>>;
    fn timer(&self) -> &dyn Timer;
}

impl<'a> Next<'a> {
    /// Makes a chain that ends at a transport, which is given clones of the context.
    pub fn new(chain: &'a [Arc<dyn Middleware>], transport: &'a dyn HttpTransport, context: &'a CallContext) -> Self {
        Self { chain, end: End::Transport(transport), context }
    }

    pub(crate) fn into_core(chain: &'a [Arc<dyn Middleware>], end: &'a dyn Endpoint, context: &'a CallContext) -> Self {
        Self { chain, end: End::Core(end), context }
    }

    /// Continues the exchange.
    ///
    /// # Errors
    /// [`TransportError`] if no complete response arrived.
    pub async fn run(self, request: Request) -> Result<Response, TransportError> {
        match (self.chain.split_first(), self.end) {
            (Some((first, chain)), _) => first.handle(request, Next { chain, ..self }).await,
            (None, End::Transport(transport)) => transport.send(request, self.context.clone()).await,
            (None, End::Core(endpoint)) => endpoint.call(request, self.context).await,
        }
    }

    /// Returns the call that this attempt belongs to, and its limits.
    #[must_use]
    pub fn context(&self) -> &'a CallContext {
        self.context
    }

    /// Returns the clock of the transport at the end. A middleware that waits must use it.
    #[must_use]
    pub fn timer(&self) -> &'a dyn Timer {
        match self.end {
            End::Transport(transport) => transport.timer(),
            End::Core(endpoint) => endpoint.timer(),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("middleware_left", &self.chain.len()).finish_non_exhaustive()
    }
}

/// Makes a middleware of a function. The future is boxed so that it may borrow from [`Next`].
///
/// ```
/// use clerk_actor_tokens_core::middleware_fn;
///
/// let count = middleware_fn(|request, next| Box::pin(async move {
///     let response = next.run(request).await;
///     response
/// }));
/// # let _ = count;
/// ```
pub fn middleware_fn<F>(handle: F) -> impl Middleware + fmt::Debug
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Result<Response, TransportError>> + Send + Sync + 'static,
{
    MiddlewareFn(handle)
}

/// A function as a middleware.
struct MiddlewareFn<F>(F);

impl<F> fmt::Debug for MiddlewareFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiddlewareFn")
    }
}

#[async_trait]
impl<F> Middleware for MiddlewareFn<F>
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Result<Response, TransportError>> + Send + Sync + 'static,
{
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        (self.0)(request, next).await
    }
}
