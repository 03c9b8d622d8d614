//! Where what is shown goes: to tracing where a subscriber wants it, else to the `log` crate.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::observe::{AttemptEnded, CallEnded, TARGET, spans};

/// Whether an attempt or a call that ends is shown to anyone.
pub(crate) fn are_wanted() -> bool {
    spans::wants_debug() || log::log_enabled!(target: TARGET, log::Level::Debug)
}

pub(crate) fn attempt_ended(ended: &AttemptEnded<'_>) {
    if !spans::attempt_ended(ended) {
        log::debug!(target: TARGET, "{ended}");
    }
}

/// In tracing the span of the call says it.
pub(crate) fn call_ended(ended: &CallEnded<'_>) {
    if !spans::wants_debug() {
        log::debug!(target: TARGET, "{ended}");
    }
}

/// What was let go of has been revoked.
pub(crate) fn revoked(what: fmt::Arguments<'_>) {
    if !spans::info(what) {
        log::info!(target: TARGET, "{what}");
    }
}

/// An orphan has been revoked.
pub(crate) fn orphan_revoked(what: fmt::Arguments<'_>) {
    if !spans::warn(what) {
        log::warn!(target: TARGET, "{what}");
    }
}

/// Something is lost. In a program without any log it goes to standard error: it must not be silent.
pub(crate) fn lost(what: fmt::Arguments<'_>) {
    if spans::error(what) {
        return;
    }
    if log::max_level() == log::LevelFilter::Off {
        let _ = writeln!(io::stderr(), "clerk_actor_tokens: {what}");
    } else {
        log::error!(target: TARGET, "{what}");
    }
}
