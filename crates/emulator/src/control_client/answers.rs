//! What the control plane answers. Members that this client does not know are left out.

use std::{collections::BTreeSet, fmt};

use clerk_actor_tokens_core::{Actor, ActorTokenId, ActorTokenStatus, Sanitized, SignInUrl, Ticket, Timestamp};
use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::clerk::{OVER, StoredSession, StoredToken};

/// The server serves.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Health {
    /// The version of the emulator.
    pub version: String,
}

/// What an emulator has, the newest first. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// The emulator's time.
    pub now: Timestamp,
    /// The seed of its ids.
    pub seed: u64,
    /// The users that exist. `None`: every id is a user.
    pub users: Option<BTreeSet<String>>,
    /// How much there is, also of what is not among the rows.
    pub counts: Counts,
    /// The latest tokens.
    pub tokens: Vec<TokenRow>,
    /// The latest sessions.
    #[serde(deserialize_with = "sessions")]
    pub sessions: Vec<StoredSession>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("version", &Sanitized::new(&self.version)).finish()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = self.users.as_ref().map(masked);
        f.debug_struct("State")
            .field("now", &self.now)
            .field("seed", &self.seed)
            .field("users", &users)
            .field("counts", &self.counts)
            .field("tokens", &self.tokens)
            .field("sessions", &self.sessions)
            .finish()
    }
}

/// Texts as they are printed.
fn masked<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<Sanitized<'a>> {
    texts.into_iter().map(|text| Sanitized::new(text)).collect()
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Tokens that were created.
    pub creates: u64,
    /// Tokens that were revoked.
    pub revokes: u64,
    /// Tokens whose link would work now.
    pub live_tokens: u64,
    /// Pending tokens whose answer was not delivered whole.
    pub orphans: u64,
    /// Sessions that were opened.
    pub sessions: u64,
    /// Sessions that are not over.
    pub live_sessions: u64,
    /// Requests that arrived.
    pub requests: u64,
    /// Faults that no call has met yet.
    pub queued_faults: u64,
}

/// A token, with its link where that was asked for. `Debug` shows neither link nor ticket.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRow {
    /// The token, as an emulator in the same process shows it.
    pub stored: StoredToken,
    /// The link, with [`View::revealed`](super::View::revealed).
    pub url: Option<SignInUrl>,
    /// The ticket, with [`View::revealed`](super::View::revealed).
    pub ticket: Option<Ticket>,
}

impl fmt::Debug for TokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stored.fmt(f)
    }
}

impl<'de> Deserialize<'de> for TokenRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Row {
            id: ActorTokenId,
            status: ActorTokenStatus,
            user_id: String,
            actor: Actor,
            token: Option<String>,
            url: Option<String>,
            created_at: Timestamp,
            updated_at: Timestamp,
            expires_at: Timestamp,
            live: bool,
            delivered: bool,
        }
        let Row { id, status, user_id, actor, token, url, created_at, updated_at, expires_at, live, delivered } =
            Row::deserialize(deserializer)?;
        let stored = StoredToken { id, status, user_id, actor, created_at, updated_at, expires_at, live, delivered };
        Ok(Self { stored, url: url.map(SignInUrl::new), ticket: token.map(Ticket::new) })
    }
}

/// A session, as Clerk answers it.
#[derive(Deserialize)]
pub(super) struct SessionRow {
    id: String,
    user_id: String,
    actor: Option<Actor>,
    status: String,
    created_at: Timestamp,
    expire_at: Timestamp,
}

impl From<SessionRow> for StoredSession {
    fn from(row: SessionRow) -> Self {
        let SessionRow { id, user_id, actor, status, created_at, expire_at } = row;
        let live = !OVER.contains(&status.as_str());
        Self { id, user_id, actor, status, live, created_at, expire_at }
    }
}

fn sessions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<StoredSession>, D::Error> {
    Ok(Vec::<SessionRow>::deserialize(deserializer)?.into_iter().map(StoredSession::from).collect())
}

/// The requests that arrived, the newest first.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Requests {
    /// How many there were, with those that are no longer kept.
    pub total: u64,
    /// The latest of them.
    pub requests: Vec<SeenRequest>,
}

/// A request to Clerk, as the control plane shows it. `Debug` shows no body.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// When it arrived.
    pub at: Timestamp,
    /// The method.
    #[serde(deserialize_with = "method")]
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The query, without tickets.
    pub query: Option<String>,
    /// The length of the body, in bytes.
    pub body_bytes: u64,
    /// The status of the answer. `None` if no answer began.
    #[serde(deserialize_with = "status")]
    pub status: Option<StatusCode>,
    /// The fault that it met, as `create:after_commit:stall()`.
    pub fault: Option<String>,
    /// The body, with [`View::revealed`](super::View::revealed) and if it is JSON.
    pub body: Option<Value>,
}

impl fmt::Debug for SeenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenRequest")
            .field("at", &self.at)
            .field("method", &Sanitized::new(self.method.as_str()))
            .field("path", &Sanitized::new(&self.path))
            .field("query", &self.query.as_deref().map(Sanitized::new))
            .field("body_bytes", &self.body_bytes)
            .field("status", &self.status)
            .field("fault", &self.fault.as_deref().map(Sanitized::new))
            .finish_non_exhaustive()
    }
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom("it is no method"))
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusCode>, D::Error> {
    let code = Option::<u16>::deserialize(deserializer)?;
    code.map(StatusCode::from_u16).transpose().map_err(|_| D::Error::custom("it is no status"))
}

/// The faults that have not happened. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct FaultList {
    /// Those that wait for a call, each as [`QueuedFault`](crate::fault::QueuedFault) is written.
    pub queued: Vec<String>,
    /// Those that a call met and that changed nothing.
    pub idle: Vec<IdleFault>,
}

/// A fault that a call met and that changed nothing. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct IdleFault {
    /// As [`QueuedFault`](crate::fault::QueuedFault) is written.
    pub fault: String,
    /// Why it changed nothing.
    pub why: String,
}

impl fmt::Debug for FaultList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultList").field("queued", &masked(&self.queued)).field("idle", &self.idle).finish()
    }
}

impl fmt::Debug for IdleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fault, why) = (Sanitized::new(&self.fault), Sanitized::new(&self.why));
        f.debug_struct("IdleFault").field("fault", &fault).field("why", &why).finish()
    }
}

/// Names a snapshot that the control plane keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct SnapshotId(pub(super) u64);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
