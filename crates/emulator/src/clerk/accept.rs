//! Accepting a ticket: what opening the sign-in link does. Not an endpoint of the backend API, but the other way out of
//! `pending`.

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens_core::{Actor, ActorTokenStatus, Sanitized};

use super::{
    Clerk,
    errors::{Row, TICKET_EXPIRED, TICKET_INVALID, TICKET_REVOKED, TICKET_USED},
    sessions::{DEFAULT_LIFETIME, Opening},
    token::{DEFAULT_SESSION_MAX, Token},
};
use crate::ticket;

/// Why a ticket did not open a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptError {
    /// It was used before.
    AlreadyUsed,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// There is no such ticket.
    Invalid,
}

impl AcceptError {
    /// Clerk's code.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::AcceptError;
    /// assert_eq!(AcceptError::Revoked.code(), "actor_token_revoked_code");
    /// ```
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// The error that Clerk answers.
    pub(super) fn row(self) -> Row {
        match self {
            Self::AlreadyUsed => TICKET_USED,
            Self::Revoked => TICKET_REVOKED,
            Self::Expired => TICKET_EXPIRED,
            Self::Invalid => TICKET_INVALID,
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::AlreadyUsed => "it was used before",
            Self::Revoked => "its token was revoked",
            Self::Expired => "it has expired",
            Self::Invalid => "the emulator made no such ticket",
        };
        write!(f, "the ticket opens no session: {why} ({})", self.code())
    }
}

impl std::error::Error for AcceptError {}

/// A session at the moment at which it was opened: by a ticket, or because a user signed in.
///
/// How it is now: [`Emulator::session`](crate::Emulator::session).
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    id: String,
    user_id: String,
    actor: Actor,
    max_duration: Duration,
}

impl Session {
    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose session it is: the user being impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The `act` claim of its token: who is really acting. Without keys if the user signed in.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// How long it lasts at most.
    #[must_use]
    pub fn max_duration(&self) -> Duration {
        self.max_duration
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &Sanitized::new(&self.id))
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("actor", &self.actor)
            .field("max_duration", &self.max_duration)
            .finish()
    }
}

impl Clerk {
    /// Opens the link of a token, and its session, at this moment (milliseconds since 1970).
    pub(crate) fn accept(&mut self, id: &str, now: i64) -> Result<Session, AcceptError> {
        let accepted = &mut self.accepted;
        let opening = self.tokens.edit(id, |token| {
            if token.is_opened && now < token.expires_at {
                token.is_opened = false;
            } else {
                token.check(now)?;
                token.status = ActorTokenStatus::Accepted;
                token.updated_at = now;
                *accepted = accepted.saturating_add(1);
            }
            Ok(Opening {
                user_id: token.user_id.clone(),
                actor: Some(token.actor.clone()),
                max_duration: token.session_max_duration,
            })
        });
        Ok(self.open(opening.unwrap_or(Err(AcceptError::Invalid))?, now))
    }

    /// Opens a session as somebody's sign-in does, at this moment (milliseconds since 1970).
    pub(crate) fn sign_in(&mut self, user_id: &str, actor: Option<&Actor>, now: i64) -> Session {
        let actor = actor.map(|actor| Arc::new(actor.as_map().clone()));
        let max_duration = if actor.is_some() { DEFAULT_SESSION_MAX } else { DEFAULT_LIFETIME };
        self.open(Opening { user_id: user_id.to_owned(), actor, max_duration }, now)
    }

    fn open(&mut self, opening: Opening, now: i64) -> Session {
        let user_id = opening.user_id.clone();
        let actor = Actor::from(opening.actor.as_deref().cloned().unwrap_or_default());
        let max_duration = Duration::from_secs(opening.max_duration);
        self.sessions.settle(now, &self.settings);
        let id = self.sessions.open(opening, now, &mut self.ids, &self.settings);
        Session { id, user_id, actor, max_duration }
    }

    /// Uses a ticket up, and leaves its session to be opened by [`accept`](Self::accept).
    #[cfg(feature = "signing")]
    pub(super) fn use_up(&mut self, id: &str, now: i64) -> Result<(), AcceptError> {
        let accepted = &mut self.accepted;
        let used_up = self.tokens.edit(id, |token| {
            token.check(now)?;
            token.status = ActorTokenStatus::Accepted;
            token.updated_at = now;
            token.is_opened = true;
            *accepted = accepted.saturating_add(1);
            Ok(())
        });
        used_up.unwrap_or(Err(AcceptError::Invalid))
    }

    /// The id of the token that a link or a ticket belongs to.
    pub(crate) fn id_of_link(&self, link: &str) -> Option<String> {
        let ticket = ticket::in_link(link);
        let id = ticket::token_id(ticket)?;
        self.tokens.get(&id).is_some_and(|token| token.ticket == ticket).then_some(id)
    }
}

impl Token {
    /// Why its ticket opens nothing at this moment.
    pub(crate) fn check(&self, now: i64) -> Result<(), AcceptError> {
        match self.status {
            ActorTokenStatus::Accepted => Err(AcceptError::AlreadyUsed),
            ActorTokenStatus::Revoked => Err(AcceptError::Revoked),
            _ if !self.is_live(now) => Err(AcceptError::Expired),
            _ => Ok(()),
        }
    }
}
