//! What came of the runs, in figures.

use std::fmt;

use clerk_actor_tokens::Execution;

use super::{super::scripted::shown, call::Told, run::Run};

/// What came of the runs.
#[derive(Debug, Default)]
pub struct Figures {
    runs: usize,
    ok: usize,
    not_executed: usize,
    unknown: usize,
    executed: usize,
    salvaged: usize,
    /// How many calls were sent more than once.
    again: usize,
    by_way: Vec<(String, usize)>,
    /// Which promises were broken, and by which runs.
    pub broken: Vec<String>,
}

impl Figures {
    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether calls ended in every way that there is.
    #[must_use]
    pub fn has_all(&self) -> bool {
        [self.ok, self.not_executed, self.unknown, self.executed, self.salvaged, self.again]
            .iter()
            .all(|count| *count > 0)
    }

    pub(super) fn add(&mut self, run: &Run, told: Told) {
        self.runs += 1;
        let count = match told.execution {
            None => &mut self.ok,
            Some(Execution::NotExecuted) => &mut self.not_executed,
            Some(Execution::Unknown) => &mut self.unknown,
            Some(Execution::Executed) => &mut self.executed,
        };
        *count += 1;
        self.salvaged += usize::from(told.salvaged);
        self.again += usize::from(told.attempts > 1);
        let way = run.way.to_string();
        match self.by_way.iter_mut().find(|(name, _)| *name == way) {
            Some((_, count)) => *count += 1,
            None => self.by_way.push((way, 1)),
        }
        if let Some(broken) = told.broken {
            let retries_unsafely = if run.retries_unsafely { ", retried unsafely" } else { "" };
            self.broken.push(format!("{}, {}{retries_unsafely}: {}: {broken}", run.way, run.kind, shown(&run.plan)));
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (way, runs) in &self.by_way {
            writeln!(f, "{way:<40} {runs:>6} runs")?;
        }
        let Self { runs, ok, not_executed, unknown, executed, salvaged, again, broken, .. } = self;
        write!(f, "figure: wire schedules: {runs} runs over sockets: {ok} ok, {not_executed} NotExecuted, ")?;
        write!(f, "{unknown} Unknown, {executed} Executed, {salvaged} salvaged, {again} sent again, ")?;
        write!(f, "{} violations", broken.len())
    }
}
