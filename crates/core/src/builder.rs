//! Making a client with settings of one's own.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use http::HeaderValue;

use crate::{
    auth::CredentialProvider,
    call::{
        orphan::Orphan,
        settings::{Live, Settings, USER_AGENT},
    },
    client::Client,
    config_error::ConfigError,
    executor::Executor,
    middleware::Middleware,
    observe::Observer,
    retry::{RetryPolicy, budget::RetryBudget, gate},
    transport::HttpTransport,
    url::BaseUrl,
    version::ApiVersion,
};

/// Builds a [`Client`] with other settings than the defaults.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, BaseUrl, Client, Response, RetryPolicy, SecretKey};
/// use std::time::Duration;
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
///     .base_url(BaseUrl::from_env()?)
///     .timeout(Duration::from_secs(10))
///     .retry(RetryPolicy::none())
///     .build()?;
/// # let _ = clerk;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct ClientBuilder<T> {
    transport: T,
    settings: Settings,
    user_agent: Option<String>,
    retry_budget: RetryBudget,
    gate_limit: Duration,
    jitter_seed: Option<u64>,
    must_have_executor: bool,
}

impl<T: HttpTransport> Client<T> {
    /// Starts a client with other settings.
    pub fn builder(transport: T, credentials: impl CredentialProvider) -> ClientBuilder<T> {
        ClientBuilder::new(transport, credentials)
    }
}

impl<T: HttpTransport> ClientBuilder<T> {
    pub(crate) fn new(transport: T, credentials: impl CredentialProvider) -> Self {
        Self {
            transport,
            settings: Settings::new(Arc::new(credentials)),
            user_agent: None,
            retry_budget: RetryBudget::new(),
            gate_limit: gate::DEFAULT_LIMIT,
            jitter_seed: None,
            must_have_executor: false,
        }
    }

    /// Sets where the API is. Clerk's production API if unset. The client reads no environment
    /// variable for it.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.settings.base_url = base_url;
        self
    }

    /// Sets the API version, sent as `Clerk-API-Version`.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.settings.api_version = Some(version.to_header());
        self
    }

    /// Sets the application's product token, for example `support-desk/2.1`. It is sent before this
    /// library's in `User-Agent` (RFC 9110 section 10.1.5).
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Sets how long a call may take, all attempts and waits together. 30 s if unset.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets how often and how fast calls are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Sets how many retries all calls to the same base URL with the same key may make together: [`RetryBudget`] has an
    /// example.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }

    /// Sets the longest time for which a 429 with `Retry-After` holds back calls to the same base
    /// URL with the same key. It is 60 s if unset. With zero, it holds back only the call that
    /// received the 429.
    ///
    /// A call that is held back waits, if its deadline allows. Else it fails at once with
    /// [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited), and nothing is sent.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// use std::time::Duration;
    ///
    /// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
    ///     .rate_limit_gate(Duration::from_secs(10))
    ///     .build()?;
    /// # let _ = clerk;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rate_limit_gate(mut self, longest: Duration) -> Self {
        self.gate_limit = longest;
        self
    }

    /// Sets the largest response body that is kept, in bytes. 256 KiB if unset.
    pub fn response_cap(mut self, bytes: usize) -> Self {
        self.settings.response_cap = bytes;
        self
    }

    /// Adds a middleware around each attempt. The first one added is the outermost.
    ///
    /// A middleware that drops the rest of the attempt, as a timeout of its own does, drops the
    /// exchange. If its request was not handed to a connection, the client cancels the request, and
    /// may make another attempt. If it was, the exchange of a creation is detached: see
    /// [`Error::is_detached`](crate::Error::is_detached).
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.settings.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds what counts and measures the calls: see [`Observer`]. All of them see each call.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.settings.observers.push(Arc::new(observer));
        self
    }

    /// Sets the executor for detached exchanges, instead of the one that the transport brings. See
    /// [`Client::detaches_on_drop`]. [`on_orphan`](Self::on_orphan) has an example.
    pub fn executor(mut self, executor: impl Executor) -> Self {
        self.settings.executor = Some(Arc::new(executor));
        self
    }

    /// Requires an executor: [`build`](Self::build) fails if neither the transport nor
    /// [`executor`](Self::executor) brings one.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// let refused = Client::builder(transport, SecretKey::new("sk_test_abc")?).require_executor().build();
    /// assert_eq!(refused.unwrap_err().setting(), "require_executor");
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    pub fn require_executor(mut self) -> Self {
        self.must_have_executor = true;
        self
    }

    /// Sets the handler of orphans. An orphan is what a creation made, or may have made, whose
    /// caller has left.
    ///
    /// By default the client revokes the token. It reports that through the `log` crate, or to a subscriber
    /// of `tracing`: a warning if the token was revoked, an error if not. What it could not revoke is kept
    /// for [`Client::close`]. A handler replaces all of that: what it does not revoke stays.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, Orphan, Response, SecretKey, ThreadExecutor, transport_fn};
    ///
    /// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
    /// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
    ///     .executor(ThreadExecutor)
    ///     .on_orphan(|orphan: Orphan| async move {
    ///         eprintln!("audit: {}", orphan.report());
    ///         if let Err(error) = orphan.undo().await {
    ///             eprintln!("page somebody: {error}");
    ///         }
    ///     })
    ///     .build()?;
    /// assert!(clerk.detaches_on_drop());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_orphan<F, Fut>(mut self, handle: F) -> Self
    where
        F: Fn(Orphan) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.settings.on_orphan = Some(Arc::new(move |orphan| Box::pin(handle(orphan))));
        self
    }

    pub(crate) fn with_jitter_seed(mut self, seed: u64) -> Self {
        self.jitter_seed = Some(seed);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that cannot be used:
    ///
    /// - a zero timeout or cap;
    /// - a retry policy without attempts;
    /// - a retry budget that is never refilled;
    /// - a user agent that is invalid in a header;
    /// - a required executor that is missing.
    pub fn build(mut self) -> Result<Client<T>, ConfigError> {
        if self.settings.timeout.is_zero() {
            return Err(ConfigError::new("timeout", "is zero", "set a duration of more than zero"));
        }
        self.settings.retry.check_setting()?;
        self.retry_budget.check()?;
        let jitter = self.jitter_seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        self.settings.live = Arc::new(Live::new(self.retry_budget, self.gate_limit, jitter));
        if self.settings.response_cap == 0 {
            return Err(ConfigError::new("response_cap", "is zero", "set a number of bytes of more than zero"));
        }
        if let Some(product) = self.user_agent {
            self.settings.user_agent = HeaderValue::from_str(&format!("{product} {USER_AGENT}")).map_err(|_| {
                let problem = "has a character that is invalid in a header";
                ConfigError::new("user_agent", problem, "give a product token such as support-desk/2.1")
            })?;
        }
        if self.must_have_executor && self.settings.executor.is_none() && self.transport.executor().is_none() {
            let problem = "is set, and this transport brings no executor";
            return Err(ConfigError::new("require_executor", problem, "pass one to `ClientBuilder::executor`"));
        }
        Ok(Client::from_parts(Arc::new(self.settings), Arc::new(self.transport)))
    }
}

impl<T> fmt::Debug for ClientBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("base_url", &self.settings.base_url).finish_non_exhaustive()
    }
}
