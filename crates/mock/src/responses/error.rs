//! Answers in the form of Clerk's errors.

use std::fmt;

use clerk_actor_tokens_core::{Response, Sanitized};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::head::{Head, status_code};

const SAMPLE_TRACE_ID: &str = "0123456789abcdef0123456789abcdef";

/// Codes of the actor-token endpoints with Clerk's message and long message. `{param}` is replaced by the parameter's name;
/// other values that Clerk names are samples, such as the limit of 5.
const WORDS: [(&str, &str, &str); 15] = [
    ("form_param_missing", "is missing", "{param} must be included."),
    ("form_param_value_invalid", "is invalid", "{param} is invalid"),
    ("form_param_unknown", "is unknown", "{param} is not a valid parameter for this request."),
    (
        "impersonation_limit_exceeded",
        "Impersonation limit exceeded",
        "Your application has reached the impersonation limit for your plan (5/5). The limit will reset at the \
         beginning of the next billing period.",
    ),
    (
        "unsupported_subscription_plan_features",
        "Unsupported plan features",
        "Some features are not supported in your current plan. Upgrade your subscription to unlock them.",
    ),
    ("resource_not_found", "not found", "Resource not found"),
    (
        "actor_token_cannot_be_revoked_code",
        "cannot revoke",
        "Actor token cannot be revoked because its status is `revoked`. Only pending tokens can be revoked.",
    ),
    ("request_body_invalid", "Request body invalid", "The request body is invalid."),
    ("request_body_too_large", "Request body too large", "The request body is too large."),
    ("api_version_invalid", "invalid API version", "Invalid Clerk API version: 1999-01-01"),
    (
        "authorization_header_format_invalid",
        "Invalid Authorization header format",
        "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'",
    ),
    (
        "clerk_key_invalid",
        "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.",
        "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.",
    ),
    (
        "unsupported_content_type",
        "Content-Type is unsupported",
        "The Content-Type of the request must be application/json.",
    ),
    ("too_many_requests", "Too many requests", "Too many requests, retry later"),
    (
        "internal_clerk_error",
        "Oops, an unexpected error occurred",
        "There was an internal error on our servers. We've been notified and are working on fixing it.",
    ),
];

/// An answer in the form of Clerk's errors: what [`clerk_error`](super::clerk_error) gives.
///
/// The setters of an entry set the last one; [`and`](Self::and) begins another.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
///
/// let response = responses::clerk_error(422, "form_param_missing")
///     .long_message("actor.sub must be included.")
///     .param("actor.sub")
///     .and("form_param_unknown")
///     .trace_id("b2b48f5ba6a4b0cb2eb69c4ea5c0d2c4")
///     .build();
/// let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
/// assert_eq!(body["errors"][0]["message"], "is missing");
/// assert_eq!(body["errors"][0]["meta"]["param_name"], "actor.sub");
/// assert_eq!(body["errors"][1]["code"], "form_param_unknown");
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClerkErrorResponse {
    pub(super) head: Head,
    earlier: Vec<Entry>,
    last: Entry,
    trace_id: String,
}

#[derive(Clone)]
struct Entry {
    code: String,
    message: String,
    /// Clerk's words for the code, unless set.
    long_message: Option<String>,
    meta: Map<String, Value>,
}

impl Entry {
    fn new(code: &str) -> Self {
        let (message, _) = words(code);
        Self { code: code.to_owned(), message: message.to_owned(), long_message: None, meta: Map::new() }
    }

    fn long_message(&self) -> String {
        let param = self.meta.get("param_name").and_then(Value::as_str).unwrap_or("the parameter");
        self.long_message.clone().unwrap_or_else(|| words(&self.code).1.replace("{param}", param))
    }

    fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "long_message": self.long_message(),
            "meta": self.meta,
        })
    }
}

/// Message and long message of a code; an unknown one is its own message.
fn words(code: &str) -> (&str, &str) {
    WORDS.iter().find(|(known, ..)| *known == code).map_or((code, code), |(_, message, long)| (message, long))
}

impl ClerkErrorResponse {
    pub(super) fn new(status: StatusCode, code: &str) -> Self {
        Self {
            head: Head::new(status),
            earlier: Vec::new(),
            last: Entry::new(code),
            trace_id: SAMPLE_TRACE_ID.to_owned(),
        }
    }

    /// Begins another entry of `errors`.
    pub fn and(mut self, code: &str) -> Self {
        let done = std::mem::replace(&mut self.last, Entry::new(code));
        self.earlier.push(done);
        self
    }

    /// Sets the short message.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.last.message = message.into();
        self
    }

    /// Sets the long message.
    pub fn long_message(mut self, message: impl Into<String>) -> Self {
        self.last.long_message = Some(message.into());
        self
    }

    /// Names the parameter that is at fault: `meta.param_name`, and in Clerk's words.
    pub fn param(self, name: &str) -> Self {
        self.meta("param_name", name)
    }

    /// Sets a key of the entry's `meta`.
    pub fn meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.last.meta.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the trace id in the body.
    pub fn trace_id(mut self, id: impl Into<String>) -> Self {
        self.trace_id = id.into();
        self
    }

    /// Sets the HTTP status.
    ///
    /// # Panics
    /// If it is no HTTP status (100 to 999).
    #[track_caller]
    pub fn http_status(mut self, status: u16) -> Self {
        self.head.status = status_code(status);
        self
    }

    /// Sets a header.
    ///
    /// # Panics
    /// If the name or the value cannot stand in a header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.set(name, value);
        self
    }

    /// The response.
    #[must_use]
    pub fn build(self) -> Response {
        let errors: Vec<_> = self.earlier.iter().chain([&self.last]).map(Entry::to_json).collect();
        self.head.with_json(&json!({ "errors": errors, "meta": {}, "clerk_trace_id": self.trace_id }))
    }
}

impl From<ClerkErrorResponse> for Response {
    fn from(response: ClerkErrorResponse) -> Self {
        response.build()
    }
}

impl fmt::Debug for ClerkErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.earlier.iter().chain([&self.last]).map(|entry| Sanitized::new(&entry.code)).collect();
        f.debug_struct("ClerkErrorResponse")
            .field("http_status", &self.head.status.as_u16())
            .field("codes", &codes)
            .finish_non_exhaustive()
    }
}
