//! The rules with one cell changed, for the check that sees the oracles fail with each: compiled in with
//! `--cfg flipped_rules` alone.

use std::fmt;

use crate::{
    error_kind::ErrorKind,
    execution::Execution,
    retry::{
        flipped,
        rule::{Again, Failure, Row, Rule},
        rules::{self, TABLE},
    },
};

/// One cell with another value than it has.
#[derive(Debug, Clone, Copy)]
pub struct Flip {
    rule: Rule,
    cell: &'static str,
    status: Option<(u16, Failure)>,
}

impl Flip {
    /// Returns whether it claims "not executed" of what is not proved: with these a token could be
    /// made without a report.
    #[must_use]
    pub fn is_unsound(&self) -> bool {
        let original = TABLE.iter().find_map(|row| match row {
            Row::Rule(rule) if rule.failure == self.rule.failure => Some(rule.execution),
            _ => None,
        });
        let flipped = match self.status {
            Some((_, failure)) => rules::rule(failure).execution,
            None => self.rule.execution,
        };
        // What a transport claims counts only where its send state proves it: this claim is withdrawn, and is row 7.
        let is_withdrawn = self.status.is_none() && self.rule.failure == Failure::Timeout;
        original != Some(Execution::NotExecuted) && flipped == Execution::NotExecuted && !is_withdrawn
    }

    /// The row of the table that it is in.
    #[must_use]
    pub fn row(&self) -> &str {
        self.rule.row
    }

    /// Runs something with this cell changed, on this thread.
    pub fn with<R>(&self, run: impl FnOnce() -> R) -> R {
        flipped::set(Some((self.rule, self.status)));
        let result = run();
        flipped::set(None);
        result
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { row, execution, kind, non_idempotent, idempotent, .. } = &self.rule;
        match (self.cell, self.status) {
            (_, Some((status, failure))) => write!(f, "status {status} -> {failure:?}"),
            ("execution", _) => write!(f, "row {row}: execution -> {execution:?}"),
            ("kind", _) => write!(f, "row {row}: kind -> {kind:?}"),
            ("non_idempotent", _) => write!(f, "row {row}: create again -> {non_idempotent:?}"),
            _ => write!(f, "row {row}: revoke again -> {idempotent:?}"),
        }
    }
}

fn cells(rule: &Rule) -> (Execution, Option<ErrorKind>, Again, Again) {
    (rule.execution, rule.kind, rule.non_idempotent, rule.idempotent)
}

const EXECUTIONS: [Execution; 3] = [Execution::NotExecuted, Execution::Unknown, Execution::Executed];
const AGAINS: [Again; 5] = [Again::No, Again::Backoff, Again::Once, Again::OnceFresh, Again::IfOptedIn];
const KINDS: [ErrorKind; 15] = [
    ErrorKind::InvalidRequest,
    ErrorKind::Credential,
    ErrorKind::Blocked,
    ErrorKind::Connect,
    ErrorKind::Tls,
    ErrorKind::Proxy,
    ErrorKind::Refused,
    ErrorKind::Timeout,
    ErrorKind::Interrupted,
    ErrorKind::RateLimited,
    ErrorKind::Api,
    ErrorKind::UnexpectedRedirect,
    ErrorKind::ResponseTruncated,
    ErrorKind::ResponseInvalid,
    ErrorKind::ResponseMismatch,
];

/// Returns every cell of the table with every other value that means something else.
///
/// Left out is what would mean the same:
///
/// - the unsafe retry, where there is no status to opt in to, or for what is sent again anyway;
/// - a status in another row with the same cells;
/// - whether refused input is sent again, because there is no attempt that could be followed by
///   another.
#[must_use]
pub fn all() -> Vec<Flip> {
    let rules: Vec<Rule> = TABLE
        .iter()
        .filter_map(|row| match row {
            Row::Rule(rule) => Some(*rule),
            Row::Case { .. } => None,
        })
        .collect();
    let mut flips = Vec::new();
    for rule in &rules {
        let mut flip = |cell, rule| flips.push(Flip { rule, cell, status: None });
        for execution in EXECUTIONS.into_iter().filter(|it| *it != rule.execution) {
            flip("execution", Rule { execution, ..*rule });
        }
        for kind in KINDS.into_iter().map(Some).filter(|it| *it != rule.kind) {
            flip("kind", Rule { kind, ..*rule });
        }
        if rule.failure == Failure::InvalidRequest {
            continue;
        }
        let has_unsafe_retry = |it: &Again| *it != Again::IfOptedIn || !rule.statuses.is_empty();
        for non_idempotent in AGAINS.into_iter().filter(|it| *it != rule.non_idempotent).filter(has_unsafe_retry) {
            flip("non_idempotent", Rule { non_idempotent, ..*rule });
        }
        for idempotent in AGAINS.into_iter().filter(|it| *it != rule.idempotent && *it != Again::IfOptedIn) {
            flip("idempotent", Rule { idempotent, ..*rule });
        }
        for status in rule.statuses {
            let of_statuses = |other: &&Rule| {
                !other.statuses.is_empty() || matches!(other.failure, Failure::OtherStatus | Failure::Redirect)
            };
            let others = rules.iter().filter(of_statuses).filter(|other| cells(other) != cells(rule));
            for failure in others.map(|other| other.failure) {
                flips.push(Flip { rule: *rule, cell: "status", status: Some((*status, failure)) });
            }
        }
    }
    flips
}
