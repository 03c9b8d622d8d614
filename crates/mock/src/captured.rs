//! A request as a test may look at it: everything that was sent but the key, which can be compared and not printed.
//!
//! Every double that shows a request shows it as a [`CapturedRequest`], because the `Debug` of `http::Request` prints
//! the body.

use std::fmt;

use bytes::Bytes;
use clerk_actor_tokens_core::{CallContext, Request, Sanitized, SecretKey};
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION},
};
use serde_json::Value;

/// A request that reached a double.
///
/// The `Authorization` header is kept apart: [`headers`](Self::headers) does not have it, and
/// [`bearer_is`](Self::bearer_is) compares it without showing it. `Debug` masks whatever looks like a credential.
///
/// ```
/// use clerk_actor_tokens_core::Request;
/// use clerk_actor_tokens_mock::CapturedRequest;
///
/// let request = CapturedRequest::new(Request::new(r#"{"user_id":"user_1"}"#.into()));
/// assert_eq!(request.json().unwrap()["user_id"], "user_1");
/// ```
#[derive(Clone)]
pub struct CapturedRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    authorization: Vec<HeaderValue>,
    body: Bytes,
    extensions: Extensions,
    context: Option<CallContext>,
}

impl CapturedRequest {
    /// Takes a request apart.
    #[must_use]
    pub fn new(request: Request) -> Self {
        let (mut head, body) = request.into_parts();
        let authorization = head.headers.get_all(AUTHORIZATION).iter().cloned().collect();
        head.headers.remove(AUTHORIZATION);
        Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            authorization,
            body,
            extensions: head.extensions,
            context: None,
        }
    }

    /// Adds the call that the request belongs to.
    #[must_use]
    pub(crate) fn with_context(mut self, context: CallContext) -> Self {
        self.context = Some(context);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The path, for example `/v1/actor_tokens`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query string without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// All headers but `Authorization`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, if it is text. `None` for `Authorization`, always.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether an `Authorization` header was sent at all.
    pub(crate) fn has_authorization(&self) -> bool {
        !self.authorization.is_empty()
    }

    /// Whether exactly one `Authorization` header was sent, and it is `Bearer` and this key (RFC 6750 section 2.1).
    #[must_use]
    pub fn bearer_is(&self, key: &SecretKey) -> bool {
        match self.authorization.as_slice() {
            [value] => value.as_bytes().strip_prefix(b"Bearer ") == Some(key.expose().as_bytes()),
            _ => false,
        }
    }

    /// Whether the first `Authorization` header has this value.
    pub(crate) fn authorization_is(&self, value: &HeaderValue) -> bool {
        self.authorization.first() == Some(value)
    }

    /// The body as it was sent.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON. `None` if it is empty or no JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The call that the request belongs to. `None` if it reached no transport.
    #[must_use]
    pub fn context(&self) -> Option<&CallContext> {
        self.context.as_ref()
    }

    /// Which attempt of its call this is, counted from 1. `None` if it reached no transport.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.context().map(CallContext::attempt)
    }

    /// Whatever else travels with the request.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

impl From<Request> for CapturedRequest {
    fn from(request: Request) -> Self {
        Self::new(request)
    }
}

impl fmt::Debug for CapturedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| ShownHeader(name, value)).collect();
        f.debug_struct("CapturedRequest")
            .field("method", &self.method)
            .field("path", &Sanitized::new(self.path()))
            .field("query", &self.query().map(Sanitized::new))
            .field("headers", &headers)
            .field("has_authorization", &self.has_authorization())
            .field("body", &ShownBytes(&self.body))
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

/// Whether the values of a header are never printed, whatever they look like.
pub(crate) fn is_secret_header(name: &HeaderName) -> bool {
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name)
}

/// A header's value for a message.
pub(crate) fn shown_header(name: &HeaderName, value: &HeaderValue) -> String {
    if is_secret_header(name) || value.is_sensitive() {
        return "(redacted)".to_owned();
    }
    format!("\"{}\"", Sanitized::new(&String::from_utf8_lossy(value.as_bytes())))
}

struct ShownHeader<'a>(&'a HeaderName, &'a HeaderValue);

impl fmt::Debug for ShownHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0, shown_header(self.0, self.1))
    }
}

/// A body for a message.
pub(crate) struct ShownBytes<'a>(pub(crate) &'a [u8]);

impl fmt::Display for ShownBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sanitized::new(&String::from_utf8_lossy(self.0)).fmt(f)
    }
}

impl fmt::Debug for ShownBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        http::Request::post("https://api.clerk.com/v1/actor_tokens?ticket=CANARY")
            .header("authorization", "Bearer sk_test_CANARY")
            .header("cookie", "__session=CANARY")
            .header("x-key", "sk_live_CANARY")
            .header("x-plain", "visible")
            .body(Bytes::from_static(br#"{"user_id":"user_1","actor":{"sub":"a","key":"sk_live_CANARY"}}"#))
            .unwrap()
    }

    #[test]
    fn debug_shows_the_request_and_no_secret() {
        let shown = format!("{:?} {0:#?}", CapturedRequest::new(request()));
        assert!(!shown.contains("CANARY"), "{shown}");
        for part in ["POST", "/v1/actor_tokens", "visible", "user_1", "has_authorization: true"] {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
    }

    #[test]
    fn the_key_is_compared_and_not_given_out() {
        let captured = CapturedRequest::from(request());
        assert!(captured.has_authorization());
        assert!(captured.bearer_is(&SecretKey::new("sk_test_CANARY").unwrap()));
        assert!(!captured.bearer_is(&SecretKey::new("sk_test_CANARY2").unwrap()));
        assert!(!captured.bearer_is(&SecretKey::new("sk_live_CANARY").unwrap()));
        assert_eq!(captured.header("authorization"), None);
        assert!(captured.headers().get("authorization").is_none());
    }

    #[test]
    fn two_authorization_headers_are_not_one_bearer() {
        let mut twice = request();
        twice.headers_mut().append("authorization", HeaderValue::from_static("Bearer sk_test_CANARY"));
        assert!(!CapturedRequest::new(twice).bearer_is(&SecretKey::new("sk_test_CANARY").unwrap()));
    }

    #[test]
    fn a_body_that_is_no_json_is_none() {
        assert_eq!(CapturedRequest::new(Request::default()).json(), None);
        assert_eq!(CapturedRequest::new(Request::new("{".into())).json(), None);
    }
}
