//! Salvage: the id in the answer to a create that was cut short is the token's, or there is none.

use clerk_actor_tokens_core::{
    Actor, ActorTokenId, CreateActorToken, Creation, ErrorKind, Execution, ParseError, Response, Salvage,
    TransportError, TransportErrorKind,
};
use serde_json::Value;

use crate::{
    canary::Watch,
    exchange::call,
    input::bounded,
    json::{self, Stop},
};

/// For whom the token is asked, and by whom.
pub(crate) const USER: &str = "user_customer";
pub(crate) const AGENT: &str = "user_agent";

/// Every cut of a short body is tried, in bytes, and this many of a longer one.
const SHORT: usize = 96;
const CUTS: usize = 24;

pub(crate) fn create_for(user_id: &str) -> CreateActorToken {
    CreateActorToken::new(user_id, Actor::new(AGENT))
}

/// The bytes are the body of a 2xx, or the beginning of one.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let body = bounded(data);
    let salvaged = create_for(USER).salvage(body);
    if let Err(error) = &salvaged {
        watch.debug(&error);
        watch.display(&error);
    }
    if let Ok(Salvage::Confirmed(id) | Salvage::Unconfirmed(id)) = &salvaged {
        assert!(ActorTokenId::new(id.as_str()).is_ok(), "an id outside the grammar was salvaged");
    }
    if let Some(expected) = expected(USER, body) {
        assert_eq!(salvaged.clone().map_err(drop), expected, "another reading finds another id");
    }
    more_bytes_never_unsay_a_refusal_nor_change_an_id(body);
    an_error_carries_what_was_salvaged(watch, body, &salvaged);
}

/// What an independent reading finds: the id, none, or that it is not ours. `None` where that reading cannot tell.
pub(crate) fn expected(user_id: &str, body: &[u8]) -> Option<Result<Salvage, ()>> {
    let mark = "\u{feff}".as_bytes();
    if mark.starts_with(body) {
        return Some(Ok(Salvage::None));
    }
    match json::without_mark(body).trim_ascii_start().first() {
        None => return Some(Ok(Salvage::None)),
        Some(b'{') => {}
        Some(_) => return Some(Err(())),
    }
    let reading = json::read(body, &["id", "object", "user_id", "actor"]);
    // Whether a number or word at the end of what could be read is all of it, it cannot tell.
    let certain = reading.members.len().saturating_sub(usize::from(reading.ends_in_scalar));
    for (key, value) in reading.members.iter().take(certain) {
        match (key.as_str(), value) {
            ("user_id", Value::String(other)) if other != user_id => return Some(Err(())),
            ("object", object) if object != "actor_token" => return Some(Err(())),
            ("actor", Value::Object(actor)) if actor.get("sub").is_some_and(|sub| sub != AGENT) => {
                return Some(Err(()));
            }
            _ => {}
        }
    }
    let is_in_actor = reading.open.as_deref() == Some("actor");
    // Of an actor with two subjects it reads the last.
    let names_sub_twice = body.windows(3).filter(|part| part == b"sub").count() > 1 || body.contains(&b'\\');
    if reading.stop == Stop::InWanted || reading.ends_in_scalar || is_in_actor || names_sub_twice {
        return None;
    }
    let is_once = |key| reading.members.iter().filter(|(name, _)| name == key).count() == 1;
    let Some(Value::String(id)) = reading.only("id").filter(|_| is_once("id")).cloned() else {
        return Some(Ok(Salvage::None));
    };
    if ActorTokenId::new(id.as_str()).is_err() {
        return Some(Ok(Salvage::None));
    }
    let is_ours = is_once("user_id")
        && reading.only("user_id").is_some_and(Value::is_string)
        && reading.only("object").is_some()
        && reading.only("actor").is_some();
    Some(Ok(if is_ours { Salvage::Confirmed(id) } else { Salvage::Unconfirmed(id) }))
}

/// Over all that arrives, in order: nothing, then perhaps an id, then perhaps that it is unclear or not ours. Never another
/// id, and never an id again after it was withheld. (Whether the id is certain may change while an actor arrives.)
fn more_bytes_never_unsay_a_refusal_nor_change_an_id(body: &[u8]) {
    let create = create_for(USER);
    let step = if body.len() <= SHORT { 1 } else { body.len().div_ceil(CUTS) };
    let mut seen: Option<String> = None;
    let mut is_over = false;
    for cut in (0..=body.len()).step_by(step) {
        let part = body.get(..cut).unwrap_or(body);
        match create.salvage(part) {
            Err(_) => is_over = true,
            Ok(Salvage::None) if seen.is_some() => is_over = true,
            Ok(Salvage::None) => {}
            Ok(found @ (Salvage::Confirmed(_) | Salvage::Unconfirmed(_))) => {
                let id = found.confirmed().or(found.unconfirmed()).map(str::to_owned);
                assert!(!is_over, "more bytes brought back an id that was withheld");
                assert!(seen.is_none() || seen == id, "more bytes changed the id");
                seen = id;
            }
        }
    }
}

/// The same bytes as a 2xx that a connection lost.
fn an_error_carries_what_was_salvaged(watch: &Watch, body: &[u8], salvaged: &Result<Salvage, ParseError>) {
    let failed =
        TransportError::from(TransportErrorKind::Interrupted).with_partial(Response::new(body.to_vec().into()));
    let error = match call(create_for(USER), Err(failed)) {
        Ok(_) => panic!("a create whose answer was lost is no success"),
        Err(error) => error,
    };
    assert!(error.is_ambiguous(), "a 2xx head came back, and the error says that nothing was done");
    let found = salvaged.as_ref().ok();
    assert_eq!(error.salvaged_id(), found.and_then(Salvage::confirmed));
    assert_eq!(error.unconfirmed_id(), found.and_then(Salvage::unconfirmed));
    match salvaged {
        Ok(_) => assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseTruncated, Execution::Executed)),
        Err(_) => assert_eq!(error.execution(), Execution::Unknown),
    }
    if error.kind() == ErrorKind::ResponseMismatch {
        assert!(
            error.expose_body().is_none() && error.headers().is_empty(),
            "an answer for somebody else is not withheld"
        );
    }
    watch.debug(&error);
    watch.display(&error);
}
