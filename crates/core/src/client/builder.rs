//! The settings of a client, and how to give them.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderValue;

use crate::{
    auth::CredentialProvider,
    client::{Client, in_flight::InFlight, options, orphan::Orphan},
    context::DEFAULT_RESPONSE_CAP,
    executor::Executor,
    invalid_request::InvalidRequest,
    middleware::Middleware,
    retry::{
        RetryPolicy,
        budget::{Bucket, RetryBudget},
        gate::{self, Gate},
    },
    time::BoxFuture,
    transport::HttpTransport,
    url::BaseUrl,
    version::ApiVersion,
};

/// How long a call may take unless set otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("clerk-actor-tokens/", env!("CARGO_PKG_VERSION"));

/// What all calls of a client share.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) credentials: Arc<dyn CredentialProvider>,
    pub(crate) base_url: BaseUrl,
    pub(crate) api_version: ApiVersion,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) gate: Arc<Gate>,
    pub(crate) gate_limit: Duration,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) response_cap: usize,
    pub(crate) per_call: Vec<Arc<dyn Middleware>>,
    pub(crate) per_attempt: Vec<Arc<dyn Middleware>>,
    pub(crate) executor: Option<Arc<dyn Executor>>,
    pub(crate) detaches: bool,
    pub(crate) on_orphan: Option<OrphanHandler>,
    pub(crate) in_flight: Arc<InFlight>,
    /// Where the jitter comes from.
    pub(crate) random: Arc<Mutex<fastrand::Rng>>,
}

/// What takes care of orphans in place of the default.
pub(crate) type OrphanHandler = Arc<dyn Fn(Orphan) -> BoxFuture<'static, ()> + Send + Sync>;

impl Settings {
    pub(crate) fn new(credentials: Arc<dyn CredentialProvider>) -> Self {
        Self {
            credentials,
            base_url: BaseUrl::default(),
            api_version: ApiVersion::default(),
            user_agent: HeaderValue::from_static(USER_AGENT),
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            gate: Arc::default(),
            gate_limit: gate::DEFAULT_LIMIT,
            bucket: Arc::new(Bucket::new(RetryBudget::new())),
            response_cap: DEFAULT_RESPONSE_CAP,
            per_call: Vec::new(),
            per_attempt: Vec::new(),
            executor: None,
            detaches: true,
            on_orphan: None,
            in_flight: Arc::default(),
            random: Arc::new(Mutex::new(fastrand::Rng::new())),
        }
    }

    /// The wait before retry number `retry`, from the shared source of jitter.
    pub(crate) fn backoff(&self, policy: &RetryPolicy, retry: u32) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        policy.wait(retry, &mut random)
    }
}

/// Makes a [`Client`] with other than the default settings.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, BaseUrl, Client, Response, RetryPolicy, SecretKey};
/// use std::time::Duration;
///
/// let transport = transport_fn(|_request| async { Ok(Response::default()) });
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
    must_have_executor: bool,
}

impl<T: HttpTransport> ClientBuilder<T> {
    pub(crate) fn new(transport: T, credentials: impl CredentialProvider) -> Self {
        Self {
            transport,
            settings: Settings::new(Arc::new(credentials)),
            user_agent: None,
            retry_budget: RetryBudget::new(),
            must_have_executor: false,
        }
    }

    /// Where the API is. Clerk's production API if unset; no environment variable is read on its own.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.settings.base_url = base_url;
        self
    }

    /// The API version to speak, sent as `Clerk-API-Version`.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.settings.api_version = version;
        self
    }

    /// The application's own product token, put before this library's in `User-Agent` (RFC 9110 section 10.1.5), for
    /// example `support-desk/2.1`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// How long a call may take: all attempts and the waits between them. 30 s if unset.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How often and how fast calls are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// How many retries all calls of this client and its clones may make together: [`RetryBudget`] has an example.
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }

    /// For how long at most a 429 with `Retry-After` holds back all calls of this client and its clones. 60 s if unset;
    /// zero holds back none but the call that was answered.
    ///
    /// A call that is held back waits, if its deadline allows, and else fails at once with
    /// [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited) and nothing sent. A call with credentials or a base URL
    /// of its own is not held back.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # let transport = transport_fn(|_request| async { Ok(Response::default()) });
    /// use std::time::Duration;
    ///
    /// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
    ///     .rate_limit_gate(Duration::from_secs(10))
    ///     .build()?;
    /// # let _ = clerk;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rate_limit_gate(mut self, longest: Duration) -> Self {
        self.settings.gate_limit = longest;
        self
    }

    /// The largest response body that is kept, in bytes. 256 KiB if unset.
    pub fn response_cap(mut self, bytes: usize) -> Self {
        self.settings.response_cap = bytes;
        self
    }

    /// Adds a middleware around each attempt. The first one added is the outermost.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.settings.per_attempt.push(Arc::new(middleware));
        self
    }

    /// Adds a middleware around the whole call, with its retries. The first one added is the outermost. Each time that it
    /// runs the rest of the call, the policy's number of attempts begins anew.
    pub fn call_middleware(mut self, middleware: impl Middleware) -> Self {
        self.settings.per_call.push(Arc::new(middleware));
        self
    }

    /// What runs a creation on whose caller has gone, in place of what the transport brings: see
    /// [`Client::detaches_on_drop`]. [`on_orphan`](Self::on_orphan) has an example.
    pub fn executor(mut self, executor: impl Executor) -> Self {
        self.settings.executor = Some(Arc::new(executor));
        self
    }

    /// Demands an executor: without an executor, of the transport or handed to [`executor`](Self::executor),
    /// [`build`](Self::build) fails.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
    /// # let transport = transport_fn(|_request| async { Ok(Response::default()) });
    /// let refused = Client::builder(transport, SecretKey::new("sk_test_abc")?).require_executor().build();
    /// assert_eq!(refused.unwrap_err().field(), "require_executor");
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    pub fn require_executor(mut self) -> Self {
        self.must_have_executor = true;
        self
    }

    /// Who takes care of orphans: of what a detached creation made, or may have made, after its caller had gone.
    ///
    /// By default it is taken back (the token is revoked); then that, or the failure to do so, is told by the `log` crate
    /// (a warning, or an error) and, if it could not be taken back, kept for [`Client::close`]. A handler takes the place
    /// of all of that: what it does not take back stays.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{executor_fn, transport_fn, Client, Orphan, Response, SecretKey};
    ///
    /// # let transport = transport_fn(|_request| async { Ok(Response::default()) });
    /// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
    ///     .executor(executor_fn(|task| drop(std::thread::spawn(|| pollster::block_on(task)))))
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

    /// Makes the backoff's jitter reproducible, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.settings.random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`InvalidRequest`] names the setting that cannot be used: a zero timeout or cap, a retry policy without
    /// attempts, a user agent that cannot stand in a header, an executor that nothing brings.
    pub fn build(mut self) -> Result<Client<T>, InvalidRequest> {
        options::check_timeout(self.settings.timeout)?;
        self.settings.retry.check()?;
        self.retry_budget.check()?;
        self.settings.bucket = Arc::new(Bucket::new(self.retry_budget));
        if self.settings.response_cap == 0 {
            return Err(InvalidRequest::new("response_cap", "must be more than zero"));
        }
        if let Some(product) = self.user_agent {
            self.settings.user_agent = HeaderValue::from_str(&format!("{product} {USER_AGENT}"))
                .map_err(|_| InvalidRequest::new("user_agent", "has a character that cannot stand in a header"))?;
        }
        if self.must_have_executor && self.settings.executor.is_none() && self.transport.executor().is_none() {
            let reason = "needs an executor: this transport brings none, and none was handed to the builder";
            return Err(InvalidRequest::new("require_executor", reason));
        }
        Ok(Client { settings: Arc::new(self.settings), transport: Arc::new(self.transport) })
    }
}

impl<T> fmt::Debug for ClientBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("base_url", &self.settings.base_url).finish_non_exhaustive()
    }
}
