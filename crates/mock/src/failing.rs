//! A transport that fails a number of times, and then sends over another one.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind, transport_fn,
};

use crate::{hand_over::conclude, lock::locked};

/// Fails with one kind, a number of times or always.
///
/// A failure that says that nothing was sent, such as [`TransportErrorKind::Connect`], leaves the request held
/// ([`SendState`](clerk_actor_tokens_core::SendState)): the client may send it again. Clones are handles of one transport
/// and share the count.
///
/// Its clock is that of the transport that it sends over later, and the system's if it fails [`always`](Self::always): on
/// the system's, the client really waits between its attempts. To wait for nothing, give the client
/// `WithTimer::new(transport.clone(), ManualTimer::auto_advancing())` ([`WithTimer`](crate::WithTimer),
/// [`ManualTimer`](crate::ManualTimer)), or [`RetryPolicy::none`](clerk_actor_tokens_core::RetryPolicy::none) where the
/// test is not about retries.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, Client, RetryPolicy, SecretKey, TransportErrorKind};
/// use clerk_actor_tokens_mock::{CapturingTransport, FailingTransport};
///
/// let transport = FailingTransport::new(1, TransportErrorKind::Connect, CapturingTransport::echoing());
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?).retry(RetryPolicy::none()).build()?;
/// pollster::block_on(async {
///     let create = || clerk.actor_tokens().create("user_1", Actor::new("user_agent")).send();
///     assert!(!create().await.unwrap_err().is_ambiguous());
///     assert!(create().await.is_ok());
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
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
        let never_reached = transport_fn(move |_, _| async move { Err(kind.into()) });
        Self { kind, left: None, then: Arc::new(never_reached) }
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
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        match self.fails_now() {
            true => conclude(&context, Err(self.kind.into())),
            false => (*self.then).send(request, context).await,
        }
    }

    fn timer(&self) -> &dyn Timer {
        self.then.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.then.executor()
    }

    fn keeps_deadlines(&self) -> bool {
        self.then.keeps_deadlines()
    }
}

impl fmt::Debug for FailingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingTransport")
            .field("kind", &self.kind)
            .field("failures_left", &self.left.as_deref().map(|left| *locked(left)))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapturingTransport, ManualTimer, WithTimer, hand_over::tests::context};
    use std::time::Duration;

    #[test]
    fn it_fails_as_often_as_it_was_told_and_lets_no_failed_request_through() {
        for times in 0..4 {
            let behind = CapturingTransport::echoing();
            let transport = FailingTransport::new(times, TransportErrorKind::Interrupted, behind.clone());
            for sent in 1..=5_usize {
                let outcome = pollster::block_on(transport.clone().send(Request::default(), context()));
                assert_eq!(outcome.is_err(), sent <= times);
                assert_eq!(behind.requests().len(), sent.saturating_sub(times));
            }
        }
    }

    #[test]
    fn always_does_not_end() {
        let transport = FailingTransport::always(TransportErrorKind::Refused);
        for _ in 0..10 {
            let error = pollster::block_on(transport.send(Request::default(), context())).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Refused);
        }
    }

    #[test]
    fn the_clock_is_that_of_the_transport_behind() {
        let timer = ManualTimer::new();
        let behind = WithTimer::new(CapturingTransport::echoing(), timer.clone());
        let transport = FailingTransport::new(1, TransportErrorKind::Connect, behind);
        let before = transport.timer().now();
        timer.advance(Duration::from_secs(5));
        assert_eq!(transport.timer().now().saturating_duration_since(before), Duration::from_secs(5));
    }
}
