//! The state of an emulator: Clerk, the scripts, the ledger and the requests behind one lock, and the clock beside it.
//!
//! Responsible for holding them, and for views that need more than one of them. Not responsible for the handle that users
//! hold, or for what happens in an exchange.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use clerk_actor_tokens_core::{Actor, Response};

use crate::{
    call::CallKind,
    clerk::{AcceptError, Clerk, Session, StoredToken},
    clock::{Clock, ClockMode},
    journal::{Journal, Listener},
    ledger::{CommitKind, Ledger, LedgerEntry, LedgerPlace},
    script::Scripts,
    settings::Settings,
};

/// What all handles and servers of one emulator share.
pub(crate) struct Inner {
    pub(crate) clock: Clock,
    /// Called outside the lock.
    pub(crate) listener: Option<Listener>,
    state: Mutex<State>,
}

/// What only one of them uses at a time.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) clerk: Clerk,
    pub(crate) scripts: Scripts,
    pub(crate) ledger: Ledger,
    pub(crate) journal: Journal,
    /// The latest answer of 200 to each call about sessions, for a fault that gives it again.
    pub(crate) answers: BTreeMap<CallKind, Response>,
}

impl Inner {
    pub(crate) fn new(settings: Settings, mode: ClockMode) -> Self {
        let listener = settings.listener.clone();
        let journal = Journal::new(settings.keep_requests);
        let state = State {
            clerk: Clerk::new(settings),
            scripts: Scripts::default(),
            ledger: Ledger::default(),
            journal,
            answers: BTreeMap::new(),
        };
        Self { clock: Clock::new(mode), listener, state: Mutex::new(state) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// As if nothing had happened yet.
    pub(crate) fn reset(&mut self) {
        let journal = Journal::new(self.clerk.settings().keep_requests);
        let anew = Self {
            clerk: self.clerk.anew(),
            scripts: Scripts::default(),
            ledger: Ledger::default(),
            journal,
            answers: BTreeMap::new(),
        };
        self.become_as(anew);
    }

    /// From here on it is as the other. An exchange in flight writes nothing more of what it had done before.
    pub(crate) fn become_as(&mut self, other: Self) {
        let Self { clerk, scripts, ledger, journal, answers } = other;
        self.clerk = clerk.served_as(&self.clerk);
        self.scripts = scripts;
        self.answers = answers;
        self.ledger.replace(ledger);
        self.journal.replace(journal);
    }

    /// Writes a commit down, and forgets what is too much.
    pub(crate) fn record(&mut self, entry: LedgerEntry, now: i64) -> LedgerPlace {
        let (kind, id) = (entry.kind, entry.id.clone());
        let place = self.ledger.record(entry);
        self.clerk.note_commit(kind, id.as_str(), place.number);
        self.forget(now);
        place
    }

    /// Whether the answer to the commit at this place was delivered.
    pub(crate) fn set_delivered(&mut self, place: LedgerPlace, delivered: bool) {
        let edited = self.ledger.edit(place, |entry| {
            entry.delivered = delivered;
            (entry.kind, entry.id.clone())
        });
        if let Some((CommitKind::Create, id)) = edited {
            self.clerk.set_delivered(id.as_str(), delivered);
        }
    }

    /// Opens the link of a token.
    pub(crate) fn accept(&mut self, id: &str, now: i64) -> Result<Session, AcceptError> {
        let session = self.clerk.accept(id, now)?;
        self.forget(now);
        Ok(session)
    }

    /// Opens a session as somebody's sign-in does.
    pub(crate) fn sign_in(&mut self, user_id: &str, actor: Option<&Actor>, now: i64) -> Session {
        let session = self.clerk.sign_in(user_id, actor, now);
        self.forget(now);
        session
    }

    /// Forgets tokens and sessions beyond the number that is kept, each with its commits.
    pub(crate) fn forget(&mut self, now: i64) {
        while let Some(commits) = self.clerk.forget(now) {
            commits.into_iter().for_each(|commit| self.ledger.forget(commit));
        }
    }

    /// Every token, in the order of creation.
    pub(crate) fn tokens(&self, now: i64) -> impl DoubleEndedIterator<Item = StoredToken> {
        self.clerk.tokens().iter().map(move |token| token.view(now))
    }
}
