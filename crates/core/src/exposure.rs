//! For how long something that was made and lost can be used.

use std::time::{Duration, SystemTime};

/// What is added for clocks that differ: 60 seconds.
const SLACK: Duration = Duration::from_secs(60);

/// Longer than any credential lives, and short enough for every calendar: 1,000 years.
const FAR: Duration = Duration::from_secs(1_000 * 365 * 24 * 3600);

/// How long what an operation makes can be used, counted from the time at which it was made.
///
/// ```
/// use clerk_actor_tokens_core::Exposure;
/// use std::time::Duration;
///
/// let exposure = Exposure::new(Duration::from_secs(3600)).with_session(Duration::from_secs(1800));
/// assert_eq!(exposure.session(), Some(Duration::from_secs(1800)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Exposure {
    lifetime: Duration,
    session: Option<Duration>,
}

impl Exposure {
    /// Makes an exposure of this lifetime.
    pub const fn new(lifetime: Duration) -> Self {
        Self { lifetime, session: None }
    }

    /// Sets the longest duration of a session that it opens.
    pub const fn with_session(mut self, session: Duration) -> Self {
        self.session = Some(session);
        self
    }

    /// Returns how long it can be used.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns how long a session can last that it opened.
    #[must_use]
    pub const fn session(&self) -> Option<Duration> {
        self.session
    }

    /// Until when it can be used, if it was made at this moment or before.
    pub(crate) fn until(&self, made_by: SystemTime) -> Exposed {
        let usable = self.lifetime.saturating_add(SLACK);
        Exposed {
            until: after(made_by, usable),
            session_until: self.session.map(|session| after(made_by, usable.saturating_add(session))),
        }
    }
}

/// An exposure with its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exposed {
    pub(crate) until: SystemTime,
    pub(crate) session_until: Option<SystemTime>,
}

/// A moment so far off that the calendar cannot hold it must not read as "no exposure".
fn after(moment: SystemTime, duration: Duration) -> SystemTime {
    moment.checked_add(duration.min(FAR)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn a_lifetime_beyond_the_calendar_is_still_an_exposure() {
        let exposed = Exposure::new(Duration::MAX).with_session(Duration::MAX).until(UNIX_EPOCH);
        assert_eq!(exposed.until, UNIX_EPOCH + FAR);
        assert_eq!(exposed.session_until, Some(UNIX_EPOCH + FAR));
    }
}
