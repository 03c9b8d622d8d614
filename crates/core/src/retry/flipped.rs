//! The one cell of the rules that this thread has changed, for the check of `flip.rs`: compiled in with
//! `--cfg flipped_rules` alone.

use std::cell::Cell;

use crate::retry::rule::{Failure, Rule};

/// A rule with a changed cell, or a status that is another failure.
type Flipped = (Rule, Option<(u16, Failure)>);

thread_local! {
    static FLIPPED: Cell<Option<&'static Flipped>> = const { Cell::new(None) };
}

pub(crate) fn set(flipped: Option<Flipped>) {
    // The rules are handed out for good, and this is a check that ends soon.
    FLIPPED.set(flipped.map(|flipped| &*Box::leak(Box::new(flipped))));
}

pub(crate) fn rule(failure: Failure) -> Option<&'static Rule> {
    let (rule, status) = FLIPPED.get()?;
    (status.is_none() && rule.failure == failure).then_some(rule)
}

pub(crate) fn failure_of_status(status: u16) -> Option<Failure> {
    let (flipped, failure) = FLIPPED.get()?.1?;
    (flipped == status).then_some(failure)
}
