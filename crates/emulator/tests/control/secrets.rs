//! No key, no link and no ticket is shown, but where it is asked for.

use crate::client::Fixture;

#[test]
fn links_and_tickets_are_shown_where_that_is_asked_for_and_a_key_never_is() {
    let fixture = Fixture::new();
    let mut caller = fixture.connect();
    let tokens = [caller.create(), caller.create()];
    let secret: Vec<&str> =
        tokens.iter().flat_map(|token| [&token["token"], &token["url"]]).map(|it| it.as_str().unwrap()).collect();
    caller.clerk("GET", &format!("/v1/tickets/accept?ticket={}", secret[0]), "");
    caller.clerk("POST", "/v1/actor_tokens", r#"{"user_id":"sk_live_CANARY","actor":{"sub":"sk_live_CANARY"}}"#);
    caller.clerk("GET", "/v1/sk_live_CANARY?a=sk_live_CANARY", "");
    let accept = format!("/_emulator/tokens/{}/accept", tokens[0]["id"].as_str().unwrap());
    let [open, revoke] =
        ["open", "revoke"].map(|what| format!("/_emulator/tokens/{}/{what}", tokens[1]["id"].as_str().unwrap()));
    let session = format!("/_emulator/sessions/{}", fixture.clerk.sign_in("sk_live_CANARY").id());
    let wrong = r#"{"faults": ["create:after_commit:sk_live_CANARY"], "sk_live_CANARY": 1}"#;
    let mut everything = String::new();
    for (method, target, body) in [
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
        ("POST", "/_emulator/reset", "sk_live_CANARY"),
    ] {
        let answer = caller.ask(method, target, body);
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
    // Users' ids are shown as they are: one that looks like a key is none.
    let shown = everything.replace(r#""user_id":"sk_live_CANARY""#, "").replace(r#""sub":"sk_live_CANARY""#, "");
    assert!(!shown.contains("sk_test_emulator") && !shown.contains("CANARY"), "a key is shown");
    assert!(!secret.iter().any(|secret| everything.contains(secret)), "a link or a ticket is shown");
    assert!(everything.contains("ticket=(redacted)"));

    let revealed = caller.ask("GET", "/_emulator/state?reveal=true", "").body;
    assert!(secret.iter().all(|secret| revealed.contains(secret)));
    assert!(!revealed.contains("sk_test_emulator"));
    let requests = caller.ask("GET", "/_emulator/requests?reveal=true", "").body;
    assert!(requests.contains(r#""sub":"user_agent""#));
    assert!(!requests.contains("sk_test_emulator") && !secret.iter().any(|secret| requests.contains(secret)));
}
