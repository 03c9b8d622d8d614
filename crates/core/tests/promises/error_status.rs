//! The status that a web handler is advised to answer with.

use std::time::Duration;

use clerk_actor_tokens_core::{
    CreateActorToken, Error, Idempotency, InvalidRequest, OperationInfo, RevokeActorToken, TransportError,
    TransportErrorKind,
};
use serde_json::json;

use crate::common::response;

const IN_CLERKS_WORDS: &str = "in Clerk's words";

fn answered(status: u16, code: &str) -> Error {
    let body = json!({"errors": [{"code": code, "message": "no"}]});
    let body = if code.is_empty() { String::new() } else { body.to_string() };
    Error::from_response(&RevokeActorToken::INFO, &response(status, body))
}

#[test]
fn a_handler_answers_with_the_status_that_fits() {
    use TransportErrorKind as Kind;
    let failures = [
        (Kind::Connect, 502),
        (Kind::Tls, 502),
        (Kind::Proxy, 502),
        (Kind::ProxyRefused, 502),
        (Kind::Canceled, 502),
        (Kind::Refused, 502),
        (Kind::RefusedOnNewConnection, 502),
        (Kind::TimeoutBeforeSend, 504),
        (Kind::Timeout, 504),
        (Kind::Interrupted, 502),
        (Kind::BodyTooLarge, 502),
        (Kind::RateLimited, 503),
        (Kind::Credential, 500),
        (Kind::Blocked, 500),
        (Kind::Other, 502),
    ];
    for (kind, expected) in failures {
        let error = Error::from_transport(&CreateActorToken::INFO, kind.into());
        assert_eq!(error.suggested_status(), expected, "{kind:?}");
    }
    let answers = [
        (422, "form_param_missing", 422),
        (422, "form_param_value_invalid", 422),
        (422, "form_param_unknown", 422),
        (400, "form_param_value_invalid", 422),
        (404, "resource_not_found", 404),
        (404, "", 502),
        (400, "actor_token_cannot_be_revoked_code", 409),
        (429, "too_many_requests", 503),
        (429, "", 503),
        (402, "unsupported_subscription_plan_features", 503),
        (422, "impersonation_limit_exceeded", 503),
        (401, "clerk_key_invalid", 500),
        (401, "", 500),
        (400, "request_body_invalid", 500),
        (403, IN_CLERKS_WORDS, 500),
        (405, IN_CLERKS_WORDS, 500),
        (415, IN_CLERKS_WORDS, 500),
        (403, "", 502),
        (405, "", 502),
        (408, "", 504),
        (500, IN_CLERKS_WORDS, 502),
        (500, "", 502),
        (501, "", 502),
        (502, "", 502),
        (503, IN_CLERKS_WORDS, 503),
        (503, "", 503),
        (504, "", 504),
        (521, "", 502),
        (522, "", 504),
        (524, "", 504),
        (530, "", 502),
        (302, "", 502),
        (307, "", 502),
        (200, "", 502),
        (599, "", 502),
        (999, "", 502),
    ];
    for (status, code, expected) in answers {
        assert_eq!(answered(status, code).suggested_status(), expected, "{status} {code}");
    }
    let fields = [
        ("user_id", 422),
        ("actor", 422),
        ("actor.sub", 422),
        ("expires_in_seconds", 422),
        ("session_max_duration_in_seconds", 422),
        ("actor_token_id", 422),
        ("timeout", 500),
        ("header", 500),
        ("x-request-id", 500),
        ("retry.max_attempts", 500),
    ];
    static CREATE_USER: OperationInfo = OperationInfo::new("CreateUser", "/users", Idempotency::NonIdempotent);
    for (field, expected) in fields {
        let error = |info| Error::from_invalid_request(info, InvalidRequest::new(field, "is wrong"));
        assert_eq!(error(&CreateActorToken::INFO).suggested_status(), expected, "{field}");
        assert_eq!(error(&CREATE_USER).suggested_status(), 422, "an operation of the user's own: {field}");
    }

    let held_back = TransportError::rate_limited(Duration::from_secs(7));
    assert_eq!(Error::from_transport(&CreateActorToken::INFO, held_back).suggested_status(), 503);

    let cut = TransportError::new(Kind::Interrupted).with_partial(response(200, "{\"object\":"));
    assert_eq!(Error::from_transport(&CreateActorToken::INFO, cut).suggested_status(), 502);
}

#[test]
fn no_status_is_a_success_or_a_redirect() {
    for status in 200..1000 {
        for code in ["", IN_CLERKS_WORDS] {
            assert!(answered(status, code).suggested_status().as_u16() >= 400, "{status}");
        }
    }
}
