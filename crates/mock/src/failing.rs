//! A transport that fails a number of times, and then goes on as another one.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind, transport_fn,
};

use crate::lock::locked;

/// Fails with one kind, a number of times or always.
///
/// Clones are handles of one transport and share the count.
///
/// Its clock is that of the transport that it goes on with, and the system's if it fails [`always`](Self::always): on
/// the system's, the client really waits between its attempts. To wait for nothing, give the client
/// `WithTimer::new(transport.clone(), ManualTimer::auto_advancing())` ([`WithTimer`](crate::WithTimer),
/// [`ManualTimer`](crate::ManualTimer)), or [`RetryPolicy::none`](clerk_actor_tokens_core::RetryPolicy::none) where the
/// test is not about retries.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request, TransportErrorKind, transport_fn};
/// use clerk_actor_tokens_mock::{FailingTransport, responses};
///
/// let clerk = transport_fn(|_| async { Ok(responses::actor_token().build()) });
/// let transport = FailingTransport::new(1, TransportErrorKind::Connect, clerk);
/// pollster::block_on(async {
///     assert_eq!(transport.send(Request::default()).await.unwrap_err().kind(), TransportErrorKind::Connect);
///     assert!(transport.send(Request::default()).await.is_ok());
/// });
/// ```
#[derive(Clone)]
pub struct FailingTransport {
    kind: TransportErrorKind,
    /// `None`: always.
    left: Option<Arc<Mutex<usize>>>,
    then: Arc<dyn HttpTransport>,
}

impl FailingTransport {
    /// Fails this many times, then sends through `then`.
    #[must_use]
    pub fn new(times: usize, kind: TransportErrorKind, then: impl HttpTransport) -> Self {
        Self { kind, left: Some(Arc::new(Mutex::new(times))), then: Arc::new(then) }
    }

    /// Fails every time.
    #[must_use]
    pub fn always(kind: TransportErrorKind) -> Self {
        let never_reached = transport_fn(move |_| async move { Err(kind.into()) });
        Self { kind, left: None, then: Arc::new(never_reached) }
    }

    /// How many failures are still to come; `None` if they never end.
    #[must_use]
    pub fn failures_left(&self) -> Option<usize> {
        self.left.as_deref().map(|left| *locked(left))
    }

    fn fails_now(&self) -> bool {
        let Some(left) = self.left.as_deref() else { return true };
        let mut left = locked(left);
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        fails
    }
}

#[async_trait]
impl HttpTransport for FailingTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if self.fails_now() { Err(self.kind.into()) } else { self.then.send(request).await }
    }

    fn timer(&self) -> &dyn Timer {
        self.then.timer()
    }

    fn executor(&self) -> Option<&dyn Executor> {
        self.then.executor()
    }
}

impl fmt::Debug for FailingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingTransport")
            .field("kind", &self.kind)
            .field("failures_left", &self.failures_left())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapturingTransport, ManualTimer, WithTimer};
    use std::time::Duration;

    #[test]
    fn it_fails_as_often_as_it_was_told_and_lets_no_failed_request_through() {
        for times in 0..4 {
            let behind = CapturingTransport::echoing();
            let transport = FailingTransport::new(times, TransportErrorKind::Interrupted, behind.clone());
            for sent in 1..=5_usize {
                let outcome = pollster::block_on(transport.clone().send(Request::default()));
                assert_eq!(outcome.is_err(), sent <= times);
                assert_eq!(behind.requests().len(), sent.saturating_sub(times));
                assert_eq!(transport.failures_left(), Some(times.saturating_sub(sent)));
            }
        }
    }

    #[test]
    fn always_does_not_end() {
        let transport = FailingTransport::always(TransportErrorKind::Refused);
        for _ in 0..10 {
            let error = pollster::block_on(transport.send(Request::default())).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Refused);
        }
        assert_eq!(transport.failures_left(), None);
    }

    #[test]
    fn the_clock_is_that_of_the_transport_behind() {
        let timer = ManualTimer::new();
        let behind = WithTimer::new(CapturingTransport::echoing(), timer.clone());
        let transport = FailingTransport::new(1, TransportErrorKind::Connect, behind);
        let before = transport.timer().now();
        timer.advance(Duration::from_secs(5));
        assert_eq!(transport.timer().now() - before, Duration::from_secs(5));
    }
}
