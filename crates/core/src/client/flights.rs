//! The creations of a client that are under way, and what was lost: what `close` waits for and tells.
//!
//! Counts and keeps; decides nothing. Whoever is under way holds a [`Flight`], and gives it back by dropping it.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::client::orphan::OrphanReport;

/// So many reports of lost things are kept; of more, the number alone.
const KEPT: usize = 1_000;

/// What all clones of a client share.
#[derive(Default)]
pub(crate) struct Flights {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    under_way: usize,
    lost: Vec<OrphanReport>,
    more_lost: usize,
    waiting: Vec<Waker>,
}

impl Flights {
    /// One more is under way. `None` if the client is closed.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Flight> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.under_way = state.under_way.saturating_add(1);
        Some(Flight(Arc::clone(self)))
    }

    /// Nothing begins any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// Waits until none is under way.
    pub(crate) async fn landed(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            if state.under_way == 0 {
                return Poll::Ready(());
            }
            // Kept once for each task that waits.
            state.waiting.retain(|waker| !waker.will_wake(context.waker()));
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
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
pub(crate) struct Flight(Arc<Flights>);

impl Flight {
    pub(crate) fn flights(&self) -> &Flights {
        &self.0
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.lock();
            state.under_way = state.under_way.saturating_sub(1);
            if state.under_way == 0 { std::mem::take(&mut state.waiting) } else { Vec::new() }
        };
        for waker in waiting {
            waker.wake();
        }
    }
}
