//! What the ledger says of how a call ended. It alone is asked: neither the client's rules nor its own record of attempts.

use std::time::{Duration, SystemTime};

use clerk_actor_tokens::{
    ActorToken, ActorTokenStatus, ApiResponse, Error, Execution, Revocation,
    testing::emulator::{Emulator, LedgerEntry, fault::Phase},
};

use super::scripted::Planned;

/// Answers in Clerk's place, before it committed, that the client takes for a success of Clerk's: a 2xx without a body. A
/// 2xx proves that a request was executed as far as a client can know (row 18a), and an empty body has nothing that speaks
/// against its being Clerk's. Every other forged 2xx (HTML, JSON of somebody else) proves nothing to it.
///
/// They err on the safe side: the caller is warned of a token that does not exist.
pub(super) const FORGED: [&str; 2] = ["empty(200)", "empty(204)"];

/// What happened around a call, as others than the client saw it.
pub(super) struct Facts<'a> {
    /// What Clerk committed for it.
    pub(super) commits: &'a [LedgerEntry],
    /// Whether a request of it arrived at Clerk.
    pub(super) arrived: bool,
    /// Whether a middleware may claim by itself that something has happened, where no request arrived.
    pub(super) claimed: bool,
    pub(super) met: &'a [Planned],
    pub(super) elapsed: Duration,
    pub(super) timeout: Duration,
    /// How much later it may end, as a middleware among them waits by itself.
    pub(super) grace: Duration,
    /// The policy retries_unsafely: there may be more than one commit, but the caller hears of it.
    pub(super) retries_unsafely: bool,
}

impl Facts<'_> {
    fn is_forged(&self) -> bool {
        self.met.iter().any(|(fault, phase)| *phase == Phase::BeforeCommit && FORGED.contains(&fault.name().as_str()))
    }

    fn has_met(&self, name: &str) -> bool {
        self.met.iter().any(|(fault, _)| fault.name() == name)
    }
}

/// What a creation asked for.
pub(super) struct Asked<'a> {
    pub(super) user: &'a str,
    pub(super) actor: &'a str,
    pub(super) lifetime: Duration,
    pub(super) session: Duration,
}

fn require(holds: bool, promise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(promise()) }
}

/// How a creation ended, against the ledger.
///
/// # Errors
/// The promise that was broken.
pub(super) fn of_create(
    ended: &Result<ApiResponse<ActorToken>, Error>,
    asked: &Asked<'_>,
    facts: &Facts<'_>,
) -> Result<(), String> {
    let commits = facts.commits;
    require(facts.retries_unsafely || commits.len() <= 1, || {
        format!("{} tokens were made for one call", commits.len())
    })?;
    in_time(facts)?;
    match ended {
        Ok(response) => {
            let token = response.value();
            let Some(own) = commits.iter().find(|commit| commit.id() == token.id()) else {
                return Err(format!("Ok with {}, which was not made for this call", token.id()));
            };
            require(own.user_id() == asked.user && token.user_id() == asked.user, || {
                "a token for another user".into()
            })?;
            let sub = token.actor().map_or(Some(asked.actor), |actor| actor.sub());
            require(own.actor_sub() == Some(asked.actor) && sub == Some(asked.actor), || "another actor".into())?;
            // Of two tokens of one call, a stale answer may name the other.
            let is_delivered = own.is_delivered() || facts.has_met("stale()") && commits.len() > 1;
            require(is_delivered, || "Ok, and the answer was not delivered".into())?;
            let is_all = commits.len() == 1 || response.is_ambiguous();
            require(is_all, || format!("Ok, and {} more tokens in silence", commits.len().saturating_sub(1)))?;
            require(facts.retries_unsafely || !response.is_ambiguous(), || {
                "Ok, and another token is said to be possible".into()
            })
        }
        Err(error) => {
            told(error, facts)?;
            let salvaged = error.salvaged_id();
            let is_own = |id: &str| commits.iter().any(|commit| commit.id().as_str() == id);
            require(salvaged.is_none_or(is_own), || format!("{salvaged:?} was salvaged, which was not made"))?;
            exposed(error.exposure_until(), error.session_exposure_until(), asked, commits)
                .filter(|_| error.is_ambiguous())
                .map_or(Ok(()), Err)?;
            let has_exposure = error.exposure_until().is_some() || error.session_exposure_until().is_some();
            require(error.is_ambiguous() || !has_exposure, || "an exposure of what was not executed".into())
        }
    }
}

/// What an error says of execution.
fn told(error: &Error, facts: &Facts<'_>) -> Result<(), String> {
    let commits = facts.commits.len();
    match error.execution() {
        Execution::NotExecuted => require(commits == 0, || "NotExecuted, and it was committed".into()),
        Execution::Executed => {
            require(commits > 0 || facts.is_forged(), || "Executed, and nothing was committed".into())
        }
        Execution::Unknown => require(facts.arrived || facts.claimed, || "Unknown, and no request arrived".into()),
    }?;
    let some_did = error.attempts().iter().any(|attempt| attempt.execution() != Execution::NotExecuted);
    require(some_did || !error.is_ambiguous(), || "ambiguous, and no attempt is".into())?;
    require(error.is_ambiguous() == (error.execution() != Execution::NotExecuted), || "ambiguous or not".into())
}

fn in_time(facts: &Facts<'_>) -> Result<(), String> {
    let Facts { elapsed, timeout, grace, .. } = facts;
    require(*elapsed <= timeout.saturating_add(*grace), || format!("took {elapsed:?} of {timeout:?}"))
}

/// Why these dates are too early for what was committed. `None` if they are not.
pub(super) fn exposed(
    until: Option<SystemTime>,
    session_until: Option<SystemTime>,
    asked: &Asked<'_>,
    commits: &[LedgerEntry],
) -> Option<String> {
    for commit in commits {
        let ends = commit.at().to_system_time()?.checked_add(asked.lifetime)?;
        let session_ends = ends.checked_add(asked.session)?;
        if until.is_none_or(|until| until < ends) {
            return Some(format!("the link of {} works until {ends:?}, and the exposure ends {until:?}", commit.id()));
        }
        if session_until.is_none_or(|until| until < session_ends) {
            return Some(format!("its session lasts until {session_ends:?}, and the exposure ends {session_until:?}"));
        }
    }
    None
}

/// How a revocation ended, against the ledger and the state of the token at this moment. `sole`: no other call revokes it.
///
/// # Errors
/// The promise that was broken.
pub(super) fn of_revoke(
    ended: &Result<ApiResponse<Revocation>, Error>,
    id: &clerk_actor_tokens::ActorTokenId,
    clerk: &Emulator,
    facts: &Facts<'_>,
    sole: bool,
) -> Result<(), String> {
    let status = clerk.token(id).map(|token| token.status().clone());
    require(facts.commits.len() <= 1, || format!("revoked {} times", facts.commits.len()))?;
    in_time(facts)?;
    match ended {
        Ok(response) => {
            require(status == Some(ActorTokenStatus::Revoked), || format!("Ok, and the token is {status:?}"))?;
            match response.value() {
                Revocation::Revoked(token) => require(token.id() == id, || format!("Ok of {}", token.id())),
                _ => Ok(()),
            }
        }
        Err(error) => {
            // What another call revoked says nothing of this one.
            if sole {
                told(error, facts)?;
            }
            let has_exposure = error.exposure_until().is_some() || error.session_exposure_until().is_some();
            require(!has_exposure, || "a revocation makes nothing that could be used".into())?;
            let said = error.token_status();
            require(said.is_none() || said == status, || format!("said to be {said:?}, and is {status:?}"))?;
            let is_forged = facts.has_met("status(404)");
            require(!error.is_not_found() || is_forged, || "not found, and it is there".into())
        }
    }
}
