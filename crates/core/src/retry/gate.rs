//! The gate: after a 429 with `Retry-After`, all calls to the same place with the same key wait until that time is over.
//!
//! Clerk's limits are per key: to send more meanwhile would only prolong them. The gate knows when it opens; the attempt loop
//! waits.

use std::time::Duration;

use crate::time::Moment;

/// For how long a gate is shut at most, unless set otherwise.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// The gate of one place and key: see `limits.rs`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Gate {
    opens_at: Option<Moment>,
}

impl Gate {
    /// Shuts it for this long, `limit` at most. It never opens earlier than it would have.
    pub(crate) fn shut(&mut self, now: Moment, retry_after: Duration, limit: Duration) {
        let until = now.saturating_add(retry_after.min(limit));
        self.opens_at = self.opens_at.max(Some(until));
    }

    /// How long it is still shut; zero if it is open.
    pub(crate) fn remaining(self, now: Moment) -> Duration {
        self.opens_at.map_or(Duration::ZERO, |opens_at| opens_at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_the_longest_wait_is_over_and_never_earlier() {
        let seconds = Duration::from_secs;
        let mut gate = Gate::default();
        let now = Moment::from_origin(Duration::from_secs(1_000));
        assert_eq!(gate.remaining(now), Duration::ZERO);
        gate.shut(now, seconds(7), DEFAULT_LIMIT);
        gate.shut(now, seconds(3), DEFAULT_LIMIT);
        assert_eq!(gate.remaining(now), seconds(7));
        assert_eq!(gate.remaining(now.saturating_add(seconds(5))), seconds(2));
        assert_eq!(gate.remaining(now.saturating_add(seconds(7))), Duration::ZERO);
    }

    #[test]
    fn it_is_shut_for_the_limit_at_most() {
        let now = Moment::from_origin(Duration::from_secs(1_000));
        for (asked, limit, shut) in [(86_400, 60, 60), (u64::MAX, 60, 60), (61, 60, 60), (60, 60, 60), (5, 0, 0)] {
            let mut gate = Gate::default();
            gate.shut(now, Duration::from_secs(asked), Duration::from_secs(limit));
            assert_eq!(gate.remaining(now), Duration::from_secs(shut), "{asked} {limit}");
        }
    }
}
