//! The record of a call: its attempts, as they are told afterwards, and what their failures claim.
//!
//! An attempt is written down when it begins, because a middleware, or the end of a runtime, may drop it before it ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;

use crate::{attempt::Attempt, client::guard::Guard, error::ErrorKind, execution::Execution};

/// What is known of one call's attempts.
#[derive(Default)]
pub(crate) struct Record {
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    entries: Vec<Entry>,
    /// The join over what the failures claim by themselves. A middleware may fail, or answer, in the transport's
    /// place: then the guard saw nothing, and this is all there is.
    claimed: Option<Execution>,
    out_of_retries: bool,
}

struct Entry {
    stamp: Option<String>,
    /// How many sends the guard had seen when it began.
    sends_before: usize,
    ended: Option<End>,
}

/// How an attempt ended.
pub(crate) struct End {
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) execution: Execution,
}

impl Record {
    /// Another attempt begins: its number, counted from 1 over the whole call, also where a per-call middleware runs the
    /// attempts more than once.
    pub(crate) fn begin(&self, sends_before: usize) -> u32 {
        let mut told = self.told();
        told.entries.push(Entry { stamp: None, sends_before, ended: None });
        u32::try_from(told.entries.len()).unwrap_or(u32::MAX)
    }

    /// The request of this attempt bears this stamp.
    pub(crate) fn stamp(&self, number: u32, stamp: String) {
        self.with(number, |entry| entry.stamp = Some(stamp));
    }

    pub(crate) fn end(&self, number: u32, end: End) {
        if end.error.is_some() {
            let mut told = self.told();
            told.claimed = Some(told.claimed.map_or(end.execution, |claimed| claimed.join(end.execution)));
        }
        self.with(number, |entry| entry.ended = Some(end));
    }

    /// The retry budget kept the call from being sent again.
    pub(crate) fn out_of_retries(&self) {
        self.told().out_of_retries = true;
    }

    pub(crate) fn is_out_of_retries(&self) -> bool {
        self.told().out_of_retries
    }

    /// What the failures claim together.
    pub(crate) fn claimed(&self) -> Execution {
        self.told().claimed.unwrap_or(Execution::NotExecuted)
    }

    /// Every attempt. One that was dropped has what the guard saw of it.
    pub(crate) fn attempts(&self, guard: &Guard) -> Vec<Attempt> {
        let told = self.told();
        let ends = told.entries.iter().skip(1).map(|next| next.sends_before).chain([usize::MAX]);
        let attempts = told.entries.iter().zip(ends).zip(1u32..).map(|((entry, sends_after), number)| {
            let stamp = entry.stamp.clone();
            if let Some(End { status, error, execution }) = entry.ended {
                return Attempt { number, status, error, execution, stamp };
            }
            let execution = guard.execution_of(entry.sends_before..sends_after);
            let error = match execution {
                Execution::NotExecuted => ErrorKind::Blocked,
                Execution::Unknown | Execution::Executed => ErrorKind::Interrupted,
            };
            Attempt { number, status: None, error: Some(error), execution, stamp }
        });
        attempts.collect()
    }

    fn with(&self, number: u32, change: impl FnOnce(&mut Entry)) {
        let at = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        if let Some(entry) = self.told().entries.get_mut(at) {
            change(entry);
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
