//! What closing came to: who knows of each token.

use std::{collections::HashMap, fmt, time::Duration};

use clerk_actor_tokens::{
    ActorToken, ActorTokenStatus, ApiResponse, Closed, Error, OrphanReport,
    testing::emulator::{Emulator, LedgerEntry},
};

pub(super) type Outcome = Result<ApiResponse<ActorToken>, Error>;

/// What each caller got; `None` if it had gone.
pub(super) type Told = HashMap<String, Option<Outcome>>;

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    pub(super) what: String,
    pub(super) in_flight: usize,
    pub(super) tokens: usize,
    pub(super) held: usize,
    pub(super) told: usize,
    pub(super) taken_back: usize,
    pub(super) reported: usize,
    /// How many tokens are unknown to all.
    pub orphans: usize,
    /// How many calls or callers had not ended when all time was over.
    pub hangs: usize,
    pub(super) took: Duration,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl Figures {
    /// How many creations had been sent, and not been answered, when the client was closed.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many tokens were revoked or reported, as their caller had gone.
    #[must_use]
    pub fn of_callers_gone(&self) -> usize {
        self.taken_back + self.reported
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, in_flight, tokens, held, told, taken_back, reported, orphans, hangs, took, broken } = self;
        write!(f, "figure: wire close: {what}, {in_flight} in flight, closed in {took:.1?}: {tokens} tokens made, ")?;
        write!(f, "{held} held, {told} named by an error, {taken_back} revoked, {reported} reported, ")?;
        write!(f, "{orphans} orphans, {hangs} hangs, {} broken promises", broken.len())
    }
}

impl Figures {
    /// What has become of each token.
    pub(super) fn judge(
        &mut self,
        clerk: &Emulator,
        creates: &[LedgerEntry],
        told: &Told,
        closed: &Closed,
        mut reports: Vec<OrphanReport>,
    ) {
        self.hangs += closed.in_flight();
        reports.extend(closed.orphans().iter().cloned());
        if clerk.creates().len() != creates.len() {
            self.broken.push("a token was made after close had returned".to_owned());
        }
        self.tokens = creates.len();
        let mut users: Vec<_> = creates.iter().map(LedgerEntry::user_id).collect();
        users.sort_unstable();
        users.dedup();
        if users.len() != creates.len() {
            self.broken.push(format!("{} tokens for {} calls", creates.len(), users.len()));
        }
        let mut unnamed = reports.iter().filter(|report| report.id().is_none()).count();
        for commit in creates {
            let id = commit.id().as_str();
            let is_revoked = clerk.token(commit.id()).is_some_and(|it| *it.status() == ActorTokenStatus::Revoked);
            let is_reported = reports.iter().any(|report| report.id() == Some(id));
            match told.get(commit.user_id()) {
                Some(Some(Ok(response))) if response.value().id() == commit.id() => {
                    self.held += 1;
                    if is_revoked || is_reported {
                        self.broken.push(format!("{id} was taken from its caller, who holds it"));
                    }
                }
                Some(Some(Err(error))) if error.is_ambiguous() => self.told += 1,
                Some(None) if is_revoked => self.taken_back += 1,
                Some(None) if is_reported => self.reported += 1,
                // A report without an id is of a call whose answer was lost: each is of one.
                Some(None) if unnamed > 0 => {
                    unnamed -= 1;
                    self.reported += 1;
                }
                _ => {
                    self.orphans += 1;
                    self.broken.push(format!("no caller or report has {id}: {commit:?}"));
                }
            }
        }
    }
}
