//! Locking what the kit and its servers share.
//!
//! A panic is how a wrong transport may fail a cell. What is behind a poisoned lock is still what the report needs.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
