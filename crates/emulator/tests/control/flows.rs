//! What a test in another language does: create, open, assert, let a fault happen, go back.

use std::time::Duration;

use clerk_actor_tokens_emulator::Emulator;
use serde_json::{Value, json};

use crate::client::{Caller, Fixture};

fn state(caller: &mut Caller) -> Value {
    caller.ask("GET", "/_emulator/state", "").json()
}

#[test]
fn a_link_is_opened_and_its_session_seen_and_ended() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let token = caller.create();
    let id = token["id"].as_str().unwrap();
    let before = state(&mut caller);
    assert_eq!((&before["counts"]["live_tokens"], &before["tokens"][0]["id"]), (&json!(1), &json!(id)));

    let accepted = caller.ask("POST", &format!("/_emulator/tokens/{id}/accept"), "");
    let session = accepted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!((accepted.status, &accepted.json()["actor"]["sub"]), (200, &json!("user_agent")));
    assert_eq!(caller.ask("POST", &format!("/_emulator/tokens/{id}/accept"), "").status, 409);
    let listed = caller.clerk("GET", "/v1/sessions?user_id=user_1", "").json();
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&json!(session), &json!("active")));

    let end = format!("/_emulator/sessions/{session}/end");
    assert_eq!(caller.ask("POST", &end, r#"{"status":"removed"}"#).json()["status"], "removed");
    assert_eq!(caller.ask("POST", &end, "").status, 409);
    assert_eq!(caller.clerk("GET", &format!("/v1/sessions/{session}"), "").json()["status"], "removed");
    let after = state(&mut caller);
    assert_eq!((&after["counts"]["live_sessions"], &after["sessions"][0]["live"]), (&json!(0), &json!(false)));
    fixture.clerk.assert_ended_sessions(1);
}

#[test]
fn faults_are_met_in_order_by_calls_of_clerk_alone() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let queued = r#"{"faults":["create:before_commit:status(503)","create:after_commit:status(500)"]}"#;
    let listed = caller.ask("POST", "/_emulator/faults", queued).json();
    assert_eq!(listed["queued"], json!(["create:before_commit:status(503)", "create:after_commit:status(500)"]));
    for _ in 0..5 {
        assert_eq!(caller.ask("GET", "/_emulator/health", "").status, 200);
    }
    let body = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;
    let statuses = [(); 3].map(|()| caller.clerk("POST", "/v1/actor_tokens", body).status);
    assert_eq!(statuses, [503, 500, 200]);
    let requests = caller.ask("GET", "/_emulator/requests", "").json();
    let met: Vec<_> = requests["requests"].as_array().unwrap().iter().rev().map(|request| &request["fault"]).collect();
    assert_eq!(
        met,
        [&json!("create:before_commit:status(503)"), &json!("create:after_commit:status(500)"), &Value::Null]
    );
    // The control plane's own are not among them.
    assert_eq!((requests["total"].as_u64(), fixture.clerk.requests().len()), (Some(3), 3));
    caller.ask("POST", "/_emulator/faults", r#"{"faults":["revoke:after_commit:stall"]}"#);
    let given_up = caller.ask("DELETE", "/_emulator/faults", "").json();
    assert_eq!(given_up["unused_faults"], json!(["revoke:after_commit:stall(): no attempt met it"]));
    fixture.clerk.assert_faults_used();
}

#[test]
fn the_rate_limit_is_of_clerk_alone() {
    let limited = Emulator::builder().real_time().rate_limit(1, Duration::from_secs(3600)).build();
    let fixture = Fixture::of(limited, |server| server);
    let mut caller = fixture.connect();
    for _ in 0..5 {
        assert_eq!(caller.ask("GET", "/_emulator/health", "").status, 200);
    }
    caller.create();
    assert_eq!(caller.clerk("GET", "/v1/sessions?user_id=user_1", "").status, 429);
    assert_eq!(caller.ask("GET", "/_emulator/state", "").status, 200);
}

#[test]
fn time_users_snapshots_and_the_beginning() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let first = caller.create()["id"].clone();
    let snapshot = caller.ask("POST", "/_emulator/snapshots", "").json()["id"].clone();
    let now = caller.ask("GET", "/_emulator/clock", "").json()["now"].as_i64().unwrap();
    let later =
        caller.ask("POST", "/_emulator/clock/advance", r#"{"milliseconds":7200000}"#).json()["now"].as_i64().unwrap();
    assert!(later >= now + 7_200_000);
    assert_eq!(state(&mut caller)["counts"]["live_tokens"], 0);
    assert_eq!(caller.ask("PUT", "/_emulator/users", r#"{"users":["user_2"]}"#).json()["users"], json!(["user_2"]));
    let unknown = caller.clerk("POST", "/v1/actor_tokens", r#"{"user_id":"user_1","actor":{"sub":"a"}}"#);
    assert_eq!(unknown.status, 404);

    assert_eq!(caller.ask("POST", &format!("/_emulator/snapshots/{snapshot}/restore"), "").status, 200);
    let restored = state(&mut caller);
    assert_eq!((&restored["counts"]["live_tokens"], &restored["users"]), (&json!(1), &Value::Null));
    let second = caller.create()["id"].clone();
    caller.ask("POST", "/_emulator/reset", "");
    assert_eq!(state(&mut caller)["counts"]["creates"], 0);
    // The same ids again.
    assert_eq!([caller.create()["id"].clone(), caller.create()["id"].clone()], [first, second]);
    // The latest 16 are kept.
    for _ in 0..16 {
        caller.ask("POST", "/_emulator/snapshots", "");
    }
    assert_eq!(caller.ask("POST", &format!("/_emulator/snapshots/{snapshot}/restore"), "").status, 404);
    assert_eq!(caller.ask("GET", "/_emulator/snapshots", "").json()["snapshots"].as_array().unwrap().len(), 16);
    assert_eq!(fixture.served.emulator().creates().len(), 2);
}

/// Also not where the order of its values could name them.
#[test]
fn an_array_is_no_body() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    caller.create();
    for (method, target, body) in [
        ("PUT", "users", r#"[["user_2"]]"#),
        ("PUT", "users", " [null]"),
        ("POST", "reset", "[]"),
        ("POST", "clock/advance", "[1000]"),
        ("POST", "faults", r#"[["create:after_commit:stall"]]"#),
    ] {
        let answer = caller.ask(method, &format!("/_emulator/{target}"), body);
        assert_eq!((answer.status, answer.json()["error"].is_string()), (400, true), "{target} {body}");
    }
    let after = state(&mut caller);
    assert_eq!(
        (&after["counts"]["creates"], &after["counts"]["queued_faults"], &after["users"]),
        (&json!(1), &json!(0), &Value::Null)
    );
}

/// JSON Schema takes 1000.0 for an integer, and null for no string.
#[test]
fn values_are_read_as_they_are_described() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let mut advance = |number: &str| {
        let body = format!(r#"{{"milliseconds":{number}}}"#);
        caller.ask("POST", "/_emulator/clock/advance", &body).status
    };
    assert_eq!(["0", "0.0", "1000", "1000.0", "1e3", "3153599997000.0"].map(&mut advance), [200; 6]);
    assert_eq!(["0.5", "-1", "-1.0", "1e300", "null", "\"1\"", "3153600000001"].map(&mut advance), [400; 7]);
    let id = caller.create()["id"].as_str().unwrap().to_owned();
    let session = caller.ask("POST", &format!("/_emulator/tokens/{id}/accept"), "").json()["id"].clone();
    let end = format!("/_emulator/sessions/{}/end", session.as_str().unwrap());
    assert_eq!(caller.ask("POST", &end, r#"{"status":null}"#).status, 400);
    assert_eq!(caller.ask("POST", &end, "{}").json()["status"], "ended");
}

/// Whatever is stored, an answer has no more rows than were asked for.
#[test]
fn the_rows_are_the_newest_and_bounded() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let ids: Vec<Value> = (0..210).map(|_| caller.create()["id"].clone()).collect();
    for (query, rows) in [("", 200), ("?limit=1", 1), ("?limit=205", 205), ("?limit=1000", 210)] {
        let shown = caller.ask("GET", &format!("/_emulator/state{query}"), "").json();
        let shown: Vec<&Value> = shown["tokens"].as_array().unwrap().iter().map(|token| &token["id"]).collect();
        assert_eq!(shown, ids.iter().rev().take(rows).collect::<Vec<_>>(), "{query}");
        let requests = caller.ask("GET", &format!("/_emulator/requests{query}"), "").json();
        assert_eq!((requests["requests"].as_array().unwrap().len(), &requests["total"]), (rows, &json!(210)));
    }
}

#[test]
fn the_counts_are_of_all_that_there_were_also_where_few_are_kept() {
    let fixture = Fixture::of(Emulator::builder().real_time().keep_tokens(2).keep_requests(3).build(), |server| server);
    let mut caller = fixture.connect();
    let tokens: Vec<_> = (0..5).map(|_| caller.create()["id"].clone()).collect();
    for number in 0..4 {
        fixture.clerk.sign_in(&format!("user_{number}"));
    }
    assert_eq!(
        caller.clerk("POST", &format!("/v1/actor_tokens/{}/revoke", tokens[4].as_str().unwrap()), "").status,
        200
    );
    let state = state(&mut caller);
    let counts = json!({
        "creates": 5, "revokes": 1, "live_tokens": 1, "orphans": 0, "sessions": 4, "live_sessions": 2, "requests": 6,
        "queued_faults": 0,
    });
    assert_eq!(state["counts"], counts);
    let shown: Vec<_> = state["tokens"].as_array().unwrap().iter().map(|token| &token["id"]).collect();
    assert_eq!(shown, [&tokens[4], &tokens[3]]);
    assert_eq!(state["sessions"].as_array().unwrap().len(), 2);
    // What is forgotten is not there, as at Clerk.
    let gone = tokens[0].as_str().unwrap();
    assert_eq!(caller.clerk("POST", &format!("/v1/actor_tokens/{gone}/revoke"), "").status, 404);
    assert_eq!(caller.ask("POST", &format!("/_emulator/tokens/{gone}/accept"), "").status, 404);
    // A new one takes the place of the one that is over, and a snapshot has both bounds.
    assert_eq!(caller.ask("POST", "/_emulator/snapshots", "").status, 200);
    let newest = caller.create()["id"].clone();
    let kept: Vec<_> = fixture.clerk.live().iter().map(|token| json!(token.id())).collect();
    assert_eq!(kept, [tokens[3].clone(), newest]);
    assert_eq!(caller.ask("POST", "/_emulator/snapshots/1/restore", "").status, 200);
    let restored = caller.ask("GET", "/_emulator/state", "").json();
    // One request more had come by then.
    assert_eq!((&restored["tokens"], &restored["counts"]["requests"]), (&state["tokens"], &json!(7)));
}
