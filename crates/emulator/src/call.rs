//! The calls that a fault can be queued for.

use std::fmt;

use crate::ledger::CommitKind;

/// A call of the backend API: a fault is queued for the next of its kind.
///
/// A list and a get commit nothing. For them, and for a revocation that changes nothing, `before_commit` is before Clerk
/// has looked, and `after_commit` is when Clerk's answer of 200 is on its way.
///
/// ```
/// use clerk_actor_tokens_emulator::{CallKind, CommitKind, fault};
///
/// assert_eq!(CallKind::from(CommitKind::RevokeSession), CallKind::SessionRevoke);
/// let link = fault::AnyFault::from(fault::without("url"));
/// assert!(!link.phases_of(CallKind::Create).is_empty());
/// assert!(link.phases_of(CallKind::SessionList).is_empty()); // a session has no link
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// An actor token is created.
    Create,
    /// An actor token is revoked.
    Revoke,
    /// Sessions are listed.
    SessionList,
    /// One session is read.
    SessionGet,
    /// A session is revoked.
    SessionRevoke,
}

impl CallKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Revoke, Self::SessionList, Self::SessionGet, Self::SessionRevoke];

    /// Whether its answer is an actor token.
    pub(crate) fn answers_a_token(self) -> bool {
        matches!(self, Self::Create | Self::Revoke)
    }
}

impl From<CommitKind> for CallKind {
    fn from(kind: CommitKind) -> Self {
        match kind {
            CommitKind::Create => Self::Create,
            CommitKind::Revoke => Self::Revoke,
            CommitKind::RevokeSession => Self::SessionRevoke,
        }
    }
}

impl fmt::Display for CallKind {
    /// As in the method of [`Emulator`](crate::Emulator) that queues: `next_session_list`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Revoke => "revoke",
            Self::SessionList => "session_list",
            Self::SessionGet => "session_get",
            Self::SessionRevoke => "session_revoke",
        })
    }
}
