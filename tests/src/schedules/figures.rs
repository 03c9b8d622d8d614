//! What came of the random programs, in figures.

use std::fmt;

use clerk_actor_tokens::{ActorToken, ApiResponse, Error, Execution, Revocation};

use super::program::Program;

/// So many broken promises are kept in words.
const KEPT: usize = 20;

/// What came of the random programs.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    programs: u64,
    pub(super) created: u64,
    pub(super) not_executed: u64,
    pub(super) unknown: u64,
    pub(super) executed: u64,
    pub(super) doubled: u64,
    pub(super) tokens: u64,
    pub(super) held: u64,
    pub(super) named: u64,
    pub(super) warned: u64,
    pub(super) taken_back: u64,
    pub(super) reported: u64,
    pub(super) revoked: u64,
    pub(super) already_revoked: u64,
    pub(super) found_accepted: u64,
    pub(super) revoke_failed: u64,
    pub(super) accepted: u64,
    pub(super) given_up: u64,
    pub(super) panicked: u64,
    pub(super) detached: u64,
    with_middlewares: u64,
    failing_over: u64,
    broken: u64,
    violations: Vec<String>,
}

impl Figures {
    /// How many promises were broken.
    #[must_use]
    pub fn broken_promises(&self) -> u64 {
        self.broken
    }

    /// How many programs were run.
    #[must_use]
    pub fn programs(&self) -> u64 {
        self.programs
    }

    /// How many programs have middlewares.
    #[must_use]
    pub fn with_middlewares(&self) -> u64 {
        self.with_middlewares
    }

    /// How many creations failed while an exchange of theirs ran on.
    #[must_use]
    pub fn detached(&self) -> u64 {
        self.detached
    }

    /// How many tokens were made.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// How many links were opened.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// The first broken promises, each with the seed of its program.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    pub(super) fn ran(&mut self, program: &Program) {
        self.programs += 1;
        self.with_middlewares += u64::from(!program.middlewares.is_empty());
        self.failing_over += u64::from(program.fails_over);
    }

    pub(super) fn created(&mut self, ended: &Result<ApiResponse<ActorToken>, Error>, commits: usize) {
        match ended {
            Ok(_) => self.created += 1,
            Err(error) => match error.execution() {
                Execution::NotExecuted => self.not_executed += 1,
                Execution::Unknown => self.unknown += 1,
                Execution::Executed => self.executed += 1,
            },
        }
        self.doubled += u64::from(commits > 1);
    }

    pub(super) fn revoked(&mut self, ended: &Result<ApiResponse<Revocation>, Error>) {
        match ended {
            Ok(response) if response.value().token().is_some() => self.revoked += 1,
            Ok(_) => self.already_revoked += 1,
            Err(error) if error.token_status().is_some() => self.found_accepted += 1,
            Err(_) => self.revoke_failed += 1,
        }
    }

    pub(super) fn broken(&mut self, seed: u64, promises: &[String]) {
        for promise in promises {
            self.broken += 1;
            if self.violations.len() < KEPT {
                self.violations.push(format!("seed {seed}: {promise}"));
            }
        }
    }

    /// Adds those of others.
    pub fn add(&mut self, other: Self) {
        self.programs += other.programs;
        self.created += other.created;
        self.not_executed += other.not_executed;
        self.unknown += other.unknown;
        self.executed += other.executed;
        self.doubled += other.doubled;
        self.tokens += other.tokens;
        self.held += other.held;
        self.named += other.named;
        self.warned += other.warned;
        self.taken_back += other.taken_back;
        self.reported += other.reported;
        self.revoked += other.revoked;
        self.already_revoked += other.already_revoked;
        self.found_accepted += other.found_accepted;
        self.revoke_failed += other.revoke_failed;
        self.accepted += other.accepted;
        self.given_up += other.given_up;
        self.panicked += other.panicked;
        self.detached += other.detached;
        self.with_middlewares += other.with_middlewares;
        self.failing_over += other.failing_over;
        self.broken += other.broken;
        let left = KEPT.saturating_sub(self.violations.len());
        self.violations.extend(other.violations.into_iter().take(left));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            ("programs", self.programs),
            ("  with middlewares", self.with_middlewares),
            ("  with a second transport", self.failing_over),
            ("creations: Ok", self.created),
            ("creations: NotExecuted", self.not_executed),
            ("creations: Unknown", self.unknown),
            ("creations: Executed", self.executed),
            ("creations whose exchange was detached", self.detached),
            ("calls whose caller went away", self.given_up),
            ("calls that ended in a middleware's panic", self.panicked),
            ("tokens made", self.tokens),
            ("  held by a caller", self.held),
            ("  named by an error", self.named),
            ("  warned of by an error or a response", self.warned),
            ("  revoked by the client or its handler", self.taken_back),
            ("  (reports of orphans)", self.reported),
            ("second tokens after an unsafe retry", self.doubled),
            ("revocations: Revoked", self.revoked),
            ("revocations: AlreadyRevoked", self.already_revoked),
            ("revocations: refused, the link was used", self.found_accepted),
            ("revocations: failed otherwise", self.revoke_failed),
            ("links opened", self.accepted),
            ("broken promises", self.broken),
        ];
        for (words, figure) in rows {
            writeln!(f, "{words:<42} {figure:>10}")?;
        }
        Ok(())
    }
}
