//! The one lock of this crate: a mutex that outlives a panic, and is held for a few instructions at a time.
//!
//! Nothing of a user's (a future, a waker, a handler) is polled, woken or dropped while it is held.

use std::sync::{Mutex, PoisonError};

/// A value behind a mutex.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Gives the value to `look`, which must not run code of a user's.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        #[cfg(test)]
        counted::TAKEN.with(|taken| taken.set(taken.get().saturating_add(1)));
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many locks this thread has taken, for the test that bounds the price of a call.
#[cfg(test)]
pub(crate) mod counted {
    use std::cell::Cell;

    thread_local! {
        pub(super) static TAKEN: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn taken() -> usize {
        TAKEN.with(Cell::get)
    }
}
