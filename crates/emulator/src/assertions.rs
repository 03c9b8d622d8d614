//! Assertions: what a test expects of the ledger, and the message if that is not so.
//!
//! A failure says what was expected, what there is (each commit with its attempt, its time, the fault it met and what
//! became of its answer), one hint, and the seed that replays it. It never shows a ticket or a link.
#![allow(clippy::panic, reason = "to fail a test is what these are for")]

use std::fmt::{Debug, Write as _};

use crate::{
    emulator::Emulator,
    hints::{Counted, Facts, hint},
    unused_faults::{self, unused_faults},
};

impl Emulator {
    /// Asserts the number of tokens that were created.
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_creates(&self, expected: usize) {
        let count = self.inner().lock().ledger.creates();
        self.check(Counted::Creates, expected, count, &self.creates());
    }

    /// Asserts the number of tokens that were revoked.
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_revokes(&self, expected: usize) {
        let count = self.inner().lock().ledger.revokes();
        self.check(Counted::Revokes, expected, count, &self.revokes());
    }

    /// Asserts the number of [`orphans`](Self::orphans): pending tokens whose answer the transport did
    /// not deliver whole.
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_orphans(&self, expected: usize) {
        let count = usize::try_from(self.inner().lock().clerk.tokens().orphans()).unwrap_or(usize::MAX);
        self.check(Counted::Orphans, expected, count, &self.orphans());
    }

    /// Asserts the number of links that would work now: pending, and not past their time.
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_live(&self, expected: usize) {
        let live = self.live();
        self.check(Counted::Live, expected, live.len(), &live);
    }

    /// Asserts the number of [`live_sessions`](Self::live_sessions).
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_live_sessions(&self, expected: usize) {
        let live = self.live_sessions();
        self.check(Counted::LiveSessions, expected, live.len(), &live);
    }

    /// Asserts the number of sessions that are over, however they ended.
    ///
    /// # Panics
    /// If the number differs.
    #[track_caller]
    pub fn assert_ended_sessions(&self, expected: usize) {
        let now = self.inner().clock.millis();
        let counts = self.inner().lock().clerk.counts(now);
        let mut over = self.sessions();
        over.retain(|session| !session.is_live());
        let count = usize::try_from(counts.sessions).unwrap_or(usize::MAX).saturating_sub(counts.live_sessions);
        self.check(Counted::EndedSessions, expected, count, &over);
    }

    /// Asserts that every queued fault has happened. A fault that an attempt met without an effect has
    /// not happened: it cut an answer past its end, it came after a commit that was refused, or the
    /// client was gone by then.
    ///
    /// # Panics
    /// If a fault has not happened.
    #[track_caller]
    pub fn assert_faults_used(&self) {
        if let Some(report) = unused_faults(self.inner()) {
            panic!("{report}");
        }
    }

    /// Removes and returns what [`assert_faults_used`](Self::assert_faults_used) would fail for. It is
    /// for a program around an emulator, which has to end without a panic. Of those that an attempt
    /// met without an effect it has the latest 1,000.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::{Emulator, fault};
    ///
    /// let clerk = Emulator::new();
    /// clerk.next_create().after_commit(fault::stall());
    /// assert_eq!(clerk.take_unused_faults(), ["create:after_commit:stall(): no attempt met it"]);
    /// clerk.assert_faults_used();
    /// ```
    #[must_use]
    pub fn take_unused_faults(&self) -> Vec<String> {
        unused_faults::take(&mut self.inner().lock())
    }

    #[track_caller]
    fn check<T: Debug>(&self, counted: Counted, expected: usize, count: usize, found: &[T]) {
        if count == expected {
            return;
        }
        let mut report = format!("expected {expected} {}(s), found {count}", counted.name());
        list(&mut report, found);
        let forgotten = count.saturating_sub(found.len());
        if forgotten > 0 {
            // Writing to a String does not fail.
            let _ = write!(report, "\n  - {forgotten} that are no longer kept");
        }
        if matches!(counted, Counted::LiveSessions | Counted::EndedSessions) {
            report.push_str("\nof all sessions:");
            list(&mut report, &self.sessions());
        }
        let ledger = self.ledger();
        if counted != Counted::Creates {
            report.push_str("\nof all that was committed:");
            list(&mut report, &ledger);
        }
        let (requests, unused_faults) = {
            let state = self.inner().lock();
            (state.journal.total(), state.scripts.unused().next().is_some())
        };
        let is_more = count > expected;
        let hint = hint(&Facts { counted, is_more, ledger: &ledger, requests, unused_faults });
        panic!("{report}\nhint: {hint}\n(emulator seed {})", self.seed());
    }
}

fn list<T: Debug>(report: &mut String, items: &[T]) {
    for item in items {
        // Writing to a String does not fail.
        let _ = write!(report, "\n  - {item:?}");
    }
}
