//! What is left when a random program has ended: what has become of every token that was made, and who knows of it.

use std::slice;

use clerk_actor_tokens::{
    ActorToken, ActorTokenId, ActorTokenStatus, ApiResponse, Closed, Error, OrphanReport,
    emulator::{Emulator, LedgerEntry},
};

use super::{
    figures::Figures,
    program::{Creation, Program},
    scripted::Script,
    verdict::{self, Asked},
};

/// Who acts in all programs.
pub(super) const ACTOR: &str = "user_agent";

/// How a creation ended for its caller.
pub(super) struct Told {
    pub(super) number: usize,
    pub(super) script: Script,
    /// `None` if the caller had gone.
    pub(super) ended: Option<Result<ApiResponse<ActorToken>, Error>>,
    /// How many requests had been sent by then.
    pub(super) sends: usize,
}

/// What the tasks of a program have seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) told: Vec<Told>,
    /// What an orphan handler kept.
    pub(super) reports: Vec<OrphanReport>,
    /// What callers have tried to revoke.
    pub(super) revoked: Vec<ActorTokenId>,
    pub(super) closed: Option<Closed>,
    pub(super) broken: Vec<String>,
    pub(super) figures: Figures,
}

/// What was made for a user. Every creation of a program is for another one.
pub(super) fn made_for(clerk: &Emulator, user: &str) -> Vec<LedgerEntry> {
    clerk.creates().into_iter().filter(|commit| commit.user_id() == user).collect()
}

/// A program that has ended.
pub(super) struct Aftermath<'a> {
    pub(super) clerk: &'a Emulator,
    pub(super) program: &'a Program,
}

impl Aftermath<'_> {
    /// What is left when all have ended.
    pub(super) fn judge(&self, seen: &mut Seen, broken: &mut Vec<String>) {
        let mut reports = std::mem::take(&mut seen.reports);
        if let Some(closed) = &seen.closed {
            reports.extend(closed.orphans().iter().cloned());
            if closed.under_way() > 0 {
                broken.push(format!("{} calls were still under way after close", closed.under_way()));
            }
        }
        seen.figures.reported += reports.len() as u64;
        for report in &reports {
            if let Some(id) = report.id().filter(|id| !self.is_of_somebody_gone(id, &seen.told)) {
                broken.push(format!("{id} was reported as an orphan, and its caller had not gone"));
            }
        }
        let is_sole = reports.iter().filter(|report| report.id().is_none()).count() == 1;
        for told in &seen.told {
            let Some(creation) = self.program.creations.get(told.number) else { continue };
            let commits = made_for(self.clerk, &creation.user);
            seen.figures.tokens += commits.len() as u64;
            let gone = told.ended.is_none();
            seen.figures.given_up += u64::from(gone);
            if commits.len() > 1 && !self.program.retries_unsafely {
                broken.push(format!("{} tokens were made for {}", commits.len(), creation.user));
            }
            if gone && told.script.sends() > told.sends {
                broken.push(format!("a request for {} was sent after its caller had gone", creation.user));
            }
            let mut is_reported = false;
            for commit in &commits {
                let words = |wrong: String| format!("{} for {}: {wrong}", commit.id(), creation.user);
                match self.fate_of(commit, told, seen) {
                    Ok(Fate::Held) => seen.figures.held += 1,
                    Ok(Fate::Named) => seen.figures.named += 1,
                    Ok(Fate::Warned) => seen.figures.warned += 1,
                    Ok(Fate::TakenBack) => seen.figures.taken_back += 1,
                    // A call has one report, also where an unsafe retry made two.
                    Ok(Fate::Lost) if std::mem::replace(&mut is_reported, true) => (),
                    Ok(Fate::Lost) => {
                        broken.extend(told_by(&mut reports, commit, &commits, creation, is_sole).err().map(words))
                    }
                    Err(wrong) => broken.push(words(wrong)),
                }
            }
        }
    }

    fn is_of_somebody_gone(&self, id: &str, told: &[Told]) -> bool {
        let creates = self.clerk.creates();
        let of = creates.iter().find(|commit| commit.id().as_str() == id);
        told.iter().filter(|told| told.ended.is_none()).any(|told| {
            let user = self.program.creations.get(told.number).map(|creation| creation.user.as_str());
            of.is_some_and(|commit| Some(commit.user_id()) == user)
        })
    }

    /// What has become of a token: nobody may be left with a link that nobody knows of, or without one that was theirs.
    ///
    /// # Errors
    /// That.
    fn fate_of(&self, commit: &LedgerEntry, told: &Told, seen: &Seen) -> Result<Fate, String> {
        let id = commit.id();
        let is_revoked = self.clerk.token(id).is_some_and(|token| *token.status() == ActorTokenStatus::Revoked);
        match &told.ended {
            Some(Ok(response)) if response.value().id() == id => match is_revoked && !seen.revoked.contains(id) {
                true => Err("revoked, and its holder did not ask for that".to_owned()),
                false => Ok(Fate::Held),
            },
            Some(Ok(response)) if response.is_ambiguous() => Ok(Fate::Warned),
            Some(Err(error)) if error.salvaged_id() == Some(id.as_str()) => Ok(Fate::Named),
            Some(Err(error)) if error.is_ambiguous() => Ok(Fate::Warned),
            Some(_) => Err("its caller was not told of it".to_owned()),
            None if is_revoked => Ok(Fate::TakenBack),
            None => Ok(Fate::Lost),
        }
    }
}

/// What has become of a token.
enum Fate {
    Held,
    /// By an error.
    Named,
    Warned,
    /// After its caller had gone.
    TakenBack,
    /// Somebody has to have been told, by an orphan's report.
    Lost,
}

/// Finds the report that tells of a lost token: by an id that was made for its call, or one without an id. Each tells of one
/// call. `is_sole`: there was one alone without an id.
///
/// # Errors
/// There is none, or it says that the token cannot be used for as long as it can.
fn told_by(
    reports: &mut Vec<OrphanReport>,
    commit: &LedgerEntry,
    of_the_call: &[LedgerEntry],
    creation: &Creation,
    is_sole: bool,
) -> Result<(), String> {
    let of_the_call = |id: &str| of_the_call.iter().any(|commit| commit.id().as_str() == id);
    let by_id = reports.iter().position(|report| report.id().is_some_and(of_the_call));
    let Creation { user, lifetime, session, .. } = creation;
    let asked = Asked { user, actor: ACTOR, lifetime: *lifetime, session: *session };
    let wrong = |report: &OrphanReport| {
        verdict::exposed(report.exposure_until(), report.session_exposure_until(), &asked, slice::from_ref(commit))
    };
    if let Some(place) = by_id {
        return wrong(&reports.swap_remove(place)).map_or(Ok(()), Err);
    }
    let place = reports.iter().position(|report| report.id().is_none()).ok_or("lost in silence")?;
    let report = reports.swap_remove(place);
    // Of several without an id it cannot be told which is whose.
    if is_sole { wrong(&report).map_or(Ok(()), Err) } else { Ok(()) }
}
