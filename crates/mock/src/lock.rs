//! Locking the doubles' shared state.
//!
//! A panic is how a double fails a test, so a poisoned lock is normal here: the state behind it is still what the next
//! handle has to report.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
