//! One call: an operation with its options, and the way from there to its value or its error.
//!
//! ```text
//! call - attempt loop - middleware - authentication - send log - transport
//! ```
//!
//! There are three lifetimes:
//!
//! - `settings` live as long as the client;
//! - `call_state` lives as long as the call and what outlives its caller;
//! - an `attempt` is a value on the stack.
//!
//! Read `caller` first, then `run`, `attempt`, `exchange` and `detach`.

mod attempt;
mod call_state;
mod caller;
mod care;
mod detach;
mod exchange;
mod guarded;
pub(crate) mod held;
pub(crate) mod in_flight;
mod observed;
pub(crate) mod options;
pub(crate) mod orphan;
mod run;
mod send_log;
mod sends;
pub(crate) mod settings;
mod waiting;
pub(crate) mod watchdog;

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

use crate::{
    auth::CredentialProvider,
    call::{held::Held, options::Options, settings::Settings},
    error::Error,
    operation::Operation,
    response::ApiResponse,
    retry::RetryPolicy,
    transport::HttpTransport,
    url::BaseUrl,
};

/// An operation with the options of this one call.
///
/// It owns all that it needs, so it can move into a task. Nothing is sent before
/// [`send`](Self::send).
#[must_use = "nothing is sent before `send`"]
pub struct Call<O, T: ?Sized = dyn HttpTransport> {
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    /// In a box, and only where there are any: most calls have none.
    options: Option<Box<Options>>,
}

impl<O: Operation, T: HttpTransport + ?Sized> Call<O, T> {
    pub(crate) fn new(settings: Arc<Settings>, transport: Arc<T>, operation: O) -> Self {
        Self { settings, transport, operation, options: None }
    }

    pub(crate) fn map(mut self, change: impl FnOnce(O) -> O) -> Self {
        self.operation = change(self.operation);
        self
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    /// Adds a header. The same name again adds a value. A name that the client sets itself is
    /// replaced.
    ///
    /// `send` refuses values that are invalid in a header, and the names that belong to
    /// authentication or framing: `Authorization`, `Host`, `Content-Length`, `Transfer-Encoding`,
    /// `Connection`, `Upgrade`, `TE`, `Trailer`, `Accept-Encoding`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        self.options().header(name, value);
        self
    }

    /// Sets how long this call may take, all attempts and waits together. `send` refuses zero.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options().timeout = Some(timeout);
        self
    }

    /// Sets how often and how fast this call is sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options().retry = Some(policy);
        self
    }

    /// Sets the base URL of this call.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.options().base_url = Some(base_url);
        self
    }

    /// Sets the secret key of this call, or the provider of one.
    pub fn credentials(mut self, credentials: impl CredentialProvider) -> Self {
        self.options().credentials = Some(Arc::new(credentials));
        self
    }

    /// Puts a value into the request's extensions, for middleware and transports to read.
    pub fn extension<E: Clone + Send + Sync + 'static>(mut self, extension: E) -> Self {
        self.options().extensions.insert(extension);
        self
    }

    /// Returns the operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }

    /// Makes the call and returns its value.
    ///
    /// Dropping the future ends the call. If the request of a creation was handed to a connection,
    /// its exchange [is detached](crate::Client::detaches_on_drop): the client revokes what it
    /// makes. Without an executor, it is unknown what such a creation did at Clerk.
    ///
    /// # Errors
    /// [`Error`]: see [`Error::is_ambiguous`] first.
    pub async fn send(self) -> Result<O::Output, Error> {
        self.send_with_response().await.map(ApiResponse::into_value)
    }

    /// Makes the call, and holds what it made until the application has written it down. A drop
    /// revokes it, unless [`keep`](Held::keep) came first. See [`Held`].
    ///
    /// # Errors
    /// As [`send`](Self::send). And [`ErrorKind::Blocked`](crate::ErrorKind::Blocked), with nothing
    /// sent, where the client could not revoke it:
    ///
    /// - it has no executor (see [`Client::detaches_on_drop`](crate::Client::detaches_on_drop));
    /// - the operation has no [`creation`](Operation::creation), or is
    ///   [idempotent](crate::Idempotency::Idempotent).
    pub async fn hold(self) -> Result<Held<O::Output>, Error> {
        caller::start_held(self.settings, self.transport, self.operation, self.options)?.await
    }

    /// Makes the call and returns its value with status, headers, trace id and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with_response(self) -> Result<ApiResponse<O::Output>, Error> {
        caller::start(self.settings, self.transport, self.operation, self.options)?.await
    }
}

impl<O: fmt::Debug, T: ?Sized> fmt::Debug for Call<O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        actor_tokens::{Actor, CreateActorToken},
        auth::SecretKey,
        client::Client,
        executor::executor_fn,
        lock::counted,
        middleware::middleware_fn,
        transport::{CallContext, HttpTransport, Request, Response, transport_fn},
    };

    const TOKEN: &str = r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_customer",
        "actor":{"sub":"user_agent"},"token":"eyJ","url":"https://clerk.example.com/","created_at":0,"updated_at":0}"#;

    fn transport() -> impl HttpTransport {
        transport_fn(|_: Request, context: CallContext| async move {
            assert!(context.send_state().begin());
            Ok(Response::new(TOKEN.into()))
        })
    }

    fn key() -> SecretKey {
        SecretKey::new("sk_test_abc").unwrap()
    }

    /// A lock that is free costs little, and one more costs as much again: so their number is bounded.
    #[test]
    fn a_creation_that_succeeds_takes_four_locks_at_most() {
        let plain = Client::new(Arc::new(transport()), key());
        let wrapped = Client::builder(Arc::new(transport()), key())
            .executor(executor_fn(drop))
            .middleware(middleware_fn(|request, next| Box::pin(next.run(request))))
            .build()
            .unwrap();
        for client in [plain.erase(), wrapped.erase()] {
            for _ in 0..2 {
                let create = CreateActorToken::new("user_customer", Actor::new("user_agent"));
                let before = counted::taken();
                pollster::block_on(client.execute(create).send()).unwrap();
                let taken = counted::taken() - before;
                assert!((1..=4).contains(&taken), "{taken} locks");
            }
        }
    }
}
