//! Answers of the control plane, all of them JSON, and reading what is sent to it.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use clerk_actor_tokens_core::Sanitized;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::masked::masked;

/// An answer of 200, as JSON. A credential in a text of it is masked.
pub(super) struct Answer(pub(super) Value);

/// The same, with the texts as they are: for who asks for that.
pub(super) struct Revealed(pub(super) Value);

/// Why a request is refused. Nothing was changed.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    pub(super) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.why)
    }

    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        written(StatusCode::OK, &masked(self.0))
    }
}

impl IntoResponse for Revealed {
    fn into_response(self) -> Response {
        written(StatusCode::OK, &self.0)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = written(self.status, &json!({ "error": self.why }));
        // For who shows it to a person.
        response.extensions_mut().insert(self);
        response
    }
}

fn written(status: StatusCode, body: &Value) -> Response {
    // Texts, numbers and objects alone: this cannot fail to be written.
    let mut response = serde_json::to_vec(body).unwrap_or_default().into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a body. What is wrong with it is said without a key that may be in it.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    // serde takes an array for a structure too.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Refused::bad("the body: it is an array, and no object"));
    }
    let read = serde_json::from_slice(body);
    read.map_err(|error| Refused::bad(format!("the body: {}", Sanitized::new(&error.to_string()))))
}

/// The same, where the body may be left out.
pub(super) fn read_or_default<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, Refused> {
    if body.is_empty() { Ok(T::default()) } else { read(body) }
}
