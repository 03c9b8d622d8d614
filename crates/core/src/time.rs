//! Measuring and passing time.
//!
//! Everything that waits (backoff, deadlines) and everything that dates (HTTP dates, exposure) uses
//! [`Timer`]. So a test moves time by hand, and a transport brings the clock of its own runtime.

use std::{
    future::Future,
    pin::Pin,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Measures and passes time.
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
    /// Returns the present moment of a monotonic clock: deadlines and backoff are measured with it.
    fn now(&self) -> Moment;

    /// Returns the time of the calendar, for HTTP dates and exposure.
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

/// A moment of a [`Timer`]: opaque, and comparable with other moments of the same clock.
///
/// All real timers count from one origin per process, so that their moments are comparable. A virtual timer has an
/// origin of its own: pass on [`Deadline::remaining`] rather than a moment, where two timers meet.
///
/// ```
/// use clerk_actor_tokens_core::Moment;
/// use std::time::{Duration, Instant};
///
/// let now = Moment::from_instant(Instant::now());
/// let later = now.saturating_add(Duration::from_secs(3));
/// assert_eq!(later.saturating_duration_since(now), Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

/// Where the real clocks of this process begin. An instant before the first that was seen lies below it.
const REAL_ORIGIN: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Moment {
    /// Returns the moment of a real clock: of the operating system, or of a runtime that follows it.
    #[must_use]
    pub fn from_instant(instant: Instant) -> Self {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let first = *FIRST.get_or_init(|| instant);
        Self(match instant.checked_duration_since(first) {
            Some(after) => REAL_ORIGIN.saturating_add(after),
            None => REAL_ORIGIN.saturating_sub(first.saturating_duration_since(instant)),
        })
    }

    /// Returns the moment this long after the origin of a virtual timer.
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Returns the moment this much later, or the last one that there is.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// Returns the time since `earlier`: zero if that is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The operating system's clock, with sleeps that any executor can await.
///
/// The sleeps of a process share one thread, started at the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTimer;

impl Timer for SystemTimer {
    fn now(&self) -> Moment {
        Moment::from_instant(Instant::now())
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
pub struct Deadline(Moment);

/// The longest deadline: longer than any call is meant to take, and short enough for every clock.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl Deadline {
    /// Makes a deadline at this moment.
    #[must_use]
    pub fn at(moment: Moment) -> Self {
        Self(moment)
    }

    /// Makes a deadline this long after `now`, and at most a year after it.
    #[must_use]
    pub fn after(now: Moment, duration: Duration) -> Self {
        Self(now.saturating_add(duration.min(FAR)))
    }

    /// Returns the moment itself.
    #[must_use]
    pub fn moment(self) -> Moment {
        self.0
    }

    /// Returns how much time is left at `now`: zero if the deadline has passed.
    #[must_use]
    pub fn remaining(self, now: Moment) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Returns whether no time is left at `now`.
    #[must_use]
    pub fn has_passed(self, now: Moment) -> bool {
        now >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_too_far_for_the_clock_is_still_finite() {
        let now = SystemTimer.now();
        assert_eq!(Deadline::after(now, Duration::MAX).remaining(now), FAR);
    }

    #[test]
    fn moments_of_all_real_clocks_are_comparable() {
        let later = Instant::now();
        let earlier = later.checked_sub(Duration::from_secs(1)).unwrap();
        let (later, earlier) = (Moment::from_instant(later), Moment::from_instant(earlier));
        assert!(earlier < later);
        assert_eq!(later.saturating_duration_since(earlier), Duration::from_secs(1));
        assert_eq!(earlier.saturating_duration_since(later), Duration::ZERO);
        assert!(Moment::from_origin(Duration::MAX).saturating_add(Duration::MAX) >= later);
    }
}
