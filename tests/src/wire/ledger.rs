//! What a server of raw bytes has committed, and whether each caller knows of it.
//!
//! Responsible for the verdict on calls of which each is for a user of its own. Not responsible for how servers and calls meet.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clerk_actor_tokens::{
    ActorToken, BaseUrl, Client, Error, Execution, Orphan, OrphanReport, RetryPolicy, SecretKey,
    observe::{Observer, OrphanEnd},
    settings::RetryBudget,
    transport::HttpTransport,
};
use serde_json::Value;

use super::{BoxError, raw::Answer};

/// By user, the ids of the tokens that were made.
pub(super) type Commits = HashMap<String, Vec<String>>;

/// The tokens that a server has made.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Book>);

#[derive(Default)]
struct Book {
    commits: Commits,
    made: usize,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the token that this body asks for, and returns the answer. `None` where it asks for none.
    pub(super) fn commit(&self, body: &[u8]) -> Option<Answer> {
        let asked: Value = serde_json::from_slice(body).ok()?;
        let (user, actor) = (asked.get("user_id")?.as_str()?, asked.get("actor")?);
        let mut book = self.book();
        book.made = book.made.saturating_add(1);
        let id = format!("act_{}", book.made);
        let text = format!(
            r#"{{"object":"actor_token","status":"pending","id":"{id}","user_id":"{user}","actor":{actor},"token":null,"url":null,"created_at":1,"updated_at":1}}"#
        );
        book.commits.entry(user.to_owned()).or_default().push(id);
        Some(Answer::new(200, text))
    }

    pub(super) fn commits(&self) -> Commits {
        self.book().commits.clone()
    }
}

/// The reports of all orphans of a client, as its observer is given them: `close` returns the first 1,000 alone.
#[derive(Clone, Default)]
pub(super) struct Reports(Arc<Mutex<Vec<OrphanReport>>>);

impl Observer for Reports {
    fn orphan_ended(&self, report: &OrphanReport, _: OrphanEnd) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(report.clone());
    }
}

impl Reports {
    /// Returns what was reported.
    pub(super) fn all(&self) -> Vec<OrphanReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client whose orphans are only reported, and that waits little before it sends again.
    pub(super) fn client<T: HttpTransport>(
        &self,
        transport: T,
        key: SecretKey,
        base_url: BaseUrl,
        timeout: Duration,
    ) -> Result<Client<T>, BoxError> {
        const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(8));
        let builder = Client::builder(transport, key).base_url(base_url).timeout(timeout).require_executor();
        let builder = builder.retry(RetryPolicy::new().backoff(BACKOFF.0, BACKOFF.1));
        let leave = |orphan: Orphan| async move { drop(orphan) };
        Ok(builder.retry_budget(RetryBudget::unlimited()).on_orphan(leave).observer(self.clone()).build()?)
    }
}

/// How a creation ended for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// With the token of this id.
    Ok(String),
    Failed(Execution),
    /// The caller has left.
    Left,
}

impl From<Result<ActorToken, Error>> for Ended {
    fn from(ended: Result<ActorToken, Error>) -> Self {
        match ended {
            Ok(token) => Self::Ok(token.id().as_str().to_owned()),
            Err(error) => Self::Failed(error.execution()),
        }
    }
}

/// A creation: its user, and how it ended.
pub(super) type Call = (String, Ended);

/// How many calls ended in which way, and which of them contradict the ledger.
#[derive(Debug, Default, Clone)]
pub(super) struct Verdict {
    pub(super) calls: usize,
    pub(super) ok: usize,
    pub(super) not_executed: usize,
    pub(super) unknown: usize,
    pub(super) executed: usize,
    pub(super) left: usize,
    /// How many tokens were made.
    pub(super) made: usize,
    /// How many of them only the report of an orphan shows.
    pub(super) reported: usize,
    /// How many calls were said not to be executed, and made a token.
    pub(super) wrongly: usize,
    /// How many calls made more than one token.
    pub(super) second: usize,
    /// How many tokens neither a caller nor a report shows.
    pub(super) lost: usize,
}

impl Verdict {
    /// Compares each call with the ledger. Returns what contradicts it.
    pub(super) fn add(&mut self, mut commits: Commits, calls: &[Call], reports: &[OrphanReport]) -> Vec<String> {
        let mut broken = Vec::new();
        for (user, ended) in calls {
            let made = commits.remove(user).unwrap_or_default();
            let is_reported = || reports.iter().any(|report| report.user_id() == Some(user));
            self.calls += 1;
            self.made += made.len();
            self.second += usize::from(made.len() > 1);
            let (mut is_known, mut is_right) = (true, true);
            match ended {
                Ended::Ok(id) => {
                    self.ok += 1;
                    is_known = made.contains(id);
                }
                Ended::Failed(Execution::NotExecuted) => {
                    self.not_executed += 1;
                    self.wrongly += usize::from(!made.is_empty());
                    is_known = made.is_empty();
                }
                Ended::Failed(Execution::Executed) => {
                    self.executed += 1;
                    is_right = !made.is_empty();
                }
                Ended::Failed(Execution::Unknown) => self.unknown += 1,
                Ended::Left => {
                    self.left += 1;
                    if !made.is_empty() {
                        is_known = is_reported();
                        self.reported += usize::from(is_known);
                    }
                }
            }
            self.lost += usize::from(!is_known);
            if !is_known || !is_right || made.len() > 1 {
                broken.push(format!("{user}: {ended:?}, and the ledger has {made:?}"));
            }
        }
        if !commits.is_empty() {
            broken.push(format!("tokens for users of no call: {:?}", commits.keys()));
        }
        broken
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, ok, not_executed, unknown, executed, left, made, reported, wrongly, second, lost } = self;
        write!(f, "{calls} creations: {ok} ok, {not_executed} NotExecuted, {unknown} Unknown, {executed} Executed, ")?;
        write!(f, "{left} callers left; {made} tokens made, {reported} reported as orphans; ")?;
        write!(f, "{wrongly} NotExecuted wrongly, {second} with a second token, {lost} lost in silence")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_in_which_a_call_contradicts_the_ledger_is_counted() {
        let ledger = Ledger::default();
        for user in ["good", "denied", "twice", "twice", "gone"] {
            let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
            assert!(ledger.commit(body.as_bytes()).is_some());
        }
        assert!(ledger.commit(b"").is_none());
        let calls = [
            ("good", Ended::Ok("act_1".to_owned())),
            ("denied", Ended::Failed(Execution::NotExecuted)),
            ("twice", Ended::Ok("act_4".to_owned())),
            ("gone", Ended::Left),
            ("never", Ended::Left),
            ("nothing_was_made", Ended::Failed(Execution::Executed)),
        ]
        .map(|(user, ended)| (user.to_owned(), ended));
        let mut verdict = Verdict::default();
        assert_eq!(verdict.add(ledger.commits(), &calls, &[]).len(), 4, "a false `Executed` contradicts the ledger");
        let Verdict { calls, made, wrongly, second, lost, .. } = verdict;
        assert_eq!((calls, made, wrongly, second, lost), (6, 5, 1, 1, 2));
    }
}
