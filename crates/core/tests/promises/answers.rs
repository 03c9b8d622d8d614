//! What comes back: every part of an answer and of an error, as the caller reads it.

use std::time::Duration;

use clerk_actor_tokens_core::{
    Actor, ActorToken, ActorTokenStatus, Error, ErrorCode, ErrorKind, Execution, Response, RetryPolicy, Revocation,
    Timestamp, TransportErrorKind, http::StatusCode,
};

use crate::common::{
    AGENT, ID, Op, Play, USER, api_error, builder, cannot_be_revoked, client, ok, response, run, status, token_json,
    with, with_header, without,
};
use serde_json::{Value, json};

fn created(body: &Value) -> ActorToken {
    let answer = ok(body);
    let client = client(move |_| answer.clone().into());
    pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap()
}

fn failed(op: Op, answer: Response) -> Error {
    let client = builder(move |_| answer.clone().into()).retry(RetryPolicy::none()).build().unwrap();
    run(&client, op).unwrap_err()
}

#[test]
fn every_part_of_a_created_token_is_there() {
    let token = created(&token_json("pending"));
    assert_eq!(token.id().as_str(), ID);
    assert_eq!(token.status(), &ActorTokenStatus::Pending);
    assert_eq!(token.user_id(), USER);
    assert_eq!(token.actor().and_then(Actor::sub), Some(AGENT));
    assert_eq!(token.token().unwrap().expose(), "eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
    assert_eq!(
        token.url().unwrap().expose(),
        "https://clerk.example.com/v1/tickets/accept?ticket=eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
    );
    assert_eq!(token.created_at().unwrap().as_millis(), 1_700_000_000_000);
    assert_eq!(token.updated_at().unwrap().as_millis(), 1_700_000_000_001);
}

#[test]
fn every_key_of_the_actor_is_kept() {
    let actor = json!({
        "sub": AGENT, "iss": "https://idp.test", "nested": {"a": [1, 2.5, null, true, {"b": "c"}]}, "": "empty key",
        "sub2": "", "unicode": "\u{1f980}", "big": u64::MAX, "small": i64::MIN, "ticket": "verbatim",
    });
    let token = created(&with(token_json("pending"), "actor", actor.clone()));
    assert_eq!(Value::Object(token.actor().unwrap().as_map().clone()), actor);
    assert_eq!(token.actor().unwrap().get("iss"), Some(&json!("https://idp.test")));
    assert_eq!(token.actor().unwrap().get("none"), None);
}

#[test]
fn a_ticket_a_link_and_an_actor_may_be_null_or_absent() {
    for body in [with(token_json("pending"), "token", Value::Null), without(token_json("pending"), "token")] {
        let token = created(&body);
        assert!(token.token().is_none() && token.url().is_some());
    }
    for body in [with(token_json("pending"), "url", Value::Null), without(token_json("pending"), "url")] {
        let token = created(&body);
        assert!(token.url().is_none() && token.token().is_some());
    }
    for body in [with(token_json("pending"), "actor", Value::Null), without(token_json("pending"), "actor")] {
        assert!(created(&body).actor().is_none());
    }
}

#[test]
fn a_link_is_passed_on_verbatim() {
    for url in ["", "not a url", "https://x.test/?ticket=a%2Fb&x=\u{e9}#f", " https://x.test "] {
        let token = created(&with(token_json("pending"), "url", json!(url)));
        assert_eq!(token.url().unwrap().expose(), url);
    }
}

#[test]
fn an_unknown_status_is_kept_as_it_came() {
    for word in ["accepted", "revoked", "expired", "", "Pending"] {
        let token = created(&token_json(word));
        assert_eq!(token.status().as_str(), word);
        let known = matches!(token.status(), ActorTokenStatus::Accepted | ActorTokenStatus::Revoked);
        assert_eq!(known, matches!(word, "accepted" | "revoked"));
    }
}

#[test]
fn every_64_bit_moment_is_taken() {
    for millis in [i64::MIN, -62_135_596_800_000, -1, 0, 1, 253_402_300_800_000, i64::MAX] {
        let body = with(with(token_json("pending"), "created_at", json!(millis)), "updated_at", json!(millis));
        let token = created(&body);
        assert_eq!(
            (token.created_at(), token.updated_at()),
            (token.updated_at(), Some(Timestamp::from_millis(millis)))
        );
        assert!(token.expires_at().unwrap().as_millis() >= millis);
        let _ = format!("{token:?} {:?}", token.created_at().and_then(Timestamp::to_system_time));
    }
}

#[test]
fn a_link_expires_when_its_lifetime_after_its_creation_is_over() {
    let at = |lifetime: Option<Duration>| {
        let client = client(|_| ok(&token_json("pending")).into());
        let mut call = client.actor_tokens().create(USER, Actor::new(AGENT));
        if let Some(lifetime) = lifetime {
            call = call.expires_in(lifetime);
        }
        pollster::block_on(call.send()).unwrap().expires_at().unwrap().as_millis() - 1_700_000_000_000
    };
    assert_eq!(at(None), 3_600_000, "an hour is Clerk's default");
    assert_eq!(at(Some(Duration::from_secs(1))), 1000);
    assert_eq!(at(Some(Duration::from_secs(86_400))), 86_400_000);
}

#[test]
fn a_revoked_token_is_read_in_the_same_way() {
    for body in [token_json("revoked"), without(without(token_json("revoked"), "token"), "url")] {
        let answer = ok(&body);
        let client = client(move |_| answer.clone().into());
        let revocation = pollster::block_on(client.actor_tokens().revoke(ID).send()).unwrap();
        let token = revocation.token().unwrap();
        assert_eq!((token.id().as_str(), token.status()), (ID, &ActorTokenStatus::Revoked));
        assert_eq!(token.expires_at(), None, "Clerk does not echo lifetimes");
        assert!(matches!(revocation, Revocation::Revoked(_)));
    }
}

#[test]
fn the_answer_around_a_value_is_all_there() {
    let client = client(|n| match n {
        0 => TransportErrorKind::Connect.into(),
        1 => response(429, "").into(),
        _ => {
            let mut answer = with_header(ok(&token_json("pending")), "x-clerk-trace-id", "trace");
            *answer.status_mut() = StatusCode::CREATED;
            with_header(with_header(answer, "x-twice", "1"), "x-twice", "2").into()
        }
    });
    let call = client.actor_tokens().create(USER, Actor::new(AGENT));
    let answer = pollster::block_on(call.send_with_response()).unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.trace_id(), Some("trace"));
    assert_eq!(answer.headers().get_all("x-twice").iter().count(), 2);
    assert_eq!(answer.value().id().as_str(), ID);
    let attempts: Vec<_> = answer
        .attempts()
        .iter()
        .map(|attempt| (attempt.number(), attempt.status(), attempt.error(), attempt.execution()))
        .collect();
    assert_eq!(
        attempts,
        [
            (1, None, Some(ErrorKind::Connect), Execution::NotExecuted),
            (2, Some(status(429)), Some(ErrorKind::RateLimited), Execution::NotExecuted),
            (3, Some(status(201)), None, Execution::Executed),
        ]
    );
    assert_eq!(answer.into_value().user_id(), USER);
}

#[test]
fn a_success_after_a_revocation_before_it_has_its_answer_too() {
    let client = client(|_| with_header(cannot_be_revoked("revoked"), "clerk-trace-id", "header").into());
    let answer = pollster::block_on(client.actor_tokens().revoke(ID).send_with_response()).unwrap();
    assert_eq!((answer.status(), answer.value()), (status(400), &Revocation::AlreadyRevoked));
    assert_eq!(answer.trace_id(), Some("0123456789abcdef0123456789abcdef"), "the body's trace id comes first");
    assert!(answer.into_value().token().is_none());
}

#[test]
fn every_part_of_an_error_envelope_is_kept() {
    let body = json!({
        "errors": [
            {"message": "is missing", "long_message": "actor.sub must be included.", "code": "form_param_missing",
             "meta": {"param_name": "actor.sub", "more": [1]}},
            {"message": "brand new", "code": "brand_new"},
            {"code": "form_param_unknown", "meta": {"param_name": "x"}},
        ],
        "meta": {"request": 7},
        "clerk_trace_id": "body",
    });
    let answer = with_header(with_header(response(422, body.to_string()), "cf-ray", "ray"), "retry-after", "9");
    let error = failed(Op::Create, answer);
    assert_eq!((error.kind(), error.status()), (ErrorKind::Api, Some(status(422))));
    assert_eq!(error.operation().name(), "CreateActorToken");
    let [first, second, third] = error.api_errors() else { panic!("all three are kept") };
    assert_eq!((first.code(), first.message()), (&ErrorCode::FormParamMissing, "is missing"));
    assert_eq!(first.long_message(), Some("actor.sub must be included."));
    assert_eq!(first.param_name(), Some("actor.sub"));
    assert_eq!(first.meta(), Some(&json!({"param_name": "actor.sub", "more": [1]})));
    assert_eq!((second.code(), second.long_message()), (&ErrorCode::from("brand_new"), None));
    assert_eq!((second.param_name(), second.meta()), (None, None));
    assert_eq!((third.message(), third.param_name()), ("", Some("x")));
    assert_eq!(error.code(), Some(&ErrorCode::FormParamMissing));
    assert_eq!(error.meta(), Some(&json!({"request": 7})));
    assert_eq!(error.trace_id(), Some("body"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(error.headers()["cf-ray"], "ray");
    assert_eq!(error.expose_body().unwrap(), body.to_string().as_bytes());
    assert_eq!(
        error.to_string(),
        "CreateActorToken: 422 form_param_missing: actor.sub must be included. [actor.sub] (trace body); nothing was \
         done at Clerk"
    );
}

#[test]
fn every_part_of_an_error_envelope_may_be_missing() {
    let table = [
        ("", 0),
        ("null", 0),
        ("[]", 0),
        ("{}", 0),
        ("<html>", 0),
        ("{", 0),
        (r#"{"errors":null}"#, 0),
        (r#"{"errors":{}}"#, 0),
        (r#"{"errors":[]}"#, 0),
        (r#"{"errors":[null,7,"x",[]]}"#, 0),
        (r#"{"errors":[{}]}"#, 1),
        (r#"{"errors":[{"code":7,"message":[],"long_message":{},"meta":"x"}],"meta":3,"clerk_trace_id":4}"#, 1),
    ];
    for (body, entries) in table {
        let error = failed(Op::Create, response(422, body));
        assert_eq!(error.api_errors().len(), entries, "{body}");
        assert_eq!(error.trace_id(), None, "{body}");
        assert!(error.to_string().starts_with("CreateActorToken: 422"), "{body}");
        assert!(error.api_errors().iter().all(|entry| entry.message().is_empty() && entry.param_name().is_none()));
    }
}

#[test]
fn the_trace_id_is_the_bodys_or_the_first_of_three_headers() {
    let with_headers = |mut answer: Response, names: &[&'static str]| {
        for name in names {
            answer = with_header(answer, name, name);
        }
        answer
    };
    let all = ["cf-ray", "clerk-trace-id", "x-clerk-trace-id"];
    let envelope = || response(500, r#"{"clerk_trace_id":"body"}"#);
    let table = [
        (with_headers(envelope(), &all), Some("body")),
        (with_headers(response(500, ""), &all), Some("x-clerk-trace-id")),
        (with_headers(response(500, ""), &all[..2]), Some("clerk-trace-id")),
        (with_headers(response(500, "<html>"), &all[..1]), Some("cf-ray")),
        (response(500, ""), None),
        // also where the answer is a success that cannot be used
        (with_headers(response(200, "{"), &all), Some("x-clerk-trace-id")),
        (with_headers(response(200, "<html>"), &all[..1]), Some("cf-ray")),
    ];
    for (answer, trace_id) in table {
        let what = format!("{} {:?}", answer.status(), answer.body());
        assert_eq!(failed(Op::Create, answer).trace_id(), trace_id, "{what}");
    }
}

#[test]
fn a_byte_order_mark_does_not_hide_an_error_envelope() {
    let marked = |answer: Response| answer.map(|body| [&b"\xef\xbb\xbf"[..], &body].concat().into());
    let error = failed(Op::Create, marked(api_error(422, "form_param_missing", "is missing", "x")));
    assert_eq!(error.code(), Some(&ErrorCode::FormParamMissing));
    let client = client(move |_| marked(cannot_be_revoked("revoked")).into());
    let revocation = pollster::block_on(client.actor_tokens().revoke(ID).send()).unwrap();
    assert_eq!(revocation, Revocation::AlreadyRevoked);
}

#[test]
fn each_predicate_is_true_of_its_own_failure_alone() {
    type Predicate = fn(&Error) -> bool;
    let predicates: [(&str, Predicate); 6] = [
        ("not found", Error::is_not_found),
        ("unauthorized", Error::is_unauthorized),
        ("rate limited", Error::is_rate_limited),
        ("plan", Error::is_plan_required),
        ("quota", Error::is_quota_exceeded),
        ("parameter", Error::is_invalid_parameter),
    ];
    // From the table of errors of the API description.
    let table = [
        (api_error(422, "form_param_missing", "is missing", ""), "parameter"),
        (api_error(422, "form_param_value_invalid", "is invalid", ""), "parameter"),
        (api_error(422, "form_param_unknown", "is unknown", ""), "parameter"),
        (api_error(422, "impersonation_limit_exceeded", "Impersonation limit exceeded", ""), "quota"),
        (api_error(402, "unsupported_subscription_plan_features", "Unsupported plan features", ""), "plan"),
        (api_error(404, "resource_not_found", "not found", "No user was found with id X"), "not found"),
        (api_error(401, "authorization_header_format_invalid", "", ""), "unauthorized"),
        (api_error(401, "clerk_key_invalid", "", ""), "unauthorized"),
        (api_error(429, "too_many_requests", "", ""), "rate limited"),
        // A rate limit is recognised by its status, not by its code.
        (response(429, "<html>"), "rate limited"),
        (api_error(429, "brand_new", "", ""), "rate limited"),
        (api_error(400, "request_body_invalid", "", ""), ""),
        (api_error(400, "api_version_invalid", "", ""), ""),
        (api_error(415, "unsupported_content_type", "", ""), ""),
        (api_error(500, "internal_clerk_error", "", ""), ""),
        (api_error(503, "too_many_requests", "", ""), ""),
    ];
    for (answer, expected) in table {
        let what = String::from_utf8_lossy(answer.body()).into_owned();
        for op in Op::BOTH {
            let error = failed(op, answer.clone());
            let true_of: Vec<_> =
                predicates.iter().filter(|(_, predicate)| predicate(&error)).map(|(name, _)| *name).collect();
            let expected: Vec<_> = Some(expected).filter(|name| !name.is_empty()).into_iter().collect();
            assert_eq!(true_of, expected, "{what}");
            assert!(!error.advice().is_empty());
        }
    }
}

#[test]
fn a_known_code_is_typed_and_a_new_one_is_kept() {
    let known = [
        "form_param_missing",
        "form_param_value_invalid",
        "form_param_unknown",
        "impersonation_limit_exceeded",
        "unsupported_subscription_plan_features",
        "resource_not_found",
        "actor_token_cannot_be_revoked_code",
        "request_body_invalid",
        "api_version_invalid",
        "authorization_header_format_invalid",
        "clerk_key_invalid",
        "unsupported_content_type",
        "too_many_requests",
        "internal_clerk_error",
        "actor_token_already_used_code",
        "actor_token_revoked_code",
        "actor_token_cannot_be_used_code",
        "ticket_expired_code",
        "ticket_invalid_code",
    ];
    for code in known {
        assert!(!matches!(ErrorCode::from(code), ErrorCode::Other(_)), "{code}");
        assert_eq!(ErrorCode::from(code).as_str(), code);
    }
    for code in ["", "Form_Param_Missing", "brand_new"] {
        assert!(matches!(ErrorCode::from(code), ErrorCode::Other(_)), "{code}");
        assert_eq!(ErrorCode::from(code).as_str(), code);
    }
}

#[test]
fn an_error_says_in_one_line_what_happened() {
    let lines = [
        failed(Op::Create, response(200, "{")).to_string(),
        failed(Op::Create, response(500, "<html>\n</html>")).to_string(),
        failed(Op::Revoke, api_error(404, "resource_not_found", "not\nfound", "not\u{2028}\u{202e}found")).to_string(),
    ];
    for line in lines {
        assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}')), "{line:?}");
    }
    let cut = Play::Fail(
        clerk_actor_tokens_core::TransportError::new(TransportErrorKind::Interrupted)
            .with_partial(response(200, format!(r#"{{"id":"{ID}","user_id":"{USER}","#))),
    );
    let cut = std::sync::Mutex::new(Some(cut));
    let client = client(move |_| cut.lock().unwrap().take().unwrap());
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!(error.to_string(), format!("CreateActorToken: 200, the response was cut short; Clerk acted (id {ID})"));
    assert!(error.advice().contains("salvaged_id()"));
}

#[test]
fn the_advice_after_a_redirect_names_the_base_url_and_the_danger() {
    for (status, danger) in [(302, true), (307, false)] {
        let client = client(move |_| response(status, "").into());
        let error = pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err();
        assert!(error.advice().contains("base URL"), "{status}");
        assert_eq!(error.advice().contains("a token may exist"), danger, "{status}");
    }
}

#[test]
fn an_error_keeps_no_more_of_a_body_than_the_cap() {
    // A transport that keeps no cap: what it hands over is cut here.
    for status in [200, 422, 500] {
        let client = builder(move |_| response(status, vec![b' '; 5000]).into()).response_cap(1000).build().unwrap();
        let error = pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err();
        assert_eq!(error.expose_body().unwrap().len(), 1000, "{status}");
    }
}
