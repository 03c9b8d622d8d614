//! Those who wait for something that a lock guards: one waker each, which they take along when they go.
//!
//! With a waker a whole task may be kept. A waker is the user's: it is cloned, woken and dropped unlocked, and may panic.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Waker,
};

/// By the order in which they came.
#[derive(Default)]
pub(crate) struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

impl Waiting {
    /// Keeps the waker of this place, or of a new one. What it replaces is left in `waker`, to be dropped unlocked.
    pub(crate) fn keep(&mut self, place: &mut Option<u64>, waker: &mut Option<Waker>) {
        let Some(new) = waker.take() else { return };
        let place = *place.get_or_insert_with(|| {
            self.next = self.next.wrapping_add(1);
            self.next
        });
        *waker = self.wakers.insert(place, new);
    }

    /// Returns the waker of this place, which is empty from here on.
    pub(crate) fn leave(&mut self, place: u64) -> Option<Waker> {
        self.wakers.remove(&place)
    }

    /// Returns all wakers, for [`wake`].
    pub(crate) fn take(&mut self) -> BTreeMap<u64, Waker> {
        std::mem::take(&mut self.wakers)
    }
}

/// Wakes them all, also where this is a destructor and one of them panics.
pub(crate) fn wake(wakers: BTreeMap<u64, Waker>) {
    for waker in wakers.into_values() {
        let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}
