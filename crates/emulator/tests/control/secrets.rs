//! No key, no link and no ticket is shown, but where it is asked for.

use serde_json::{Value, json};

use crate::client::Fixture;

#[test]
fn links_and_tickets_are_shown_where_that_is_asked_for_and_a_key_never_is() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let tokens = [caller.create(), caller.create()];
    let secret: Vec<&str> =
        tokens.iter().flat_map(|token| [&token["token"], &token["url"]]).map(|it| it.as_str().unwrap()).collect();
    caller.clerk("GET", &format!("/v1/tickets/accept?ticket={}", secret[0]), "");
    // A user id and an actor with a key, a link or a ticket in each place that a text can have.
    let actor = json!({
        "sub": "sk_live_CANARY", "why": { "sk_live_CANARY": ["https://x.test/v1/tickets/accept?ticket=CANARY", secret[2]] },
    });
    let of_key =
        caller.clerk("POST", "/v1/actor_tokens", &json!({ "user_id": "sk_live_CANARY", "actor": actor }).to_string());
    let link = json!({ "user_id": secret[3], "actor": { "sub": secret[3] } }).to_string();
    let of_link = caller.clerk("POST", "/v1/actor_tokens", &link);
    let odd: Vec<String> = [of_key, of_link].iter().map(|it| it.json()["id"].as_str().unwrap().to_owned()).collect();
    let [accept_key, accept_link] = [0, 1].map(|at| format!("/_emulator/tokens/{}/accept", odd[at]));
    let end = format!("/_emulator/sessions/{}/end", fixture.clerk.sign_in("sk_live_CANARY").id());
    let third =
        caller.clerk("POST", "/v1/actor_tokens", &json!({ "user_id": "sk_live_CANARY", "actor": actor }).to_string());
    let revoke_key = format!("/_emulator/tokens/{}/revoke", third.json()["id"].as_str().unwrap());
    let users = json!({ "users": ["user_1", "sk_live_CANARY", secret[2], secret[3]] }).to_string();
    let redirects =
        r#"{"faults":["create:before_commit:redirect(302, https://sk_live_CANARY@x.test/?ticket=CANARY)"]}"#;
    caller.clerk("GET", "/v1/sk_live_CANARY?a=sk_live_CANARY", "");
    caller.clerk("sk_live_CANARY", "/v1/actor_tokens", "");
    let accept = format!("/_emulator/tokens/{}/accept", tokens[0]["id"].as_str().unwrap());
    let [open, revoke] =
        ["open", "revoke"].map(|what| format!("/_emulator/tokens/{}/{what}", tokens[1]["id"].as_str().unwrap()));
    let session = format!("/_emulator/sessions/{}", fixture.clerk.sign_in("sk_live_CANARY").id());
    let wrong = r#"{"faults": ["create:after_commit:sk_live_CANARY"], "sk_live_CANARY": 1}"#;
    let (mut everything, mut done) = (String::new(), 0);
    for (method, target, body) in [
        ("PUT", "/_emulator/users", users.as_str()),
        ("POST", "/_emulator/faults", redirects),
        ("POST", &accept_key, ""),
        ("POST", &accept_link, ""),
        ("POST", &revoke_key, ""),
        ("POST", &end, ""),
        ("GET", "/_emulator/state", ""),
        ("GET", "/_emulator/requests", ""),
        ("GET", "/_emulator/faults", ""),
        ("GET", "/_emulator/users", ""),
        ("GET", "/_emulator/health", ""),
        ("GET", "/_emulator/openapi.json", ""),
        ("GET", "/_emulator/state?sk_live_CANARY=1", ""),
        ("GET", "/_emulator/", ""),
        ("GET", &session, ""),
        ("GET", "/_emulator/sessions/sk_live_CANARY", ""),
        ("POST", &accept, ""),
        ("POST", &revoke, ""),
        ("POST", &open, ""),
        ("POST", "/_emulator/tokens/sk_live_CANARY/open", ""),
        ("POST", "/_emulator/tokens/sk_live_CANARY/revoke", ""),
        ("POST", "/_emulator/snapshots", ""),
        ("GET", "/_emulator/snapshots", ""),
        ("POST", "/_emulator/faults", wrong),
        ("POST", "/_emulator/faults", r#"{"faults": ["sk_live_CANARY:sk_live_CANARY:x"]}"#),
        ("POST", "/_emulator/tokens/sk_live_CANARY/accept", ""),
        ("POST", "/_emulator/sessions/sk_live_CANARY/end", ""),
        ("POST", "/_emulator/snapshots/sk_live_CANARY/restore", ""),
        ("POST", "/_emulator/snapshots/1/restore", ""),
        ("DELETE", "/_emulator/faults", ""),
        ("POST", "/_emulator/reset", "sk_live_CANARY"),
    ] {
        let answer = caller.ask(method, target, body);
        done += usize::from(answer.status == 200);
        everything.push_str(&format!("{}{}\n", answer.head, answer.body));
    }
    // What a browser gets: the page of a link, and of one that opens nothing.
    let unused = caller.create();
    let ticket = unused["token"].as_str().unwrap();
    for link in [format!("/v1/tickets/accept?ticket={ticket}"), format!("/v1/tickets/accept?ticket={}", secret[0])] {
        let headers = format!("host: {}\r\naccept: text/html\r\n", caller.host);
        let page = caller.send("GET", &link, &headers, b"");
        assert!(page.head.contains("content-type: text/html") && !page.body.contains("sk_test_emulator"));
        let parts = ticket.split('.').skip(1).chain([ticket]);
        assert!(!parts.into_iter().any(|part| page.body.contains(part)), "the page of a link has it");
        everything.push_str(&format!("{}{}\n", page.head, page.body));
    }
    assert!(!everything.contains("sk_test_emulator") && !everything.contains("CANARY"), "a key is shown");
    assert_eq!(done, 20, "not all of them were answered");
    assert!(!secret.iter().any(|secret| everything.contains(secret)), "a link or a ticket is shown");
    assert!(everything.contains("ticket=(redacted)"));

    let revealed = caller.ask("GET", "/_emulator/state?reveal=true", "").body;
    assert!(revealed.contains(r#""user_id":"sk_live_CANARY""#) && revealed.contains(r#""users":["#));
    assert!(secret.iter().all(|secret| revealed.contains(secret)));
    assert!(!revealed.contains("sk_test_emulator"));
    let requests = caller.ask("GET", "/_emulator/requests?reveal=true", "").body;
    assert!(requests.contains(r#""sub":"user_agent""#));
    // Beside the bodies, which are as they were sent.
    let mut requests: Value = serde_json::from_str(&requests).unwrap();
    for row in requests["requests"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("body");
    }
    let requests = requests.to_string();
    assert!(!requests.contains("sk_test_emulator") && !requests.contains("CANARY"));
    assert!(!secret.iter().any(|secret| requests.contains(secret)));
}
