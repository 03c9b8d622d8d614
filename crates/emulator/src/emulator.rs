//! The handle: what a test holds.
//!
//! Hands out views of the state, which `state.rs` holds. Asserts nothing itself: assertions are in `assertions.rs`,
//! exchanges in `exchange.rs`. How an emulator is made is in `builder.rs`; sessions are in `emulator/sessions.rs`.

mod sessions;
#[cfg(feature = "signing")]
mod tokens;

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens_core::{ActorTokenId, Client, SecretKey};

use crate::{
    call::CallKind,
    clerk::{AcceptError, Session, StoredToken},
    clock::ClockMode,
    ledger::{CommitKind, LedgerEntry},
    next_attempt::NextAttempt,
    requests::RecordedRequest,
    settings::Settings,
    state::Inner,
    unused_faults,
};

/// Clerk's actor tokens in memory: a transport for clients, and a view behind the scenes for tests.
///
/// Clones are handles of the same emulator, and so are its clients. The last handle panics when it
/// is dropped, if a queued fault has not [happened](Self::assert_faults_used), because such a fault
/// tested nothing. It does not panic if its thread panics already. If a spawned task drops the last
/// handle, the panic is that task's, and the test sees it only if it awaits the task. A handle in a
/// `static` is never dropped. In both cases end the test with
/// [`assert_faults_used`](Self::assert_faults_used).
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::Emulator;
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// let client = clerk.client();
/// let token = client.actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// clerk.assert_creates(1);
/// assert_eq!(clerk.accept(token.id()).unwrap().user_id(), "user_1");
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Emulator(Arc<Handle>);

/// What users hold together. The server's own tasks hold `Inner` alone, so that this goes when the last user goes.
struct Handle(Arc<Inner>);

impl Emulator {
    pub(crate) fn from_parts(settings: Settings, mode: ClockMode) -> Self {
        Self(Arc::new(Handle(Arc::new(Inner::new(settings, mode)))))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0.0
    }

    /// Returns a client over this emulator, with its key and the client's defaults. For a client
    /// with other settings, call `Client::builder(clerk.clone(), clerk.secret_key())`.
    #[must_use]
    pub fn client(&self) -> Client<Self> {
        Client::new(self.clone(), self.secret_key())
    }

    /// Returns the key that is accepted: `sk_test_emulator` unless set otherwise.
    #[must_use]
    pub fn secret_key(&self) -> SecretKey {
        self.inner().lock().clerk.settings().key.clone()
    }

    /// Returns the seed of all ids.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.inner().lock().clerk.settings().seed
    }

    /// Sets the users that exist from now on, as [`users`](crate::EmulatorBuilder::users) does. Tokens
    /// and sessions of others stay.
    pub fn set_users<I>(&self, users: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.inner().lock().clerk.set_users(Some(users.into_iter().map(Into::into).collect()));
    }

    /// From now on every id is a user, as it is by default.
    pub fn allow_any_user(&self) {
        self.inner().lock().clerk.set_users(None);
    }

    /// Moves time, and wakes what is due. With real time only the calendar moves: links expire, and
    /// every sleep takes its real time. It stops 36,500 days after it began.
    pub fn advance(&self, by: Duration) {
        self.inner().clock.advance(by);
    }

    /// Queues a fault for the next create that has none.
    pub fn next_create(&self) -> NextAttempt<'_> {
        self.next_attempt(CallKind::Create)
    }

    /// Queues a fault for the next revoke that has none.
    pub fn next_revoke(&self) -> NextAttempt<'_> {
        self.next_attempt(CallKind::Revoke)
    }

    /// Opens the sign-in link of a token, as the support engineer's browser would.
    ///
    /// # Errors
    /// [`AcceptError`] if the token does not exist, was used or revoked, or is past its time.
    pub fn accept(&self, id: &ActorTokenId) -> Result<Session, AcceptError> {
        let now = self.inner().clock.millis();
        self.inner().lock().accept(id.as_str(), now)
    }

    /// Opens a sign-in link by its URL, or by its bare ticket.
    ///
    /// ```
    /// # use clerk_actor_tokens_core::Actor;
    /// # use clerk_actor_tokens_emulator::{AcceptError, Emulator};
    /// # pollster::block_on(async {
    /// let clerk = Emulator::new();
    /// let token = clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
    /// let url = token.url().unwrap().expose();
    /// assert_eq!(clerk.accept_url(url).unwrap().actor().sub(), Some("user_agent"));
    /// assert_eq!(clerk.accept_url(url).unwrap_err(), AcceptError::AlreadyUsed);
    /// # Ok::<(), clerk_actor_tokens_core::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn accept_url(&self, url: &str) -> Result<Session, AcceptError> {
        let now = self.inner().clock.millis();
        let mut state = self.inner().lock();
        let id = state.clerk.id_of_link(url).ok_or(AcceptError::Invalid)?;
        state.accept(&id, now)
    }

    /// Returns every commit, in order, or those of the tokens and sessions that are kept if a
    /// [number](crate::EmulatorBuilder::keep_tokens) is set.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.inner().lock().ledger.iter().cloned().collect()
    }

    /// Returns the creates among the commits.
    #[must_use]
    pub fn creates(&self) -> Vec<LedgerEntry> {
        self.inner().lock().ledger.of(CommitKind::Create).cloned().collect()
    }

    /// Returns the revokes of tokens among the commits. A revoke that Clerk refused is not one.
    #[must_use]
    pub fn revokes(&self) -> Vec<LedgerEntry> {
        self.inner().lock().ledger.of(CommitKind::Revoke).cloned().collect()
    }

    /// Returns the tokens that are pending, and whose answer the transport did not deliver whole.
    /// No caller may know their links.
    ///
    /// An answer was delivered whole in process when `send` returned it, and over a socket when it
    /// was written to a connection that had not broken. The emulator does not see what a middleware
    /// or the caller does with it afterwards. So an answer that a middleware discards makes no
    /// orphan. What the caller of a failed call still has is in its error: see
    /// `Error::is_ambiguous` and `Error::salvaged_id` of `clerk-actor-tokens-core`.
    #[must_use]
    pub fn orphans(&self) -> Vec<StoredToken> {
        let now = self.inner().clock.millis();
        let state = self.inner().lock();
        state.tokens(now).filter(StoredToken::is_orphan).collect()
    }

    /// Returns the tokens whose link would work now: pending, and not past their time.
    #[must_use]
    pub fn live(&self) -> Vec<StoredToken> {
        let now = self.inner().clock.millis();
        let state = self.inner().lock();
        state.tokens(now).filter(StoredToken::is_live).collect()
    }

    /// Returns a token as it is now, or `None` if no token has this id.
    #[must_use]
    pub fn token(&self, id: &ActorTokenId) -> Option<StoredToken> {
        let now = self.inner().clock.millis();
        let state = self.inner().lock();
        state.clerk.token(id.as_str()).map(|token| token.view(now))
    }

    /// Returns every request that arrived, in order, or the latest of them if a
    /// [number](crate::EmulatorBuilder::keep_requests) is set.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.inner().lock().journal.iter().cloned().collect()
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner().lock();
        f.debug_struct("Emulator")
            .field("seed", &state.clerk.settings().seed)
            .field("clock", &self.inner().clock)
            .field("ledger", &state.ledger.iter().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        unused_faults::at_the_end(&self.0);
    }
}
