//! What an error advises: each case has advice of its own, and none would do harm.

use std::time::Duration;

use clerk_actor_tokens_core::{
    Actor, BaseUrl, Client, CreateActorToken, Error, ErrorKind, Idempotency, InvalidKey, InvalidRequest, OperationInfo,
    Response, RevokeActorToken, SecretKey, TransportError, TransportErrorKind, credentials_fn,
};
use serde_json::json;

use crate::common::{AGENT, ID, Play, Scripted, USER, builder, client, response, test_key, token_json};

static CREATE: &OperationInfo = &CreateActorToken::INFO;
static REVOKE: &OperationInfo = &RevokeActorToken::INFO;
static CREATE_USER: OperationInfo = OperationInfo::new("CreateUser", "/users", Idempotency::NonIdempotent);

fn failed(info: &'static OperationInfo, kind: TransportErrorKind) -> Error {
    Error::from_transport(info, kind.into())
}

fn status(info: &'static OperationInfo, status: u16) -> Error {
    Error::from_response(info, &response(status, ""))
}

fn clerk(info: &'static OperationInfo, status: u16, code: &str) -> Error {
    let body = json!({"errors": [{"code": code, "message": "no"}]});
    Error::from_response(info, &response(status, body.to_string()))
}

fn with_retry_after(mut response: Response) -> Response {
    response.headers_mut().insert("retry-after", "7".parse().unwrap());
    response
}

fn created(client: &Client<Scripted>) -> Error {
    pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err()
}

fn provider_error(error: InvalidKey) -> Error {
    let provider = credentials_fn(move || std::future::ready(Err(error.clone())));
    created(&Client::new(Scripted::new(|_| Play::Stall), provider))
}

fn over_http() -> Error {
    let live = SecretKey::new("sk_live_key").unwrap();
    let base = BaseUrl::new("http://127.0.0.1:4010").unwrap();
    created(&Client::builder(Scripted::new(|_| Play::Stall), live).base_url(base).build().unwrap())
}

fn closed() -> Error {
    let client = Client::new(Scripted::new(|_| Play::Stall), test_key());
    let _ = pollster::block_on(client.close(Duration::ZERO));
    created(&client)
}

fn cut_short(body: &str) -> Error {
    let partial = ok_bytes(body);
    created(&client(move |_| {
        Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial.clone()))
    }))
}

fn ok_bytes(body: &str) -> Response {
    response(200, body.to_owned())
}

fn proxy_refused(status: u16) -> Error {
    let refused =
        TransportError::new(TransportErrorKind::ProxyRefused).with_proxy_status(crate::common::status(status));
    Error::from_transport(CREATE, refused)
}

#[test]
fn the_advice_fits_the_case() {
    use TransportErrorKind as Kind;
    let invalid = InvalidRequest::new("user_id", "must not be empty");
    let body = token_json("pending").to_string();
    let up_to_its_id = &format!("{{\"id\":\"{ID}\",");
    let all_but_its_end = body.strip_suffix('}').unwrap();
    let used = json!({"errors": [{"code": "actor_token_cannot_be_revoked_code", "message": "no",
        "long_message": "Actor token cannot be revoked because its status is `accepted`. Only pending tokens can be revoked."}]});
    let no_budget = clerk_actor_tokens_core::RetryBudget::new().tokens(0);
    let out_of_retries = builder(|_| TransportErrorKind::Connect.into()).retry_budget(no_budget).build().unwrap();
    let table: Vec<(&str, Error, &[&str])> = vec![
        ("input", Error::from_invalid_request(CREATE, invalid), &["Correct the field"]),
        ("no key in the environment", provider_error(InvalidKey::NotInEnvironment), &["Set", "CLERK_SECRET_KEY"]),
        (
            "a wrong key in the environment",
            provider_error(InvalidKey::InEnvironment(Box::new(InvalidKey::Quoted))),
            &["CLERK_SECRET_KEY"],
        ),
        ("a wrong key", provider_error(InvalidKey::Quoted), &["credential provider", "sk_test_"]),
        ("a provider that fails", failed(CREATE, Kind::Credential), &["credential provider", "cause"]),
        ("a live key over http", over_http(), &["https", "test key"]),
        ("a closed client", closed(), &["another client", "close()"]),
        ("a middleware", failed(CREATE, Kind::Blocked), &["cause"]),
        ("no connection", failed(CREATE, Kind::Connect), &["later", "DNS"]),
        ("no connection, no budget", created(&out_of_retries), &["later", "did not retry"]),
        ("TLS", failed(CREATE, Kind::Tls), &["certificate", "retry alone does not help"]),
        ("a proxy", failed(CREATE, Kind::Proxy), &["proxy runs"]),
        ("a proxy's credentials", proxy_refused(407), &["user name", "password", "proxy"]),
        ("a proxy that refuses", proxy_refused(403), &["Allow", "proxy's settings"]),
        ("refused", failed(CREATE, Kind::Refused), &["later"]),
        ("unsent by the deadline", failed(CREATE, Kind::TimeoutBeforeSend), &["Nothing was sent", "timeout()"]),
        ("429", Error::from_response(CREATE, &with_retry_after(response(429, ""))), &["retry_after()"]),
        ("429 without a time", status(CREATE, 429), &["some seconds", "no time"]),
        (
            "held back",
            Error::from_transport(CREATE, TransportError::rate_limited(Duration::from_secs(7))),
            &["retry_after()", "earlier 429"],
        ),
        ("401", clerk(CREATE, 401, "clerk_key_invalid"), &["secret key", "CLERK_SECRET_KEY"]),
        ("402", clerk(CREATE, 402, "unsupported_subscription_plan_features"), &["plan"]),
        ("404", clerk(CREATE, 404, "resource_not_found"), &["id", "instance"]),
        ("404 of something else", status(CREATE, 404), &["base URL", "gateway"]),
        ("403 of something else", status(CREATE, 403), &["gateway", "expose_body()"]),
        ("422", clerk(CREATE, 422, "form_param_value_invalid"), &["Clerk's message"]),
        ("the quota", clerk(CREATE, 422, "impersonation_limit_exceeded"), &["billing period"]),
        (
            "a link that was used",
            Error::from_response(REVOKE, &response(400, used.to_string())),
            &["nothing to revoke", "session"],
        ),
        ("cannot be revoked", clerk(REVOKE, 400, "actor_token_cannot_be_revoked_code"), &["not pending", "session"]),
        ("307", status(CREATE, 307), &["base URL", "redirect"]),
        ("302", status(CREATE, 302), &["base URL", "may exist"]),
        ("500", status(CREATE, 500), &["may exist", "exposure_until()"]),
        ("broken off", failed(CREATE, Kind::Interrupted), &["may exist", "exposure_until()"]),
        ("no response by the deadline", failed(CREATE, Kind::Timeout), &["may exist"]),
        ("a response of something else", Error::from_response(CREATE, &ok_bytes("<html>")), &["base URL", "may exist"]),
        ("cut behind its user", cut_short(all_but_its_end), &["salvaged_id()"]),
        ("cut behind its id", cut_short(up_to_its_id), &["unconfirmed_id()"]),
        ("a revocation: 500", status(REVOKE, 500), &["Call again", "no further effect"]),
        ("a revocation: broken off", failed(REVOKE, Kind::Interrupted), &["Call again", "no further effect"]),
        ("a revocation: the deadline", failed(REVOKE, Kind::Timeout), &["Call again", "timeout()"]),
        (
            "a revocation: invalid",
            Error::from_response(REVOKE, &ok_bytes("<html>")),
            &["base URL", "no further effect"],
        ),
        ("another operation", failed(&CREATE_USER, Kind::Interrupted), &["may have taken effect", "before you call"]),
    ];
    for (case, error, expected) in table {
        for part in expected {
            assert!(error.advice().contains(part), "{case}: {error}: {}", error.advice());
        }
    }
}

#[test]
fn no_advice_says_to_repeat_a_creation_that_may_have_been_executed() {
    for code in 200..600 {
        let error = status(CREATE, code);
        if error.is_ambiguous() {
            assert!(error.advice().contains("may exist"), "{code}: {}", error.advice());
            assert!(!error.advice().contains("Call again"), "{code}: {}", error.advice());
        }
        assert!(!status(&CREATE_USER, code).advice().contains("token"), "{code}: not an operation on tokens");
    }
}

#[test]
fn the_advice_of_a_transport_is_taken_where_nothing_was_sent() {
    for (kind, is_taken) in [
        (TransportErrorKind::Blocked, true),
        (TransportErrorKind::Connect, true),
        (TransportErrorKind::Tls, true),
        (TransportErrorKind::Proxy, true),
        (TransportErrorKind::Credential, true),
        (TransportErrorKind::Interrupted, false),
        (TransportErrorKind::Timeout, false),
    ] {
        for info in [CREATE, REVOKE] {
            let error = Error::from_transport(info, TransportError::new(kind).with_advice("Restart the modem."));
            assert_eq!(error.advice() == "Restart the modem.", is_taken, "{kind:?}");
        }
    }
    let refused = || TransportError::blocked("no").with_advice("Ask the auditor.");
    assert_eq!(created(&client(move |_| Play::Fail(refused()))).advice(), "Ask the auditor.");
}

#[test]
fn every_kind_has_advice_that_is_a_sentence() {
    let mut kinds = std::collections::HashSet::new();
    let statuses = (200..600).map(|code| status(REVOKE, code)).chain((200..600).map(|code| status(CREATE, code)));
    for error in statuses {
        kinds.insert(error.kind());
        assert!(error.advice().ends_with('.') && error.advice().len() > 20, "{error}");
        assert!(error.advice().split(". ").all(|sentence| sentence.split(' ').count() <= 25), "{}", error.advice());
    }
    assert!(kinds.contains(&ErrorKind::Api) && kinds.contains(&ErrorKind::UnexpectedRedirect));
}
