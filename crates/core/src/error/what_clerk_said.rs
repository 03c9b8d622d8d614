//! What Clerk said: status, error codes, headers and body of the last response.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{ApiError, Error, ErrorCode};

/// What Clerk said.
impl Error {
    /// Returns the status of the last response, also of one that was cut short. `None` if no head
    /// arrived.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns all entries of Clerk's `errors`, in order.
    #[must_use]
    pub fn api_errors(&self) -> &[ApiError] {
        &self.0.api.errors
    }

    /// Returns the code of the first entry.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.api_errors().first().map(ApiError::code)
    }

    /// Returns the top-level `meta` of the response, read as [`ApiError::meta`] is.
    #[must_use]
    pub fn meta(&self) -> Option<&Value> {
        self.0.api.meta.as_ref()
    }

    /// Returns Clerk's trace id, which Clerk's support asks for. It is from the body, else from the
    /// headers `x-clerk-trace-id`, `clerk-trace-id`, `cf-ray`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.0.api.trace_id.as_deref()
    }

    /// Returns how long to wait before the next call. Clerk asks for it (`Retry-After`), or the
    /// client holds calls back because Clerk asked an earlier call.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the headers of the last response. Empty if no head arrived, and where the response
    /// belongs to another request. The [`trace_id`](Self::trace_id) is kept then.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the body of the last response, or as much of it as arrived. **May hold a
    /// credential**: after a failed creation it can have the link. `None` where the response
    /// belongs to another request.
    #[must_use]
    pub fn expose_body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }
}
