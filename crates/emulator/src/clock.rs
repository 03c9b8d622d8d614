//! The emulator's clock: time that moves by itself when everybody waits, by hand, or as it really does.
//!
//! Responsible for telling time and for waking sleepers in order. Knows of exchanges only how many are running (at
//! work, not stalled): while one is, time does not move.

mod executor;
mod shared;
mod sleep;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clerk_actor_tokens_core::{BoxFuture, Moment, SystemTimer, Timer};

pub(crate) use self::shared::{ClockMode, END};
use self::{
    shared::{Shared, wake_all},
    sleep::Sleep,
};

/// 2026-01-01T00:00:00Z, in seconds since 1970: where virtual and manual time begin.
pub(crate) const START: u64 = 1_767_225_600;

/// The clock. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Shared>);

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        Self(Arc::new(Shared::new(mode)))
    }

    pub(crate) fn mode(&self) -> ClockMode {
        self.0.mode
    }

    /// Moves time on, to the end at most, and wakes what is due. With real time the calendar moves and no sleeper wakes
    /// earlier.
    pub(crate) fn advance(&self, by: Duration) {
        self.move_on(|elapsed| elapsed.saturating_add(by).min(END));
    }

    /// The same, unless the end comes before: then nothing moves, and this is how much is left.
    #[cfg(feature = "control")]
    pub(crate) fn try_advance(&self, by: Duration) -> Result<(), Duration> {
        let mut result = Ok(());
        self.move_on(|elapsed| {
            let later = elapsed.saturating_add(by);
            if later <= END {
                return later;
            }
            result = Err(END.saturating_sub(elapsed));
            elapsed
        });
        result
    }

    fn move_on(&self, moved: impl FnOnce(Duration) -> Duration) {
        let wakers = {
            let mut state = self.0.lock();
            state.elapsed = moved(state.elapsed);
            state.fire()
        };
        wake_all(wakers);
    }

    /// How far `advance` has moved the calendar. Zero where time is not the operating system's.
    pub(crate) fn moved(&self) -> Duration {
        if self.mode() == ClockMode::Real { self.0.lock().elapsed } else { Duration::ZERO }
    }

    /// Moves the calendar there, where time is the operating system's.
    pub(crate) fn move_to(&self, moved: Duration) {
        if self.mode() == ClockMode::Real {
            self.0.lock().elapsed = moved;
        }
    }

    /// An exchange is at work until the returned value is dropped. Time does not move meanwhile.
    pub(crate) fn running(&self) -> Running {
        let mut state = self.0.lock();
        state.running = state.running.saturating_add(1);
        state.activity = state.activity.wrapping_add(1);
        Running(self.clone())
    }

    /// The calendar, in milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        let since = self.system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// How long ago this clock was made, by itself.
    pub(crate) fn since_start(&self) -> Duration {
        self.now().saturating_duration_since(self.0.origin)
    }

    fn sleep_as(&self, duration: Duration, watchdog: bool) -> BoxFuture<'static, ()> {
        if self.0.mode == ClockMode::Real {
            return SystemTimer.sleep(duration);
        }
        let due = self.0.lock().elapsed.saturating_add(duration).min(END);
        Box::pin(Sleep::new(Arc::clone(&self.0), due, watchdog))
    }

    #[cfg(test)]
    fn sleepers(&self) -> usize {
        self.0.lock().sleepers.len()
    }
}

impl Timer for Clock {
    fn now(&self) -> Moment {
        match self.0.mode {
            ClockMode::Real => Moment::from_instant(Instant::now()),
            _ => Moment::from_origin(self.0.lock().elapsed),
        }
    }

    fn system_time(&self) -> SystemTime {
        let origin = match self.0.mode {
            ClockMode::Real => SystemTime::now(),
            _ => UNIX_EPOCH.checked_add(Duration::from_secs(START)).unwrap_or(UNIX_EPOCH),
        };
        origin.checked_add(self.0.lock().elapsed).unwrap_or(origin)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_as(duration, false)
    }

    fn watchdog(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_as(duration, true)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("mode", &self.0.mode).finish_non_exhaustive()
    }
}

/// An exchange at work.
pub(crate) struct Running(Clock);

impl Drop for Running {
    fn drop(&mut self) {
        // The sleepers were not waking themselves while something ran: they take up the watch again.
        let wakers = {
            let mut state = self.0.0.lock();
            state.running = state.running.saturating_sub(1);
            state.activity = state.activity.wrapping_add(1);
            if state.running == 0 && self.0.mode().moves_by_itself() {
                state.sleepers.values().map(|sleeper| sleeper.waker.clone()).collect()
            } else {
                Vec::new()
            }
        };
        wake_all(wakers);
    }
}

#[cfg(test)]
mod tests;
