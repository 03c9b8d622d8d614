//! Error bodies: whatever an answer other than 2xx holds, the error has Clerk's words as they stand there, claims no more
//! than its status proves, and shows no credential.

use clerk_actor_tokens_core::{
    ActorTokenStatus, CreateActorToken, Error, ErrorKind, Execution, Idempotency, Response, RevokeActorToken,
    http::{
        StatusCode, Uri,
        header::{LOCATION, RETRY_AFTER},
    },
};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{
    canary::Watch,
    exchange::call,
    input::answer,
    json,
    salvage::{USER, create_for},
    token::ID,
};

/// The statuses that prove that Clerk did nothing.
const NOT_EXECUTED: [u16; 15] = [307, 308, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 421, 422, 429];

/// No text of an error is longer, in characters.
const MOST_SHOWN: usize = 40_000;

/// The bytes are an answer: see `fuzz/README.md` for how they are read.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let mut answer = answer(data, StatusCode::BAD_REQUEST);
    if answer.status().is_success() {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    for info in [&CreateActorToken::INFO, &RevokeActorToken::INFO] {
        let error = Error::from_response(info, &answer);
        assert_eq!(error.operation().name(), info.name());
        claims_what_the_status_proves(&error, answer.status());
        has_the_words_that_stand_there(&error, &answer);
        answers_by_what_it_has(&error);
        names_no_more_than_an_origin(&error, answer.status());
        reads_as_one_line(watch, &error);
    }
    calls_say_the_same(&answer);
}

fn claims_what_the_status_proves(error: &Error, status: StatusCode) {
    let is_proved = NOT_EXECUTED.contains(&status.as_u16());
    let execution = if is_proved { Execution::NotExecuted } else { Execution::Unknown };
    let kind = match status.as_u16() {
        429 => ErrorKind::RateLimited,
        300..=399 => ErrorKind::UnexpectedRedirect,
        _ => ErrorKind::Api,
    };
    assert_eq!((error.execution(), error.kind()), (execution, kind), "{status}");
    assert_eq!(error.is_ambiguous(), !is_proved);
    assert_eq!(error.status(), Some(status));
}

fn has_the_words_that_stand_there(error: &Error, answer: &Response) {
    let body = json::without_mark(answer.body());
    let Some(document) = document(body) else { return };
    let entries = document.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let entries: Vec<_> = entries.iter().filter(|entry| entry.is_object()).collect();
    assert_eq!(error.api_errors().len(), entries.len());
    for (got, entry) in error.api_errors().iter().zip(entries) {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        assert_eq!(got.code().as_str(), text("code").unwrap_or(""));
        assert_eq!(got.message(), text("message").unwrap_or(""));
        assert_eq!(got.long_message(), text("long_message"));
        assert!(is_same(got.meta(), entry.get("meta")), "another meta");
        assert_eq!(
            got.param_name(),
            entry.pointer("/meta/param_name").filter(|_| entry["meta"].is_object()).and_then(Value::as_str)
        );
    }
    assert!(is_same(error.meta(), document.get("meta")), "another meta");
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let trace_ids = [
        document.get("clerk_trace_id").and_then(Value::as_str),
        header("x-clerk-trace-id"),
        header("clerk-trace-id"),
        header("cf-ray"),
    ];
    assert_eq!(error.trace_id(), trace_ids.into_iter().flatten().find(|id| !id.is_empty()));
    assert_eq!(error.headers(), answer.headers());
    assert!(error.expose_body() == Some(answer.body()), "another body");
    assert!(error.base_url().is_none());
    assert_eq!((error.salvaged_id(), error.unconfirmed_id(), error.raw_id()), (None, None, None));
}

/// The document, as serde_json reads it. `Null` where it is not JSON. `None` where that reading cannot tell: of a key that is
/// there twice, and of numbers and texts that it does not read and core steps over.
fn document(body: &[u8]) -> Option<Value> {
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return Some(Value::Null);
    }
    serde_json::from_slice(body).ok().filter(|_| !json::has_repeated_key(body))
}

fn is_same(core: Option<&Value>, expected: Option<&Value>) -> bool {
    match (core, expected) {
        (Some(core), Some(expected)) => json::is_same(core, expected),
        (core, expected) => core == expected,
    }
}

fn answers_by_what_it_has(error: &Error) {
    let status = error.status().map_or(0, |status| status.as_u16());
    let has = |codes: &[&str]| error.api_errors().iter().any(|entry| codes.contains(&entry.code().as_str()));
    assert_eq!(error.code(), error.api_errors().first().map(|entry| entry.code()));
    assert_eq!(error.is_not_found(), status == 404);
    assert_eq!(error.is_unauthorized(), status == 401);
    assert_eq!(error.is_plan_required(), status == 402);
    assert_eq!(error.is_rate_limited(), status == 429);
    assert_eq!(error.is_quota_exceeded(), has(&["impersonation_limit_exceeded"]));
    assert_eq!(
        error.is_invalid_parameter(),
        has(&["form_param_missing", "form_param_value_invalid", "form_param_unknown"])
    );
    assert!(!error.is_timeout() && error.invalid_request().is_none() && error.attempts().is_empty());
    if error.token_status().is_some() {
        assert!(has(&["actor_token_cannot_be_revoked_code"]), "a token's status without the code that says it");
    }
}

fn names_no_more_than_an_origin(error: &Error, status: StatusCode) {
    let Some(origin) = error.redirect_origin() else { return };
    assert!(status.is_redirection());
    let location = error.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (scheme, behind) = location.split_once("://").expect("a relative location has no origin");
    let authority = behind.split(['/', '?', '#']).next().unwrap_or("");
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    assert_eq!(
        origin.to_ascii_lowercase(),
        format!("{scheme}://{}", host_and_port.trim_end_matches(':')).to_ascii_lowercase()
    );
    let uri: Uri = origin.parse().expect("an origin is a URL");
    assert!(uri.scheme().is_some() && uri.host().is_some_and(|host| !host.is_empty()));
    assert_eq!((uri.path(), uri.query(), origin.ends_with('/')), ("/", None, false), "more than an origin");
}

fn reads_as_one_line(watch: &Watch, error: &Error) {
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "not one line");
    assert!(line.chars().count() < MOST_SHOWN && format!("{error:?}").len() < MOST_SHOWN * 16, "a text without bound");
    watch.debug(&error);
    watch.display(&error);
    for entry in error.api_errors() {
        watch.debug(&entry);
        watch.display(&entry.code());
    }
    watch.text(error.advice());
    let advice = error.advice().to_ascii_lowercase();
    assert!(advice.ends_with('.'));
    if error.operation().idempotency() == Idempotency::NonIdempotent && error.is_ambiguous() {
        assert!(!advice.contains("call again") && !advice.contains("try again"), "advice that mints a second token");
        assert!(advice.contains("may exist"), "advice that does not warn");
    }
}

/// What whole calls over this answer come to.
fn calls_say_the_same(answer: &Response) {
    let made = Error::from_response(&CreateActorToken::INFO, answer);
    match call(create_for(USER), Ok(answer.clone())) {
        Ok(_) => panic!("{} gives a token", answer.status()),
        Err(error) => assert_same(&made, &error),
    }
    let was_revoked =
        answer.status() == StatusCode::BAD_REQUEST && made.token_status() == Some(ActorTokenStatus::Revoked);
    match call(RevokeActorToken::new(ID), Ok(answer.clone())) {
        Ok(revocation) => assert!(was_revoked && revocation.token().is_none(), "a refused revoke is a success"),
        Err(error) => {
            assert!(!was_revoked, "a token that was revoked before is an error");
            assert_same(&made, &error);
        }
    }
}

#[track_caller]
fn assert_same(made: &Error, called: &Error) {
    assert_eq!((made.kind(), made.status(), made.execution()), (called.kind(), called.status(), called.execution()));
    assert_eq!(
        (made.api_errors(), made.meta(), made.trace_id()),
        (called.api_errors(), called.meta(), called.trace_id())
    );
    assert_eq!(made.redirect_origin(), called.redirect_origin());
    // A date may count from the clock of its reader.
    if made.headers().get(RETRY_AFTER).is_none_or(|value| value.as_bytes().iter().all(u8::is_ascii_digit)) {
        assert_eq!(made.retry_after(), called.retry_after());
    }
}
