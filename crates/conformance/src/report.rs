//! What a run of the kit found.

use std::fmt;

/// What became of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The demand is met.
    Passed,
    /// The demand is not met, and how.
    Failed(String),
    /// Nothing is claimed that is not so, but less than could be proved. A failure only after
    /// [`Kit::require_proofs`](super::Kit::require_proofs).
    NotProved(String),
    /// The cell asks nothing of this transport, and why: one that opens a connection for each request has no reused ones.
    NotApplicable(String),
    /// [`Kit::skip`](super::Kit::skip) left it out, for this reason.
    Skipped(String),
}

impl Verdict {
    /// What it is called, and why; `None` for what passed.
    fn why(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Passed => None,
            Self::Failed(why) => Some(("failed", why)),
            Self::NotProved(why) => Some(("not proved", why)),
            Self::NotApplicable(why) => Some(("not applicable", why)),
            Self::Skipped(why) => Some(("skipped", why)),
        }
    }
}

/// One demand, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub(crate) name: String,
    pub(crate) demand: &'static str,
    pub(crate) source: &'static str,
    pub(crate) verdict: Verdict,
}

impl Cell {
    /// The stable name, for example `law.reset.reused`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it demands, in one sentence.
    #[must_use]
    pub fn demand(&self) -> &'static str {
        self.demand
    }

    /// Where the demand is from.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// What became of it.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// What a run of the kit found: each cell with its verdict. `Display` lists what failed,
/// then what did not just pass, then the sums.
///
/// ```
/// use clerk_actor_tokens_conformance::Kit;
/// use clerk_actor_tokens_mock::FailingTransport;
/// use clerk_actor_tokens_core::TransportErrorKind;
///
/// let report = Kit::new(|| FailingTransport::always(TransportErrorKind::Interrupted)).only("answer.body").run();
/// assert_eq!(report.failed().map(|cell| cell.name()).collect::<Vec<_>>(), ["answer.body"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    cells: Vec<Cell>,
}

impl Report {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self { cells }
    }

    /// Every cell, in the order of the table.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| matches!(cell.verdict, Verdict::Failed(_)))
    }

    /// Fails the test if a cell failed.
    ///
    /// # Panics
    /// If a cell failed; the message names each, says what it demands, and how it was not met.
    #[track_caller]
    #[allow(clippy::panic, reason = "a transport that breaks the contract fails the test")]
    pub fn assert(&self) {
        if self.failed().next().is_some() {
            panic!("the transport does not keep the contract\n{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What failed comes first: of a long report that is what is read.
        let mut sums = Vec::new();
        for word in ["failed", "not proved", "not applicable", "skipped"] {
            let of_word = self.cells.iter().filter_map(|cell| cell.verdict.why().map(|why| (cell, why)));
            let mut sum = 0_usize;
            for (cell, (_, why)) in of_word.filter(|(_, (of, _))| *of == word) {
                sum = sum.saturating_add(1);
                writeln!(f, "{word}: {}\n    demand: {} ({})\n    {why}", cell.name, cell.demand, cell.source)?;
            }
            sums.push(format!("{sum} {word}"));
        }
        let passed = self.cells.iter().filter(|cell| cell.verdict == Verdict::Passed).count();
        write!(f, "{} cells: {passed} passed, {}", self.cells.len(), sums.join(", "))
    }
}
