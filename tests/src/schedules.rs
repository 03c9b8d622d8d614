//! Schedules of faults, and what the emulator's ledger says of each: no token made twice, none lost in silence.
//!
//! Two ways through them: every schedule up to a length ([`exhaustive`]), and random programs of calls that run side by
//! side ([`random`]). What must hold is in `verdict.rs`, once for both.

mod executor;
pub mod exhaustive;
mod figures;
mod program;
pub mod random;
mod scripted;
mod verdict;

use clerk_actor_tokens::emulator::CommitKind;

use self::exhaustive::Tree;
pub use self::figures::Figures;

/// The promises that the client breaks, at most `limit` of them: every schedule of one fault and, of faults that stand for
/// the others, every one of two.
#[must_use]
pub fn violations(limit: usize) -> Vec<String> {
    let mut violations = Vec::new();
    for kind in [CommitKind::Create, CommitKind::Revoke] {
        let left = limit.saturating_sub(violations.len());
        violations.extend(Tree::of_all(kind, 1).until_violations(left).run().violations);
    }
    violations
}
