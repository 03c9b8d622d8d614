//! Session tokens: their claims, and the two calls of the backend API that are about them.

use std::fmt;

use clerk_actor_tokens_core::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Clerk, Outcome,
    errors::{BODY_INVALID, INVALID_ACTION, NOT_FOUND, PARAM_INVALID, PARAM_UNKNOWN, json_answer},
    refusal::Refusal,
    session::{PENDING, SessionRecord},
};
use crate::settings::ExtraClaim;

/// How long a token lasts where nothing is said, in seconds.
pub(super) const LIFETIME: i64 = 60;

/// How much earlier than its issue a token is valid, in seconds.
const LEEWAY: i64 = 10;

/// What a token through the backend API may be asked to last, in seconds.
const LIFETIMES: std::ops::RangeInclusive<i64> = 30..=315_360_000;

const EXPIRES_IN: &str = "expires_in_seconds";

/// The category of session tokens.
const CATEGORY: &str = "cl_B7d4PD111AAA";

/// The age of a factor that was never verified.
const NEVER: i64 = -1;

/// The age of the first factor in a token that the backend API made, in minutes.
const UNKNOWN_AGE: i64 = 99_999;

/// A session token, really signed. It is a credential: nothing prints it but [`expose`](Self::expose).
///
/// ```
/// use clerk_actor_tokens_emulator::Emulator;
///
/// let clerk = Emulator::new();
/// let session = clerk.sign_in("user_1");
/// let token = clerk.session_token(session.id()).unwrap();
/// assert_eq!(token.expose().split('.').count(), 3);
/// assert_eq!(format!("{token:?}"), "SessionToken(redacted)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// Returns the token as text, for a header or a cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}

/// Who asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Page,
    Backend,
}

/// Version 2 has `v`; version 1 has none. Without an organization they do not differ otherwise.
#[derive(Serialize)]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    exp: i64,
    /// The ages of the two factors, in minutes.
    fva: [i64; 2],
    iat: i64,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    nbf: i64,
    sid: &'a str,
    sts: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<u8>,
}

impl Clerk {
    /// A token of a live session, as its page gets one at this moment (milliseconds since 1970).
    pub(crate) fn session_token(&mut self, id: &str, now: i64) -> Option<SessionToken> {
        self.sessions.settle(now, &self.settings);
        self.sessions.get(id).filter(|session| session.is_live())?;
        self.sign(id, LIFETIME, Asker::Page, now).map(SessionToken)
    }

    /// `POST /v1/sessions/{id}/tokens`.
    pub(super) fn backend_token(&mut self, id: &str, body: &[u8], now: i64, trace: &str) -> Result<Outcome, Refusal> {
        let lifetime = lifetime(body)?;
        self.check_live(id)?;
        let jwt = self.sign(id, lifetime, Asker::Backend, now).ok_or(NOT_FOUND)?;
        let response = json_answer(StatusCode::OK, &json!({ "jwt": jwt, "object": "token" }), trace);
        Ok(Outcome { response, commit: None })
    }

    /// The keys that tokens are signed with.
    pub(super) fn jwks(&self, trace: &str) -> Response {
        let jwk = self.settings.tokens.key.jwk(self.ids.instance());
        json_answer(StatusCode::OK, &json!({ "keys": [jwk] }), trace)
    }

    pub(crate) fn public_key_pem(&self) -> String {
        self.settings.tokens.key.public_pem()
    }

    /// Refuses a session that there is not, or that is over.
    pub(super) fn check_live(&self, id: &str) -> Result<(), Refusal> {
        let session = self.sessions.get(id).ok_or(NOT_FOUND)?;
        if session.is_live() { Ok(()) } else { Err(INVALID_ACTION.about(session.status.as_str()).into()) }
    }

    /// Signs a token of this session. It lasts so many seconds.
    pub(super) fn sign(&mut self, id: &str, lifetime: i64, asker: Asker, now: i64) -> Option<String> {
        let settings = &self.settings.tokens;
        let wants = |claim| settings.extra_claims.contains(&claim);
        let jti = wants(ExtraClaim::Jti).then(|| self.ids.extra("jti"));
        let session = self.sessions.get(id)?;
        let origin = self.origin();
        let iat = now.div_euclid(1000);
        let age = now.saturating_sub(session.created_at).div_euclid(60_000);
        let act = session.actor.as_deref().cloned().map(|mut act| {
            let mut add = |claim, name: &str, value: &str| {
                if wants(claim) {
                    act.entry(name).or_insert_with(|| value.into());
                }
            };
            add(ExtraClaim::ActIss, "iss", &origin);
            add(ExtraClaim::ActSid, "sid", &session.actor_session_id);
            act
        });
        let claims = Claims {
            act,
            azp: settings.application_origin().filter(|_| asker == Asker::Page),
            exp: iat.saturating_add(lifetime),
            fva: [if asker == Asker::Page { age } else { UNKNOWN_AGE }, NEVER],
            iat,
            iss: &origin,
            jti: jti.as_deref(),
            nbf: iat.saturating_sub(LEEWAY),
            sid: &session.id,
            sts: sts(session),
            sub: &session.user_id,
            v: (settings.version >= 2).then_some(settings.version),
        };
        let header = json!({ "alg": "RS256", "cat": CATEGORY, "kid": self.ids.instance(), "typ": "JWT" });
        // Numbers and texts alone, and an actor that came as JSON: this cannot fail to be written.
        let claims = serde_json::to_string(&claims).unwrap_or_default();
        Some(settings.key.token(&header.to_string(), &claims))
    }
}

/// The claim has two words.
fn sts(session: &SessionRecord) -> &'static str {
    if session.status == PENDING { PENDING } else { super::session::ACTIVE }
}

/// How long a token shall last, in seconds. An empty body, and `null`, say nothing.
fn lifetime(body: &[u8]) -> Result<i64, Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(LIFETIME);
    }
    let Some(wanted) = serde_json::from_slice::<Option<Map<String, Value>>>(body).map_err(|_| BODY_INVALID)? else {
        return Ok(LIFETIME);
    };
    if let Some(name) = wanted.keys().find(|name| *name != EXPIRES_IN) {
        return Err(PARAM_UNKNOWN.param(name).into());
    }
    match wanted.get(EXPIRES_IN) {
        None | Some(Value::Null) => Ok(LIFETIME),
        Some(value) => {
            let seconds = value.as_i64().filter(|seconds| LIFETIMES.contains(seconds));
            seconds.ok_or_else(|| PARAM_INVALID.param(EXPIRES_IN).into())
        }
    }
}
