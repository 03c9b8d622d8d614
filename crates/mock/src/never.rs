//! A transport that never answers: for deadlines, cancellation and shutdown.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
};

use crate::{hand_over::begin, lock::locked};

/// Takes every request and answers none: a server may have it.
///
/// It ignores the deadline of the call on purpose, like a transport that hangs: what ends the call is the client's own
/// watchdog, or a drop of the future. Clones are handles of one transport.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, Client, SecretKey};
/// use clerk_actor_tokens_mock::NeverTransport;
/// use std::{future::Future, pin::pin, task::{Context, Waker}};
///
/// let transport = NeverTransport::new();
/// let clerk = Client::new(transport.clone(), SecretKey::new("sk_test_abc")?);
/// {
///     let mut call = pin!(clerk.actor_tokens().create("user_1", Actor::new("user_agent")).send());
///     assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
///     assert_eq!((transport.started(), transport.in_flight()), (1, 1));
/// }
/// assert_eq!((transport.started(), transport.in_flight()), (1, 0)); // dropped
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
#[derive(Clone, Default)]
pub struct NeverTransport {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    started: usize,
    ended: usize,
}

impl NeverTransport {
    /// A transport that nothing was sent to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests have been taken.
    #[must_use]
    pub fn started(&self) -> usize {
        locked(&self.counts).started
    }

    /// How many requests are still waiting: taken, and not given up by dropping the future.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let counts = locked(&self.counts);
        counts.started.saturating_sub(counts.ended)
    }
}

/// Counts an exchange as ended when its future goes away.
struct InFlight(Arc<Mutex<Counts>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counts = locked(&self.0);
        counts.ended = counts.ended.saturating_add(1);
    }
}

#[async_trait]
impl HttpTransport for NeverTransport {
    async fn send(&self, _request: Request, context: CallContext) -> Result<Response, TransportError> {
        begin(&context)?;
        let _in_flight = {
            let mut counts = locked(&self.counts);
            counts.started = counts.started.saturating_add(1);
            InFlight(Arc::clone(&self.counts))
        };
        std::future::pending().await
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

impl fmt::Debug for NeverTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeverTransport")
            .field("started", &self.started())
            .field("in_flight", &self.in_flight())
            .finish()
    }
}
