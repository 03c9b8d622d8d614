//! What a request carries about the call it belongs to, for transports and middleware to read.

use crate::{operation::OperationInfo, time::Deadline, transport::Request};

/// The call that a request belongs to: one value in the request's extensions.
///
/// ```
/// use std::time::Instant;
/// use clerk_actor_tokens_core::{CallContext, CreateActorToken, Deadline, Operation, Request};
///
/// let mut request = Request::default();
/// assert!(CallContext::of(&request).is_none());
/// request.extensions_mut().insert(CallContext::new(&CreateActorToken::INFO, Deadline::at(Instant::now())));
/// assert_eq!(CallContext::of(&request).map(CallContext::attempt), Some(1));
/// ```
#[derive(Debug, Clone)]
pub struct CallContext {
    operation: &'static OperationInfo,
    attempt: u32,
    deadline: Deadline,
    response_cap: usize,
}

/// The largest response body that is kept unless set otherwise: 256 KiB. A real answer has about 1 KiB.
pub const DEFAULT_RESPONSE_CAP: usize = 256 * 1024;

impl CallContext {
    /// The context of a first attempt, with the default cap. The client makes it; this is for tests of transports.
    #[must_use]
    pub fn new(operation: &'static OperationInfo, deadline: Deadline) -> Self {
        Self { operation, attempt: 1, deadline, response_cap: DEFAULT_RESPONSE_CAP }
    }

    /// The same call at another attempt (counted from 1).
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// The same call with another cap, in bytes.
    #[must_use]
    pub fn with_response_cap(mut self, bytes: usize) -> Self {
        self.response_cap = bytes;
        self
    }

    /// What the request carries, if it comes from a client's call.
    #[must_use]
    pub fn of(request: &Request) -> Option<&Self> {
        request.extensions().get()
    }

    /// Which API call this is.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.operation
    }

    /// Which attempt of the call this is, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When this attempt must be over: connecting, sending and reading the body.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The largest response body to keep, in bytes.
    #[must_use]
    pub fn response_cap(&self) -> usize {
        self.response_cap
    }
}
