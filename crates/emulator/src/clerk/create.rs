//! Creating a token: content type, JSON, shape, user, plan, quota, commit. In that order.

use std::sync::Arc;

use clerk_actor_tokens_core::{ActorTokenId, ActorTokenStatus, Request};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::{
    Clerk,
    errors::{
        ApiError, BODY_INVALID, CONTENT_TYPE_UNSUPPORTED, INTERNAL, PARAM_INVALID, PARAM_MISSING, PARAM_UNKNOWN,
        PLAN_REQUIRED, QUOTA_EXCEEDED, USER_NOT_FOUND,
    },
    refusal::Refusal,
    token::{DEFAULT_SESSION_MAX, Token},
};
use crate::{
    settings::{QuotaCounted, Settings, WrongType},
    ticket,
};

const DEFAULT_EXPIRES_IN: u64 = 3600;

const USER_ID: &str = "user_id";
const ACTOR: &str = "actor";
const ACTOR_SUB: &str = "actor.sub";
const EXPIRES_IN: &str = "expires_in_seconds";
const SESSION_MAX: &str = "session_max_duration_in_seconds";

/// A request whose shape is right.
struct Wanted {
    user_id: String,
    actor: Map<String, Value>,
    expires_in: u64,
    session_max_duration: u64,
}

impl Clerk {
    /// Creates a token. Returns its id.
    pub(super) fn create(&mut self, request: &Request, now: i64) -> Result<String, Refusal> {
        let Wanted { user_id, actor, expires_in, session_max_duration } = shape(read_json(request)?, &self.settings)?;
        self.check_user(&user_id)?;
        self.check_plan_and_quota()?;

        let id = self.ids.actor_token();
        let Ok(typed_id) = ActorTokenId::new(id.as_str()) else { return Err(INTERNAL.into()) };
        let lifetime = i64::try_from(expires_in).unwrap_or(i64::MAX);
        let exp = now.div_euclid(1000).saturating_add(lifetime);
        let signature = self.ids.signature();
        let claims = ticket::Claims { eis: lifetime, exp, iid: self.ids.instance(), sid: &id, st: "actor_token" };
        let ticket = self.sign_ticket(&claims, &signature);
        let token = Token {
            id: typed_id,
            status: ActorTokenStatus::Pending,
            user_id,
            actor: Arc::new(actor),
            url: ticket::link(&self.origin(), &ticket),
            ticket,
            created_at: now,
            updated_at: now,
            expires_at: exp.saturating_mul(1000),
            session_max_duration,
            is_opened: false,
            delivered: false,
        };
        self.tokens.insert(token);
        self.created = self.created.saturating_add(1);
        Ok(id)
    }

    /// A ticket with this signature, or with a real one where tickets are signed.
    #[cfg_attr(not(feature = "signing"), allow(clippy::unused_self, reason = "nothing is signed then"))]
    fn sign_ticket(&self, claims: &ticket::Claims<'_>, placeholder: &[u8]) -> String {
        #[cfg(feature = "signing")]
        if self.settings.tokens.signed_tickets || self.served_at.is_some() {
            return ticket::signed(claims, &self.settings.tokens.key);
        }
        ticket::ticket(claims, placeholder)
    }

    fn check_user(&self, user_id: &str) -> Result<(), Refusal> {
        match &self.settings.users {
            Some(users) if !users.contains(user_id) => Err(USER_NOT_FOUND.about(user_id).into()),
            _ => Ok(()),
        }
    }

    fn check_plan_and_quota(&self) -> Result<(), Refusal> {
        let settings = &self.settings;
        if !settings.plan_allows {
            let error = PLAN_REQUIRED.error().with_meta("unsupported_features", vec!["user_impersonation"]);
            return Err(error.into());
        }
        let Some(limit) = settings.quota else { return Ok(()) };
        let used = match settings.quota_counted {
            QuotaCounted::AtCreate => self.created,
            QuotaCounted::AtAccept => self.accepted,
        };
        let exempt = settings.quota_exempts_development && !settings.key.is_live();
        if used < limit || exempt {
            return Ok(());
        }
        let error = QUOTA_EXCEEDED.about(format!("{used}/{limit}"));
        Err(error.with_meta("limit", limit).with_meta("used", used).into())
    }
}

/// The body as an object.
fn read_json(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(CONTENT_TYPE_UNSUPPORTED.into());
    }
    serde_json::from_slice(request.body()).map_err(|_| BODY_INVALID.into())
}

/// The fields of the body, or everything that is wrong with them: unknown ones, missing ones, wrong ones.
fn shape(mut body: Map<String, Value>, settings: &Settings) -> Result<Wanted, Refusal> {
    // Null counts as absent.
    body.retain(|_, value| !value.is_null());
    let mut reader = Reader { body, errors: Vec::new(), malformed: false };
    reader.refuse_unknown(&[USER_ID, ACTOR, EXPIRES_IN, SESSION_MAX]);
    let user_id = reader.text(USER_ID);
    let actor = reader.actor(settings.empty_sub_allowed);
    let expires_in = reader.seconds(EXPIRES_IN, DEFAULT_EXPIRES_IN, settings.max_expires_in, settings.wrong_type);
    let session_max_duration =
        reader.seconds(SESSION_MAX, DEFAULT_SESSION_MAX, settings.max_session_duration, settings.wrong_type);
    let actor_is_user = actor.get("sub").and_then(Value::as_str) == Some(user_id.as_str());
    if actor_is_user && !settings.self_impersonation_allowed {
        reader.errors.push(PARAM_INVALID.param(USER_ID));
    }
    if reader.malformed {
        return Err(BODY_INVALID.into());
    }
    if reader.errors.is_empty() {
        Ok(Wanted { user_id, actor, expires_in, session_max_duration })
    } else {
        Err(Refusal { errors: reader.errors, retry_after: None })
    }
}

/// Takes fields out of a body and keeps the errors. After an error, what it returned is not used.
struct Reader {
    body: Map<String, Value>,
    errors: Vec<ApiError>,
    malformed: bool,
}

impl Reader {
    fn refuse_unknown(&mut self, known: &[&str]) {
        let unknown = self.body.keys().filter(|key| !known.contains(&key.as_str()));
        self.errors.extend(unknown.map(|key| PARAM_UNKNOWN.param(key)));
    }

    fn text(&mut self, name: &str) -> String {
        match self.body.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => return text,
            None | Some(Value::String(_)) => self.errors.push(PARAM_MISSING.param(name)),
            Some(_) => self.errors.push(PARAM_INVALID.param(name)),
        }
        String::new()
    }

    fn actor(&mut self, empty_sub_allowed: bool) -> Map<String, Value> {
        match self.body.remove(ACTOR) {
            Some(Value::Object(actor)) => {
                match actor.get("sub") {
                    Some(Value::String(sub)) if empty_sub_allowed || !sub.is_empty() => {}
                    None | Some(Value::Null | Value::String(_)) => self.errors.push(PARAM_MISSING.param(ACTOR_SUB)),
                    Some(_) => self.errors.push(PARAM_INVALID.param(ACTOR_SUB)),
                }
                return actor;
            }
            None => self.errors.push(PARAM_MISSING.param(ACTOR)),
            Some(_) => self.errors.push(PARAM_INVALID.param(ACTOR)),
        }
        Map::new()
    }

    fn seconds(&mut self, name: &str, default: u64, max: Option<u64>, wrong_type: WrongType) -> u64 {
        let Some(value) = self.body.remove(name) else { return default };
        let is_integer = value.is_i64() || value.is_u64();
        match value.as_u64() {
            Some(seconds) if seconds > 0 && max.is_none_or(|max| seconds <= max) => return seconds,
            _ if !is_integer && wrong_type == WrongType::BodyInvalid => self.malformed = true,
            _ => self.errors.push(PARAM_INVALID.param(name)),
        }
        default
    }
}
