//! Faults that were queued and never happened: such a fault tested nothing.
#![allow(clippy::panic, reason = "to fail a test is what this is for")]

use std::{fmt::Write as _, thread};

use crate::{
    script::Scripted,
    state::{Inner, State},
};

/// Says which faults never happened; `None` if all did.
pub(crate) fn unused_faults(inner: &Inner) -> Option<String> {
    let state = inner.lock();
    let mut report = String::new();
    for (unused, why) in idle_faults(&state) {
        let _ = write!(report, "\n  - {unused}, queued at {}: {why}", unused.place);
    }
    let forgotten = state.scripts.idle_forgotten();
    if forgotten > 0 {
        let _ = write!(report, "\n  - and {forgotten} before these that did nothing either");
    }
    let seed = state.clerk.settings().seed;
    (!report.is_empty())
        .then(|| format!("these faults were queued and never happened:{report}\n(emulator seed {seed})"))
}

/// What did not happen, and why.
pub(crate) fn idle_faults(state: &State) -> impl Iterator<Item = (&Scripted, String)> {
    let unused = state.scripts.unused().map(|unused| (unused, "no attempt met it".to_owned()));
    let idle = state.scripts.idle();
    unused.chain(idle.map(|(idle, why)| (idle, format!("an attempt met it, and it did nothing: {why}"))))
}

/// Gives up what did not happen, and says what that was.
pub(crate) fn take(state: &mut State) -> Vec<String> {
    let faults = idle_faults(state).map(|(unused, why)| format!("{unused}: {why}")).collect();
    state.scripts.clear();
    faults
}

/// The last user lets go: a fault that never happened fails the test, if nothing has failed it yet.
pub(crate) fn at_the_end(inner: &Inner) {
    if thread::panicking() {
        return;
    }
    if let Some(report) = unused_faults(inner) {
        panic!("{report}");
    }
}
