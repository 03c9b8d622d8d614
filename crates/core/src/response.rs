//! A success with everything around it.

use http::{HeaderMap, StatusCode};

use crate::{attempt::Attempt, error::api, execution::Execution, few::Few, transport::message::Response};

/// A value with the answer that it came in: what `send_with_response` gives.
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

    /// Makes one of a value and a response without a call, for test doubles. It has no attempts.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{ApiResponse, Response};
    ///
    /// let mut response = Response::default();
    /// response.headers_mut().insert("clerk-trace-id", http::HeaderValue::from_static("7c1a"));
    /// let answer = ApiResponse::from_response("value", &response);
    /// assert_eq!((answer.value(), answer.trace_id()), (&"value", Some("7c1a")));
    /// assert!(!answer.is_ambiguous());
    /// ```
    pub fn from_response(value: T, response: &Response) -> Self {
        Self::new(value, response.clone(), Few::new(), false)
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The status of the last answer. Not always 2xx: revoking what is revoked already is a success that Clerk
    /// answers with 400.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the last answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Clerk's trace id: from the body of an answer other than 2xx, else from the headers `x-clerk-trace-id`,
    /// `clerk-trace-id`, `cf-ray`.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref().or_else(|| api::trace_id(&self.headers))
    }

    /// Whether something beside this answer may have taken effect too: an earlier attempt, or another send that a middleware
    /// made within one. After a creation that means that there may be another
    /// token, which the caller does not hold: it takes [`danger_retry_create_on`](crate::RetryPolicy::danger_retry_create_on), or a
    /// middleware that gives the response of another call. After a call that may be repeated it means nothing.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        let earlier = self.attempts.as_slice().split_last().map_or(&[][..], |(_, earlier)| earlier);
        self.others_in_doubt || earlier.iter().any(|attempt| attempt.execution() != Execution::NotExecuted)
    }

    /// What each attempt came to, in order.
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
