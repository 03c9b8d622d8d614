//! What to end: whose sessions, by whom, and the token from which more may grow.

use std::{borrow::Cow, fmt, time::Duration};

use serde_json::Value;

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{Actor, ActorTokenRecord},
    clerk_id::check_id,
    invalid_request::InvalidRequest,
    operation_info::{Idempotency, OperationInfo},
    secret::Sanitized,
    sessions::Session,
};

/// What to end: the sessions in which somebody is signed in as a user. [`Impersonations::end`](crate::Impersonations::end)
/// builds one, and [`Impersonations::run`](crate::Impersonations::run) and
/// [`ActorTokensApi::end`](crate::ActorTokensApi::end) take one.
///
/// One of [`by`](Self::by), [`stamp`](Self::stamp) and [`any_actor`](Self::any_actor) is required. Where there are several, a
/// session has to fit each of them. A session of the user's own has no actor, and is never ended.
///
/// ```
/// use clerk_actor_tokens_core::EndImpersonation;
///
/// let end = EndImpersonation::of("user_customer").by("user_engineer").token("act_1");
/// assert_eq!(end.user_id(), "user_customer");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct EndImpersonation {
    user_id: String,
    by: Option<String>,
    stamp: Option<(String, String)>,
    any_actor: bool,
    /// A bad id is kept as the refusal that the call will give.
    token: Option<Result<ActorTokenId, InvalidRequest>>,
    timeout: Option<Duration>,
}

impl EndImpersonation {
    /// What an error is called of an end that was refused before any call.
    pub(crate) const INFO: OperationInfo = OperationInfo::new("EndImpersonation", "/sessions", Idempotency::Idempotent);

    /// Describes the end of impersonations of this user.
    pub fn of(user_id: impl Into<String>) -> Self {
        Self { user_id: user_id.into(), by: None, stamp: None, any_actor: false, token: None, timeout: None }
    }

    /// Describes the end of what this token opened, or may yet open: the sessions of its user, by its actor.
    ///
    /// Every session of that actor as that user is ended, also one that another token opened. With a
    /// [stamp](crate::CreateActorToken::stamp_attempts), add [`stamp`](Self::stamp): then it is the session of this token alone.
    pub fn of_token(record: &ActorTokenRecord) -> Self {
        let end = Self { token: Some(Ok(record.id().clone())), ..Self::of(record.user_id()) };
        match record.actor().and_then(Actor::sub) {
            Some(sub) => end.by(sub),
            None => end,
        }
    }

    /// Takes the sessions of this actor: those whose `actor.sub` is this text.
    pub fn by(mut self, actor_sub: impl Into<String>) -> Self {
        self.by = Some(actor_sub.into());
        self
    }

    /// Takes the sessions whose actor has this stamp under this key: see
    /// [`CreateActorToken::stamp_attempts`](crate::CreateActorToken::stamp_attempts).
    pub fn stamp(mut self, key: impl Into<String>, stamp: impl Into<String>) -> Self {
        self.stamp = Some((key.into(), stamp.into()));
        self
    }

    /// Takes every session that has an actor.
    pub fn any_actor(mut self) -> Self {
        self.any_actor = true;
        self
    }

    /// Revokes this actor token first, so that no new session grows from its link.
    pub fn token(mut self, id: impl AsRef<str>) -> Self {
        self.token = Some(ActorTokenId::new(id.as_ref()));
        self
    }

    /// Sets how long all of it may take, with every call in it. If unset: 60 seconds, or 12 seconds for each 100 sessions that are
    /// listed, if that is longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Returns the user who is impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the actor token that is revoked first.
    #[must_use]
    pub fn token_id(&self) -> Option<&ActorTokenId> {
        self.token.as_ref()?.as_ref().ok()
    }

    pub(super) fn longest(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn check(&self) -> Result<(), InvalidRequest> {
        let empty = |field: Cow<'static, str>| Err(InvalidRequest::new(field, "must not be empty"));
        // One that can be no id finds no session, and would look like an end.
        check_id("user_id", &self.user_id)?;
        if self.by.as_deref() == Some("") {
            return empty("actor.sub".into());
        }
        match &self.stamp {
            Some((key, _)) if key.is_empty() => return empty("the key of the stamp".into()),
            Some((key, stamp)) if stamp.is_empty() => return empty(format!("actor.{key}").into()),
            _ => {}
        }
        if self.by.is_none() && self.stamp.is_none() && !self.any_actor {
            return Err(InvalidRequest::new("actor", "is not chosen: use by(), stamp() or any_actor()"));
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(InvalidRequest::new("timeout", "must be more than zero"));
        }
        match &self.token {
            Some(Err(refused)) => Err(refused.clone()),
            _ => Ok(()),
        }
    }

    /// Whether this session is one of those, and somebody may be signed in with it.
    pub(super) fn is_to_end(&self, session: &Session) -> bool {
        let Some(actor) = session.actor().filter(|_| session.status().is_live()) else { return false };
        let is_by = self.by.as_deref().is_none_or(|sub| actor.sub() == Some(sub));
        let has = |(key, stamp): &(String, String)| actor.get(key).and_then(Value::as_str) == Some(stamp);
        is_by && self.stamp.as_ref().is_none_or(has)
    }
}

impl fmt::Debug for EndImpersonation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndImpersonation")
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("by", &self.by.as_deref().map(Sanitized::new))
            .field("stamp_key", &self.stamp.as_ref().map(|(key, _)| Sanitized::new(key)))
            .field("any_actor", &self.any_actor)
            .field("token", &self.token)
            .field("timeout", &self.timeout)
            .finish()
    }
}
