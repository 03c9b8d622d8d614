//! One sleep of a clock that is not real: it waits its turn, counts the quiet rounds, and moves time when there were enough.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use super::shared::{Shared, Sleeper, State, wake_all};

/// A sleep of virtual or manual time.
pub(super) struct Sleep {
    clock: Arc<Shared>,
    due: Duration,
    watchdog: bool,
    /// Its place in the order, once it has been polled.
    ticket: Option<u64>,
    /// What the activity was when it was last polled, and how many polls have found it so.
    seen: u64,
    quiet: u32,
}

impl Sleep {
    pub(super) fn new(clock: Arc<Shared>, due: Duration, watchdog: bool) -> Self {
        Self { clock, due, watchdog, ticket: None, seen: 0, quiet: 0 }
    }

    /// Leaves the list of sleepers, if it is in there. The waker that it had is for the caller to drop, once the clock
    /// is unlocked: with it a whole task may go, and other sleepers of this clock in it.
    fn leave(&mut self, state: &mut State) -> Option<Waker> {
        let ticket = self.ticket.take()?;
        state.activity = state.activity.wrapping_add(1);
        let waker = state.sleepers.remove(&(self.due, ticket));
        if waker.is_none() {
            state.late = state.late.saturating_sub(1);
        }
        waker.map(|sleeper| sleeper.waker)
    }

    /// Enters the list of sleepers or renews the waker there, and counts the quiet rounds. As in `leave`, the waker that
    /// it had is for the caller to drop.
    fn watch(&mut self, state: &mut State, waker: &Waker) -> Option<Waker> {
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.next = state.next.wrapping_add(1);
            state.activity = state.activity.wrapping_add(1);
            state.next
        });
        if self.seen == state.activity {
            self.quiet = self.quiet.saturating_add(1);
        } else {
            self.seen = state.activity;
            self.quiet = 0;
        }
        let sleeper = Sleeper { waker: waker.clone(), watchdog: self.watchdog };
        state.sleepers.insert((self.due, ticket), sleeper).map(|sleeper| sleeper.waker)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let clock = Arc::clone(&this.clock);
        let _unlocked_by_then: Option<Waker>;
        let mut state = clock.lock();
        if state.elapsed >= this.due {
            _unlocked_by_then = this.leave(&mut state);
            return Poll::Ready(());
        }
        _unlocked_by_then = this.watch(&mut state, context.waker());
        if !clock.mode.moves_by_itself() || state.running > 0 {
            return Poll::Pending;
        }
        state.notice_thread();
        let (rounds, nap) = state.patience(clock.mode);
        if this.quiet >= rounds {
            if let Some((&(due, _), _)) = state.sleepers.first_key_value() {
                state.elapsed = due;
            }
            let wakers = state.fire();
            drop(state);
            wake_all(wakers);
        } else {
            // Of several sleepers, one naps in each round.
            let naps = !nap.is_zero() && this.quiet > 0 && state.napped < (this.seen, this.quiet);
            if naps {
                state.napped = (this.seen, this.quiet);
            }
            drop(state);
            if naps {
                thread::sleep(nap);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let clock = Arc::clone(&self.clock);
        let waker = self.leave(&mut clock.lock());
        drop(waker);
    }
}
