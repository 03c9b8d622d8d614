//! The emulator's clock: time that moves by itself when everybody waits, by hand, or as it really does.
//!
//! Responsible for telling time and for waking sleepers in order. Knows of exchanges only how many are running (at
//! work, not stalled): while one is, time stands still.
//!
//! Virtual time jumps to the earliest pending sleep, but only once things are quiet: a pending sleep is polled again
//! and again, and a round is quiet if nothing happened since its last poll (no sleep began or ended, no exchange began,
//! stalled or ended). One round is not enough. In `select(stalled_exchange, sleep(50 ms))` the exchange's own sleep, to
//! its deadline, is polled first; a jump there would overtake the sleep that is about to begin.
//!
//! To the end of a watchdog it jumps only after a while of real time: where nothing but a client's own race is pending, the
//! code under test waits for something that this clock does not see, such as a vault on another thread.

mod sleep;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    thread::{self, ThreadId},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clerk_actor_tokens_core::{BoxFuture, SystemTimer, Timer};

use self::sleep::Sleep;

/// 2026-01-01T00:00:00Z, in seconds since 1970: where virtual and manual time begin.
pub(crate) const START: u64 = 1_767_225_600;

/// As far as virtual time goes: a hundred years. It keeps every sum within what `Instant` can hold.
const END: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Quiet rounds before time jumps, and the real time that each gives to other threads: their tasks may be about to
/// begin an exchange.
const QUIET: (u32, Duration) = (3, Duration::from_micros(50));

/// The same where sleepers have been polled on several threads, or where a woken sleeper has not been polled. On a busy
/// machine the others may just be late. (But a sleeper may also be held by somebody who never polls it again.)
const QUIET_AMONG_THREADS: (u32, Duration) = (24, Duration::from_micros(200));

/// The same where one thread polls everything. It takes as many rounds as it takes the executor to poll everything else
/// that is ready, and no real time.
const QUIET_ON_ONE_THREAD: (u32, Duration) = (3, Duration::ZERO);

/// The same where a woken sleeper has not been polled, or the earliest sleep is a watchdog: somebody has still to act, who
/// may be several tasks away.
const QUIET_BEHIND_OTHER_TASKS: (u32, Duration) = (24, Duration::ZERO);

/// The same where the earliest sleep is a watchdog: a fifth of a second.
const QUIET_BEFORE_BACKSTOP: (u32, Duration) = (400, Duration::from_micros(500));

/// Somebody who sleeps.
struct Sleeper {
    waker: Waker,
    /// Whether this is a watchdog, which nobody means to wait for.
    watchdog: bool,
}

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// To the earliest sleep, as soon as all is quiet; and by `advance`.
    Virtual,
    /// The same, where one thread polls everything: nobody else needs a moment.
    VirtualOnOneThread,
    /// By `advance` alone.
    Manual,
    /// As the operating system tells it; `advance` moves the calendar.
    Real,
}

impl Pace {
    fn moves_by_itself(self) -> bool {
        matches!(self, Self::Virtual | Self::VirtualOnOneThread)
    }
}

/// The clock. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Shared>);

struct Shared {
    pace: Pace,
    origin: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Time passed since the start; with real time, how far `advance` moved the calendar.
    elapsed: Duration,
    /// Sleepers by the moment they are due and the order in which they came.
    sleepers: BTreeMap<(Duration, u64), Sleeper>,
    /// Sleepers that were woken and have not been polled since.
    late: usize,
    /// Exchanges at work.
    running: usize,
    /// Goes up by one with everything that happens.
    activity: u64,
    /// How many rounds of the present quiet have had their nap, and which quiet that is.
    napped: (u64, u32),
    next: u64,
    /// The thread that sleepers are polled on, and whether there is more than one.
    thread: Option<ThreadId>,
    many_threads: bool,
}

impl State {
    /// How long it must be quiet before time jumps.
    fn patience(&self, pace: Pace) -> (u32, Duration) {
        let watchdog = self.sleepers.first_key_value().is_some_and(|(_, first)| first.watchdog);
        if pace == Pace::VirtualOnOneThread {
            if watchdog || self.late > 0 { QUIET_BEHIND_OTHER_TASKS } else { QUIET_ON_ONE_THREAD }
        } else if watchdog {
            QUIET_BEFORE_BACKSTOP
        } else if self.late > 0 || self.many_threads {
            QUIET_AMONG_THREADS
        } else {
            QUIET
        }
    }

    fn notice_thread(&mut self) {
        let present = thread::current().id();
        self.many_threads |= *self.thread.get_or_insert(present) != present;
    }

    fn fire(&mut self) -> Vec<Waker> {
        self.activity = self.activity.wrapping_add(1);
        let mut wakers = Vec::new();
        while let Some(first) = self.sleepers.first_entry() {
            if first.key().0 > self.elapsed {
                break;
            }
            wakers.push(first.remove().waker);
            self.late = self.late.saturating_add(1);
        }
        wakers
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

impl Clock {
    pub(crate) fn new(pace: Pace) -> Self {
        Self(Arc::new(Shared { pace, origin: Instant::now(), state: Mutex::default() }))
    }

    pub(crate) fn pace(&self) -> Pace {
        self.0.pace
    }

    /// Moves time on and wakes what is due. With real time the calendar moves and no sleeper wakes earlier.
    pub(crate) fn advance(&self, by: Duration) {
        let wakers = {
            let mut state = self.0.lock();
            state.elapsed = state.elapsed.saturating_add(by).min(END);
            state.fire()
        };
        wake_all(wakers);
    }

    /// An exchange is at work until the returned value is dropped. Time stands still meanwhile.
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
        if self.0.pace == Pace::Real {
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
    fn now(&self) -> Instant {
        match self.0.pace {
            Pace::Real => Instant::now(),
            _ => self.0.origin.checked_add(self.0.lock().elapsed).unwrap_or(self.0.origin),
        }
    }

    fn system_time(&self) -> SystemTime {
        let origin = match self.0.pace {
            Pace::Real => SystemTime::now(),
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
        f.debug_struct("Clock").field("pace", &self.0.pace).finish_non_exhaustive()
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
            if state.running == 0 && self.0.pace().moves_by_itself() {
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
