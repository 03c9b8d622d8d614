//! The seam where the network plugs in.
//!
//! A transport moves one HTTP exchange: it takes a whole request and returns a whole response. It
//! is responsible for connections, TLS and proxies, and for the kind of a failure. It reads the
//! body under the deadline and the cap of the [`CallContext`]. It is *not* responsible for status
//! codes (every status is `Ok`), redirects (it must not follow them), retries or authentication.
//! The core does those.

pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod message;
pub(crate) mod send_state;

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;

pub use self::{
    context::{CallContext, DEFAULT_RESPONSE_CAP},
    error::{TransportError, TransportErrorKind},
    message::{Request, Response},
    send_state::SendState,
};
use crate::{
    executor::Executor,
    time::{BoxFuture, SystemTimer, Timer},
};

/// Moves one HTTP exchange.
///
/// The contract, which every implementation in this workspace is tested against:
///
/// - Every HTTP status is `Ok`, also 3xx, 4xx and 5xx; redirects are not followed.
/// - The request is sent at most once. (A connection that died before a byte of it was written may be replaced.)
/// - [`CallContext::deadline`](crate::CallContext::deadline) bounds connecting, sending and reading the body. When it
///   passes, the exchange ends with [`TransportErrorKind::TimeoutBeforeSend`] or [`TransportErrorKind::Timeout`].
/// - [`CallContext::response_cap`](crate::CallContext::response_cap) bounds the body that is kept. One that is announced
///   to be larger is still read up to the cap: the bytes up to there usually name what was made.
/// - An error's kind claims no more than is proved: one that says "not executed" without proof can mint a second token.
///   Use [`TransportErrorKind::Interrupted`] for whatever is not proved.
/// - Where the head of a response had arrived, every error carries it, with the bytes of the body so far
///   ([`TransportError::with_partial`]). The client salvages an id from them.
/// - Before a byte of the request can leave, [`SendState::begin`] is asked; where it returns `false`, nothing is sent. An
///   error that claims that nothing was sent counts only where the [`SendState`] proves it, so hold the request first.
/// - Dropping the future aborts the exchange.
/// - One transport carries many exchanges at once; each receives its own response.
///
/// ```
/// use clerk_actor_tokens_core::{
///     CallContext, Executor, HttpTransport, Request, Response, SystemTimer, Timer, TransportError, async_trait,
/// };
/// use std::sync::Arc;
///
/// struct Canned;
///
/// #[async_trait]
/// impl HttpTransport for Canned {
///     async fn send(&self, _request: Request, _context: CallContext) -> Result<Response, TransportError> {
///         Ok(Response::new("{}".into()))
///     }
///
///     fn timer(&self) -> &dyn Timer {
///         &SystemTimer
///     }
///
///     fn executor(&self) -> Option<Arc<dyn Executor>> {
///         None
///     }
/// }
/// ```
#[async_trait]
pub trait HttpTransport: Send + Sync + 'static {
    /// Sends the request within the limits of the context, and reads the whole response.
    ///
    /// # Errors
    /// [`TransportError`] if no complete response arrived; its kind says what that proves.
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError>;

    /// Returns the clock that deadlines and backoff are measured with, because time belongs to the
    /// runtime of the sockets. A decorator returns that of the transport inside. [`SystemTimer`]
    /// suits a transport without a runtime.
    fn timer(&self) -> &dyn Timer;

    /// Returns the executor of the current runtime. `None` for a transport without a runtime. A
    /// decorator returns that of the transport inside.
    ///
    /// The client asks in the first poll of an exchange, and gives the exchange to the executor if
    /// the caller leaves. Without one, such an exchange is broken off, unless the client's builder
    /// was given an executor.
    fn executor(&self) -> Option<Arc<dyn Executor>>;

    /// Returns whether every exchange ends by its deadline without help. The client then arms no
    /// timer of its own, unless the exchange has a middleware around it.
    ///
    /// By default it is `false`: the client ends the attempt 100 ms after the deadline. A decorator
    /// that does not wait itself returns that of the transport inside. One that waits returns
    /// `false`.
    fn keeps_deadlines(&self) -> bool {
        false
    }
}

// By hand and desugared: the async_trait form would box the future a second time.
macro_rules! forward_to_inner {
    ($pointer:ident) => {
        impl<T: HttpTransport + ?Sized> HttpTransport for $pointer<T> {
            fn send<'a, 'f>(
                &'a self,
                request: Request,
                context: CallContext,
            ) -> BoxFuture<'f, Result<Response, TransportError>>
            where
                'a: 'f,
                Self: 'f,
            {
                (**self).send(request, context)
            }

            fn timer(&self) -> &dyn Timer {
                (**self).timer()
            }

            fn executor(&self) -> Option<Arc<dyn Executor>> {
                (**self).executor()
            }

            fn keeps_deadlines(&self) -> bool {
                (**self).keeps_deadlines()
            }
        }
    };
}
forward_to_inner!(Arc);
forward_to_inner!(Box);

/// Makes a transport of a function. Time is the system's, and there is no executor.
///
/// It proves nothing of what it has sent unless the function says so through [`CallContext::send_state`].
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, Request, Response, transport_fn};
///
/// let teapot = transport_fn(|_request: Request, _context: CallContext| async {
///     let mut response = Response::new(Default::default());
///     *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
///     Ok(response)
/// });
/// # let _ = teapot;
/// ```
pub fn transport_fn<F, Fut>(send: F) -> impl HttpTransport + fmt::Debug
where
    F: Fn(Request, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    TransportFn(send)
}

/// A function as a transport.
struct TransportFn<F>(F);

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}

impl<F, Fut> HttpTransport for TransportFn<F>
where
    F: Fn(Request, CallContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    fn send<'a, 'f>(&'a self, request: Request, context: CallContext) -> BoxFuture<'f, Result<Response, TransportError>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin((self.0)(request, context))
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// Marks a connection that must not be used again. A transport puts it into the extensions of a
/// response.
///
/// A transport with a connection pool inserts it. The client calls [`discard`](Self::discard) when
/// a response turns out not to be Clerk's response to this request.
#[derive(Clone)]
pub struct DiscardConnection(Arc<dyn Fn() + Send + Sync>);

impl DiscardConnection {
    /// Wraps what takes the connection out of the pool.
    pub fn new(discard: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(discard))
    }

    /// Takes the connection out of the pool.
    pub fn discard(&self) {
        (self.0)();
    }
}

impl fmt::Debug for DiscardConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiscardConnection")
    }
}
