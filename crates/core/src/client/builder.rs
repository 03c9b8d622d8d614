//! The settings of a client, and how to give them.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderValue;

use crate::{
    auth::CredentialProvider,
    client::{Client, options},
    context::DEFAULT_RESPONSE_CAP,
    invalid_request::InvalidRequest,
    middleware::Middleware,
    retry::RetryPolicy,
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
    pub(crate) response_cap: usize,
    pub(crate) per_call: Vec<Arc<dyn Middleware>>,
    pub(crate) per_attempt: Vec<Arc<dyn Middleware>>,
    /// Where the jitter comes from.
    pub(crate) random: Arc<Mutex<fastrand::Rng>>,
}

impl Settings {
    pub(crate) fn new(credentials: Arc<dyn CredentialProvider>) -> Self {
        Self {
            credentials,
            base_url: BaseUrl::default(),
            api_version: ApiVersion::default(),
            user_agent: HeaderValue::from_static(USER_AGENT),
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            response_cap: DEFAULT_RESPONSE_CAP,
            per_call: Vec::new(),
            per_attempt: Vec::new(),
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
}

impl<T: HttpTransport> ClientBuilder<T> {
    pub(crate) fn new(transport: T, credentials: impl CredentialProvider) -> Self {
        Self { transport, settings: Settings::new(Arc::new(credentials)), user_agent: None }
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

    /// Makes the backoff's jitter reproducible, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.settings.random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`InvalidRequest`] names the setting that cannot be used: a zero timeout or cap, a retry policy without
    /// attempts, a user agent that cannot stand in a header.
    pub fn build(mut self) -> Result<Client<T>, InvalidRequest> {
        options::check_timeout(self.settings.timeout)?;
        self.settings.retry.check()?;
        if self.settings.response_cap == 0 {
            return Err(InvalidRequest::new("response_cap", "must be more than zero"));
        }
        if let Some(product) = self.user_agent {
            self.settings.user_agent = HeaderValue::from_str(&format!("{product} {USER_AGENT}"))
                .map_err(|_| InvalidRequest::new("user_agent", "has a character that cannot stand in a header"))?;
        }
        Ok(Client { settings: Arc::new(self.settings), transport: Arc::new(self.transport) })
    }
}

impl<T> fmt::Debug for ClientBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("base_url", &self.settings.base_url).finish_non_exhaustive()
    }
}
