//! The state of an emulator: Clerk, the scripts, the ledger and the requests behind one lock, and the clock beside it.
//!
//! Responsible for holding them, and for views that need more than one of them. Not responsible for the handle that users
//! hold, or for what happens in an exchange.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use clerk_actor_tokens_core::Response;

use crate::{
    call::CallKind,
    clerk::{Clerk, StoredToken, Token},
    clock::{Clock, ClockMode},
    journal::{Journal, Listener},
    ledger::{CommitKind, Ledger},
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
        self.ledger.replace(ledger.entries().to_vec());
        self.journal.replace(journal);
    }

    pub(crate) fn view(&self, token: &Token, now: i64) -> StoredToken {
        let delivered = self.ledger.of(CommitKind::Create).any(|entry| entry.id == token.id && entry.delivered);
        token.view(now, delivered)
    }

    /// Every token, in the order of creation.
    pub(crate) fn tokens(&self, now: i64) -> impl DoubleEndedIterator<Item = StoredToken> {
        let created = self.ledger.of(CommitKind::Create);
        created.filter_map(move |entry| Some(self.clerk.token(entry.id.as_str())?.view(now, entry.delivered)))
    }
}
