//! Each setting by what an answer shows of it.

use crate::running::{GOOD, Running, body, claims, id_of, link, open, run, status};

#[test]
fn what_is_set_is_what_the_emulator_does() {
    let body = |text: &str| format!(r#"{{"user_id":"user_1","actor":{{"sub":"a"}}{text}}}"#);
    let table: [(&[&str], String, u16); 11] = [
        (&[], body(""), 200),
        (&["--user", "user_2"], body(""), 404),
        (&["--user", "user_2", "--user", "user_1"], body(""), 200),
        (&["--plan-without-impersonation"], body(""), 402),
        (&["--quota", "0"], body(""), 422),
        (&["--quota", "0", "--quota-counted", "accept", "--quota-exempts-development"], body(""), 200),
        (&["--rate-limit", "0/10s"], body(""), 429),
        (&["--allow-empty-sub"], r#"{"user_id":"user_1","actor":{"sub":""}}"#.to_owned(), 200),
        (&["--refuse-self-impersonation"], r#"{"user_id":"a","actor":{"sub":"a"}}"#.to_owned(), 422),
        (&["--max-expires-in", "1m"], body(r#","expires_in_seconds":61"#), 422),
        (&["--max-session-duration", "60s"], body(r#","session_max_duration_in_seconds":61"#), 422),
    ];
    for (options, body, expected) in table {
        let answer = Running::start(options).post("/v1/actor_tokens", "sk_test_emulator", &body);
        assert_eq!(status(&answer), expected, "{options:?}");
    }
    let wrong = body(r#","expires_in_seconds":"x""#);
    for (option, expected) in [("param-invalid", 422), ("body-invalid", 400)] {
        let answer = Running::start(&["--wrong-type", option]).post("/v1/actor_tokens", "sk_test_emulator", &wrong);
        assert_eq!(status(&answer), expected, "{option}");
    }
    let server = Running::start(&["--frontend-api", "clerk.example.test", "--revoke-without-link"]);
    let created = server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    assert!(created.contains("https://clerk.example.test/v1/tickets/accept?ticket="));
    let at = created.find("\"id\":\"").unwrap() + 6;
    let path = format!("/v1/actor_tokens/{}/revoke", &created[at..at + 31]);
    assert!(!server.post(&path, "sk_test_emulator", "").contains("ticket="));
    for rate in ["", "1", "1/0s", "x/1s", "1/x", "-1/1s", "1/1", "1/1s/1s", "1/500us"] {
        assert_eq!(run(&["--rate-limit", rate]).0, Some(2), "{rate}");
    }
    // A time without its unit could be one of two.
    for time in ["", "0", "60", "s", "500us", "-1s", "1.5x", "999999999999999999999h"] {
        for option in ["--idle-timeout", "--max-expires-in", "--list-delay"] {
            let (code, _, stderr) = run(&[&format!("{option}={time}")]);
            assert!(
                code == Some(2) && stderr.contains("with the unit, as ") && stderr.contains("30s or 1h"),
                "{option} {time}: {stderr}"
            );
        }
    }
    // Clerk counts these in seconds.
    for option in ["--max-expires-in", "--max-session-duration"] {
        let (code, _, stderr) = run(&[&format!("{option}=1500ms")]);
        assert!(code == Some(2) && stderr.contains("it is whole seconds"), "{option}: {stderr}");
    }
}

#[test]
fn it_explains_where_each_behaviour_is_known_from() {
    let (code, stdout, stderr) = run(&["--explain"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let help = run(&["--help"]).1;
    for behaviour in clerk_actor_tokens_emulator::behaviours() {
        assert!(stdout.contains(behaviour.what()) && stdout.contains(behaviour.source()), "{}", behaviour.what());
        if let Some(setting) = behaviour.setting() {
            let option = format!("--{}", setting.replace('_', "-"));
            assert!(stdout.contains(&option) && help.contains(&option), "{option}");
        }
    }
    for kind in ["Clerk's OpenAPI description\n", "Clerk's documentation\n", "Clerk's published clients\n", "open\n"] {
        assert!(stdout.contains(&format!("\n{kind}  - ")), "{kind}");
    }
}

#[test]
fn a_link_is_opened_at_the_server_that_made_it() {
    let server = Running::start(&["--application-url", "http://localhost:3000"]);
    let (path, ticket) = link(&server);
    let first = server.send("GET", &path, "", "");
    assert_eq!(status(&first), 303);
    assert!(first.contains(&format!("location: http://localhost:3000/sign-in?__clerk_ticket={ticket}\r\n")));
    let form = format!("strategy=ticket&ticket={ticket}");
    let second = server.send("POST", "/v1/client/sign_ins", "", &form);
    assert!(second.contains("set-cookie: __session=ey") && second.contains("set-cookie: __client_uat="));
    let claims = claims(body(&second)["client"]["sessions"][0]["last_active_token"]["jwt"].as_str().unwrap());
    assert_eq!((&claims["iss"], &claims["azp"]), (&server.url.as_str().into(), &"http://localhost:3000".into()));
    assert_eq!(status(&server.send("POST", "/v1/client/sign_ins", "", &form)), 400);
    // The ticket is signed by the key of the server's key set.
    let keys = body(&server.send("GET", "/.well-known/jwks.json", "", ""));
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_aud = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    assert!(jsonwebtoken::decode::<serde_json::Value>(&ticket, &key, &validation).is_ok());
    assert!(server.get("/v1/sessions?user_id=user_1").contains("\"status\":\"active\""));
}

#[test]
fn what_is_set_of_sessions_is_what_the_emulator_does() {
    let list = |server: &Running, more: &str| body(&server.get(&format!("/v1/sessions?user_id=user_1{more}")));
    let revoke =
        |server: &Running, id: &str| status(&server.post(&format!("/v1/sessions/{id}/revoke"), "sk_test_emulator", ""));
    let server = Running::start(&[
        "--users-with-tasks=user_1",
        "--accept-pending-filter",
        "--sessions-drop-actor-keys",
        "--second-session=replaces",
        "--revoke-over-session=404",
        "--token-version=1",
        "--add-claims=jti",
        "--add-claims=act.sid",
        "--inactive-as=abandoned",
        "--fault=session_list:before_commit:status(503)",
    ]);
    assert_eq!(status(&server.get("/v1/sessions?user_id=user_1")), 503);
    let (first, second) = (open(&server), open(&server));
    let pending = list(&server, "&status=pending");
    assert_eq!(pending.as_array().unwrap().len(), 1);
    assert_eq!(
        (&pending[0]["id"], &pending[0]["actor"]),
        (&second.as_str().into(), &serde_json::json!({ "sub": "user_agent" }))
    );
    assert_eq!(revoke(&server, &first), 404);
    let token = body(&server.send("POST", &format!("/v1/client/sessions/{second}/tokens"), "", ""));
    let claims = claims(token["jwt"].as_str().unwrap());
    assert_eq!((claims.get("v"), claims["jti"].is_string(), claims["act"]["sid"].is_string()), (None, true, true));
    assert_eq!(claims["act"].get("iss"), None);

    let server = Running::start(&["--keep-over-sessions=0s", "--ticket-used-by=get"]);
    let id = open(&server);
    assert_eq!((list(&server, "").as_array().unwrap().len(), revoke(&server, &id)), (1, 200));
    assert_eq!(list(&server, "").as_array().unwrap().len(), 0);
    let (path, _) = link(&server);
    assert_eq!([(); 2].map(|()| status(&server.send("GET", &path, "", ""))), [200, 400]);

    let server = Running::start(&["--list-delay=1h"]);
    open(&server);
    assert_eq!(list(&server, "").as_array().unwrap().len(), 0);

    for (url, why) in [
        ("localhost:3000", "no scheme"),
        ("ftp://app.test", "neither http nor https"),
        ("https://user:CANARY@app.test", "user info"),
        ("https://app.test?a", "a query"),
    ] {
        let (code, _, stderr) = run(&["--application-url", url]);
        assert_eq!(code, Some(2), "{url}");
        assert!(stderr.contains("--application-url") && stderr.contains(why) && !stderr.contains("CANARY"), "{stderr}");
    }
    for wrong in ["--inactive-as=active", "--revoke-over-session=500", "--token-version=3", "--second-session=x"] {
        assert_eq!(run(&[wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn it_signs_with_the_key_in_a_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promises/another_signing_key.pem");
    let modulus = |options: &[&str]| body(&Running::start(options).get("/v1/jwks"))["keys"][0]["n"].clone();
    let own = modulus(&["--signing-key", file]);
    assert!(own.is_string());
    assert_ne!(own, modulus(&[]));
    for (file, why) in
        [("/nowhere/key.pem", "No such file"), (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "RSA private key")]
    {
        let (code, stdout, stderr) = run(&["--signing-key", file]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.starts_with(&format!("error: --signing-key {file}: ")) && stderr.contains(why), "{stderr}");
    }
}

#[test]
fn the_origin_of_the_links_can_be_set() {
    for (set, origin) in [
        ("clerk.example.com", "https://clerk.example.com"),
        ("http://clerk-emulator:4010", "http://clerk-emulator:4010"),
        ("https://clerk.example.com/", "https://clerk.example.com"),
    ] {
        let server = Running::start(&["--frontend-api", set]);
        let created = body(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
        let url = created["url"].as_str().unwrap();
        assert!(url.starts_with(&format!("{origin}/v1/tickets/accept?ticket=")), "{set}");
    }
    for refused in ["ftp://clerk.example.com", "http://", "http://user@clerk.example.com", "clerk.example.com/path"] {
        let (code, stdout, stderr) = run(&["--frontend-api", refused]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{refused}");
        assert!(stderr.contains("it is a host, or http:// or https:// before a host"), "{stderr}");
    }
}

#[test]
fn it_keeps_as_many_tokens_as_it_is_told() {
    let server = Running::start(&["--keep-tokens", "1"]);
    let created: Vec<_> = (0..2).map(|_| id_of(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD))).collect();
    let revoke = |id: &String| status(&server.post(&format!("/v1/actor_tokens/{id}/revoke"), "sk_test_emulator", ""));
    assert_eq!((revoke(&created[0]), revoke(&created[1])), (404, 200));
    let (code, _, stderr) = run(&["--keep-tokens", "0"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(run(&["--help"]).1.contains("[default: 10000]"));
}
