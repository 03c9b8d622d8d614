//! Each cell of the failure rules is flipped in turn, and the oracles have to fail: the table committed in the book, and the
//! emulator's ledger.
//!
//! Compiled with `--cfg flipped_rules` alone, because no user may change the rules:
//! `RUSTFLAGS="--cfg flipped_rules" cargo test -p clerk-actor-tokens-tests --test flipped_rules --target-dir
//! target/flipped -- --nocapture`
#![cfg(flipped_rules)]
#![allow(clippy::print_stdout, reason = "the figures are what this is run for")]

use clerk_actor_tokens_core::workspace::flip::{self, Flip};
use clerk_actor_tokens_tests::{
    failures_page::{disagreements, wrong_unsafe_retries},
    schedules::violations,
};

fn unnoticed<'a>(flips: impl Iterator<Item = &'a Flip>, is_noticed: impl Fn() -> bool) -> Vec<String> {
    flips.filter(|flip| !flip.with(&is_noticed)).map(ToString::to_string).collect()
}

#[test]
fn no_cell_can_be_flipped_without_the_book_noticing() {
    let is_noticed = || !disagreements(1).is_empty() || !wrong_unsafe_retries().is_empty();
    assert!(!is_noticed(), "the rules as they are");
    let flips = flip::all();
    let unnoticed = unnoticed(flips.iter(), is_noticed);
    println!("figure: {} cells flipped, {} unnoticed by the book's table", flips.len(), unnoticed.len());
    assert!(flips.len() > 500 && unnoticed.is_empty(), "unnoticed:\n{}", unnoticed.join("\n"));
}

/// What the ledger sees are tokens. A flip that only sends too much is not among them: the send log lets no second send pass.
#[test]
fn no_cell_can_claim_too_much_without_the_ledger_noticing() {
    let is_noticed = || !violations(1).is_empty();
    assert!(!is_noticed(), "the rules as they are");
    let flips: Vec<_> = flip::all().into_iter().filter(Flip::is_unsound).collect();
    let unnoticed = unnoticed(flips.iter(), is_noticed);
    println!("figure: {} flips that claim too much, {} unnoticed by the ledger", flips.len(), unnoticed.len());
    assert!(flips.len() > 20 && unnoticed.is_empty(), "unnoticed:\n{}", unnoticed.join("\n"));
}
