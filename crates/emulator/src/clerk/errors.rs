//! Clerk's errors: every row as data, and the envelope they are sent in.

use bytes::Bytes;
use clerk_actor_tokens_core::Response;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One row of the table of errors. In a text, `{}` is replaced by the value that the error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) status: StatusCode,
    pub(super) code: &'static str,
    message: &'static str,
    long_message: &'static str,
}

const fn row(status: StatusCode, code: &'static str, message: &'static str, long_message: &'static str) -> Row {
    Row { status, code, message, long_message }
}

pub(crate) const PARAM_MISSING: Row =
    row(StatusCode::UNPROCESSABLE_ENTITY, "form_param_missing", "is missing", "{} must be included.");
pub(crate) const PARAM_INVALID: Row =
    row(StatusCode::UNPROCESSABLE_ENTITY, "form_param_value_invalid", "is invalid", "{} is invalid");
pub(crate) const PARAM_UNKNOWN: Row = row(
    StatusCode::UNPROCESSABLE_ENTITY,
    "form_param_unknown",
    "is unknown",
    "{} is not a valid parameter for this request.",
);
pub(crate) const QUOTA_EXCEEDED: Row = row(
    StatusCode::UNPROCESSABLE_ENTITY,
    "impersonation_limit_exceeded",
    "Impersonation limit exceeded",
    "Your application has reached the impersonation limit for your plan ({}). The limit will reset at the beginning \
     of the next billing period.",
);
pub(crate) const PLAN_REQUIRED: Row = row(
    StatusCode::PAYMENT_REQUIRED,
    "unsupported_subscription_plan_features",
    "Unsupported plan features",
    "Some features are not supported in your current plan. Upgrade your subscription to unlock them.",
);
pub(crate) const USER_NOT_FOUND: Row =
    row(StatusCode::NOT_FOUND, "resource_not_found", "not found", "No user was found with id {}");
pub(crate) const NOT_FOUND: Row = row(StatusCode::NOT_FOUND, "resource_not_found", "not found", "Resource not found");
/// Not of Clerk's table: Clerk may have the route.
pub(crate) const NOT_EMULATED: Row =
    row(StatusCode::NOT_IMPLEMENTED, "route_not_emulated", "not emulated", "The emulator has no route {}");
pub(crate) const CANNOT_REVOKE: Row = row(
    StatusCode::BAD_REQUEST,
    "actor_token_cannot_be_revoked_code",
    "cannot revoke",
    "Actor token cannot be revoked because its status is `{}`. Only pending tokens can be revoked.",
);
pub(crate) const INVALID_ACTION: Row = row(
    StatusCode::BAD_REQUEST,
    "invalid_action_for_session",
    "Invalid action for session",
    "The action cannot be done because the status of the session is `{}`.",
);
pub(crate) const TICKET_USED: Row = row(
    StatusCode::BAD_REQUEST,
    "actor_token_already_used_code",
    "already used",
    "This actor token has already been used.",
);
pub(crate) const TICKET_REVOKED: Row =
    row(StatusCode::BAD_REQUEST, "actor_token_revoked_code", "revoked", "This actor token has been revoked.");
pub(crate) const TICKET_EXPIRED: Row =
    row(StatusCode::BAD_REQUEST, "ticket_expired_code", "expired", "This ticket has expired.");
pub(crate) const TICKET_INVALID: Row =
    row(StatusCode::BAD_REQUEST, "ticket_invalid_code", "invalid", "This ticket is invalid.");
pub(crate) const BODY_INVALID: Row =
    row(StatusCode::BAD_REQUEST, "request_body_invalid", "Request body invalid", "The request body is invalid.");
pub(crate) const BODY_TOO_LARGE: Row = row(
    StatusCode::PAYLOAD_TOO_LARGE,
    "request_body_too_large",
    "Request body too large",
    "The request body is too large.",
);
pub(crate) const VERSION_INVALID: Row =
    row(StatusCode::BAD_REQUEST, "api_version_invalid", "invalid API version", "Invalid Clerk API version: {}");
pub(crate) const AUTHORIZATION_INVALID: Row = row(
    StatusCode::UNAUTHORIZED,
    "authorization_header_format_invalid",
    "Invalid Authorization header format",
    "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'",
);
pub(crate) const KEY_INVALID: Row = row(
    StatusCode::UNAUTHORIZED,
    "clerk_key_invalid",
    "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.",
    "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.",
);
pub(crate) const CONTENT_TYPE_UNSUPPORTED: Row = row(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_content_type",
    "Content-Type is unsupported",
    "The Content-Type of the request must be application/json.",
);
pub(crate) const TOO_MANY_REQUESTS: Row =
    row(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests", "Too many requests, retry later");
pub(crate) const INTERNAL: Row = row(
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal_clerk_error",
    "Oops, an unexpected error occurred",
    "There was an internal error on our servers. We've been notified and are working on fixing it.",
);

/// The row that an answer of this status has, where a status alone is known: a fault, or a limit of the server.
const BY_STATUS: [(u16, Row); 8] = [
    (400, BODY_INVALID),
    (401, KEY_INVALID),
    (402, PLAN_REQUIRED),
    (404, NOT_FOUND),
    (413, BODY_TOO_LARGE),
    (415, CONTENT_TYPE_UNSUPPORTED),
    (429, TOO_MANY_REQUESTS),
    (500, INTERNAL),
];

/// A row, filled in.
#[derive(Debug)]
pub(crate) struct ApiError {
    row: Row,
    value: String,
    meta: Map<String, Value>,
}

impl Row {
    pub(crate) fn error(self) -> ApiError {
        self.about("")
    }

    /// Its text, where it is about no value.
    #[cfg(feature = "control")]
    pub(super) fn long_message(self) -> &'static str {
        self.long_message
    }

    /// With the value that replaces `{}`.
    pub(crate) fn about(self, value: impl Into<String>) -> ApiError {
        ApiError { row: self, value: value.into(), meta: Map::new() }
    }

    /// About a parameter, which is in `meta` too.
    pub(crate) fn param(self, name: &str) -> ApiError {
        self.about(name).with_meta("param_name", name)
    }
}

impl ApiError {
    #[cfg(feature = "control")]
    pub(super) fn row(&self) -> Row {
        self.row
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.row.status
    }

    #[cfg(test)]
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    pub(crate) fn with_meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(key.to_owned(), value.into());
        self
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    errors: Vec<Item<'a>>,
    meta: Map<String, Value>,
    clerk_trace_id: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    message: &'a str,
    long_message: String,
    code: &'a str,
    meta: &'a Map<String, Value>,
}

/// An answer in Clerk's error form. Its status is the first error's.
pub(crate) fn answer(errors: &[ApiError], trace: &str) -> Response {
    let status = errors.first().map_or(INTERNAL.status, |error| error.row.status);
    let items = errors.iter().map(|error| Item {
        message: error.row.message,
        long_message: error.row.long_message.replace("{}", &error.value),
        code: error.row.code,
        meta: &error.meta,
    });
    json_answer(status, &Envelope { errors: items.collect(), meta: Map::new(), clerk_trace_id: trace }, trace)
}

/// An answer of a bare status, in Clerk's error form.
pub(super) fn answer_of_status(status: StatusCode, trace: &str) -> Response {
    if let Some((_, row)) = BY_STATUS.iter().find(|(known, _)| *known == status.as_u16()) {
        return answer(&[row.error()], trace);
    }
    // Not in Clerk's table: its words are HTTP's.
    let words = status.canonical_reason().unwrap_or("Unknown status");
    let code = words.to_ascii_lowercase().replace([' ', '-'], "_");
    let body = json!({
        "errors": [{ "message": words, "long_message": words, "code": code, "meta": {} }],
        "meta": {},
        "clerk_trace_id": trace,
    });
    json_answer(status, &body, trace)
}

/// An answer with a JSON body, as Clerk sends every one: the content type is exactly `application/json`.
pub(super) fn json_answer(status: StatusCode, body: &impl Serialize, trace: &str) -> Response {
    // Room for a token with its link: memory is asked for once.
    let mut written = Vec::with_capacity(2048);
    // Texts, numbers and objects alone: this cannot fail to be written.
    let _ = serde_json::to_writer(&mut written, body);
    finish(status, "application/json", written.into(), trace)
}

pub(super) fn finish(status: StatusCode, content_type: &'static str, body: Bytes, trace: &str) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    traced(response, trace)
}

/// Every answer has the id of its trace.
pub(super) fn traced(mut response: Response, trace: &str) -> Response {
    if let Ok(trace) = HeaderValue::from_str(trace) {
        response.headers_mut().insert("x-clerk-trace-id", trace);
    }
    response
}
