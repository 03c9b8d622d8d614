//! Status and headers of an answer, and the words in which a wrong one fails.
#![allow(clippy::panic, reason = "a wrong argument fails the test, at the caller's line")]

use clerk_actor_tokens_core::{Response, Sanitized};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;

/// Status and headers: what all answers have in common.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl Head {
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new() }
    }

    #[track_caller]
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let name = header_name(name);
        let value = header_value(&name, value);
        self.headers.insert(name, value);
    }

    pub(super) fn with_json(mut self, body: &Value) -> Response {
        // An official client of Clerk's parses exactly this value and nothing else.
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.with_body(body.to_string())
    }

    pub(super) fn with_body(self, body: String) -> Response {
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

#[track_caller]
pub(super) fn status_code(status: u16) -> StatusCode {
    match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => panic!("{status} is no HTTP status: it must be 100 to 999"),
    }
}

#[track_caller]
pub(crate) fn header_name(name: &str) -> HeaderName {
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("{:?} is no header name", Sanitized::new(name)),
    }
}

/// Says nothing of the value: it may be a key.
#[track_caller]
pub(crate) fn header_value(name: &HeaderName, value: &str) -> HeaderValue {
    match HeaderValue::from_str(value) {
        Ok(value) => value,
        Err(_) => panic!("the value for the header {name} holds a character that no header can hold"),
    }
}
