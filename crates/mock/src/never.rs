//! A transport that never answers: for deadlines, cancellation and shutdown.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{HttpTransport, Request, Response, TransportError};

use crate::lock::locked;

/// Takes every request and answers none.
///
/// It ignores the deadline of the call on purpose, like a transport that hangs: what ends the call is the client's own
/// watchdog, or whoever drops the future. Clones are handles of one transport.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request};
/// use clerk_actor_tokens_mock::NeverTransport;
/// use std::{future::Future, task::{Context, Waker}};
///
/// let transport = NeverTransport::new();
/// let mut exchange = transport.send(Request::default());
/// assert!(exchange.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// assert_eq!((transport.started(), transport.in_flight()), (1, 1));
///
/// drop(exchange);
/// assert_eq!((transport.started(), transport.in_flight()), (1, 0));
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
    async fn send(&self, _request: Request) -> Result<Response, TransportError> {
        let _in_flight = {
            let mut counts = locked(&self.counts);
            counts.started = counts.started.saturating_add(1);
            InFlight(Arc::clone(&self.counts))
        };
        std::future::pending().await
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
