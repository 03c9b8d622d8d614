//! Salvage: the id in the answer to a create that was cut short is the token's, or there is none.

use clerk_actor_tokens_core::{
    Actor, ActorTokenId, CreateActorToken, ErrorKind, Execution, Operation, ParseError, Response, TransportError,
    TransportErrorKind,
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
    if let Ok(Some(id)) = &salvaged {
        assert!(ActorTokenId::new(id.as_str()).is_ok(), "an id outside the grammar was salvaged");
    }
    if let Some(expected) = expected(USER, body) {
        assert_eq!(salvaged.clone().map_err(drop), expected, "another reading finds another id");
    }
    more_bytes_never_unsay_a_refusal_nor_change_an_id(body);
    an_error_carries_what_was_salvaged(watch, body, &salvaged);
}

/// What an independent reading finds: the id, none, or that it is not ours. `None` where that reading cannot tell.
pub(crate) fn expected(user_id: &str, body: &[u8]) -> Option<Result<Option<String>, ()>> {
    let mark = "\u{feff}".as_bytes();
    if mark.starts_with(body) {
        return Some(Ok(None));
    }
    match json::without_mark(body).trim_ascii_start().first() {
        None => return Some(Ok(None)),
        Some(b'{') => {}
        Some(_) => return Some(Err(())),
    }
    let reading = json::read(body, &["id", "object", "user_id", "actor"]);
    let mut ids = Vec::new();
    let mut is_clear = true;
    for (key, value) in &reading.members {
        match (key.as_str(), value) {
            ("user_id", Value::String(other)) if other != user_id => return Some(Err(())),
            ("object", Value::String(object)) if object != "actor_token" => return Some(Err(())),
            ("actor", Value::Object(actor)) if actor.get("sub").is_some_and(|sub| sub != AGENT) => {
                return Some(Err(()));
            }
            ("id", Value::String(id)) => ids.push(id.clone()),
            ("actor" | "object" | "user_id", Value::String(_)) | ("actor", _) => {}
            _ => is_clear = false,
        }
    }
    if reading.stop == Stop::InWanted || reading.ends_in_scalar {
        return None;
    }
    ids.dedup();
    let id = ids.pop().filter(|id| ids.is_empty() && is_clear && ActorTokenId::new(id.as_str()).is_ok());
    Some(Ok(id))
}

/// Over all that arrives, in order: nothing, then perhaps an id, then perhaps that it is unclear or not ours. Never another
/// id, and never an id again where there was none any more.
fn more_bytes_never_unsay_a_refusal_nor_change_an_id(body: &[u8]) {
    let create = create_for(USER);
    let step = if body.len() <= SHORT { 1 } else { body.len().div_ceil(CUTS) };
    let mut seen: Option<String> = None;
    let mut is_over = false;
    for cut in (0..=body.len()).step_by(step) {
        let part = body.get(..cut).unwrap_or(body);
        match create.salvage(part) {
            Err(_) => is_over = true,
            Ok(None) if seen.is_some() => is_over = true,
            Ok(None) => {}
            Ok(Some(id)) => {
                assert!(!is_over, "more bytes brought back an id that was withheld");
                assert!(seen.as_ref().is_none_or(|seen| *seen == id), "more bytes changed the id");
                seen = Some(id);
            }
        }
    }
}

/// The same bytes as a 2xx that a connection lost.
fn an_error_carries_what_was_salvaged(watch: &Watch, body: &[u8], salvaged: &Result<Option<String>, ParseError>) {
    let failed =
        TransportError::from(TransportErrorKind::Interrupted).with_partial(Response::new(body.to_vec().into()));
    let error = match call(create_for(USER), Err(failed)) {
        Ok(_) => panic!("a create whose answer was lost is no success"),
        Err(error) => error,
    };
    assert!(error.is_ambiguous(), "a 2xx head came back, and the error says that nothing was done");
    let id = salvaged.as_ref().ok().and_then(Option::as_deref);
    assert_eq!(error.salvaged_id(), id);
    match salvaged {
        Ok(_) => assert_eq!((error.kind(), error.execution()), (ErrorKind::ResponseTruncated, Execution::Executed)),
        Err(_) => assert_eq!(error.execution(), Execution::Unknown),
    }
    if error.kind() == ErrorKind::ResponseMismatch {
        assert_eq!(error.expose_body(), None, "an answer for somebody else is not withheld");
    }
    watch.debug(&error);
    watch.display(&error);
}
