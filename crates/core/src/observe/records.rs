//! Where what is shown goes: to the subscriber of tracing that this thread has, else to the `log` crate.
//!
//! Both are the user's, and some of this is said in destructors: their panics end here.

use std::{
    fmt,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::observe::{AttemptEnded, CallEnded, TARGET, spans};

/// Whether an attempt or a call that ends is shown to anyone.
pub(crate) fn are_wanted() -> bool {
    spans::has_subscriber() || log::log_enabled!(target: TARGET, log::Level::Debug)
}

fn say(to_tracing: impl FnOnce(), to_log: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(|| if spans::has_subscriber() { to_tracing() } else { to_log() }));
}

pub(crate) fn attempt_ended(ended: &AttemptEnded<'_>) {
    say(|| spans::attempt_ended(ended), || log::debug!(target: TARGET, "{ended}"));
}

pub(crate) fn call_ended(ended: &CallEnded<'_>) {
    say(|| spans::call_ended(ended), || log::debug!(target: TARGET, "{ended}"));
}

/// What was let go of has been revoked.
pub(crate) fn revoked(what: fmt::Arguments<'_>) {
    say(|| spans::info(what), || log::info!(target: TARGET, "{what}"));
}

/// An orphan has been revoked.
pub(crate) fn orphan_revoked(what: fmt::Arguments<'_>) {
    say(|| spans::warn(what), || log::warn!(target: TARGET, "{what}"));
}

/// Something is lost. Where no subscriber and no log takes it, it goes to standard error: it must not be silent.
pub(crate) fn lost(what: fmt::Arguments<'_>) {
    if spans::has_subscriber() && spans::error(what) {
        return;
    }
    let to_log = || {
        if log::log_enabled!(target: TARGET, log::Level::Error) {
            log::error!(target: TARGET, "{what}");
        } else {
            // In one piece: what other threads print does not come in between.
            let line = format!("clerk_actor_tokens: {what}\n");
            let _ = io::stderr().write_all(line.as_bytes());
        }
    };
    let _ = catch_unwind(AssertUnwindSafe(to_log));
}
