//! A connection that speaks HTTP/1.1: one exchange at a time, by its type.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use clerk_actor_tokens_transport_kit::GatedBody;
use hyper::client::conn::http1::SendRequest;
use tokio::task::{AbortHandle, yield_now};

use super::socket::{Look, Socket};

/// How often hyper is given a turn to read what lies in the socket, or to come to rest behind the last answer.
const TURNS: usize = 32;

/// How long it has for that at most.
const A_MOMENT: Duration = Duration::from_millis(50);

/// An HTTP/1.1 connection. Dropped, it is closed at once: nothing is read from it or written to it again.
pub(crate) struct Http1 {
    pub(crate) sender: SendRequest<GatedBody>,
    driver: AbortHandle,
    socket: Option<Socket>,
    is_discarded: Arc<AtomicBool>,
    /// Whether it has ever answered.
    pub(crate) has_answered: bool,
    /// Whether nothing was moved to it yet.
    is_new: bool,
    /// When it was put back.
    idle_since: Instant,
}

impl Http1 {
    pub(crate) fn new(sender: SendRequest<GatedBody>, driver: AbortHandle, socket: Option<Socket>) -> Self {
        let is_discarded = Arc::default();
        Self { sender, driver, socket, is_discarded, has_answered: false, is_new: true, idle_since: Instant::now() }
    }

    /// From here on it is idle.
    pub(crate) fn rest(&mut self) {
        self.is_new = false;
        self.idle_since = Instant::now();
    }

    pub(crate) fn idle_for(&self) -> Duration {
        self.idle_since.elapsed()
    }

    /// A handle that keeps it from being used again.
    pub(crate) fn discard_handle(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_discarded)
    }

    /// Whether it will carry no other exchange.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_discarded.load(Ordering::Acquire) || self.is_over()
    }

    fn look(&self) -> Option<Look> {
        self.socket.as_ref().map(Socket::look)
    }

    fn is_over(&self) -> bool {
        self.sender.is_closed() || self.look() == Some(Look::Ended)
    }

    /// Whether a request may be moved to it.
    pub(crate) async fn is_usable(&mut self, limit: Duration) -> bool {
        if self.is_new {
            // hyper takes one request before it has had a turn, and gives it back where the connection is over already.
            return true;
        }
        if self.idle_for() >= limit || self.is_discarded.load(Ordering::Acquire) || self.is_over() {
            return false;
        }
        // Without a descriptor (a connector of the user's own) hyper is given two turns to see the end.
        let least = if self.socket.is_none() { 2 } else { 0 };
        for turn in 0..=TURNS {
            // hyper reads what lies there: an answer to nothing closes the connection, what TLS says of itself does not.
            let is_quiet = self.look().is_none_or(|look| look == Look::Quiet);
            if turn >= least && is_quiet && self.sender.is_ready() {
                return !self.is_over();
            }
            if self.is_over() {
                return false;
            }
            yield_now().await;
        }
        // On a busy machine the turn in which hyper rests is late. By the system's clock: the runtime of this connection may end
        // meanwhile.
        let mut over = SystemTimer.sleep(A_MOMENT);
        let rests = poll_fn(|context| match self.sender.poll_ready(context) {
            Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
            Poll::Pending => over.as_mut().poll(context).map(|()| false),
        });
        rests.await && self.look().is_none_or(|look| look == Look::Quiet)
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            socket.close();
        }
        self.driver.abort();
    }
}
