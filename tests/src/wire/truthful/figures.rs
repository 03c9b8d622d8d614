//! What became of the creations at a server that goes away, in figures.

use std::{collections::BTreeMap, fmt};

use super::super::ledger::Verdict;

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    what: String,
    pub(super) bursts: usize,
    pub(super) connections: usize,
    /// How often the server ended a connection or a request in each way.
    pub(super) ways: BTreeMap<&'static str, usize>,
    pub(super) verdict: Verdict,
    /// Which promises were broken, each with the seed.
    pub broken: Vec<String>,
}

impl Figures {
    pub(super) fn new(what: String) -> Self {
        Self { what, ..Self::default() }
    }

    pub(super) fn breaks(&mut self, promise: String) {
        self.broken.push(format!("{}: {promise}", self.what));
    }

    /// Returns whether calls ended in every way that there is.
    #[must_use]
    pub fn has_all(&self) -> bool {
        let Verdict { ok, unknown, executed, left, reported, .. } = self.verdict;
        [ok, unknown, executed, left, reported].iter().all(|count| *count > 0)
    }

    /// Returns how many calls were said not to be executed.
    #[must_use]
    pub fn not_executed(&self) -> usize {
        self.verdict.not_executed
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.verdict.calls
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, bursts, connections, ways, verdict, broken } = self;
        for (way, count) in ways {
            writeln!(f, "{what}: {way:<44} {count:>6}")?;
        }
        write!(f, "figure: wire truthful: {what}: {bursts} bursts over {connections} connections: {verdict}, ")?;
        write!(f, "{} broken promises", broken.len())
    }
}
