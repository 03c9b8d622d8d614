//! One line for each request and its response.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use crate::{
    config_error::ConfigError,
    middleware::{Middleware, Next},
    secret::{Sanitized, innermost_cause},
    transport::{Request, Response, TransportError, TransportErrorKind},
};

/// Headers that hold, or may hold, a credential.
const SECRET: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    header::PROXY_AUTHENTICATE,
];

/// Writes a line for each attempt: its request, and the response or the failure.
///
/// The line has the method, the URL, the status and the time. It has the values of those headers alone that were
/// [named](Self::headers), of the request and of the response, with what looks like a credential masked. It never has a body, in which the
/// sign-in link is, nor the secret key, which the client attaches below all middleware. Add it last, so that it shows what the others made
/// of the request.
///
/// It writes to the `log` crate at level info, target `clerk_actor_tokens::requests`, or to a function of your own:
///
/// ```
/// use clerk_actor_tokens_core::{Client, RequestLog, Response, SecretKey, transport_fn};
/// use http::HeaderName;
///
/// # let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let log = RequestLog::new()
///     .headers([HeaderName::from_static("x-request-id"), HeaderName::from_static("cf-ray")])?
///     .write_to(|line| println!("{line}"));
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).middleware(log).build()?;
/// # let _ = clerk;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RequestLog {
    shown: Arc<[HeaderName]>,
    write: Arc<dyn Fn(&RequestLine<'_>) + Send + Sync>,
}

impl RequestLog {
    /// A log without headers, through the `log` crate.
    #[must_use]
    pub fn new() -> Self {
        let write = |line: &RequestLine<'_>| log::info!(target: "clerk_actor_tokens::requests", "{line}");
        Self { shown: Arc::default(), write: Arc::new(write) }
    }

    /// Names the headers whose values are shown.
    ///
    /// # Errors
    /// [`ConfigError`] names one that holds, or may hold, a credential, such as `Authorization`, `Set-Cookie` or `Location`.
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Result<Self, ConfigError> {
        self.shown = names.into_iter().collect();
        match self.shown.iter().find(|name| SECRET.contains(name)) {
            None => Ok(self),
            Some(name) => {
                let problem = format!("has `{name}`, which may hold a credential");
                Err(ConfigError::new("headers", problem, "leave it out"))
            }
        }
    }

    /// Gives each line to a function instead of the `log` crate. It must return soon.
    #[must_use]
    pub fn write_to(mut self, write: impl Fn(&RequestLine<'_>) + Send + Sync + 'static) -> Self {
        self.write = Arc::new(write);
        self
    }

    fn shown(&self, headers: &HeaderMap) -> Vec<(HeaderName, String)> {
        let values = |name: &HeaderName| {
            let name = name.clone();
            let text =
                |value: &http::HeaderValue| Sanitized::new(&String::from_utf8_lossy(value.as_bytes())).to_string();
            headers.get_all(&name).iter().map(text).map(|value| (name.clone(), value)).collect::<Vec<_>>()
        };
        self.shown.iter().flat_map(values).collect()
    }
}

impl Default for RequestLog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLog").field("headers", &self.shown).finish_non_exhaustive()
    }
}

/// One attempt, as a [`RequestLog`] writes it. `Display` is one line.
#[derive(Debug)]
pub struct RequestLine<'a> {
    method: &'a Method,
    /// Of the user's making: it may have a query.
    url: String,
    attempt: u32,
    request: Vec<(HeaderName, String)>,
    response: Vec<(HeaderName, String)>,
    end: Result<StatusCode, (TransportErrorKind, Option<String>)>,
    took: Duration,
}

impl RequestLine<'_> {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.method
    }

    /// Returns the URL, with what looks like a credential masked. The path of a revocation has an id.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of the attempt, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the headers of the request that were [named](RequestLog::headers).
    #[must_use]
    pub fn request_headers(&self) -> &[(HeaderName, String)] {
        &self.request
    }

    /// Returns the headers of the response that were [named](RequestLog::headers).
    #[must_use]
    pub fn response_headers(&self) -> &[(HeaderName, String)] {
        &self.response
    }

    /// Returns the status of the response. `None` if there is none.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.end.as_ref().ok().copied()
    }

    /// Returns why there is no response.
    #[must_use]
    pub fn failure(&self) -> Option<TransportErrorKind> {
        self.end.as_ref().err().map(|(kind, _)| *kind)
    }

    /// Returns how long it took, from here inwards.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}

impl fmt::Display for RequestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if self.attempt > 1 {
            write!(f, " (attempt {})", self.attempt)?;
        }
        for (name, value) in &self.request {
            write!(f, " {name}={value:?}")?;
        }
        match &self.end {
            Ok(status) => write!(f, ": {}", status.as_u16()),
            Err((kind, Some(cause))) => write!(f, ": {kind:?} ({cause})"),
            Err((kind, None)) => write!(f, ": {kind:?}"),
        }?;
        for (name, value) in &self.response {
            write!(f, " {name}={value:?}")?;
        }
        write!(f, ", {} ms", self.took.as_millis())
    }
}

#[async_trait]
impl Middleware for RequestLog {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let (timer, began) = (next.timer(), next.timer().now());
        let (method, url) = (request.method().clone(), shown_url(request.uri()));
        let shown = self.shown(request.headers());
        let result = next.run(request).await;
        let (response, end) = match &result {
            Ok(response) => (self.shown(response.headers()), Ok(response.status())),
            Err(error) => {
                let headers = error.partial().map(|head| self.shown(head.headers())).unwrap_or_default();
                let cause = std::error::Error::source(error)
                    .and_then(|cause| innermost_cause(cause, ""))
                    .map(|cause| Sanitized::new(&cause).to_string());
                (headers, Err((error.kind(), cause)))
            }
        };
        let took = timer.now().saturating_duration_since(began);
        let attempt = next.context().attempt();
        (self.write)(&RequestLine { method: &method, url, attempt, request: shown, response, end, took });
        result
    }
}

fn shown_url(url: &Uri) -> String {
    Sanitized::new(&url.to_string()).to_string()
}
