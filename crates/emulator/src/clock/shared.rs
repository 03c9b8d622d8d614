//! What the clones and the sleeps of one clock share: how time passes, how far it has come, and who sleeps.
//!
//! Virtual time jumps to the earliest pending sleep, but only once things are quiet: a pending sleep is polled again
//! and again, and a round is quiet if nothing happened since its last poll (no sleep began or ended, no exchange began,
//! stalled or ended). One round is not enough. In `select(stalled_exchange, sleep(50 ms))` the exchange's own sleep, to
//! its deadline, is polled first; a jump there would overtake the sleep that is about to begin.
//!
//! To the end of a watchdog it jumps only after a while of real time: where nothing but a client's own race is pending, the
//! code under test waits for something that this clock does not see, such as a vault on another thread.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::Moment;

/// As far as virtual time goes: a hundred years. It keeps every sum within what a calendar can hold.
pub(crate) const END: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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
const QUIET_BEFORE_WATCHDOG: (u32, Duration) = (400, Duration::from_micros(500));

/// Somebody who sleeps.
pub(super) struct Sleeper {
    pub(super) waker: Waker,
    /// Whether this is a watchdog, which is not meant to be waited for.
    pub(super) watchdog: bool,
}

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockMode {
    /// To the earliest sleep, as soon as all is quiet; and by `advance`.
    Virtual,
    /// The same, where one thread polls everything: no other thread needs a moment.
    VirtualOnOneThread,
    /// By `advance` alone.
    Manual,
    /// From the operating system's clock; `advance` moves the calendar.
    Real,
}

impl ClockMode {
    pub(super) fn moves_by_itself(self) -> bool {
        matches!(self, Self::Virtual | Self::VirtualOnOneThread)
    }
}

/// What all clones of a clock share.
pub(super) struct Shared {
    pub(super) mode: ClockMode,
    pub(super) origin: Moment,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Time passed since the start; with real time, how far `advance` moved the calendar.
    pub(super) elapsed: Duration,
    /// Sleepers by the moment they are due and the order in which they came.
    pub(super) sleepers: BTreeMap<(Duration, u64), Sleeper>,
    /// Sleepers that were woken and have not been polled since.
    pub(super) late: usize,
    /// Exchanges at work.
    pub(super) running: usize,
    /// Goes up by one with everything that happens.
    pub(super) activity: u64,
    /// How many rounds of the present quiet have had their nap, and which quiet that is.
    pub(super) napped: (u64, u32),
    pub(super) next: u64,
    /// The thread that sleepers are polled on, and whether there is more than one.
    thread: Option<ThreadId>,
    pub(super) many_threads: bool,
}

impl State {
    /// How long it must be quiet before time jumps.
    pub(super) fn patience(&self, mode: ClockMode) -> (u32, Duration) {
        let watchdog = self.sleepers.first_key_value().is_some_and(|(_, first)| first.watchdog);
        if mode == ClockMode::VirtualOnOneThread {
            if watchdog || self.late > 0 { QUIET_BEHIND_OTHER_TASKS } else { QUIET_ON_ONE_THREAD }
        } else if watchdog {
            QUIET_BEFORE_WATCHDOG
        } else if self.late > 0 || self.many_threads {
            QUIET_AMONG_THREADS
        } else {
            QUIET
        }
    }

    pub(super) fn notice_thread(&mut self) {
        let present = thread::current().id();
        self.many_threads |= *self.thread.get_or_insert(present) != present;
    }

    pub(super) fn fire(&mut self) -> Vec<Waker> {
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
    pub(super) fn new(mode: ClockMode) -> Self {
        let origin = match mode {
            ClockMode::Real => Moment::from_instant(Instant::now()),
            _ => Moment::from_origin(Duration::ZERO),
        };
        Self { mode, origin, state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
