//! How much is measured.

use std::path::PathBuf;

use crate::protocol::Protocol;

/// How much is measured. The defaults are those of the book's page.
#[derive(Debug, Clone, clap::Args)]
pub struct Size {
    /// How many creations a layer makes in a round
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// How many rounds there are
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How many creations are in flight
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256, 1_000])]
    pub in_flight: Vec<usize>,
    /// What is spoken
    #[arg(long, value_delimiter = ',', default_values = ["http1", "http1-tls", "http2", "http2-tls"])]
    pub protocols: Vec<Protocol>,
    /// Count no instructions, which takes valgrind
    #[arg(long)]
    pub no_instructions: bool,
    /// Keep callgrind's files in this folder, for `callgrind_annotate`
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
}

impl Size {
    /// Returns how many creations a layer makes in a round.
    #[must_use]
    pub fn requests(&self) -> usize {
        usize::try_from(self.requests).unwrap_or(usize::MAX)
    }

    /// Returns how many rounds there are.
    #[must_use]
    pub fn rounds(&self) -> usize {
        usize::try_from(self.rounds).unwrap_or(usize::MAX)
    }

    /// Returns how many creations are counted under valgrind, and how many a client has made when its heap is looked at.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.requests().saturating_mul(2)
    }

    /// Returns a part of the creations, and at least one.
    #[must_use]
    pub fn part(&self, divisor: usize) -> usize {
        self.requests().checked_div(divisor).unwrap_or_default().max(1)
    }

    /// Returns the most creations in flight.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.in_flight.iter().copied().max().unwrap_or(1)
    }

    /// Returns those of these protocols that are measured.
    #[must_use]
    pub fn among(&self, protocols: &[Protocol]) -> Vec<Protocol> {
        protocols.iter().copied().filter(|protocol| self.protocols.contains(protocol)).collect()
    }
}
