//! What each schema has to say, written down a second time.

use clerk_actor_tokens::serde_json::{Value, json};

use crate::{
    schemas::{Contract, fits},
    shape::{Case, Shape},
};

/// Whole numbers of 64 bits fit, and no other.
fn times(fields: &[&'static str]) -> Vec<(&'static str, Value, bool)> {
    let values = [
        (json!(i64::MIN), true),
        (json!(-1), true),
        (json!(i64::MAX), true),
        (json!(u64::MAX), false),
        (json!(-1e20), false),
    ];
    fields.iter().flat_map(|field| values.clone().map(|(value, fits)| (*field, value, fits))).collect()
}

pub(crate) fn actor_token() -> Value {
    json!({
        "object": "actor_token",
        "id": "act_1",
        "status": "pending",
        "user_id": "user_1",
        "actor": { "sub": "user_2", "reason": ["ticket", 7] },
        "token": "a.b.c",
        "url": "https://clerk.example.test/v1/tickets/accept?ticket=a.b.c",
        "created_at": 1_747_000_000_000_i64,
        "updated_at": 1_747_000_000_000_i64,
    })
}

pub(crate) fn session() -> Value {
    json!({
        "object": "session",
        "id": "sess_1",
        "user_id": "user_1",
        "client_id": "client_1",
        "actor": { "sub": "user_2", "attempt": "9f" },
        "status": "pending",
        "last_active_organization_id": "org_1",
        "last_active_at": 1_747_000_000_000_i64,
        "latest_activity": {
            "object": "session_activity",
            "id": "sess_activity_1",
            "device_type": "Macintosh",
            "is_mobile": false,
            "browser_name": "Firefox",
            "browser_version": "140.0",
            "ip_address": "192.0.2.1",
            "city": "Athens",
            "country": "GR",
        },
        "expire_at": 1_747_000_000_000_i64,
        "abandon_at": 1_747_000_000_000_i64,
        "updated_at": 1_747_000_000_000_i64,
        "created_at": 1_747_000_000_000_i64,
        "tasks": [{ "key": "choose-organization" }],
    })
}

pub(crate) fn errors() -> Value {
    json!({
        "errors": [{
            "message": "is missing",
            "long_message": "user_id must be included.",
            "code": "form_param_missing",
            "meta": { "param_name": "user_id" },
        }],
        "meta": {},
        "clerk_trace_id": "0123456789abcdef0123456789abcdef",
    })
}

/// A call of an id, without a body.
fn of_an_id(schema: &'static str, method: &str, path: &str, other: &str) -> Shape {
    Shape {
        required: &["/method", "/path", "/query"],
        closed: &["", "/query"],
        values: [other, "/v1/sessions", "/v1/sessions//revoke", "/v1/actor_tokens/a/b/revoke", ""]
            .map(|path| ("/path", json!(path), false))
            .into_iter()
            .chain([("/method", json!("PUT"), false)])
            .collect(),
        ..Shape::new(schema, json!({ "method": method, "path": path, "query": {} }))
    }
}

pub(crate) fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            required: &["/object", "/id", "/status", "/user_id", "/actor", "/created_at", "/updated_at"],
            optional: &["/token", "/url"],
            open: &["/actor"],
            closed: &[""],
            words: &[("/object", &["actor_token"]), ("/status", &["pending", "accepted", "revoked"])],
            values: times(&["/created_at", "/updated_at"]).into_iter().chain([("/actor", json!({}), true)]).collect(),
            ..Shape::new("actor-token", actor_token())
        },
        Shape {
            required: &[
                "/object",
                "/id",
                "/user_id",
                "/client_id",
                "/status",
                "/last_active_at",
                "/expire_at",
                "/abandon_at",
                "/updated_at",
                "/created_at",
                "/latest_activity/id",
                "/latest_activity/object",
                "/latest_activity/is_mobile",
                "/tasks/0/key",
            ],
            optional: &[
                "/actor",
                "/last_active_organization_id",
                "/latest_activity",
                "/latest_activity/device_type",
                "/latest_activity/browser_name",
                "/latest_activity/browser_version",
                "/latest_activity/ip_address",
                "/latest_activity/city",
                "/latest_activity/country",
                "/tasks",
            ],
            nullable: &["/actor", "/last_active_organization_id", "/latest_activity", "/tasks"],
            open: &["/actor", "/latest_activity", "/tasks/0"],
            closed: &[""],
            words: &[
                ("/object", &["session"]),
                ("/status", &["active", "pending", "ended", "removed", "replaced", "revoked", "expired", "abandoned"]),
            ],
            values: times(&["/expire_at", "/abandon_at", "/updated_at", "/created_at"])
                .into_iter()
                .chain([("/actor", json!({}), true), ("/tasks", json!([]), true), ("/tasks/0", json!("key"), false)])
                .collect(),
            ..Shape::new("session", session())
        },
        Shape {
            required: &["/errors", "/errors/0/message", "/errors/0/long_message", "/errors/0/code"],
            optional: &["/errors/0/meta", "/meta", "/clerk_trace_id"],
            open: &["", "/errors/0", "/errors/0/meta", "/meta"],
            values: vec![("/errors", json!([]), true), ("/errors/0", json!("text"), false)],
            ..Shape::new("errors", errors())
        },
        Shape {
            required: &["/method", "/path", "/query", "/body", "/body/user_id", "/body/actor", "/body/actor/sub"],
            optional: &["/body/expires_in_seconds", "/body/session_max_duration_in_seconds"],
            open: &["/body/actor"],
            closed: &["", "/query", "/body"],
            words: &[("/method", &["POST"]), ("/path", &["/v1/actor_tokens"])],
            ..Shape::new(
                "create-actor-token/request",
                json!({
                    "method": "POST",
                    "path": "/v1/actor_tokens",
                    "query": {},
                    "body": {
                        "user_id": "user_1",
                        "actor": { "sub": "user_2" },
                        "expires_in_seconds": 60,
                        "session_max_duration_in_seconds": 60,
                    },
                }),
            )
        },
        Shape {
            required: &["/method", "/path", "/query"],
            optional: &[
                "/query/status",
                "/query/paginated",
                "/query/limit",
                "/query/offset",
                // One of the two is enough.
                "/query/client_id",
                "/query/user_id",
            ],
            closed: &["", "/query"],
            words: &[
                ("/method", &["GET"]),
                ("/path", &["/v1/sessions"]),
                ("/query/status", &["abandoned", "active", "ended", "expired", "removed", "replaced", "revoked"]),
            ],
            values: vec![
                ("/query", json!({}), false),
                ("/query", json!({ "limit": 7 }), false),
                ("/query/status", json!("pending"), false),
                ("/query/limit", json!(0), false),
                ("/query/limit", json!(1), true),
                ("/query/limit", json!(500), true),
                ("/query/limit", json!(501), false),
                ("/query/offset", json!(-1), false),
                ("/query/offset", json!(0), true),
            ],
            ..Shape::new(
                "get-session-list/request",
                json!({
                    "method": "GET",
                    "path": "/v1/sessions",
                    "query": {
                        "client_id": "client_1",
                        "user_id": "user_1",
                        "status": "active",
                        "paginated": true,
                        "limit": 100,
                        "offset": 200,
                    },
                }),
            )
        },
        Shape {
            required: &["/data", "/total_count"],
            closed: &[""],
            values: vec![
                ("/total_count", json!(0), true),
                ("/total_count", json!(-1), false),
                ("/data", json!([session(), session()]), true),
                ("/data", json!([session(), {}]), false),
            ],
            ..Shape::new("get-session-list/200-paginated", json!({ "data": [], "total_count": 1 }))
        },
        of_an_id("revoke-actor-token/request", "POST", "/v1/actor_tokens/act_1/revoke", "/v1/actor_tokens/act_1"),
        of_an_id("get-session/request", "GET", "/v1/sessions/sess_1", "/v1/sessions/sess_1/revoke"),
        of_an_id("revoke-session/request", "POST", "/v1/sessions/sess_1/revoke", "/v1/sessions/sess_1"),
    ]
}

/// Each described answer: its schema, a good one and a bad one.
pub(crate) fn answers() -> Vec<(String, Value, Value)> {
    let of = |operation: &str, good: Value, statuses: &[u16]| {
        let refusals = statuses.iter().map(|status| (format!("{operation}/{status}"), errors(), json!({})));
        [(format!("{operation}/200"), good, errors())].into_iter().chain(refusals).collect::<Vec<_>>()
    };
    [
        of("create-actor-token", actor_token(), &[400, 402, 422]),
        of("revoke-actor-token", actor_token(), &[400, 404]),
        of("get-session-list", json!([session(), session()]), &[400, 401, 422]),
        of("get-session", session(), &[400, 401, 404]),
        of("revoke-session", session(), &[400, 401, 404]),
        vec![
            ("get-session-list/200".to_owned(), json!([]), json!({ "data": [], "total_count": 0 })),
            ("get-session-list/200".to_owned(), json!([]), json!([session(), {}])),
            ("get-session-list/200-paginated".to_owned(), json!({ "data": [], "total_count": 0 }), json!([])),
        ],
    ]
    .concat()
}

#[test]
fn a_good_value_fits_and_every_bad_one_does_not() {
    let mut figure = 0;
    for shape in shapes() {
        for Case { what, value, fits: expected } in shape.cases() {
            let found = fits(shape.schema, &value);
            assert_eq!(found.is_ok(), expected, "{}, {what}: {found:?}", shape.schema);
            figure += 1;
        }
    }
    for (schema, good, bad) in answers() {
        fits(&schema, &good).unwrap();
        assert!(fits(&schema, &bad).is_err(), "{schema}: {bad}");
        figure += 2;
    }
    println!("figure: contract: {figure} values, each fits or not as it has to");
    assert!(figure > 500);
}

#[test]
fn no_field_of_a_good_value_is_left_out_of_its_lists() {
    for shape in shapes() {
        let mut listed: Vec<_> = shape.fields().collect();
        listed.sort_unstable();
        assert_eq!(listed, shape.fields_of_the_good_value(), "{}", shape.schema);
    }
}

#[test]
fn the_described_answers_are_these_and_no_other() {
    let mut listed: Vec<_> = answers().into_iter().map(|(schema, ..)| schema).collect();
    listed.sort();
    listed.dedup();
    let mut described = Vec::new();
    for (operation, document) in Contract::published().0 {
        let parts = document["$defs"].as_object().into_iter().flat_map(|parts| parts.keys());
        let statuses = parts.filter(|part| part.starts_with(|first: char| first.is_ascii_digit()));
        described.extend(statuses.map(|status| format!("{operation}/{status}")));
    }
    described.sort();
    assert_eq!(listed, described);
}
