//! Requests as they arrived, for tests to look at: without the key, and printed without bodies.

use std::{fmt, sync::OnceLock};

use bytes::Bytes;
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

/// What a header takes beside its texts, in bytes.
const HEADER: usize = 128;

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
    /// As it came: clones share it. A tree of JSON takes many times as much.
    body: Bytes,
    /// The body, read when somebody first asks. The journal gives out clones, and so has none of these itself.
    json: OnceLock<Option<Value>>,
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
        // A copy: the original may be a piece of a larger buffer, which it would keep.
        let body = if cut_from.is_some() { Bytes::new() } else { Bytes::copy_from_slice(request.body()) };
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(without_tickets),
            headers,
            body,
            json: OnceLock::new(),
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

    /// How much of its body is kept, in bytes.
    pub(crate) fn kept_body_len(&self) -> usize {
        self.body.len()
    }

    #[cfg(test)]
    pub(crate) fn body_ptr(&self) -> *const u8 {
        self.body.as_ptr()
    }

    /// How much the rest of it takes, in bytes, counted generously.
    pub(crate) fn head_len(&self) -> usize {
        let headers = self.headers.iter();
        let headers =
            headers.map(|(name, value)| HEADER.saturating_add(name.as_str().len()).saturating_add(value.len()));
        let query = self.query.as_ref().map_or(0, String::len);
        headers.fold(size_of::<Self>().saturating_add(self.path.len()).saturating_add(query), usize::saturating_add)
    }

    /// Leaves the body out. Its length stays.
    pub(crate) fn forget_body(&mut self) {
        self.body = Bytes::new();
        self.json = OnceLock::new();
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

    /// Returns the body as JSON. `None` if it is not JSON, if it was too large for the server to keep,
    /// or if it was [forgotten](crate::EmulatorBuilder::keep_requests): see [`body_len`](Self::body_len).
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }

    /// Returns the length of the body as it came, in bytes, also if the body is not kept. The server
    /// stops reading, and counting, at some 64 MiB.
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

    /// Returns the fault that it met, as `create:after_commit:stall()`, or `None` if it met none.
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
            .field("method", &Sanitized::new(self.method.as_str()))
            .field("path", &Sanitized::new(&self.path))
            .field("headers", &headers)
            .field("body_len", &self.body_len)
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .field("fault", &self.fault.as_deref().map(Sanitized::new))
            .finish_non_exhaustive()
    }
}
