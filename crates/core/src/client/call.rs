//! One call about to be sent.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

use crate::{
    auth::CredentialProvider,
    client::{Client, options::Options, pipeline},
    error::Error,
    operation::Operation,
    response::ApiResponse,
    retry::RetryPolicy,
    transport::HttpTransport,
    url::BaseUrl,
};

/// An operation with the options of this one call.
///
/// It owns all it needs, so that it can move into a task. Nothing is sent before [`send`](Self::send).
#[must_use = "nothing is sent before `send`"]
pub struct Call<O, T: ?Sized = dyn HttpTransport> {
    pub(crate) client: Client<T>,
    pub(crate) operation: O,
    /// In a box: what is moved into a task, or lies on the stack of a `select!`, stays small.
    pub(crate) options: Box<Options>,
}

impl<O: Operation, T: HttpTransport + ?Sized> Call<O, T> {
    pub(crate) fn new(client: Client<T>, operation: O) -> Self {
        Self::with_options(client, operation, Options::default())
    }

    pub(crate) fn with_options(client: Client<T>, operation: O, options: Options) -> Self {
        Self { client, operation, options: Box::new(options) }
    }

    pub(crate) fn map(mut self, change: impl FnOnce(O) -> O) -> Self {
        self.operation = change(self.operation);
        self
    }

    /// Adds a header. The same name again adds a value; a name that the client sets is replaced. Names that belong to
    /// authentication or framing (`Authorization`, `Host`, `Content-Length`, `Transfer-Encoding`, `Connection`,
    /// `Upgrade`, `TE`, `Trailer`, `Accept-Encoding`) and values that cannot stand in a header are refused by `send`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        self.options.header(name, value);
        self
    }

    /// How long this call may take, all attempts and waits together. Zero is refused by `send`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout(timeout);
        self
    }

    /// How often and how fast this call is sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry(policy);
        self
    }

    /// Where this call goes.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.options.base_url(base_url);
        self
    }

    /// The secret key of this call: a key, or whatever supplies one.
    pub fn credentials(mut self, credentials: impl CredentialProvider) -> Self {
        self.options.credentials(Arc::new(credentials));
        self
    }

    /// Puts a value into the request's extensions, for middleware and transports to read.
    pub fn extension<E: Clone + Send + Sync + 'static>(mut self, extension: E) -> Self {
        self.options.extension(extension);
        self
    }

    /// The operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }

    /// Makes the call and gives its value.
    ///
    /// Dropping the future aborts the call, unless it is a creation whose request was handed to a connection and the client
    /// [detaches](Client::detaches_on_drop): then the exchange runs on, and what it makes is taken back. Without
    /// an executor, what such a creation did at Clerk is unknown.
    ///
    /// # Errors
    /// [`Error`]: see [`Error::is_ambiguous`] first.
    pub async fn send(self) -> Result<O::Output, Error> {
        self.send_with_response().await.map(ApiResponse::into_value)
    }

    /// Makes the call and gives its value with status, headers, trace id and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with_response(self) -> Result<ApiResponse<O::Output>, Error> {
        pipeline::start(self)?.await
    }
}

impl<O: fmt::Debug, T: ?Sized> fmt::Debug for Call<O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation).finish_non_exhaustive()
    }
}
