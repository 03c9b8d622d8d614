//! The ledger: what was committed, and whether its answer was delivered.
//!
//! Two facts per commit that no client can know of its own: that it happened, and that its answer was handed over.

use std::{collections::BTreeMap, fmt, time::Duration};

use clerk_actor_tokens_core::{ActorTokenId, Sanitized, Timestamp};
use http::StatusCode;

/// What was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommitKind {
    /// An actor token was created.
    Create,
    /// A pending actor token was revoked.
    Revoke,
    /// A live session was revoked.
    RevokeSession,
}

impl fmt::Display for CommitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Revoke => "revoke",
            Self::RevokeSession => "session_revoke",
        })
    }
}

/// One commit.
///
/// ```
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{CommitKind, Emulator};
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// let ledger = clerk.ledger();
/// assert_eq!(ledger[0].kind(), CommitKind::Create);
/// assert_eq!(ledger[0].user_id(), "user_1");
/// assert!(ledger[0].is_delivered());
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    pub(crate) kind: CommitKind,
    pub(crate) id: ActorTokenId,
    pub(crate) user_id: String,
    pub(crate) actor_sub: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) at: Timestamp,
    /// How long after the emulator was made.
    pub(crate) since: Duration,
    pub(crate) fault: Option<String>,
    pub(crate) given: Given,
    pub(crate) delivered: bool,
}

/// What a fault left of Clerk's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Nothing,
    /// The head and so many bytes.
    Part(usize),
    /// Another answer, of this status.
    Instead(StatusCode),
    Changed,
}

impl LedgerEntry {
    /// Returns what was done.
    #[must_use]
    pub fn kind(&self) -> CommitKind {
        self.kind
    }

    /// Returns the id of the token. Of the commit of a session it is the session's: see
    /// [`session_id`](Self::session_id).
    #[must_use]
    pub fn id(&self) -> &ActorTokenId {
        &self.id
    }

    /// Returns the id of the session, or `None` if the commit is one of a token.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        (self.kind == CommitKind::RevokeSession).then_some(self.id.as_str())
    }

    /// Returns the user to be impersonated, or whose session it is.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the subject of the actor.
    #[must_use]
    pub fn actor_sub(&self) -> Option<&str> {
        self.actor_sub.as_deref()
    }

    /// Returns which attempt of its call this was, counted from 1, or `None` if the request did not
    /// say: over a socket, or sent by hand.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the fault that this commit's exchange met, and when, as it is queued:
    /// `create:after_commit:stall()`. Returns `None` if it met none, or
    /// [`pass`](crate::fault::pass).
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Returns whether the transport delivered the answer whole. In process: `send` returned it.
    /// Over a socket: it was written to a connection that had not broken by then. Whether the
    /// client read it is unknown.
    ///
    /// An answer that a fault changed counts if it still names the token or the session: JSON with Clerk's `object`, the `id` and
    /// the `user_id`, and no other's `actor.sub`.
    ///
    /// The emulator does not see what a middleware or the caller does with it afterwards. What the
    /// caller of a failed call still has is in its error: see `Error::is_ambiguous` and
    /// `Error::salvaged_id` of `clerk-actor-tokens-core`.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.delivered
    }
}

impl fmt::Debug for LedgerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for {}", self.kind, self.id, Sanitized::new(&self.user_id))?;
        if let Some(sub) = &self.actor_sub {
            write!(f, " by {}", Sanitized::new(sub))?;
        }
        if let Some(attempt) = self.attempt {
            write!(f, ", attempt {attempt}")?;
        }
        write!(f, ", {:?} after the start", self.since)?;
        if let Some(fault) = &self.fault {
            write!(f, ", met {fault}")?;
        }
        match (self.delivered, self.given) {
            (true, Given::Changed) => f.write_str(", answer delivered, changed"),
            (true, _) => f.write_str(", answer delivered"),
            (false, Given::Nothing) => f.write_str(", answer not delivered: nothing of it came"),
            (false, Given::Part(bytes)) => write!(f, ", answer not delivered: {bytes} bytes of it came"),
            (false, Given::Instead(status)) => {
                write!(f, ", answer not delivered: a {} came in its place", status.as_u16())
            }
            (false, Given::Changed) => f.write_str(", answer not delivered: what came does not tell of the token"),
        }
    }
}

/// The commits of what is kept, in order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ledger {
    entries: BTreeMap<u64, LedgerEntry>,
    /// The number of the next.
    next: u64,
    /// How often the entries were replaced: a place from before is none.
    generation: u64,
    /// How many there were, with those of what is forgotten.
    creates: usize,
    revokes: usize,
}

/// The place of a commit, until the entries are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerPlace {
    generation: u64,
    pub(crate) number: u64,
}

impl Ledger {
    /// Writes a commit down and returns its place.
    pub(crate) fn record(&mut self, entry: LedgerEntry) -> LedgerPlace {
        let number = self.next;
        self.next = number.saturating_add(1);
        match entry.kind {
            CommitKind::Create => self.creates = self.creates.saturating_add(1),
            CommitKind::Revoke => self.revokes = self.revokes.saturating_add(1),
            CommitKind::RevokeSession => {}
        }
        self.entries.insert(number, entry);
        LedgerPlace { generation: self.generation, number }
    }

    /// Becomes as the other. What an exchange in flight would write is left out.
    pub(crate) fn replace(&mut self, other: Self) {
        *self = Self { generation: self.generation.saturating_add(1), ..other };
    }

    pub(crate) fn get(&self, place: LedgerPlace) -> Option<&LedgerEntry> {
        (place.generation == self.generation).then(|| self.entries.get(&place.number)).flatten()
    }

    /// Changes the commit at this place. `None` if it is not kept.
    pub(crate) fn edit<R>(&mut self, place: LedgerPlace, edit: impl FnOnce(&mut LedgerEntry) -> R) -> Option<R> {
        (place.generation == self.generation).then(|| self.entries.get_mut(&place.number)).flatten().map(edit)
    }

    /// The commit is one of what is no longer kept.
    pub(crate) fn forget(&mut self, number: u64) {
        self.entries.remove(&number);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &LedgerEntry> {
        self.entries.values()
    }

    pub(crate) fn of(&self, kind: CommitKind) -> impl DoubleEndedIterator<Item = &LedgerEntry> {
        self.iter().filter(move |entry| entry.kind == kind)
    }

    /// How many tokens were created, with those that are forgotten.
    pub(crate) fn creates(&self) -> usize {
        self.creates
    }

    /// How many tokens were revoked, with those that are forgotten.
    pub(crate) fn revokes(&self) -> usize {
        self.revokes
    }
}
