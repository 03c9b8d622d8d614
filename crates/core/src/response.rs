//! A success with everything around it.

use http::{HeaderMap, StatusCode};

use crate::{attempt::Attempt, error::api, execution::Execution, few::Few, transport::message::Response};

/// A value with its response. `send_with_response` returns it.
///
/// `Debug` shows neither headers nor credentials.
pub struct ApiResponse<T> {
    pub(crate) value: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it is in the body; else it is among the headers.
    pub(crate) trace_id: Option<String>,
    pub(crate) attempts: Few<Attempt>,
    pub(crate) others_in_doubt: bool,
}

impl<T> ApiResponse<T> {
    pub(crate) fn new(value: T, response: Response, attempts: Few<Attempt>, others_in_doubt: bool) -> Self {
        let (head, body) = response.into_parts();
        let in_body = || api::read(&head.headers, &body).trace_id;
        let trace_id = if head.status.is_success() { None } else { in_body() };
        Self { value, status: head.status, trace_id, headers: head.headers, attempts, others_in_doubt }
    }

    /// Makes one from a value and a response without a call, for test doubles. It has no attempts.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{ApiResponse, Response};
    ///
    /// let mut response = Response::default();
    /// response.headers_mut().insert("clerk-trace-id", http::HeaderValue::from_static("7c1a"));
    /// let response = ApiResponse::from_response("value", &response);
    /// assert_eq!((response.value(), response.trace_id()), (&"value", Some("7c1a")));
    /// assert!(!response.is_ambiguous());
    /// ```
    pub fn from_response(value: T, response: &Response) -> Self {
        Self::new(value, response.clone(), Few::new(), false)
    }

    /// Returns the value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns the value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Returns the status of the last response. It is not always 2xx: the revocation of a revoked
    /// token is a success, and Clerk returns 400 for it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers of the last response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns Clerk's trace id. It is from the body if the status is not 2xx, else from the
    /// headers `x-clerk-trace-id`, `clerk-trace-id`, `cf-ray`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref().or_else(|| api::trace_id(&self.headers))
    }

    /// Returns whether another send of this call may have taken effect too: an earlier attempt, or
    /// a second send by a middleware.
    ///
    /// After a creation, another token may exist which the caller does not hold. That takes
    /// [`danger_retry_create_on`](crate::RetryPolicy::danger_retry_create_on), or a middleware that
    /// returns the response of another call. After an idempotent call it means nothing.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        let earlier = self.attempts.as_slice().split_last().map_or(&[][..], |(_, earlier)| earlier);
        self.others_in_doubt || earlier.iter().any(|attempt| attempt.execution() != Execution::NotExecuted)
    }

    /// Returns the result of each attempt, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        self.attempts.as_slice()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for ApiResponse<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiResponse")
            .field("value", &self.value)
            .field("status", &self.status.as_u16())
            .field("trace_id", &self.trace_id().map(crate::secret::Sanitized::new))
            .field("attempts", &self.attempts())
            .finish_non_exhaustive()
    }
}
