//! Telling and passing time.
//!
//! Everything that waits (backoff, deadlines) and everything that dates (HTTP dates, exposure) goes through
//! [`Timer`], so that a test moves time by hand and a transport brings the clock of its own runtime.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant, SystemTime},
};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells and passes time.
///
/// ```
/// use clerk_actor_tokens_core::{SystemTimer, Timer};
/// use std::time::Duration;
///
/// let before = SystemTimer.now();
/// pollster::block_on(SystemTimer.sleep(Duration::from_millis(1)));
/// assert!(SystemTimer.now() > before);
/// ```
pub trait Timer: Send + Sync {
    /// A monotonic clock: deadlines and backoff are measured with it.
    fn now(&self) -> Instant;

    /// The calendar: HTTP dates and exposure are told with it.
    fn system_time(&self) -> SystemTime;

    /// Passes this much time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// As [`sleep`](Self::sleep), for a sleep that ends only where something hangs: the client's own race against what
    /// keeps no deadline. A virtual clock gives whatever is waited for in real time (a vault, a channel) a chance before
    /// it moves to the end of one.
    fn watchdog(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep(duration)
    }
}

/// The operating system's clock, with sleeps that any executor can await.
///
/// The sleeps of a process share one thread, started at the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTimer;

impl Timer for SystemTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(futures_timer::Delay::new(duration))
    }
}

/// The moment at which a call, or one attempt of it, must be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// Longer than any call is meant to take: what a duration that the clock cannot hold is cut to.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl Deadline {
    /// A deadline at this moment.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// A deadline this long after `now`; a duration that the clock cannot hold becomes a year.
    #[must_use]
    pub fn after(now: Instant, duration: Duration) -> Self {
        Self(now.checked_add(duration).or_else(|| now.checked_add(FAR)).unwrap_or(now))
    }

    /// The moment itself.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// How much time is left at `now`; zero if it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether nothing is left at `now`.
    #[must_use]
    pub fn has_passed(self, now: Instant) -> bool {
        now >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_too_far_for_the_clock_is_still_finite() {
        let now = Instant::now();
        assert_eq!(Deadline::after(now, Duration::MAX).remaining(now), FAR);
    }
}
