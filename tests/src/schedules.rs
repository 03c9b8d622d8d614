//! Schedules of faults, and what the emulator's ledger says of each: no token made twice, none lost in silence.
//!
//! Three ways through them: every schedule up to a length ([`exhaustive`]), random programs of calls that run side by side
//! ([`random`]), and over real sockets ([`sockets`]). What must hold is in `verdict.rs`, once for both.

mod aftermath;
mod client;
mod executor;
pub mod exhaustive;
mod failover;
mod figures;
mod meddler;
mod program;
pub mod random;
mod scripted;
pub mod sockets;
mod verdict;

use clerk_actor_tokens::testing::emulator::{CommitKind, fault::catalogue};

pub use self::figures::Figures;
pub(crate) use self::scripted::let_go;
use self::{exhaustive::Tree, random::Random};

/// So many programs find what no schedule of a fault can: a middleware that drops an exchange.
const PROGRAMS: u64 = 200;

/// The promises that the client breaks, at most `limit` of them, by the schedules of one fault, and by a few programs with
/// middlewares where these break none: for a check that has to ask very often. Takes less than a second in a debug build.
///
/// Left out are the answers of many bytes, which would take a third of the time.
#[must_use]
pub fn violations(limit: usize) -> Vec<String> {
    const LARGE: [&str; 3] = ["padded_to(262144)", "padded_to(262145)", "nested(10000)"];
    let faults: Vec<_> = catalogue().into_iter().filter(|it| !LARGE.contains(&it.name().as_str())).collect();
    let mut violations = Vec::new();
    for kind in [CommitKind::Create, CommitKind::Revoke] {
        let left = limit.saturating_sub(violations.len());
        violations.extend(Tree::of(kind, 1, &faults).until_violations(left).run().violations);
    }
    if violations.is_empty() {
        violations.extend_from_slice(Random::new().run_part(0..PROGRAMS, 0, 1).violations());
        violations.truncate(limit);
    }
    violations
}
