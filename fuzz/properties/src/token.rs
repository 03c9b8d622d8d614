//! Token JSON: an answer is taken if, and only if, it is a whole actor token for this request. Its members are taken as they
//! are in the text.

use clerk_actor_tokens_core::{
    ActorToken, ActorTokenId, ActorTokenStatus, Creation, DEFAULT_RESPONSE_CAP, ErrorKind, Execution, Operation,
    ParseError, Response, Revocation, RevokeActorToken, Salvage, http::StatusCode,
};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{
    canary::Watch,
    exchange::call,
    input::answer,
    json::{self, Reading, Stop},
    salvage::{AGENT, USER, create_for},
};

/// The token that is revoked.
pub(crate) const ID: &str = "act_1";

/// The greatest whole number up to which a float is exact: where the independent reading can tell a time.
const EXACT: f64 = 9_007_199_254_740_992.0;

const FIELDS: [&str; 9] = ["object", "id", "status", "user_id", "actor", "token", "url", "created_at", "updated_at"];

/// The bytes are an answer: see `fuzz/README.md` for how they are read.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let answer = answer(data, StatusCode::OK);
    let created = create_for(USER).parse(&answer);
    let revoked = RevokeActorToken::new(ID).parse(&answer);
    hides(watch, &created);
    hides(watch, &revoked);

    let expected = Expected::of(&answer);
    let is_taken = expected.as_ref().is_some_and(|expected| expected.is_bound_to_create());
    if is_certain(answer.body()) {
        assert_eq!(created.is_ok(), is_taken, "taken by core: {}, by another reading: {is_taken}", created.is_ok());
    }
    if let (Ok(token), Some(expected)) = (&created, &expected) {
        expected.assert_is(token);
        let expires = token.created_at().map(|at| at.as_millis().saturating_add(3_600_000));
        assert_eq!(token.expires_at().map(|at| at.as_millis()), expires, "an hour, where no lifetime was asked for");
        let salvaged = create_for(USER).salvage(answer.body());
        assert_eq!(
            salvaged.as_ref().ok().and_then(Salvage::confirmed),
            Some(token.id().as_str()),
            "salvage finds another id"
        );
        assert!(create_for("user_other").parse(&answer).is_err(), "one answer is taken for two users");
        assert_ne!(create_for("user_other").salvage(answer.body()), salvaged, "one id is salvaged for two users");
        credentials_change_nothing_that_is_shown(&answer, token);
    }
    revocation_is_proved(&answer, expected.as_ref(), &revoked);
    a_call_says_the_same(watch, &answer, &created);
}

/// Whether the independent reading can tell: it refuses numbers and texts that core steps over, and takes the last of two keys
/// of an actor.
fn is_certain(body: &[u8]) -> bool {
    let reading = json::read(body, &FIELDS);
    let is_once = |key: &&str| reading.only(key).is_some();
    reading.stop != Stop::InWanted && !(FIELDS.iter().all(is_once) && reading.is_all && json::has_repeated_key(body))
}

fn hides<T: std::fmt::Debug>(watch: &Watch, parsed: &Result<T, ParseError>) {
    match parsed {
        Ok(value) => watch.debug(&value),
        Err(error) => {
            watch.debug(&error);
            watch.display(&error);
        }
    }
}

/// The token that an answer holds, by an independent reading.
struct Expected {
    reading: Reading,
}

impl Expected {
    /// `None` unless the answer is a 2xx whose body is one object with every member well formed and none twice.
    fn of(answer: &Response) -> Option<Self> {
        let reading = json::read(answer.body(), &FIELDS);
        let expected = Self { reading };
        let is_text = |key| expected.get(key).is_string();
        let is_text_or_null = |key| is_text(key) || expected.get(key).is_null();
        let is_well_formed = answer.status().is_success()
            && expected.reading.is_all
            && FIELDS.iter().all(|key| expected.reading.only(key).is_some())
            && expected.get("object") == "actor_token"
            && expected.get("id").as_str().is_some_and(|id| ActorTokenId::new(id).is_ok())
            && ["status", "user_id"].into_iter().all(is_text)
            && ["token", "url"].into_iter().all(is_text_or_null)
            && (expected.get("actor").is_object() || expected.get("actor").is_null());
        is_well_formed.then_some(expected)
    }

    fn get(&self, key: &str) -> &Value {
        self.reading.only(key).unwrap_or(&Value::Null)
    }

    fn is_bound_to_create(&self) -> bool {
        self.get("user_id") == USER && self.get("actor").get("sub").is_none_or(|sub| sub == AGENT)
    }

    #[track_caller]
    fn assert_is(&self, token: &ActorToken) {
        assert_eq!(token.id().as_str(), self.get("id"));
        assert_eq!(token.status().as_str(), self.get("status"));
        assert_eq!(token.user_id(), self.get("user_id"));
        let actor = token.actor().map_or(Value::Null, |actor| Value::Object(actor.as_map().clone()));
        assert!(json::is_same(&actor, self.get("actor")), "another actor");
        assert!(token.token().map(|ticket| ticket.expose()) == self.get("token").as_str(), "another ticket");
        assert!(token.url().map(|url| url.expose()) == self.get("url").as_str(), "another link");
        for (time, key) in [(token.created_at(), "created_at"), (token.updated_at(), "updated_at")] {
            let millis = time.map(|time| time.as_millis());
            match self.get(key) {
                Value::Number(number) if number.is_i64() => assert_eq!(millis, number.as_i64()),
                Value::Number(number) => match number.as_f64().map(f64::trunc) {
                    Some(whole) if whole.abs() < EXACT => assert_eq!(millis.map(|millis| millis as f64), Some(whole)),
                    _ => {}
                },
                _ => assert_eq!(millis, None),
            }
        }
    }
}

/// The same answer with another ticket and another link looks the same.
fn credentials_change_nothing_that_is_shown(answer: &Response, token: &ActorToken) {
    let Ok(mut other) = serde_json::from_slice::<Value>(json::without_mark(answer.body())) else { return };
    for key in ["token", "url"] {
        if let Some(text @ Value::String(_)) = other.get_mut(key) {
            *text = "another".into();
        }
    }
    // Such a time is another one once serde_json has read and written it.
    let is_inexact = |time: &Value| time.is_f64() && time.as_f64().is_some_and(|time| time.abs() >= EXACT);
    if ["created_at", "updated_at"].into_iter().filter_map(|key| other.get(key)).any(is_inexact) {
        return;
    }
    let mut changed = answer.clone();
    *changed.body_mut() = other.to_string().into();
    match create_for(USER).parse(&changed) {
        Ok(other) => assert_eq!(format!("{token:?} {token:#?}"), format!("{other:?} {other:#?}")),
        Err(error) => panic!("with another ticket it is no token: {error}"),
    }
}

/// `Ok` from a revoke means: this token is revoked.
fn revocation_is_proved(answer: &Response, expected: Option<&Expected>, revoked: &Result<Revocation, ParseError>) {
    let is_revoked_now =
        expected.is_some_and(|expected| expected.get("id") == ID && expected.get("status") == "revoked");
    match revoked {
        Ok(Revocation::Revoked(token)) => {
            let cannot_tell = !is_certain(answer.body());
            assert!(is_revoked_now || cannot_tell, "a revocation that the answer does not say");
            assert_eq!((token.id().as_str(), token.status()), (ID, &ActorTokenStatus::Revoked));
            assert_eq!(token.expires_at(), None);
        }
        Ok(Revocation::AlreadyRevoked) => {
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
            assert!(says_revoked(answer.body()), "a revocation before this one that the answer does not say");
        }
        Err(_) if !is_certain(answer.body()) => {}
        Err(_) => assert!(!is_revoked_now, "a revocation that the answer says and that is not believed"),
    }
}

/// Whether one of Clerk's errors says that the token was revoked before, or this reading cannot tell: of JSON with a number
/// or a depth that serde_json does not hold.
fn says_revoked(body: &[u8]) -> bool {
    let body = json::without_mark(body);
    // A member that no reader reads need not be UTF-8.
    let Ok(document) = serde_json::from_str::<Value>(&String::from_utf8_lossy(body)) else {
        return serde_json::from_slice::<IgnoredAny>(body).is_ok();
    };
    let errors = document.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    errors.iter().any(|error| {
        let says = |key: &str| {
            error.get(key).and_then(Value::as_str).is_some_and(|words| words.contains("its status is `revoked`"))
        };
        error.get("code").is_some_and(|code| code == "actor_token_cannot_be_revoked_code")
            && (says("message") || says("long_message"))
    })
}

/// The call over this answer: the same token, or an error that does not deny what may have been done.
fn a_call_says_the_same(watch: &Watch, answer: &Response, created: &Result<ActorToken, ParseError>) {
    if !answer.status().is_success() {
        return;
    }
    let is_readable = answer.body().len() <= DEFAULT_RESPONSE_CAP;
    let error = match (call(create_for(USER), Ok(answer.clone())), created) {
        (Ok(token), Ok(created)) => {
            assert!(is_readable && token == *created, "the call gives another token");
            return;
        }
        (Ok(_), Err(error)) => panic!("the call gives a token of an answer that has none: {error}"),
        (Err(error), Ok(_)) => {
            assert!(!is_readable, "the call gives no token of an answer that has one: {error}");
            error
        }
        (Err(error), Err(_)) => error,
    };
    assert!(error.is_ambiguous(), "a 2xx, and the error says that nothing was done");
    assert!(matches!(error.kind(), ErrorKind::ResponseInvalid | ErrorKind::ResponseMismatch), "{:?}", error.kind());
    assert_eq!(error.status(), Some(answer.status()));
    assert!(error.api_errors().is_empty(), "the words of an error in a success");
    if let Some(id) = error.salvaged_id() {
        assert_eq!(error.execution(), Execution::Executed);
        assert_eq!(create_for(USER).salvage(answer.body()).unwrap_or_default().confirmed(), Some(id));
    }
    if error.kind() == ErrorKind::ResponseMismatch {
        assert!(
            error.expose_body().is_none() && error.headers().is_empty(),
            "an answer for somebody else is not withheld"
        );
        assert_eq!(error.execution(), Execution::Unknown);
    }
    watch.debug(&error);
    watch.display(&error);
}
