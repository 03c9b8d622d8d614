//! The gate: after a 429 with `Retry-After`, all calls of a client hold back until that time is over.
//!
//! Clerk's limits are per key, so what one call was told holds for its neighbours: to go on sending would only prolong
//! it. Knows the moment at which it opens; who waits, and for how long, is the attempt loop's affair.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long a gate is shut at most, unless set otherwise.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// One gate, shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    opens_at: Mutex<Option<Instant>>,
}

impl Gate {
    /// Shuts it for this long, `limit` at most. It never opens earlier than it would have.
    pub(crate) fn shut(&self, now: Instant, retry_after: Duration, limit: Duration) {
        // A moment that the clock cannot hold is no moment to wait for.
        let Some(until) = now.checked_add(retry_after.min(limit)) else { return };
        let mut opens_at = self.opens_at.lock().unwrap_or_else(PoisonError::into_inner);
        *opens_at = opens_at.max(Some(until));
    }

    /// How long it is still shut; zero if it is open.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        let opens_at = *self.opens_at.lock().unwrap_or_else(PoisonError::into_inner);
        opens_at.map_or(Duration::ZERO, |opens_at| opens_at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_the_longest_wait_is_over_and_never_earlier() {
        let seconds = Duration::from_secs;
        let gate = Gate::default();
        let now = Instant::now();
        assert_eq!(gate.remaining(now), Duration::ZERO);
        gate.shut(now, seconds(7), DEFAULT_LIMIT);
        gate.shut(now, seconds(3), DEFAULT_LIMIT);
        assert_eq!(gate.remaining(now), seconds(7));
        assert_eq!(gate.remaining(now + seconds(5)), seconds(2));
        assert_eq!(gate.remaining(now + seconds(7)), Duration::ZERO);
    }

    #[test]
    fn it_is_shut_for_the_limit_at_most() {
        let now = Instant::now();
        for (asked, limit, shut) in [(86_400, 60, 60), (u64::MAX, 60, 60), (61, 60, 60), (60, 60, 60), (5, 0, 0)] {
            let gate = Gate::default();
            gate.shut(now, Duration::from_secs(asked), Duration::from_secs(limit));
            assert_eq!(gate.remaining(now), Duration::from_secs(shut), "{asked} {limit}");
        }
    }
}
