//! Each cell of the failure rules is flipped in turn, and the oracle has to fail: the table committed in the book.
//!
//! Compiled with `--cfg flipped_rules` alone, as nobody else may change the rules:
//! `RUSTFLAGS="--cfg flipped_rules" cargo test -p clerk-actor-tokens-tests --test flipped_rules --target-dir
//! target/flipped -- --nocapture`
#![cfg(flipped_rules)]
#![allow(clippy::print_stdout, reason = "the figure is what this is run for")]

use clerk_actor_tokens_core::flip;
use clerk_actor_tokens_tests::failures_page::{disagreements, wrong_gambles};

#[test]
fn no_cell_can_be_flipped_unnoticed() {
    assert!(disagreements(1).is_empty() && wrong_gambles().is_empty(), "the rules as they are");
    let flips = flip::all();
    let is_noticed = |flip: &flip::Flip| flip.with(|| !disagreements(1).is_empty() || !wrong_gambles().is_empty());
    let unnoticed: Vec<_> = flips.iter().filter(|flip| !is_noticed(flip)).map(ToString::to_string).collect();
    println!("flipped {} cells, {} unnoticed", flips.len(), unnoticed.len());
    assert!(flips.len() > 500 && unnoticed.is_empty(), "unnoticed:\n{}", unnoticed.join("\n"));
}
