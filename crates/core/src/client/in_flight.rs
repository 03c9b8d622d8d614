//! The creations of a client that are under way, and what was lost: what `close` waits for and tells.
//!
//! Counts and keeps; decides nothing. Whoever is under way holds a [`InFlightGuard`], and gives it back by dropping it.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::client::orphan::OrphanReport;

/// So many reports of lost things are kept; of more, the number alone.
const KEPT: usize = 1_000;

/// What all clones of a client share.
#[derive(Default)]
pub(crate) struct InFlight {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    under_way: usize,
    lost: Vec<OrphanReport>,
    more_lost: usize,
    /// Who waits, by the order in which they came.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl InFlight {
    /// One more is under way. `None` if the client is closed.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<InFlightGuard> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.under_way = state.under_way.saturating_add(1);
        Some(InFlightGuard(Arc::clone(self)))
    }

    /// Nothing begins any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// Waits until none is under way.
    pub(crate) fn landed(&self) -> Landed<'_> {
        Landed { in_flight: self, place: None }
    }

    /// Keeps what nobody took care of.
    pub(crate) fn leave(&self, report: OrphanReport) {
        let mut state = self.lock();
        if state.lost.len() < KEPT {
            state.lost.push(report);
        } else {
            state.more_lost = state.more_lost.saturating_add(1);
        }
    }

    /// How many are under way, what was lost, and how much more than what is kept.
    pub(crate) fn left(&self) -> (usize, Vec<OrphanReport>, usize) {
        let state = self.lock();
        (state.under_way, state.lost.clone(), state.more_lost)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is under way, until it is dropped.
pub(crate) struct InFlightGuard(Arc<InFlight>);

impl InFlightGuard {
    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.lock();
            state.under_way = state.under_way.saturating_sub(1);
            if state.under_way == 0 { std::mem::take(&mut state.waiting) } else { BTreeMap::new() }
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

/// Ready when none is under way. It takes its waker along when it goes: with a waker a whole task may be kept.
pub(crate) struct Landed<'a> {
    in_flight: &'a InFlight,
    place: Option<u64>,
}

impl Future for Landed<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let in_flight = self.in_flight;
        let _dropped_unlocked = {
            let mut state = in_flight.lock();
            if state.under_way == 0 {
                return Poll::Ready(());
            }
            let place = *self.place.get_or_insert_with(|| {
                state.next = state.next.wrapping_add(1);
                state.next
            });
            state.waiting.insert(place, waker)
        };
        Poll::Pending
    }
}

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        let waker = self.place.and_then(|place| self.in_flight.lock().waiting.remove(&place));
        drop(waker);
    }
}
