//! What the emulator costs: in a test's process, and as a command that runs long.
//!
//! [`in_process`] measures the first, [`served`] the second, over [`command`], the command as a process.

pub mod command;
pub mod in_process;
pub mod served;

use std::{fmt, path::PathBuf};

use crate::page::Section;

/// The page of these sections.
pub const PAGE: &str = "emulator-price.md";

/// How much is measured. The defaults are those of the book's page.
#[derive(Debug, Clone, clap::Args)]
pub struct EmulatorSize {
    /// How many rounds there are of what is short
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// How many creations are served
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(10..))]
    pub creations: u32,
    /// How many creations are counted under valgrind
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub counted: u32,
    /// Measure only what an emulator costs in a test's process, which takes no command
    #[arg(long)]
    pub in_process: bool,
    /// Count no instructions, which takes valgrind
    #[arg(long)]
    pub no_instructions: bool,
    /// The emulator's command. Without it, the one beside this program
    #[arg(long, value_name = "FILE")]
    pub command: Option<PathBuf>,
}

/// A section, and what is beside its table.
#[derive(Debug)]
pub struct Measured {
    /// What is on the page.
    pub section: Section,
    /// What is worth a line of its own.
    pub figures: Vec<String>,
    /// The promises that do not hold. Times are none: they are the machine's.
    pub broken: Vec<String>,
}

/// A part of what an emulator may cost.
fn at_most(value: f64, most: f64, what: impl fmt::Display) -> Option<String> {
    (value > most).then(|| format!("{what}: {value:.2}, and at most {most:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_most_is_broken() {
        assert_eq!(at_most(1.1, 1.1, "times"), None);
        assert_eq!(at_most(1.2, 1.1, "times").as_deref(), Some("times: 1.20, and at most 1.10"));
    }
}
