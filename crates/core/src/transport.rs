//! The seam where the network plugs in.
//!
//! A transport moves one HTTP exchange: it takes a whole request and gives a whole response. It is responsible for
//! connections, TLS, proxies, reading the body under the deadline and the cap of the [`CallContext`], and for
//! saying what kind of failure it saw. It is *not* responsible for status codes (every status is `Ok`), redirects
//! (it must not follow them), retries or authentication: those are the core's.

mod error;
mod send_state;

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

pub use self::{
    error::{TransportError, TransportErrorKind},
    send_state::SendState,
};
use crate::{
    executor::Executor,
    time::{BoxFuture, SystemTimer, Timer},
};

/// What goes out: a complete request with an absolute URL.
///
/// Its `Debug` (from the `http` crate) prints the body: do not log it.
pub type Request = http::Request<Bytes>;

/// What comes back: status, headers and the whole body.
///
/// Its `Debug` (from the `http` crate) prints the body, which may hold a sign-in link: do not log it.
pub type Response = http::Response<Bytes>;

/// Moves one HTTP exchange.
///
/// The contract, which every implementation in this workspace is tested against:
///
/// - Every HTTP status is `Ok`, also 3xx, 4xx and 5xx; redirects are not followed.
/// - The request is sent at most once. (A connection that died before a byte of it was written may be replaced.)
/// - [`CallContext::deadline`](crate::CallContext::deadline) bounds connecting, sending and reading the body. When it
///   passes, the exchange ends with [`TransportErrorKind::TimeoutBeforeSend`] or [`TransportErrorKind::Timeout`].
/// - [`CallContext::response_cap`](crate::CallContext::response_cap) bounds the body that is kept. One that is announced
///   to be larger is read up to the cap all the same: the bytes up to there usually name what was made.
/// - An error's kind claims no more than is proved: one that says "not executed" without proof can mint a second token.
///   Use [`TransportErrorKind::Interrupted`] for whatever is not proved.
/// - Where the head of a response had arrived, every error carries it, with the bytes of the body so far
///   ([`TransportError::with_partial`]): an id is salvaged from them.
/// - Dropping the future aborts the exchange.
/// - One transport carries many exchanges at once; each is given its own answer.
/// - A request that was not made by a client's call has no [`CallContext`](crate::CallContext): then 30 s and
///   [`DEFAULT_RESPONSE_CAP`](crate::DEFAULT_RESPONSE_CAP) bound it.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request, Response, TransportError, async_trait};
///
/// struct Canned;
///
/// #[async_trait]
/// impl HttpTransport for Canned {
///     async fn send(&self, _request: Request) -> Result<Response, TransportError> {
///         Ok(Response::new("{}".into()))
///     }
/// }
/// ```
#[async_trait]
pub trait HttpTransport: Send + Sync + 'static {
    /// Sends the request and reads the whole response.
    ///
    /// # Errors
    /// [`TransportError`] if no complete response arrived; its kind says what that proves.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// The clock that deadlines and backoff are measured with: time belongs to the same runtime as the sockets do.
    /// Whatever wraps a transport forwards this.
    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    /// What runs a task on the runtime that the sockets belong to. `None`, the default, for a transport that has no
    /// runtime: calls over it are not detached, unless an executor is handed to the client's builder. Whatever wraps a
    /// transport forwards this.
    fn executor(&self) -> Option<&dyn Executor> {
        None
    }
}

// By hand and desugared: the async_trait form would box the future a second time.
macro_rules! forward_to_inner {
    ($pointer:ident) => {
        impl<T: HttpTransport + ?Sized> HttpTransport for $pointer<T> {
            fn send<'a, 'f>(&'a self, request: Request) -> BoxFuture<'f, Result<Response, TransportError>>
            where
                'a: 'f,
                Self: 'f,
            {
                (**self).send(request)
            }

            fn timer(&self) -> &dyn Timer {
                (**self).timer()
            }

            fn executor(&self) -> Option<&dyn Executor> {
                (**self).executor()
            }
        }
    };
}
forward_to_inner!(Arc);
forward_to_inner!(Box);

/// Makes a transport of a function. Time is the system's.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, Request, Response};
///
/// let teapot = transport_fn(|_request: Request| async {
///     let mut response = Response::new(Default::default());
///     *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
///     Ok(response)
/// });
/// # let _ = teapot;
/// ```
pub fn transport_fn<F, Fut>(send: F) -> TransportFn<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    TransportFn(send)
}

/// A function as a transport: what [`transport_fn`] gives.
#[derive(Clone, Copy)]
pub struct TransportFn<F>(F);

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}

impl<F, Fut> HttpTransport for TransportFn<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, TransportError>> + Send + 'static,
{
    fn send<'a, 'f>(&'a self, request: Request) -> BoxFuture<'f, Result<Response, TransportError>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin((self.0)(request))
    }
}

/// A mark on a request (in its extensions): send this on a connection that carried nothing before.
///
/// The core sets it when it sends again after a peer refused the request unprocessed (HTTP/2 `REFUSED_STREAM`, RFC
/// 9113 section 8.7) or answered 421 (RFC 9110 section 15.5.20). A transport without a connection pool may ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshConnection;

/// A handle on a response (in its extensions): the connection that this answer came over must not be used again.
///
/// A transport with a connection pool inserts it; the core calls [`discard`](Self::discard) when an answer turns out
/// not to be Clerk's answer to this request.
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
