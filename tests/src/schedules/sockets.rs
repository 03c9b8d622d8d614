//! Schedules of faults over real sockets: the emulator as a server, a transport as the client, and the ledger as
//! the judge.
//!
//! A run is one call (a creation or a revocation) that meets up to three faults of the catalogue, over one of the ways
//! to the server, on a fresh connection or on one that has been used. Each run has a server of its own, so that many can be
//! in flight together. Time is real: deadlines and backoffs are short, and so a fault of an hour, a day or a second is one
//! that outlasts the deadline.

mod call;
mod figures;
mod run;

use std::{num::NonZero, thread};

use clerk_actor_tokens::testing::emulator::{CommitKind, fault};
use fastrand::Rng;
use tokio::task::JoinSet;

pub use self::figures::Figures;
use self::run::{Run, Way, ways};
use super::scripted::Planned;
use crate::wire::{BoxError, over::Over};

/// The most faults of a random run.
const LONGEST: usize = 3;

/// The runs to choose from.
#[derive(Debug)]
pub struct Runs {
    /// Every fault at every time, over every way, for both calls.
    singles: Vec<Run>,
    ways: Vec<Way>,
    creates: Vec<Planned>,
    revokes: Vec<Planned>,
}

impl Runs {
    /// Those of the catalogue, over this transport.
    #[must_use]
    pub fn over(over: Over) -> Self {
        let all = fault::catalogue();
        let of = |kind: CommitKind| -> Vec<Planned> {
            all.iter().flat_map(|it| it.phases_of(kind).iter().map(|phase| (it.clone(), *phase))).collect()
        };
        let (creates, revokes, ways) = (of(CommitKind::Create), of(CommitKind::Revoke), ways(over));
        let kinds = [(CommitKind::Create, &creates), (CommitKind::Revoke, &revokes)];
        let singles = ways.iter().flat_map(|way| {
            kinds.into_iter().flat_map(move |(kind, faults)| {
                let run =
                    move |fault: &Planned| Run { way: *way, kind, plan: vec![fault.clone()], retries_unsafely: false };
                faults.iter().map(run)
            })
        });
        Self { singles: singles.collect(), ways, creates, revokes }
    }

    /// How many runs have one fault.
    #[must_use]
    pub fn singles(&self) -> usize {
        self.singles.len()
    }

    /// So many runs: those of one fault, spread evenly where they are more than half of all, and random ones of up to
    /// three.
    fn chosen(&self, runs: usize) -> Vec<Run> {
        let singles = self.singles.len().min(runs.div_ceil(2));
        let spread = |number: usize| self.singles.get(number.saturating_mul(self.singles.len()) / singles.max(1));
        let mut chosen: Vec<_> = (0..singles).filter_map(spread).cloned().collect();
        chosen.extend((0..runs.saturating_sub(singles)).filter_map(|seed| self.random(seed as u64)));
        chosen
    }

    fn random(&self, seed: u64) -> Option<Run> {
        let mut rng = Rng::with_seed(seed);
        let way = rng.choice(&self.ways).copied()?;
        let (kind, faults) = match rng.bool() {
            true => (CommitKind::Create, &self.creates),
            false => (CommitKind::Revoke, &self.revokes),
        };
        let length = rng.usize(1..=LONGEST);
        let plan = (0..length).filter_map(|_| rng.choice(faults).cloned()).collect();
        Some(Run { way, kind, plan, retries_unsafely: rng.u8(..8) == 0 })
    }

    /// Runs so many, `at_once` at a time.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub fn run(&self, runs: usize, at_once: usize) -> Result<Figures, BoxError> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let mut to_come = self.chosen(runs).into_iter();
        runtime.block_on(async {
            let (mut under_way, mut figures) = (JoinSet::new(), Figures::default());
            loop {
                while under_way.len() < at_once.max(1) {
                    let Some(run) = to_come.next() else { break };
                    under_way.spawn(async move { (run.clone(), run.go().await) });
                }
                let Some(ended) = under_way.join_next().await else { return Ok(figures) };
                let (run, told) = ended?;
                figures.add(&run, told?);
            }
        })
    }
}
