//! What is left when a random program has ended: what has become of every token that was made, and who knows of it.

use std::{
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use clerk_actor_tokens::{
    ActorToken, ActorTokenId, ActorTokenStatus, ApiResponse, Closed, Error, OrphanReport,
    testing::emulator::{Emulator, LedgerEntry},
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

impl Told {
    /// Whether an exchange is detached of which the caller has an error.
    fn is_detached(&self) -> bool {
        matches!(&self.ended, Some(Err(error)) if error.is_detached())
    }
}

/// What the tasks of a program have seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) told: Vec<Told>,
    /// What an orphan handler kept.
    pub(super) reports: Vec<OrphanReport>,
    /// What callers have tried to revoke.
    pub(super) revoked: Vec<ActorTokenId>,
    /// What `close` returned, each time.
    pub(super) closed: Vec<Closed>,
    pub(super) broken: Vec<String>,
    pub(super) figures: Figures,
}

pub(super) fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was made for a user. Every creation of a program is for another one.
pub(super) fn made_for(clerk: &Emulator, user: &str) -> Vec<LedgerEntry> {
    clerk.creates().into_iter().filter(|commit| commit.user_id() == user).collect()
}

/// A program that has ended.
pub(super) struct Aftermath<'a> {
    pub(super) clerk: &'a Emulator,
    pub(super) program: &'a Program,
    /// `false`: what the client reports is not read.
    pub(super) has_reports: bool,
}

impl Aftermath<'_> {
    /// What is left when all have ended.
    pub(super) fn judge(&self, seen: &mut Seen, broken: &mut Vec<String>) {
        broken.extend(closed_too_early(&seen.closed));
        let mut reports = std::mem::take(&mut seen.reports);
        if let Some(closed) = seen.closed.last().filter(|_| self.has_reports) {
            reports.extend(closed.orphans().iter().cloned());
        }
        seen.figures.reported += reports.len() as u64;
        broken.extend(self.reported_wrongly(&reports, &seen.told));
        let is_sole = reports.iter().filter(|report| report.id().is_none()).count() == 1;
        for told in &seen.told {
            let Some(creation) = self.program.creations.get(told.number) else { continue };
            let commits = made_for(self.clerk, &creation.user);
            seen.figures.tokens += commits.len() as u64;
            seen.figures.given_up += u64::from(told.ended.is_none());
            seen.figures.detached += u64::from(told.is_detached());
            if commits.len() > 1 && !self.program.retries_unsafely {
                broken.push(format!("{} tokens were made for {}", commits.len(), creation.user));
            }
            if told.script.sends() > told.sends {
                broken.push(format!("a request for {} was sent after its call had ended", creation.user));
            }
            if let Some(Err(error)) = told.ended.as_ref().filter(|_| !commits.is_empty()) {
                // An exchange that runs on may have made it long after the error.
                let asked = asked(creation);
                let wrong = verdict::exposed(error.exposure_until(), error.session_exposure_until(), &asked, &commits);
                broken.extend(wrong.filter(|_| error.is_ambiguous()));
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

    /// Reports of what was not lost, and reports twice of the same.
    fn reported_wrongly(&self, reports: &[OrphanReport], told: &[Told]) -> Vec<String> {
        let creates = self.clerk.creates();
        let is_lost = |told: &&Told| told.ended.is_none() || told.is_detached() || self.program.retries_unsafely;
        let lost: Vec<_> = told.iter().filter(is_lost).collect();
        let mut wrong = Vec::new();
        for (place, report) in reports.iter().enumerate() {
            let Some(id) = report.id() else { continue };
            let made = creates.iter().find(|commit| commit.id().as_str() == id);
            let user = |told: &&Told| self.program.creations.get(told.number).map(|creation| creation.user.as_str());
            if !lost.iter().any(|told| made.is_some_and(|made| Some(made.user_id()) == user(told))) {
                wrong.push(format!("{id} was reported as an orphan, and its caller had not gone"));
            }
            if reports.iter().take(place).any(|earlier| earlier.id() == Some(id)) && !self.program.retries_unsafely {
                wrong.push(format!("{id} was reported twice"));
            }
        }
        // Without an unsafe retry, one send of a call at most is in doubt.
        if reports.len() > lost.len() && !self.program.retries_unsafely {
            wrong.push(format!("{} reports of {} calls that were dropped", reports.len(), lost.len()));
        }
        wrong
    }

    /// What has become of a token: there is no link that no caller knows of, and no caller has lost its link.
    ///
    /// # Errors
    /// That.
    fn fate_of(&self, commit: &LedgerEntry, told: &Told, seen: &Seen) -> Result<Fate, String> {
        let id = commit.id();
        let is_revoked = self.clerk.token(id).is_some_and(|token| *token.status() == ActorTokenStatus::Revoked);
        let is_taken_back = is_revoked && !seen.revoked.contains(id);
        // An unsafe retry may have made another one, which is the one that was detached.
        let is_detached = told.is_detached() && !self.program.retries_unsafely;
        match &told.ended {
            Some(Ok(response)) if response.value().id() == id => match is_taken_back {
                true => Err("revoked, and its holder did not ask for that".to_owned()),
                false => Ok(Fate::Held),
            },
            Some(Ok(response)) if response.is_ambiguous() => Ok(Fate::Warned),
            Some(Err(error)) if !error.is_ambiguous() => Err("its caller heard that nothing was made".to_owned()),
            Some(Err(_)) if is_detached && is_revoked => Ok(Fate::TakenBack),
            Some(Err(_)) if is_detached => Ok(Fate::Lost),
            Some(Err(_)) if is_taken_back && !self.program.retries_unsafely => {
                Err("revoked, and the error did not say that it would be".to_owned())
            }
            Some(Err(error)) if error.salvaged_id() == Some(id.as_str()) => Ok(Fate::Named),
            Some(Err(_)) => Ok(Fate::Warned),
            Some(_) => Err("its caller got no report of it".to_owned()),
            None if is_revoked => Ok(Fate::TakenBack),
            None => Ok(Fate::Lost),
        }
    }
}

/// What `close` left out: a call that was in flight at the end, or what was lost after it had said that none was.
fn closed_too_early(closed: &[Closed]) -> Option<String> {
    let last = closed.last()?;
    if last.in_flight() > 0 {
        return Some(format!("{} calls were still in flight after close", last.in_flight()));
    }
    let early = closed.iter().find(|it| it.in_flight() == 0 && it.orphan_count() != last.orphan_count())?;
    Some(format!("{} were lost by the first close, and {} at the end", early.orphan_count(), last.orphan_count()))
}

fn asked(creation: &Creation) -> Asked<'_> {
    let Creation { user, lifetime, session, .. } = creation;
    Asked { user, actor: ACTOR, lifetime: *lifetime, session: *session }
}

/// What has become of a token.
enum Fate {
    Held,
    /// By an error.
    Named,
    Warned,
    /// After its caller had gone, or a middleware had dropped its exchange.
    TakenBack,
    /// An orphan's report must name it.
    Lost,
}

/// Finds the report of a lost token: by an id that was made for its call, or one without an id. Each is of one
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
    let asked = asked(creation);
    let wrong = |report: &OrphanReport| {
        verdict::exposed(report.exposure_until(), report.session_exposure_until(), &asked, slice::from_ref(commit))
    };
    if let Some(place) = by_id {
        return wrong(&reports.swap_remove(place)).map_or(Ok(()), Err);
    }
    let place = reports.iter().position(|report| report.id().is_none()).ok_or("lost in silence")?;
    let report = reports.swap_remove(place);
    // Of several without an id it is unknown which is whose.
    if is_sole { wrong(&report).map_or(Ok(()), Err) } else { Ok(()) }
}
