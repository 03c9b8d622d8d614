//! Creating an actor token: `POST /actor_tokens` (OpenAPI operation `CreateActorToken`).

use std::{borrow::Cow, fmt, time::Duration};

use http::Method;

use crate::{
    actor_tokens::{
        actor::Actor,
        answer::{self, Binding},
        model::ActorToken,
        revoke::RevokeActorToken,
        salvage,
    },
    exposure::Exposure,
    invalid_request::InvalidRequest,
    json::{self, End, Json, Members},
    operation::{Creation, Operation, ParseError, Salvage, Undo},
    operation_info::{Idempotency, OperationInfo},
    secret::Sanitized,
    transport::{Request, Response},
    url::BaseUrl,
};

/// The lifetime of a link where none is asked for (OpenAPI: `expires_in_seconds`, default 3600).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);

/// The longest duration of a session where none is asked for (OpenAPI: `session_max_duration_in_seconds`, default 1800).
const DEFAULT_SESSION: Duration = Duration::from_secs(1800);

/// The creation of an actor token, as pure conversions to and from `http` types.
///
/// Usable without a client; with one, [`ActorTokens::create`](crate::ActorTokens::create) is shorter.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, BaseUrl, CreateActorToken, Operation};
/// use std::time::Duration;
///
/// let create = CreateActorToken::new("user_customer", Actor::new("user_agent")).expires_in(Duration::from_secs(300));
/// let request = create.request(&BaseUrl::default())?;
/// assert_eq!(request.uri(), "https://api.clerk.com/v1/actor_tokens");
/// assert_eq!(
///     &request.body()[..],
///     br#"{"user_id":"user_customer","actor":{"sub":"user_agent"},"expires_in_seconds":300}"#
/// );
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct CreateActorToken {
    user_id: String,
    actor: Actor,
    expires_in: Option<Duration>,
    session_max_duration: Option<Duration>,
    stamp_key: Option<String>,
}

impl CreateActorToken {
    /// Has the fixed facts of this call.
    pub const INFO: OperationInfo = OperationInfo::new("CreateActorToken", "/actor_tokens", Idempotency::NonIdempotent);

    /// Describes the creation of a token with which `actor` signs in as the user `user_id`.
    pub fn new(user_id: impl Into<String>, actor: Actor) -> Self {
        Self { user_id: user_id.into(), actor, expires_in: None, session_max_duration: None, stamp_key: None }
    }

    /// Sets how long the link works (`expires_in_seconds`): whole seconds, more than zero. An hour
    /// if unset.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }

    /// Sets how long the session that the link opens may last (`session_max_duration_in_seconds`):
    /// whole seconds, more than zero. Half an hour if unset.
    pub fn session_max_duration(mut self, duration: Duration) -> Self {
        self.session_max_duration = Some(duration);
        self
    }

    /// Puts a stamp into the actor, under this key: 32 random hexadecimal digits, other ones in each attempt.
    ///
    /// Clerk copies the actor into the `act` claim of the session that the link opens. So an
    /// application that keeps its stamps can refuse a session that grew from a lost token.
    /// [`Attempt::stamp`](crate::Attempt::stamp) returns the stamp, and so does the
    /// [actor](ActorToken::actor) that Clerk echoes. An actor that has this key already is refused,
    /// and so is the key `sub`.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Actor, CreateActorToken, Creation};
    ///
    /// let create = CreateActorToken::new("user_customer", Actor::new("user_agent")).stamp_attempts("attempt");
    /// assert!(create.is_stamped());
    /// ```
    pub fn stamp_attempts(mut self, key: impl Into<String>) -> Self {
        self.stamp_key = Some(key.into());
        self
    }

    /// Returns the user to be impersonated.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns who is really acting.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

impl fmt::Debug for CreateActorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateActorToken")
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("actor", &self.actor)
            .field("expires_in", &self.expires_in)
            .field("session_max_duration", &self.session_max_duration)
            .field("stamp_key", &self.stamp_key.as_deref().map(Sanitized::new))
            .finish()
    }
}

impl Operation for CreateActorToken {
    type Output = ActorToken;

    fn info(&self) -> &'static OperationInfo {
        &Self::INFO
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        if self.user_id.is_empty() {
            return Err(InvalidRequest::new("user_id", "must not be empty"));
        }
        match self.actor.sub() {
            None => return Err(InvalidRequest::new("actor.sub", "is required and must be a string")),
            Some("") => return Err(InvalidRequest::new("actor.sub", "must not be empty")),
            Some(_) => {}
        }
        if let Some(key) = self.stamp_key.as_deref().filter(|key| self.actor.get(key).is_some()) {
            let reason = "is reserved for the stamp of an attempt: use another key";
            return Err(InvalidRequest::new(format!("actor.{key}"), reason));
        }
        let durations =
            [("expires_in_seconds", self.expires_in), ("session_max_duration_in_seconds", self.session_max_duration)];
        // Room for a usual one, so that the body is one allocation.
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"user_id\":");
        json::push_text(&mut body, &self.user_id);
        body.extend_from_slice(b",\"actor\":");
        self.actor.push_json(&mut body)?;
        for (field, duration) in durations {
            if let Some(seconds) = whole_seconds(field, duration)? {
                body.extend_from_slice(b",\"");
                body.extend_from_slice(field.as_bytes());
                body.extend_from_slice(b"\":");
                // A number can be written, and a `Vec` takes all of it.
                let _ = serde_json::to_writer(&mut body, &seconds);
            }
        }
        body.push(b'}');
        base.request(Method::POST, Self::INFO.path(), body.into())
    }

    fn parse(&self, response: &Response) -> Result<ActorToken, ParseError> {
        let binding = Binding { user_id: Some(&self.user_id), actor_sub: self.actor.sub(), ..Binding::default() };
        let mut token = answer::token(response, &binding)?;
        let lifetime = self.expires_in.unwrap_or(DEFAULT_LIFETIME);
        token.record.expires_at = token.created_at().map(|created_at| created_at.saturating_add(lifetime));
        Ok(token)
    }

    fn creation(&self) -> Option<&dyn Creation<ActorToken>> {
        Some(self)
    }
}

impl Creation<ActorToken> for CreateActorToken {
    fn id_of(&self, token: &ActorToken) -> Option<String> {
        Some(token.id().as_str().to_owned())
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        Some(Undo::new(RevokeActorToken::new(id)))
    }

    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        salvage::id_of_token_for(&self.user_id, self.actor.sub(), partial)
    }

    fn exposure(&self) -> Option<Exposure> {
        let lifetime = self.expires_in.unwrap_or(DEFAULT_LIFETIME);
        Some(Exposure::new(lifetime).with_session(self.session_max_duration.unwrap_or(DEFAULT_SESSION)))
    }

    fn user_id(&self) -> Option<&str> {
        Some(&self.user_id)
    }

    fn actor(&self) -> Option<&Actor> {
        Some(&self.actor)
    }

    fn is_stamped(&self) -> bool {
        self.stamp_key.is_some()
    }

    fn stamp(&self, request: &mut Request, stamp: &str) -> bool {
        let Some(key) = &self.stamp_key else { return false };
        // The body of the request, not this operation's own: an operation that wraps this one may have changed it.
        match stamped(request.body(), key, stamp) {
            Some(body) => *request.body_mut() = body.into(),
            None => return false,
        }
        true
    }

    fn check_stamp(&self, body: &[u8], stamp: &str) -> Result<bool, ParseError> {
        let Some(key) = &self.stamp_key else { return Ok(true) };
        let stamps = echoed_stamps(body, key);
        match stamps.iter().all(|echoed| echoed.as_deref() == Some(stamp)) {
            true => Ok(!stamps.is_empty()),
            false => Err(ParseError::mismatch(format!("actor.{key}"))),
        }
    }
}

/// The body with one more key at the end of its actor. Everything else is copied as it is.
fn stamped(body: &[u8], key: &str, stamp: &str) -> Option<Vec<u8>> {
    let mut members = Members::of(body);
    let mut actor: Option<(Json<'_>, usize)> = None;
    while let Some((name, value)) = members.next() {
        if name == "actor" && actor.replace((value, members.at())).is_some() {
            return None;
        }
    }
    let (actor, end) = actor.filter(|(actor, _)| actor.is_object() && members.end() == End::Whole)?;
    let (mut keys, mut is_empty) = (actor.members(), true);
    for (other, _) in keys.by_ref() {
        if other == key {
            return None;
        }
        is_empty = false;
    }
    // Behind the last key, before the bracket. A key of the actor may hold what is no character: then there is no telling.
    let (head, tail) = body.split_at_checked(end.checked_sub(1)?).filter(|_| keys.end() == End::Whole)?;
    let mut stamped =
        Vec::with_capacity(body.len().saturating_add(key.len()).saturating_add(stamp.len()).saturating_add(8));
    stamped.extend_from_slice(head);
    if !is_empty {
        stamped.push(b',');
    }
    json::push_text(&mut stamped, key);
    stamped.push(b':');
    json::push_text(&mut stamped, stamp);
    stamped.extend_from_slice(tail);
    Some(stamped)
}

/// What the actor of this response, whole or cut, has under this key: `None` for what is no text.
fn echoed_stamps<'a>(body: &'a [u8], key: &str) -> Vec<Option<Cow<'a, str>>> {
    let mut echoed = Vec::new();
    let mut look = |actor: &'a [u8]| {
        echoed.extend(Members::of(actor).filter(|(name, _)| name == key).map(|(_, value)| value.text()));
    };
    let mut members = Members::of(json::without_byte_order_mark(body));
    for (_, value) in members.by_ref().filter(|(name, _)| name == "actor") {
        look(value.as_bytes());
    }
    if let Some(("actor", begun)) = members.open() {
        look(begun);
    }
    echoed
}

fn whole_seconds(field: &'static str, duration: Option<Duration>) -> Result<Option<i64>, InvalidRequest> {
    let Some(duration) = duration else { return Ok(None) };
    let reason: Cow<'static, str> = if duration.is_zero() {
        "must be more than zero".into()
    } else if duration.subsec_nanos() != 0 {
        "must be whole seconds".into()
    } else {
        match i64::try_from(duration.as_secs()) {
            Ok(seconds) => return Ok(Some(seconds)),
            Err(_) => "is too long".into(),
        }
    };
    Err(InvalidRequest::new(field, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn body(create: &CreateActorToken) -> Value {
        serde_json::from_slice(create.request(&BaseUrl::default()).unwrap().body()).unwrap()
    }

    fn refused_field(create: &CreateActorToken) -> String {
        create.request(&BaseUrl::default()).unwrap_err().field().to_owned()
    }

    #[test]
    fn optional_fields_are_left_out_not_null() {
        let create = CreateActorToken::new("user_1", Actor::new("user_2"));
        assert_eq!(body(&create), json!({"user_id": "user_1", "actor": {"sub": "user_2"}}));
    }

    #[test]
    fn every_field_is_sent_under_its_own_name() {
        let create = CreateActorToken::new("user_1", Actor::new("user_2").with("reason", json!({"ticket": 7})))
            .expires_in(Duration::from_secs(300))
            .session_max_duration(Duration::from_secs(600));
        let expected = json!({
            "user_id": "user_1",
            "actor": {"sub": "user_2", "reason": {"ticket": 7}},
            "expires_in_seconds": 300,
            "session_max_duration_in_seconds": 600,
        });
        assert_eq!(body(&create), expected);
    }

    #[test]
    fn invalid_input_is_refused_by_the_name_of_its_field() {
        let valid = || CreateActorToken::new("user_1", Actor::new("user_2"));
        let actor = |value: Value| {
            let Value::Object(map) = value else { unreachable!() };
            CreateActorToken::new("user_1", Actor::from(map))
        };
        let table = [
            (CreateActorToken::new("", Actor::new("user_2")), "user_id"),
            (CreateActorToken::new("user_1", Actor::new("")), "actor.sub"),
            (CreateActorToken::new("user_1", Actor::from(Map::new())), "actor.sub"),
            (actor(json!({"sub": 7})), "actor.sub"),
            (actor(json!({"sub": null})), "actor.sub"),
            (valid().expires_in(Duration::ZERO), "expires_in_seconds"),
            (valid().expires_in(Duration::from_millis(1500)), "expires_in_seconds"),
            (valid().expires_in(Duration::MAX), "expires_in_seconds"),
            (valid().expires_in(Duration::from_secs(u64::MAX)), "expires_in_seconds"),
            (valid().session_max_duration(Duration::ZERO), "session_max_duration_in_seconds"),
            (valid().session_max_duration(Duration::from_nanos(1)), "session_max_duration_in_seconds"),
        ];
        for (create, field) in table {
            assert_eq!(refused_field(&create), field, "{create:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_and_any_whole_seconds_arrive_as_they_are(
            user in ".{1,40}", sub in ".{1,40}", key in "[a-r]{1,9}", value in ".{0,40}", seconds in 1i64..
        ) {
            let create = CreateActorToken::new(&user, Actor::new(&sub).with(&key, value.as_str()))
                .expires_in(Duration::from_secs(seconds.unsigned_abs()));
            prop_assert_eq!(
                body(&create),
                json!({"user_id": user, "actor": {"sub": sub, key: value}, "expires_in_seconds": seconds})
            );
        }
    }
}
