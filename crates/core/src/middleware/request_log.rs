//! One line for each request and its response.

use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use crate::{
    config_error::ConfigError,
    middleware::{Middleware, Next},
    secret::{Sanitized, innermost_cause},
    time::{Moment, Timer},
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
/// The line has the method, the URL without its query, the status and the time. It has the values of those headers alone that were
/// [named](Self::headers), of the request and of the response, with what looks like a credential masked. It never has a body, in which the
/// sign-in link is, nor the secret key, which the client attaches below all middleware. Add it behind the middleware whose changes it is
/// to show. An attempt that is given up has a line too: its caller left, or a middleware around this one dropped it.
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

    /// Names headers whose values are shown, beside those that were named before.
    ///
    /// # Errors
    /// [`ConfigError`] names one that holds, or may hold, a credential, such as `Authorization`, `Set-Cookie` or `Location`.
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Result<Self, ConfigError> {
        self.shown = self.shown.iter().cloned().chain(names).collect();
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
    status: Option<StatusCode>,
    failure: Option<(TransportErrorKind, Option<String>)>,
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

    /// Returns the status of the response, also of one that was cut short. `None` if there is none.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns why there is no whole response. An attempt that is given up has neither this nor a status.
    #[must_use]
    pub fn failure(&self) -> Option<TransportErrorKind> {
        self.failure.as_ref().map(|(kind, _)| *kind)
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
        // Escaped already.
        for (name, value) in &self.request {
            write!(f, " {name}=\"{value}\"")?;
        }
        match (&self.status, &self.failure) {
            (Some(status), _) => write!(f, ": {}", status.as_u16()),
            (None, None) => f.write_str(": given up"),
            (None, Some(_)) => f.write_str(":"),
        }?;
        match &self.failure {
            Some((kind, Some(cause))) => write!(f, " {kind:?} ({cause})"),
            Some((kind, None)) => write!(f, " {kind:?}"),
            None => Ok(()),
        }?;
        for (name, value) in &self.response {
            write!(f, " {name}=\"{value}\"")?;
        }
        write!(f, ", {} ms", self.took.as_millis())
    }
}

/// Writes the line when it is dropped: at the end of the attempt, or where that is given up.
struct Writes<'a> {
    log: &'a RequestLog,
    timer: &'a dyn Timer,
    began: Moment,
    line: RequestLine<'a>,
}

impl Drop for Writes<'_> {
    fn drop(&mut self) {
        self.line.took = self.timer.now().saturating_duration_since(self.began);
        // It is the user's, and there is a response that its panic would lose.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.log.write)(&self.line)));
    }
}

#[async_trait]
impl Middleware for RequestLog {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let method = request.method().clone();
        let line = RequestLine {
            method: &method,
            url: shown_url(request.uri()),
            attempt: next.context().attempt(),
            request: self.shown(request.headers()),
            response: Vec::new(),
            status: None,
            failure: None,
            took: Duration::ZERO,
        };
        let timer = next.timer();
        let mut writes = Writes { log: self, timer, began: timer.now(), line };
        let result = next.run(request).await;
        let response = result.as_ref().map_or_else(TransportError::partial, Some);
        writes.line.status = response.map(Response::status);
        writes.line.response = response.map(|response| self.shown(response.headers())).unwrap_or_default();
        writes.line.failure = result.as_ref().err().map(|error| {
            let cause = Error::source(error).and_then(|cause| innermost_cause(cause, ""));
            (error.kind(), cause.map(|cause| Sanitized::new(&cause).to_string()))
        });
        drop(writes);
        result
    }
}

/// Without its query, where an operation of the user's may have anything.
fn shown_url(url: &Uri) -> String {
    let text = url.to_string();
    let shown = match text.split_once('?') {
        Some((path, _)) => format!("{path}?..."),
        None => text,
    };
    Sanitized::new(&shown).to_string()
}
