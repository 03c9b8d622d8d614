//! What became of the creations, in figures.

use std::{fmt, time::Duration};

use super::{super::ledger::Verdict, record::Record};

/// What one burst has shown.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) record: Record,
    pub(super) verdict: Verdict,
    /// Until the last call had ended.
    pub(super) took: Duration,
    /// What did not end.
    pub(super) hangs: Vec<String>,
    pub(super) broken: Vec<String>,
}

/// What all bursts have shown.
#[derive(Debug, Default)]
pub struct Figures {
    rows: Vec<String>,
    creations: usize,
    ok: usize,
    most: usize,
    above: usize,
    late: usize,
    hangs: usize,
    wrongly: usize,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl Figures {
    /// Returns the number of bursts.
    #[must_use]
    pub fn bursts(&self) -> usize {
        self.rows.len()
    }

    /// Returns the number of creations that were Ok.
    #[must_use]
    pub fn ok(&self) -> usize {
        self.ok
    }

    /// Returns how many streams were open at once, at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    pub(super) fn add(&mut self, what: &str, seen: Seen) {
        let Seen { record, verdict, took, hangs, broken } = seen;
        let mut row = format!("{what:<44} {:>4} ok, {:>3} NotExecuted, ", verdict.ok, verdict.not_executed);
        row += &format!("{:>3} Unknown, {:>3} left, {:>3} bodies, ", verdict.unknown, verdict.left, record.bodies());
        row += &format!("{:>3} streams at once, {:.0?}", record.most, took);
        self.rows.push(row);
        self.creations += verdict.calls;
        self.ok += verdict.ok;
        self.most = self.most.max(record.most);
        self.above += record.above;
        self.late += record.bodies_after();
        self.hangs += hangs.len();
        self.wrongly += verdict.wrongly;
        let mut all: Vec<String> = hangs.iter().map(|hang| format!("hangs: {hang}")).chain(broken).collect();
        let counts = [
            (record.above, "streams above the limit in force"),
            (record.early, "streams before the first SETTINGS"),
            (record.bodies_after(), "bodies begun too late"),
            (record.heads_after(), "heads sent too late"),
        ];
        all.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        self.broken.extend(all.into_iter().map(|broken| format!("{what}: {broken}")));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let Self { rows, creations, ok, most, above, late, hangs, wrongly, broken } = self;
        write!(
            f,
            "figure: wire streams: {} bursts, {creations} creations, {ok} ok, at most {most} streams ",
            rows.len()
        )?;
        write!(f, "at once, {above} above the limit in force; {late} bodies begun too late, {hangs} hangs, ")?;
        write!(f, "{wrongly} NotExecuted wrongly, {} broken promises", broken.len())
    }
}
