//! Pages from elsewhere, names that were bound to this machine, forms, and servers that others reach.

use serde_json::Value;

use crate::client::Fixture;

fn counts(fixture: &Fixture) -> Value {
    let state = fixture.connect().ask("GET", "/_emulator/state", "");
    assert_eq!(state.status, 200, "{state:?}");
    state.json()["counts"].clone()
}

#[test]
fn a_page_from_elsewhere_reads_and_changes_nothing() {
    let fixture = Fixture::new();
    let token = fixture.connect().create();
    let id = token["id"].as_str().unwrap();
    let session = fixture.clerk.sign_in("user_2");
    let before = counts(&fixture);
    let own = format!("host: {}\r\n", fixture.address);
    let port = fixture.address.rsplit(':').next().unwrap();
    let json = "content-type: application/json\r\n";
    let refused: Vec<(String, u16)> = vec![
        // A name that was bound to this address.
        (format!("host: attacker.test:{port}\r\n{json}"), 403),
        (format!("host: localhost.attacker.test\r\n{json}"), 403),
        (format!("host: 127.0.0.1.attacker.test:{port}\r\n{json}"), 403),
        (format!("host: 192.0.2.1\r\n{json}"), 403),
        (format!("host: \r\n{json}"), 400),
        (format!("{own}{own}{json}"), 400),
        (format!("host: attacker.test@{}\r\n{json}", fixture.address), 400),
        // A page of another origin.
        (format!("{own}origin: https://attacker.test\r\n{json}"), 403),
        (format!("{own}origin: null\r\n{json}"), 403),
        (format!("{own}origin: http://localhost:1\r\n{json}"), 403),
        // The same host, which speaks no such scheme.
        (format!("{own}origin: https://{}\r\n{json}", fixture.address), 403),
        (format!("{own}origin: ftp://{}\r\n{json}", fixture.address), 403),
        (format!("{own}origin: http://attacker@{}\r\n{json}", fixture.address), 403),
        (format!("{own}origin: http://{}\r\norigin: https://attacker.test\r\n{json}", fixture.address), 403),
        (format!("{own}sec-fetch-site: cross-site\r\n{json}"), 403),
        (format!("{own}sec-fetch-site: same-site\r\n{json}"), 403),
        (format!("{own}sec-fetch-site: none\r\nsec-fetch-site: cross-site\r\n{json}"), 403),
    ];
    for (headers, status) in &refused {
        for (method, target, body) in [
            ("GET", "state", ""),
            ("POST", "reset", ""),
            ("DELETE", "faults", "{}"),
            ("PUT", "users", r#"{"users":[]}"#),
            ("GET", "", ""),
            ("GET", "page.js", ""),
            ("GET", &format!("sessions/{}", session.id()), ""),
            ("POST", &format!("sessions/{}/end", session.id()), ""),
            ("POST", &format!("tokens/{id}/open"), ""),
            ("POST", &format!("tokens/{id}/revoke"), ""),
        ] {
            let answer = fixture.connect().send(method, &format!("/_emulator/{target}"), headers, body.as_bytes());
            assert_eq!(answer.status, *status, "{headers} {method} {target}");
            assert!(!answer.body.contains("act_") && answer.json()["error"].is_string(), "{answer:?}");
            assert!(!answer.head.contains("access-control") && !answer.head.contains("location:"), "{answer:?}");
        }
    }
    // What a form can send.
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""] {
        let headers = format!("{own}content-type: {kind}\r\n");
        let answer = fixture.connect().send("PUT", "/_emulator/users", &headers, br#"{"users":[]}"#);
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(counts(&fixture), before);
    // A program, and a page of the server itself.
    for headers in [
        own.clone(),
        format!("host: localhost:{port}\r\n"),
        "host: LOCALHOST\r\norigin: http://localhost\r\nsec-fetch-site: same-origin\r\n".to_owned(),
        format!("{own}sec-fetch-site: none\r\n"),
        format!("{own}origin: http://{}\r\n", fixture.address),
    ] {
        let answer = fixture.connect().send("GET", "/_emulator/health", &headers, b"");
        assert_eq!(answer.status, 200, "{headers}");
        for protection in ["cache-control: no-store", "x-frame-options: deny", "x-content-type-options: nosniff"] {
            assert!(answer.head.contains(protection), "{answer:?}");
        }
        assert!(answer.head.contains("content-security-policy: default-src 'none'; frame-ancestors 'none'"));
    }
}

/// What a browser sends when a person clicks a link on a page of another site.
const CLICK: &str = "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n\
                     sec-fetch-user: ?1\r\naccept: text/html,*/*;q=0.8\r\n";

#[test]
fn a_link_from_elsewhere_leads_to_the_pages_and_to_nothing_else() {
    let fixture = Fixture::new();
    let token = fixture.connect().create();
    let session = format!("sessions/{}", fixture.clerk.sign_in("user_2").id());
    let before = counts(&fixture);
    let own = format!("host: {}\r\n", fixture.address);
    let ask = |method: &str, target: &str, headers: &str| {
        fixture.connect().send(method, &format!("/_emulator{target}"), &format!("{own}{headers}"), b"")
    };
    let session = format!("/{session}");
    for page in ["", "/", &session] {
        let answer = ask("GET", page, CLICK);
        assert_eq!(answer.status, 200, "{page}: {answer:?}");
        for header in ["content-type: text/html", "x-frame-options: deny", "frame-ancestors 'none'"] {
            assert!(answer.head.contains(header), "{page}: {header}");
        }
        // A frame, a script or a picture of that site, and a form of it.
        for (from, to) in [
            ("dest: document", "dest: iframe"),
            ("dest: document", "dest: image"),
            ("dest: document\r\n", "dest: document\r\nsec-fetch-dest: iframe\r\n"),
            ("mode: navigate", "mode: no-cors"),
            ("sec-fetch-mode: navigate\r\n", ""),
            ("accept:", "origin: https://attacker.test\r\naccept:"),
        ] {
            assert_eq!(ask("GET", page, &CLICK.replacen(from, to, 1)).status, 403, "{page}: {to}");
        }
        for method in ["HEAD", "POST"] {
            assert_eq!(ask(method, page, CLICK).status, 403, "{method} {page}");
        }
    }
    let id = token["id"].as_str().unwrap();
    for (method, target) in [
        ("GET", "/state"),
        ("GET", "/requests?reveal=true"),
        ("GET", "/page.js"),
        ("GET", "/sessions/"),
        ("GET", "/sessions/a/b"),
        ("POST", "/reset"),
        ("POST", &format!("/tokens/{id}/open")),
        ("POST", &format!("{session}/end")),
    ] {
        // Who clicked sees why, as a page.
        let answer = ask(method, target, CLICK);
        assert_eq!(answer.status, 403, "{method} {target}");
        assert!(answer.head.contains("content-type: text/html") && !answer.head.contains("location:"), "{answer:?}");
        assert!(answer.body.contains("it comes from a page of another site") && !answer.body.contains("act_"));
    }
    assert_eq!(counts(&fixture), before);
    // The address that the server prints leads to the page, for a person: for a program it is one of Clerk's.
    let start = |method: &str, host: &str, headers: &str| {
        fixture.connect().send(method, "/", &format!("host: {host}\r\n{headers}"), b"")
    };
    let led = start("GET", &fixture.address, CLICK);
    assert!(led.status == 303 && led.head.contains("\r\nlocation: /_emulator/\r\n"), "{led:?}");
    assert_eq!(start("GET", &fixture.address, &CLICK.replace("document", "iframe")).status, 403);
    assert_eq!(start("GET", "attacker.test", CLICK).status, 403);
    assert_eq!(fixture.clerk.requests().len(), 1);
    assert_eq!(start("GET", &fixture.address, "").status, 401);
    assert_eq!(start("POST", &fixture.address, "accept: text/html\r\n").status, 401);
    // A name that was bound to this machine brings no page.
    let bound = fixture.connect().send("GET", "/_emulator/", &format!("host: attacker.test\r\n{CLICK}"), b"");
    assert!(bound.status == 403 && bound.head.contains("content-type: text/html"), "{bound:?}");
    for (target, status) in [("/nowhere", 404), ("/reset", 405)] {
        let shown = ask("GET", target, "accept: text/html\r\n");
        assert!(shown.status == status && shown.head.contains("content-type: text/html"), "{shown:?}");
        assert!(ask("GET", target, "").json()["error"].is_string());
    }
    // Whatever is refused, and by what.
    for (method, target) in [("POST", "/clock/advance"), ("GET", "/state?limit=0"), ("POST", "/tokens/act_1/accept")] {
        let shown = ask(method, target, "accept: text/html\r\n");
        assert!(shown.status >= 400 && shown.head.contains("content-type: text/html"), "{shown:?}");
        assert!(ask(method, target, "").json()["error"].is_string());
    }
}

#[test]
fn a_server_that_others_reach_has_it_only_on_request() {
    let status = |fixture: &Fixture, host: &str| {
        let headers = format!("host: {host}\r\nauthorization: Bearer sk_test_emulator\r\n");
        fixture.connect().send("GET", "/_emulator/health", &headers, b"").status
    };
    for without in [
        Fixture::with(|server| server.host("0.0.0.0")),
        Fixture::with(clerk_actor_tokens_emulator::Server::without_control),
    ] {
        // Who looks for it is not asked for a key, and hears where it is.
        for (target, accept) in [("/_emulator", "text/html"), ("/_emulator/", "*/*"), ("/_emulator/reset", "*/*")] {
            for method in ["GET", "POST"] {
                let headers = format!("host: localhost\r\naccept: {accept}\r\n");
                let answer = without.connect().send(method, target, &headers, b"");
                assert_eq!(answer.status, 404, "{method} {target}: {answer:?}");
                // Also for a browser: a page would load files that are not there.
                assert!(answer.json()["error"].as_str().unwrap().contains("--control-host"), "{answer:?}");
            }
        }
        assert_eq!((status(&without, "localhost"), without.clerk.requests().len()), (404, 0));
        // Nor is there a page to lead to.
        let start = without.connect().send("GET", "/", "host: localhost\r\naccept: text/html\r\n", b"");
        assert_eq!((start.status, without.clerk.requests().len()), (401, 1));
    }
    let open = Fixture::with(|server| server.host("0.0.0.0").control_host("clerk-emulator"));
    for (host, expected) in [("clerk-emulator:4010", 200), ("localhost", 200), ("another", 403)] {
        assert_eq!(status(&open, host), expected, "{host}");
    }
    assert_eq!(status(&Fixture::with(|server| server.host("localhost")), "localhost"), 200);
    assert_eq!(status(&Fixture::with(|server| server.host("127.0.0.2")), "127.0.0.2"), 200);
}
