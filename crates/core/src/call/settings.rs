//! What all calls of a client share.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;

use crate::{
    auth::CredentialProvider,
    call::{in_flight::InFlight, orphan::Orphan},
    executor::Executor,
    lock::Lock,
    middleware::Middleware,
    observe::Observer,
    retry::{RetryPolicy, budget::RetryBudget, gate, limits::Limits},
    time::BoxFuture,
    transport::DEFAULT_RESPONSE_CAP,
    url::BaseUrl,
};

/// How long a call may take unless set otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The product token of this library (RFC 9110 section 10.1.5).
pub(crate) const USER_AGENT: &str = concat!("clerk-actor-tokens/", env!("CARGO_PKG_VERSION"));

/// The settings of a client: what [`ClientBuilder`](crate::ClientBuilder) sets.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) credentials: Arc<dyn CredentialProvider>,
    pub(crate) base_url: BaseUrl,
    /// `None`: the one that the request has already.
    pub(crate) api_version: Option<HeaderValue>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) response_cap: usize,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) executor: Option<Arc<dyn Executor>>,
    /// Whether a creation whose caller leaves is detached.
    pub(crate) detaches: bool,
    pub(crate) on_orphan: Option<OrphanHandler>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) live: Arc<Live>,
}

/// Takes care of an orphan, instead of the default.
pub(crate) type OrphanHandler = Arc<dyn Fn(Orphan) -> BoxFuture<'static, ()> + Send + Sync>;

/// What changes while calls run.
pub(crate) struct Live {
    pub(crate) limits: Limits,
    jitter: Lock<fastrand::Rng>,
}

impl Live {
    pub(crate) fn new(budget: RetryBudget, gate_limit: Duration, jitter: fastrand::Rng) -> Self {
        Self { limits: Limits::new(budget, gate_limit), jitter: Lock::new(jitter) }
    }

    /// Returns the wait before retry number `retry`, counted from 0.
    pub(crate) fn backoff(&self, policy: &RetryPolicy, retry: u32) -> Duration {
        self.jitter.with(|random| policy.wait(retry, random))
    }
}

impl Settings {
    pub(crate) fn new(credentials: Arc<dyn CredentialProvider>) -> Self {
        Self {
            credentials,
            base_url: BaseUrl::default(),
            api_version: None,
            user_agent: HeaderValue::from_static(USER_AGENT),
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            response_cap: DEFAULT_RESPONSE_CAP,
            middleware: Vec::new(),
            observers: Vec::new(),
            executor: None,
            detaches: true,
            on_orphan: None,
            in_flight: Arc::default(),
            live: Arc::new(Live::new(RetryBudget::new(), gate::DEFAULT_LIMIT, fastrand::Rng::new())),
        }
    }
}
