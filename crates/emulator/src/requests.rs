//! Requests as they arrived, for tests to look at: without the key, and printed without bodies.

use std::fmt;

use clerk_actor_tokens_core::{Request, Sanitized, Timestamp};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, COOKIE, REFERER},
};
use serde_json::Value;

/// The headers that hold a credential: a key, a session token, a link.
const SECRET: [http::HeaderName; 3] = [AUTHORIZATION, COOKIE, REFERER];

/// The parameters of a query that hold one.
const TICKETS: [&str; 2] = ["ticket", "__clerk_ticket"];

const REDACTED: &str = "(redacted)";

/// How long the body of a request was of which only the beginning was kept, in bytes: an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeLength(
    #[cfg_attr(not(feature = "serve"), allow(dead_code, reason = "only the server leaves bodies out"))] pub(crate) usize,
);

/// A request that reached the emulator. A request that failed before it was sent is not recorded.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::Emulator;
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// let request = &clerk.requests()[0];
/// assert_eq!(request.path(), "/v1/actor_tokens");
/// assert_eq!(request.json().unwrap()["user_id"], "user_1");
/// assert_eq!(request.headers()["authorization"], "(redacted)");
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RecordedRequest {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    json: Option<Value>,
    body_len: usize,
    attempt: Option<u32>,
    at: Timestamp,
    /// Of what was answered, once it was.
    status: Option<StatusCode>,
    fault: Option<String>,
}

impl RecordedRequest {
    pub(crate) fn of(request: &Request, attempt: Option<u32>, at: Timestamp) -> Self {
        let mut headers = request.headers().clone();
        for name in SECRET {
            if headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(REDACTED));
            }
        }
        let cut_from = request.extensions().get::<WholeLength>().map(|length| length.0);
        let json = if cut_from.is_some() { None } else { serde_json::from_slice(request.body()).ok() };
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(without_tickets),
            headers,
            json,
            body_len: cut_from.unwrap_or(request.body().len()),
            attempt,
            at,
            status: None,
            fault: None,
        }
    }

    /// Its exchange has ended: with this status, and after this fault.
    pub(crate) fn end(&mut self, status: Option<StatusCode>, fault: Option<&str>) {
        self.status = status;
        self.fault = fault.map(str::to_owned);
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the query as it was sent, or `None` if there was none. The value of a ticket is
    /// replaced by `(redacted)`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns the headers. The values of `Authorization`, `Cookie` and `Referer` are replaced by
    /// `(redacted)`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body as JSON, or `None` if it is not JSON, or too large for the server to keep.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// Returns the length of the body, in bytes. The server stops reading, and counting, at some 64
    /// MiB.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body_len
    }

    /// Returns when it arrived.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the status of the answer, also if a fault cut the answer. `None` if no answer began.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the fault that it met, as `after_commit(fault::stall())`, or `None` if it met none.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Returns which attempt of its call this was, counted from 1, or `None` if the request did not
    /// say.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }
}

/// A pair whose name is not plain may be one of a ticket: it is written by no browser, and left out too.
fn without_tickets(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if TICKETS.contains(&name) || name.contains(['%', '+']) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().map(http::HeaderName::as_str).collect();
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &Sanitized::new(&self.path))
            .field("headers", &headers)
            .field("body_len", &self.body_len)
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
