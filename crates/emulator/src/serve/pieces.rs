//! A body as it goes out: all at once, or in pieces, evenly over a time.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use clerk_actor_tokens_core::{BoxFuture, SystemTimer, Timer as _};

use super::serve_exchange::Pacing;

/// A slow body comes in at most so many pieces.
const PIECES: usize = 64;

/// What is left of a body.
pub(super) struct Pieces {
    data: Bytes,
    slow: Option<Slow>,
}

struct Slow {
    bytes: usize,
    every: Duration,
    wait: BoxFuture<'static, ()>,
}

impl Pieces {
    pub(super) fn new(data: Bytes, pacing: Pacing) -> Self {
        let slow = match pacing {
            Pacing::AtOnce => None,
            Pacing::Over(takes) => {
                let bytes = data.len().div_ceil(PIECES).max(1);
                let pieces = u32::try_from(data.len().div_ceil(bytes).max(1)).unwrap_or(u32::MAX);
                let every = takes.checked_div(pieces).unwrap_or(takes);
                Some(Slow { bytes, every, wait: SystemTimer.sleep(every) })
            }
        };
        Self { data, slow }
    }

    /// Waits until the next piece is due.
    pub(super) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.slow.as_mut().map_or(Poll::Ready(()), |slow| slow.wait.as_mut().poll(context))
    }

    /// The next piece. The one after it is due a while later.
    pub(super) fn take(&mut self) -> Bytes {
        let length = self.next_len();
        if let Some(slow) = &mut self.slow {
            slow.wait = SystemTimer.sleep(slow.every);
        }
        self.data.split_to(length)
    }

    fn next_len(&self) -> usize {
        self.slow.as_ref().map_or(self.data.len(), |slow| slow.bytes.min(self.data.len()))
    }

    /// Whether nothing comes after the next piece.
    pub(super) fn is_last(&self) -> bool {
        self.next_len() == self.data.len()
    }

    pub(super) fn is_at_once(&self) -> bool {
        self.slow.is_none()
    }

    pub(super) fn is_done(&self) -> bool {
        self.data.is_empty()
    }
}
