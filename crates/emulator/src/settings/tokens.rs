//! What is signed, and how.

use std::collections::BTreeSet;

use super::application::ApplicationUrl;
use crate::signing::SigningKey;

/// Which step of opening a link uses its ticket up. No source says which it is at Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TicketUsedBy {
    /// The first: `GET /v1/tickets/accept`, which a program that checks links sends too.
    Get,
    /// The second: `POST /v1/client/sign_ins`, by which the session is opened.
    Post,
}

/// A claim that session tokens have only at times, or that only some actors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExtraClaim {
    /// `jti`, the id of the token.
    Jti,
    /// `act.iss`, which is known of actors that Clerk's Dashboard makes.
    ActIss,
    /// `act.sid`, the actor's own session. It is known of the same actors.
    ActSid,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct TokenSettings {
    pub(crate) key: SigningKey,
    pub(crate) signed_tickets: bool,
    /// 1 or 2.
    pub(crate) version: u8,
    pub(crate) application_url: Option<ApplicationUrl>,
    pub(crate) ticket_used_by: TicketUsedBy,
    pub(crate) extra_claims: BTreeSet<ExtraClaim>,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            key: SigningKey::of_tests(),
            signed_tickets: false,
            version: 2,
            application_url: None,
            ticket_used_by: TicketUsedBy::Post,
            extra_claims: BTreeSet::new(),
        }
    }
}

impl TokenSettings {
    /// The origin of the application, for `azp`.
    pub(crate) fn application_origin(&self) -> Option<&str> {
        self.application_url.as_ref().map(ApplicationUrl::origin)
    }
}
