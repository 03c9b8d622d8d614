//! Every error that Clerk is known to answer, row by row: status, code, words and meta.
//!
//! The rows are written out here, not read from the emulator.

use std::time::Duration;

use crate::support::{create, exchange, json, post, revoke, send, with_header, without_header};
use clerk_actor_tokens_core::{ApiVersion, Request, Response, SecretKey};
use clerk_actor_tokens_emulator::{Emulator, EmulatorBuilder, QuotaCounted, WrongType};
use serde_json::{Value, json};

const TOKENS: &str = "/v1/actor_tokens";

fn good() -> Value {
    json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } })
}

/// The good body with one field changed or added.
fn with(field: &str, value: Value) -> Request {
    let mut body = good();
    body[field] = value;
    create(body)
}

fn without(field: &str) -> Request {
    let mut body = good();
    body.as_object_mut().unwrap().remove(field);
    create(body)
}

/// Checks status, headers and the one error of an answer.
#[track_caller]
fn check(response: &Response, status: u16, code: &str, message: &str, long_message: &str, meta: &Value) {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = json(response);
    let error = json!({ "code": code, "message": message, "long_message": long_message, "meta": meta });
    assert_eq!(body["errors"], json!([error]));
    assert_eq!(body["meta"], json!({}));
    let trace = body["clerk_trace_id"].as_str().unwrap();
    assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()), "{trace}");
    assert_eq!(response.headers()["x-clerk-trace-id"], trace);
}

type Setup = fn(EmulatorBuilder) -> EmulatorBuilder;

fn check_table(table: Vec<(Setup, Request, u16, &str, &str, &str, Value)>) {
    for (setup, request, status, code, message, long_message, meta) in table {
        let clerk = setup(Emulator::builder()).build();
        let response = send(&clerk, request);
        check(&response, status, code, message, long_message, &meta);
        clerk.assert_creates(0);
    }
}

#[test]
fn a_wrong_field_is_named() {
    let missing = |name: &str| format!("{name} must be included.");
    let invalid = |name: &str| format!("{name} is invalid");
    let (e, s) = ("expires_in_seconds", "session_max_duration_in_seconds");
    let mut table: Vec<(Request, &str, &str, String, &str)> = vec![
        (without("user_id"), "form_param_missing", "is missing", missing("user_id"), "user_id"),
        (with("user_id", json!("")), "form_param_missing", "is missing", missing("user_id"), "user_id"),
        (with("user_id", json!(null)), "form_param_missing", "is missing", missing("user_id"), "user_id"),
        (with("user_id", json!(7)), "form_param_value_invalid", "is invalid", invalid("user_id"), "user_id"),
        (without("actor"), "form_param_missing", "is missing", missing("actor"), "actor"),
        (with("actor", json!("x")), "form_param_value_invalid", "is invalid", invalid("actor"), "actor"),
        (with("actor", json!({})), "form_param_missing", "is missing", missing("actor.sub"), "actor.sub"),
        (with("actor", json!({ "sub": "" })), "form_param_missing", "is missing", missing("actor.sub"), "actor.sub"),
        (
            with("actor", json!({ "sub": [] })),
            "form_param_value_invalid",
            "is invalid",
            invalid("actor.sub"),
            "actor.sub",
        ),
        (
            with("expires_in", json!(5)),
            "form_param_unknown",
            "is unknown",
            "expires_in is not a valid parameter for this request.".to_owned(),
            "expires_in",
        ),
    ];
    for name in [e, s] {
        for value in [json!(0), json!(-1), json!(1.5), json!("60"), json!([]), json!(true), json!(1e30)] {
            table.push((with(name, value), "form_param_value_invalid", "is invalid", invalid(name), name));
        }
    }
    for (request, code, message, long_message, name) in table {
        let response = send(&Emulator::new(), request);
        check(&response, 422, code, message, &long_message, &json!({ "param_name": name }));
    }
}

#[test]
fn everything_that_is_wrong_with_a_body_is_told_at_once() {
    let response = send(&Emulator::new(), create(json!({ "b": 1, "a": 1, "expires_in_seconds": 0 })));
    let body = json(&response);
    let names: Vec<_> = body["errors"].as_array().unwrap().iter().map(|error| &error["meta"]["param_name"]).collect();
    assert_eq!(names, ["a", "b", "user_id", "actor", "expires_in_seconds"]);
}

#[test]
fn limits_of_the_instance_have_rows_of_their_own() {
    check_table(vec![
        (
            |builder| builder.users(["user_2"]),
            create(good()),
            404,
            "resource_not_found",
            "not found",
            "No user was found with id user_1",
            json!({}),
        ),
        (
            |builder| builder.plan_without_impersonation(),
            create(good()),
            402,
            "unsupported_subscription_plan_features",
            "Unsupported plan features",
            "Some features are not supported in your current plan. Upgrade your subscription to unlock them.",
            json!({ "unsupported_features": ["user_impersonation"] }),
        ),
        (
            |builder| builder.quota(0),
            create(good()),
            422,
            "impersonation_limit_exceeded",
            "Impersonation limit exceeded",
            "Your application has reached the impersonation limit for your plan (0/0). The limit will reset at the \
             beginning of the next billing period.",
            json!({ "limit": 0, "used": 0 }),
        ),
        (
            |builder| builder.max_expires_in(Duration::from_secs(60)),
            with("expires_in_seconds", json!(61)),
            422,
            "form_param_value_invalid",
            "is invalid",
            "expires_in_seconds is invalid",
            json!({ "param_name": "expires_in_seconds" }),
        ),
        (
            |builder| builder.max_session_duration(Duration::from_secs(60)),
            with("session_max_duration_in_seconds", json!(61)),
            422,
            "form_param_value_invalid",
            "is invalid",
            "session_max_duration_in_seconds is invalid",
            json!({ "param_name": "session_max_duration_in_seconds" }),
        ),
        (
            |builder| builder.refuse_self_impersonation(),
            with("actor", json!({ "sub": "user_1" })),
            422,
            "form_param_value_invalid",
            "is invalid",
            "user_id is invalid",
            json!({ "param_name": "user_id" }),
        ),
    ]);
}

#[test]
fn what_cannot_be_read_or_is_not_allowed_has_rows_of_its_own() {
    let unreadable = ("request_body_invalid", "Request body invalid", "The request body is invalid.");
    let header = (
        "authorization_header_format_invalid",
        "Invalid Authorization header format",
        "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'",
    );
    let key = "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.";
    let key = ("clerk_key_invalid", key, key);
    let content_type = (
        "unsupported_content_type",
        "Content-Type is unsupported",
        "The Content-Type of the request must be application/json.",
    );
    let lost = ("resource_not_found", "not found", "Resource not found");
    let large = ("request_body_too_large", "Request body too large", "The request body is too large.");
    let version = |long| ("api_version_invalid", "invalid API version", long);
    let get = |path| {
        let mut request = post(path, "");
        *request.method_mut() = http::Method::GET;
        request
    };
    let auth = |value| with_header(create(good()), "authorization", value);
    let deep = "[".repeat(100_000);

    let mut rows = Vec::new();
    for body in ["", "{", "null", "[]", "\"x\"", "{\"user_id\":\"\\ud800\"}", "\u{feff}{}", &deep] {
        rows.push((400, post(TOKENS, body.to_owned()), unreadable));
    }
    rows.push((400, post(TOKENS, &b"{\"user_id\":\"\xff\"}"[..]), unreadable));
    for value in ["", "Bearer", "Bearer ", "sk_test_emulator", "Basic eHg6eHg=", "Bearer a b"] {
        rows.push((401, auth(value), header));
    }
    rows.push((401, without_header(create(good()), "authorization"), header));
    rows.push((401, auth("Bearer sk_test_other"), key));
    rows.push((401, auth("Bearer SK_TEST_EMULATOR"), key));
    for value in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        rows.push((415, with_header(create(good()), "content-type", value), content_type));
    }
    rows.push((415, without_header(create(good()), "content-type"), content_type));
    rows.push((404, get(TOKENS), lost));
    rows.push((404, get("/v1/actor_tokens/act_1/revoke"), lost));
    rows.push((404, revoke("act_unknown"), lost));
    rows.push((413, post(TOKENS, vec![b' '; 1024 * 1024 + 1]), large));
    rows.push((
        400,
        with_header(create(good()), "clerk-api-version", "1999-01-01"),
        version("Invalid Clerk API version: 1999-01-01"),
    ));
    rows.push((400, post("/v1/actor_tokens?__clerk_api_version=x", ""), version("Invalid Clerk API version: x")));
    for (query, long) in [
        ("%78%2D%2d", "Invalid Clerk API version: x--"),
        ("%", "Invalid Clerk API version: %"),
        ("%7", "Invalid Clerk API version: %7"),
        ("%7g%zz%%41", "Invalid Clerk API version: %7g%zz%A"),
        ("%ff", "Invalid Clerk API version: \u{fffd}"),
    ] {
        rows.push((400, post(&format!("/v1/actor_tokens?__clerk_api_version={query}"), ""), version(long)));
    }
    for (bytes, long) in [
        (&b"2026-05-12\xff"[..], "Invalid Clerk API version: 2026-05-12\u{fffd}"),
        ("\u{e9}".as_bytes(), "Invalid Clerk API version: \u{e9}"),
    ] {
        let mut request = create(good());
        request.headers_mut().insert("clerk-api-version", http::HeaderValue::from_bytes(bytes).unwrap());
        rows.push((400, request, version(long)));
    }
    rows.push((
        400,
        with_header(post("/v1/actor_tokens?__clerk_api_version=2026-05-12", ""), "clerk-api-version", "2026-05-12"),
        version("Invalid Clerk API version: given more than once"),
    ));

    for (status, request, (code, message, long_message)) in rows {
        let clerk = Emulator::new();
        check(&send(&clerk, request), status, code, message, long_message, &json!({}));
        clerk.assert_creates(0);
    }
}

#[test]
fn a_token_that_is_not_pending_cannot_be_revoked() {
    for (accept, status) in [(true, "accepted"), (false, "revoked")] {
        let clerk = Emulator::new();
        let id = json(&send(&clerk, create(good())))["id"].as_str().unwrap().to_owned();
        if accept {
            clerk.accept(&id.parse().unwrap()).unwrap();
        } else {
            assert_eq!(send(&clerk, revoke(&id)).status(), 200);
        }
        check(
            &send(&clerk, revoke(&id)),
            400,
            "actor_token_cannot_be_revoked_code",
            "cannot revoke",
            &format!(
                "Actor token cannot be revoked because its status is `{status}`. Only pending tokens can be revoked."
            ),
            &json!({}),
        );
    }
}

#[test]
fn the_order_of_checks_is_key_version_size_content_type_json_shape_user_plan_quota() {
    // All is wrong; then one thing after another is put right.
    let all = |builder: EmulatorBuilder| builder.users(["user_1"]).plan_without_impersonation().quota(0);
    let clerk = all(Emulator::builder()).build();
    let wrong = |key: &str, version: &str, content_type: &str, body: &str| {
        let request = with_header(post(TOKENS, body.to_owned()), "authorization", key);
        with_header(with_header(request, "clerk-api-version", version), "content-type", content_type)
    };
    let large = "{".repeat(1024 * 1024 + 1);
    let shape = r#"{"user_id":"user_2"}"#;
    let user = r#"{"user_id":"user_2","actor":{"sub":"a"}}"#;
    let plan = r#"{"user_id":"user_1","actor":{"sub":"a"}}"#;
    let (k, v, json_type) = (crate::support::KEY, "2026-05-12", "application/json");
    let steps = [
        (wrong("x", "x", "x", &large), "authorization_header_format_invalid"),
        (wrong("Bearer x", "x", "x", &large), "clerk_key_invalid"),
        (wrong(k, "x", "x", &large), "api_version_invalid"),
        (wrong(k, v, "x", &large), "request_body_too_large"),
        (wrong(k, v, "x", "{"), "unsupported_content_type"),
        (wrong(k, v, json_type, "{"), "request_body_invalid"),
        (wrong(k, v, json_type, shape), "form_param_missing"),
        (wrong(k, v, json_type, user), "resource_not_found"),
        (wrong(k, v, json_type, plan), "unsupported_subscription_plan_features"),
    ];
    for (request, code) in steps {
        assert_eq!(json(&send(&clerk, request))["errors"][0]["code"], code);
    }
    let without_plan_check = Emulator::builder().users(["user_1"]).quota(0).build();
    let last = send(&without_plan_check, wrong(k, v, json_type, plan));
    assert_eq!(json(&last)["errors"][0]["code"], "impersonation_limit_exceeded");
    // Before routing comes the key.
    let nowhere = with_header(post("/v1/nowhere", ""), "authorization", "Bearer x");
    assert_eq!(send(&clerk, nowhere).status(), 401);
}

#[test]
fn the_quota_counts_what_it_is_told_to_count() {
    let used = |clerk: &Emulator| json(&send(clerk, create(good())))["errors"][0]["meta"]["used"].as_u64();

    let at_create = Emulator::builder().quota(2).build();
    assert_eq!([used(&at_create), used(&at_create), used(&at_create)], [None, None, Some(2)]);

    let at_accept = Emulator::builder().quota(1).quota_counted(QuotaCounted::AtAccept).build();
    assert_eq!([used(&at_accept), used(&at_accept)], [None, None]);
    let first = at_accept.creates()[0].id().clone();
    at_accept.accept(&first).unwrap();
    assert_eq!(used(&at_accept), Some(1));

    let exempt = Emulator::builder().quota(0).quota_exempts_development().build();
    assert_eq!(used(&exempt), None);
    let live = SecretKey::new("sk_live_x").unwrap();
    let not_exempt = Emulator::builder().quota(0).quota_exempts_development().secret_key(live).build();
    let request = with_header(create(good()), "authorization", "Bearer sk_live_x");
    assert_eq!(send(&not_exempt, request).status(), 422);
}

#[test]
fn the_rate_limit_tells_whole_seconds_to_wait_and_then_lets_through() {
    let clerk = Emulator::builder().rate_limit(2, Duration::from_secs(10)).build();
    assert_eq!(send(&clerk, create(good())).status(), 200);
    clerk.advance(Duration::from_millis(2500));
    // A wrong key does not count.
    let stranger = with_header(create(good()), "authorization", "Bearer sk_test_x");
    assert_eq!(send(&clerk, stranger).status(), 401);
    assert_eq!(send(&clerk, create(good())).status(), 200);

    let refused = send(&clerk, create(good()));
    check(&refused, 429, "too_many_requests", "Too many requests", "Too many requests, retry later", &json!({}));
    assert_eq!(refused.headers()["retry-after"], "8");
    clerk.advance(Duration::from_millis(7499));
    assert_eq!(send(&clerk, create(good())).headers()["retry-after"], "1");
    clerk.advance(Duration::from_millis(1));
    assert_eq!(send(&clerk, create(good())).status(), 200);
    clerk.assert_creates(3);
}

#[test]
fn the_version_is_echoed_and_the_oldest_is_the_default() {
    let clerk = Emulator::new();
    let echo = |request| send(&clerk, request).headers()["clerk-api-version"].to_str().unwrap().to_owned();
    assert_eq!(echo(create(good())), "2021-02-05");
    assert_eq!(echo(with_header(create(good()), "clerk-api-version", "2026-05-12")), "2026-05-12");
    assert_eq!(echo(post("/v1/actor_tokens?__clerk_api_version=2025-11-10", "")), "2025-11-10");
    assert_eq!(echo(post("/v1/actor_tokens?__clerk_api_version=2025%2D11%2d1%30", "")), "2025-11-10");

    let clerk = Emulator::builder().api_versions([ApiVersion::new("2030-01-01").unwrap()]).build();
    assert_eq!(send(&clerk, with_header(create(good()), "clerk-api-version", "2030-01-01")).status(), 200);
    assert_eq!(send(&clerk, create(good())).status(), 400);
}

#[test]
fn open_points_go_the_way_that_is_chosen() {
    let empty_sub = || with("actor", json!({ "sub": "" }));
    assert_eq!(send(&Emulator::builder().allow_empty_sub().build(), empty_sub()).status(), 200);

    let own = || with("actor", json!({ "sub": "user_1" }));
    assert_eq!(send(&Emulator::new(), own()).status(), 200);

    let malformed = Emulator::builder().wrong_type(WrongType::BodyInvalid).build();
    for (value, status) in [(json!("60"), 400), (json!(1.5), 400), (json!(0), 422), (json!(-1), 422)] {
        assert_eq!(send(&malformed, with("expires_in_seconds", value)).status(), status);
    }
    assert_eq!(send(&malformed, with("expires_in_seconds", json!(null))).status(), 200);

    let revoked = |clerk: Emulator| {
        let id = json(&send(&clerk, create(good())))["id"].as_str().unwrap().to_owned();
        clerk.advance(Duration::from_secs(5));
        let token = json(&send(&clerk, revoke(&id)));
        let moved = token["updated_at"].as_i64().unwrap() - token["created_at"].as_i64().unwrap();
        (token.get("token").is_some(), token.get("url").is_some(), moved)
    };
    assert_eq!(revoked(Emulator::new()), (true, true, 5000));
    assert_eq!(revoked(Emulator::builder().revoke_without_link().build()), (false, false, 5000));
    assert_eq!(revoked(Emulator::builder().revoke_keeps_updated_at().build()), (true, true, 0));
}

#[test]
fn a_revoke_body_is_ignored_whatever_it_is() {
    for body in ["", "null", "{}", "{\"x\":1}", "not json"] {
        for content_type in ["application/json", "text/plain"] {
            let clerk = Emulator::new();
            let id = json(&send(&clerk, create(good())))["id"].as_str().unwrap().to_owned();
            let request = post(&format!("/v1/actor_tokens/{id}/revoke"), body);
            assert_eq!(send(&clerk, with_header(request, "content-type", content_type)).status(), 200);
            clerk.assert_revokes(1);
        }
    }
}

#[test]
fn parameters_of_the_content_type_and_the_case_of_the_scheme_do_not_matter() {
    let clerk = Emulator::new();
    let request = with_header(create(good()), "content-type", "Application/JSON; charset=utf-8");
    assert_eq!(send(&clerk, with_header(request, "authorization", "bearer sk_test_emulator")).status(), 200);
}

#[test]
fn the_answer_has_the_fields_of_the_contract_with_the_id_early() {
    let clerk = Emulator::new();
    let actor = json!({ "sub": "user_agent", "nested": { "deep": [1, null] } });
    let response = send(&clerk, with("actor", actor.clone()));
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.body().starts_with(br#"{"object":"actor_token","id":"act_"#));
    let token = json(&response);
    let keys: Vec<_> = token.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["actor", "created_at", "id", "object", "status", "token", "updated_at", "url", "user_id"]);
    assert_eq!(token["actor"], actor);
    assert_eq!(token["status"], "pending");
    assert_eq!(token["created_at"], 1_767_225_600_000_i64);
    let link = format!("https://clerk.emulator.test/v1/tickets/accept?ticket={}", token["token"].as_str().unwrap());
    assert_eq!(token["url"], link);
}

#[test]
fn the_same_seed_gives_the_same_answers_and_another_seed_others() {
    let answers = |seed| {
        let clerk = Emulator::builder().seed(seed).build();
        [send(&clerk, create(good())), send(&clerk, create(json!({})))].map(Response::into_body)
    };
    assert_eq!(answers(1), answers(1));
    assert_ne!(answers(1)[0], answers(2)[0]);
    assert_ne!(answers(1)[1], answers(2)[1]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_body_makes_it_panic(body in "(?s).{0,200}", json in "[\\[\\]{}:,\"a-z0-9.e-]{0,60}") {
        for body in [body, json] {
            let request = post(TOKENS, body);
            let status = pollster::block_on(exchange(&Emulator::new(), request)).unwrap().status();
            proptest::prop_assert!(status == 400 || status == 422, "{status}");
        }
    }
}

#[test]
fn a_route_that_is_not_emulated_is_a_501_that_names_those_that_are() {
    let clerk = Emulator::new();
    for path in ["/", "/v1", "/v1/", "/v1/actor_tokens/", "/v2/actor_tokens", "/v1/users", "/v1/actor_tokens//revoke"] {
        let answer = send(&clerk, post(path, ""));
        assert_eq!(answer.status(), 501, "{path}");
        let error = json(&answer)["errors"][0].clone();
        assert_eq!(error["code"], "route_not_emulated");
        let said = error["long_message"].as_str().unwrap();
        assert!(said.starts_with(&format!("The emulator has no route POST {path}. It has: POST /v1/actor_tokens, ")));
    }
}
