//! Each cell of the failure rules is flipped in turn, and the oracles have to fail: the table committed in the book, and the
//! emulator's ledger.
//!
//! Compiled with `--cfg flipped_rules` alone, because no user may change the rules:
//! `RUSTC_WORKSPACE_WRAPPER="$PWD/.ci/flipped-rustc" cargo test --workspace --all-features --test flipped_rules --
//! --nocapture`
#![cfg(flipped_rules)]
#![allow(clippy::print_stdout, reason = "the figures are what this is run for")]

use clerk_actor_tokens_core::workspace::flip::{self, Flip};
use clerk_actor_tokens_tests::{
    failures_page::{disagreements, disagreements_in, wrong_unsafe_retries},
    schedules::violations,
};

fn unnoticed<'a>(flips: impl Iterator<Item = &'a Flip>, is_noticed: impl Fn(&Flip) -> bool) -> Vec<String> {
    flips.filter(|flip| !flip.with(|| is_noticed(flip))).map(ToString::to_string).collect()
}

#[test]
fn no_cell_can_be_flipped_without_the_book_noticing() {
    assert!(disagreements(1).is_empty() && wrong_unsafe_retries().is_empty(), "the rules as they are");
    // The row that was flipped is the one that should differ.
    let is_noticed = |flip: &Flip| {
        let of_row = !disagreements_in(flip.row(), 1).is_empty();
        of_row || !disagreements(1).is_empty() || !wrong_unsafe_retries().is_empty()
    };
    let flips = flip::all();
    let unnoticed = unnoticed(flips.iter(), is_noticed);
    println!("figure: {} cells flipped, {} unnoticed by the book's table", flips.len(), unnoticed.len());
    assert!(flips.len() > 500 && unnoticed.is_empty(), "unnoticed:\n{}", unnoticed.join("\n"));
}

/// What the ledger sees are tokens. A flip that only sends too much is not among them: the send log lets no second send pass.
#[test]
fn no_cell_can_claim_too_much_without_the_ledger_noticing() {
    assert!(violations(1).is_empty(), "the rules as they are");
    let is_noticed = |_: &Flip| !violations(1).is_empty();
    let flips: Vec<_> = flip::all().into_iter().filter(Flip::is_unsound).collect();
    let unnoticed = unnoticed(flips.iter(), is_noticed);
    println!("figure: {} flips that claim too much, {} unnoticed by the ledger", flips.len(), unnoticed.len());
    assert!(flips.len() > 20 && unnoticed.is_empty(), "unnoticed:\n{}", unnoticed.join("\n"));
}
