//! What a transport is given beside the request: which call it belongs to, and within which limits.

use crate::{operation_info::OperationInfo, time::Deadline, transport::send_state::SendState};

/// The call that a request belongs to, and its limits.
/// [`HttpTransport::send`](crate::HttpTransport::send) receives it.
///
/// Clones share the [`SendState`]: they are contexts of one send.
///
/// ```
/// use clerk_actor_tokens_core::{CallContext, CreateActorToken, Deadline, Operation, SystemTimer, Timer};
/// use std::time::Duration;
///
/// let deadline = Deadline::after(SystemTimer.now(), Duration::from_secs(30));
/// let context = CallContext::new(&CreateActorToken::INFO, deadline);
/// assert_eq!(context.attempt(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct CallContext {
    operation: &'static OperationInfo,
    attempt: u32,
    deadline: Deadline,
    response_cap: usize,
    fresh_connection: bool,
    send_state: SendState,
}

/// The largest response body that is kept unless set otherwise: 256 KiB. A real response has about
/// 1 KiB.
pub const DEFAULT_RESPONSE_CAP: usize = 256 * 1024;

impl CallContext {
    /// Makes the context of a first attempt, with the default cap. The client makes its own; this is for tests of transports.
    #[must_use]
    pub fn new(operation: &'static OperationInfo, deadline: Deadline) -> Self {
        Self {
            operation,
            attempt: 1,
            deadline,
            response_cap: DEFAULT_RESPONSE_CAP,
            fresh_connection: false,
            send_state: SendState::default(),
        }
    }

    /// Sets which attempt of the call this is, counted from 1.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the cap of the response's body, in bytes.
    #[must_use]
    pub fn with_response_cap(mut self, bytes: usize) -> Self {
        self.response_cap = bytes;
        self
    }

    /// Sets the deadline: for a decorator that gives the transport inside less time, or that has another clock.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Asks for a connection that carried no request before: see [`wants_fresh_connection`](Self::wants_fresh_connection).
    #[must_use]
    pub fn with_fresh_connection(mut self) -> Self {
        self.fresh_connection = true;
        self
    }

    /// Sets the send state: each send has its own.
    #[must_use]
    pub(crate) fn with_send_state(mut self, send_state: SendState) -> Self {
        self.send_state = send_state;
        self
    }

    /// Returns which API call this is.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.operation
    }

    /// Returns which attempt of the call this is, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns when this attempt must be over: connecting, sending and reading the body.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Returns the largest response body to keep, in bytes.
    #[must_use]
    pub fn response_cap(&self) -> usize {
        self.response_cap
    }

    /// Returns whether the request must go out on a connection that carried nothing before.
    ///
    /// The core asks for it after a peer refused the request unprocessed (HTTP/2 `REFUSED_STREAM`, RFC 9113 section 8.7)
    /// or returned 421 (RFC 9110 section 15.5.20). A transport without a connection pool may ignore it.
    #[must_use]
    pub fn wants_fresh_connection(&self) -> bool {
        self.fresh_connection
    }

    /// Returns whether any of the request may have been sent. The transport sets it, and the client classifies failures by it.
    #[must_use]
    pub fn send_state(&self) -> &SendState {
        &self.send_state
    }
}
