//! Session tokens, signed tickets and opening a link as a browser does: what comes verifies with another library.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clerk_actor_tokens_core::{Actor, Request, Response};
use clerk_actor_tokens_emulator::{Emulator, EmulatorBuilder, ExtraClaim, TicketUsedBy};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{create, get, json, post, send, with_header, without_header};

/// Another key, in PKCS#1: made for this test alone.
const ANOTHER_KEY: &str = include_str!("another_signing_key.pem");

fn keys(clerk: &Emulator) -> JwkSet {
    let open = without_header(get("/.well-known/jwks.json"), "authorization");
    let [with_key, without] = [get("/v1/jwks"), open].map(|request| send(clerk, request));
    assert_eq!((with_key.status(), with_key.body()), (without.status(), without.body()));
    serde_json::from_slice(without.body()).unwrap()
}

fn verified(token: &str, keys: &JwkSet, expires: bool) -> Result<Value, ErrorKind> {
    let mut validation = Validation::new(Algorithm::RS256);
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (expires, expires, false);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    decode::<Value>(token, &key, &validation).map(|data| data.claims).map_err(|error| error.into_kind())
}

fn opened(clerk: &Emulator) -> String {
    let actor = Actor::new("user_agent").with("attempt", "stamp");
    clerk.sign_in_as("user_1", &actor).id().to_owned()
}

#[test]
fn a_session_token_verifies_with_the_key_set_and_nothing_else_does() {
    let clerk = Emulator::builder().real_time().build();
    let id = opened(&clerk);
    let token = clerk.session_token(&id).unwrap();
    let keys_of_clerk = keys(&clerk);
    let claims = verified(token.expose(), &keys_of_clerk, true).unwrap();
    assert_eq!(claims["sid"], json!(id));

    // Each byte that is not of the header: another letter makes it another token, or none.
    let start = token.expose().find('.').unwrap() + 1;
    for place in start..token.expose().len() {
        let mut bytes = token.expose().as_bytes().to_vec();
        // The last letter of a part has bits that base64url does not use.
        let is_last = place + 1 == bytes.len() || bytes[place + 1] == b'.';
        if bytes[place] == b'.' || is_last {
            continue;
        }
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verified(&changed, &keys_of_clerk, true).is_err(), "{place}");
    }
    let another = Emulator::builder().real_time().signing_key_pem(ANOTHER_KEY).unwrap().build();
    assert_eq!(verified(token.expose(), &keys(&another), true), Err(ErrorKind::InvalidSignature));
    let of_another = another.session_token(&opened(&another)).unwrap();
    assert_eq!(verified(of_another.expose(), &keys_of_clerk, true), Err(ErrorKind::InvalidSignature));
    assert!(verified(of_another.expose(), &keys(&another), true).is_ok());
    // Virtual time is past.
    let clerk = Emulator::new();
    let expired = clerk.session_token(&opened(&clerk)).unwrap();
    assert_eq!(verified(expired.expose(), &keys(&clerk), true), Err(ErrorKind::ExpiredSignature));
}

/// By a library in another language: OpenSSL's command.
#[test]
#[ignore = "needs the command openssl: `.ci/full` runs it"]
fn openssl_verifies_a_session_token_and_a_ticket_and_no_changed_one() {
    let clerk = Emulator::builder().signed_tickets().build();
    let token = clerk.session_token(&opened(&clerk)).unwrap().expose().to_owned();
    let link = link(&clerk);
    let folder = std::env::temp_dir().join(format!("emulator-openssl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let key = file("key.pem", clerk.public_key_pem().as_bytes());
    let is_verified = |token: &str| {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (signed, signature) =
            (file("signed", signed.as_bytes()), file("signature", &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        let mut openssl = std::process::Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-verify"]).arg(&key).arg("-signature").arg(signature).arg(signed);
        openssl.output().unwrap().status.success()
    };
    let verified =
        [token.as_str(), ticket(&link)].map(|token| (is_verified(token), is_verified(&token.replacen('.', "x.", 1))));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(verified, [(true, false); 2]);
}

#[test]
fn a_session_token_has_the_claims_of_its_version() {
    type Set = fn(EmulatorBuilder) -> EmulatorBuilder;
    let table: [(Set, Value); 3] = [
        (|it| it, json!({ "v": 2 })),
        (|it| it.token_version(1), json!({})),
        (|it| it.application_url("http://localhost:3000/app"), json!({ "v": 2, "azp": "http://localhost:3000" })),
    ];
    for (set, more) in table {
        let clerk = set(Emulator::builder()).build();
        let id = opened(&clerk);
        clerk.advance(Duration::from_secs(125));
        let token = clerk.session_token(&id).unwrap();
        let keys = keys(&clerk);
        let header = decode_header(token.expose()).unwrap();
        assert_eq!((header.alg, header.kid.as_ref()), (Algorithm::RS256, keys.keys[0].common.key_id.as_ref()));
        let raw = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
        let raw: Value = serde_json::from_slice(&raw).unwrap();
        assert_eq!((&raw["typ"], &raw["cat"]), (&json!("JWT"), &json!("cl_B7d4PD111AAA")));
        let iat = 1_767_225_600 + 125;
        let mut expected = json!({
            "iss": "https://clerk.emulator.test", "sub": "user_1", "sid": id, "iat": iat, "nbf": iat - 10,
            "exp": iat + 60, "fva": [2, -1], "sts": "active", "act": { "sub": "user_agent", "attempt": "stamp" },
        });
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(verified(token.expose(), &keys, false).unwrap(), expected);
    }
    let clerk = Emulator::builder().users_with_tasks(["user_2"]).build();
    let ordinary = clerk.session_token(clerk.sign_in("user_2").id()).unwrap();
    let claims = verified(ordinary.expose(), &keys(&clerk), false).unwrap();
    assert_eq!((claims.get("act"), &claims["sts"]), (None, &json!("pending")));
}

#[test]
fn extra_claims_are_added_and_replace_none() {
    let clerk = Emulator::builder().add_claims([ExtraClaim::Jti, ExtraClaim::ActIss, ExtraClaim::ActSid]).build();
    let keys = keys(&clerk);
    let actor = Actor::new("user_agent").with("iss", "own");
    let of = |id: &str| verified(clerk.session_token(id).unwrap().expose(), &keys, false).unwrap();
    let session = clerk.sign_in_as("user_1", &actor);
    let [first, second] = [of(session.id()), of(session.id())];
    assert_eq!(first["act"]["iss"], "own");
    assert!(first["act"]["sid"].as_str().unwrap().starts_with("sess_"));
    assert_eq!(first["act"]["sid"], second["act"]["sid"]);
    assert_ne!(first["jti"], second["jti"]);
    assert_eq!(of(clerk.sign_in("user_1").id()).get("act"), None);
}

#[test]
fn the_backend_api_makes_tokens_of_any_length_that_clerk_allows() {
    let clerk = Emulator::builder().application_url("https://app.test").build();
    let (id, keys) = (opened(&clerk), keys(&clerk));
    let tokens = |id: &str, body: &str| send(&clerk, post(&format!("/v1/sessions/{id}/tokens"), body.to_owned()));
    for (body, lifetime) in [
        ("", 60),
        ("null", 60),
        ("{}", 60),
        (r#"{"expires_in_seconds":null}"#, 60),
        (r#"{"expires_in_seconds":30}"#, 30),
        (r#"{"expires_in_seconds":315360000}"#, 315_360_000),
    ] {
        let answer = json(&tokens(&id, body));
        assert_eq!(answer["object"], "token");
        let claims = verified(answer["jwt"].as_str().unwrap(), &keys, false).unwrap();
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), lifetime, "{body}");
        assert_eq!((claims.get("azp"), &claims["fva"]), (None, &json!([99_999, -1])));
    }
    for (body, status) in [
        (r#"{"expires_in_seconds":29}"#, 422),
        (r#"{"expires_in_seconds":315360001}"#, 422),
        (r#"{"expires_in_seconds":"60"}"#, 422),
        (r#"{"expires_in":60}"#, 422),
        ("[]", 400),
        ("{", 400),
    ] {
        assert_eq!(tokens(&id, body).status(), status, "{body}");
    }
    let keyless = without_header(post(&format!("/v1/sessions/{id}/tokens"), ""), "authorization");
    assert_eq!(send(&clerk, keyless).status(), 401);
    assert_eq!(tokens("sess_1", "").status(), 404);
    clerk.end_session(&id, "ended");
    assert_eq!(tokens(&id, "").status(), 400);
}

#[test]
fn the_key_set_needs_the_key_at_the_backend_alone_and_counts_against_no_limit() {
    let clerk = Emulator::builder().rate_limit(1, Duration::from_secs(10)).build();
    assert_eq!(send(&clerk, without_header(get("/v1/jwks"), "authorization")).status(), 401);
    (0..3).for_each(|_| drop(keys(&clerk)));
    let set = json(&send(&clerk, get("/v1/jwks")));
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    let key = &set["keys"][0];
    assert_eq!([&key["use"], &key["kty"], &key["alg"], &key["e"]], ["sig", "RSA", "RS256", "AQAB"]);
    assert!(clerk.public_key_pem().ends_with("-----END PUBLIC KEY-----\n"));
}

fn link(clerk: &Emulator) -> String {
    let body = json!({ "user_id": "user_1", "actor": { "sub": "user_agent", "attempt": "stamp" } });
    json(&send(clerk, create(body)))["url"].as_str().unwrap().to_owned()
}

fn ticket(link: &str) -> &str {
    link.split_once("ticket=").unwrap().1
}

/// As a browser sends it: no secret key.
fn browse(clerk: &Emulator, request: Request) -> Response {
    send(clerk, without_header(request, "authorization"))
}

fn open(clerk: &Emulator, ticket: &str) -> Response {
    browse(clerk, with_header(get(&format!("/v1/tickets/accept?ticket={ticket}")), "accept", "application/json"))
}

fn sign_in(clerk: &Emulator, ticket: &str) -> Response {
    browse(clerk, post("/v1/client/sign_ins", format!("strategy=ticket&ticket={ticket}")))
}

fn code(response: &Response) -> String {
    json(response)["errors"][0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_signed_ticket_verifies_and_is_otherwise_what_the_contract_says() {
    let clerk = Emulator::builder().signed_tickets().build();
    let link = link(&clerk);
    let raw = URL_SAFE_NO_PAD.decode(ticket(&link).split('.').next().unwrap()).unwrap();
    assert_eq!(raw, br#"{"alg":"RS256","typ":"JWT"}"#);
    let claims = verified(ticket(&link), &keys(&clerk), false).unwrap();
    let expected = json!({
        "eis": 3600, "exp": 1_767_229_200, "iid": keys(&clerk).keys[0].common.key_id, "st": "actor_token",
        "sid": clerk.ledger()[0].id().as_str(),
    });
    assert_eq!(claims, expected);
    assert_eq!(verified(ticket(&link), &keys(&clerk), true), Err(ErrorKind::ExpiredSignature));
    let plain = Emulator::new();
    let unsigned = self::link(&plain);
    assert_eq!(verified(ticket(&unsigned), &keys(&plain), false), Err(ErrorKind::InvalidSignature));
}

#[test]
fn a_link_is_opened_in_two_steps() {
    let clerk = Emulator::builder().application_url("http://localhost:3000/").build();
    let link = link(&clerk);
    let first = open(&clerk, ticket(&link));
    assert_eq!(first.status(), 303);
    let location = format!("http://localhost:3000/sign-in?__clerk_ticket={}", ticket(&link));
    assert_eq!(first.headers()["location"], location.as_str());
    // With more around it, the application gets the ticket and no more.
    let around = format!("https%3A%2F%2Felsewhere.test%2F%3Fx%26ticket%3D{}%26next%3Dx%23y", ticket(&link));
    assert_eq!(open(&clerk, &around).headers()["location"], location.as_str());
    clerk.assert_live_sessions(0);

    let second = sign_in(&clerk, ticket(&link));
    let answer = json(&second);
    let id = answer["response"]["created_session_id"].as_str().unwrap();
    assert_eq!(
        (&answer["response"]["object"], &answer["response"]["status"]),
        (&json!("sign_in_attempt"), &json!("complete"))
    );
    let session = &answer["client"]["sessions"][0];
    assert_eq!((&session["id"], &session["actor"]["attempt"]), (&json!(id), &json!("stamp")));
    assert_eq!(session["client_id"], answer["client"]["id"]);
    let jwt = session["last_active_token"]["jwt"].as_str().unwrap();
    assert_eq!(verified(jwt, &keys(&clerk), false).unwrap()["sid"], json!(id));
    let cookies: Vec<_> = second.headers().get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies[0].starts_with(&format!("__session={jwt}; Path=/")) && cookies[0].ends_with("; Secure"));
    assert!(cookies[1].starts_with("__client_uat=1767225600; "));
    clerk.assert_live_sessions(1);
    for again in [open(&clerk, ticket(&link)), sign_in(&clerk, ticket(&link))] {
        assert_eq!((again.status().as_u16(), code(&again).as_str()), (400, "actor_token_already_used_code"));
    }
}

#[test]
fn a_ticket_that_opens_nothing_has_clerks_error_at_both_steps() {
    let clerk = Emulator::builder().signed_tickets().build();
    let [used, revoked, expired] = ["", "", ""].map(|_| link(&clerk));
    clerk.accept_url(&used).unwrap();
    let id = clerk.ledger()[1].id().as_str().to_owned();
    send(&clerk, crate::support::revoke(&id));
    clerk.advance(Duration::from_secs(3600));
    let forged = expired.replace(".ey", ".eY");
    let table = [
        (ticket(&used), "actor_token_already_used_code"),
        (ticket(&revoked), "actor_token_revoked_code"),
        (ticket(&expired), "ticket_expired_code"),
        (ticket(&forged), "ticket_invalid_code"),
        ("x", "ticket_invalid_code"),
    ];
    for (ticket, wanted) in table {
        for response in [open(&clerk, ticket), sign_in(&clerk, ticket)] {
            assert_eq!((response.status().as_u16(), code(&response).as_str()), (400, wanted));
        }
    }
    assert_eq!(code(&browse(&clerk, get("/v1/tickets/accept"))), "ticket_invalid_code");
    for (form, parameter) in [("", "strategy"), ("strategy=password", "strategy"), ("strategy=ticket", "ticket")] {
        let response = browse(&clerk, post("/v1/client/sign_ins", form));
        assert_eq!(
            (response.status().as_u16(), &json(&response)["errors"][0]["meta"]["param_name"]),
            (422, &json!(parameter))
        );
    }
    clerk.assert_live_sessions(0);
}

#[test]
fn the_step_that_uses_a_ticket_up_can_be_set() {
    for (used_by, opens_again, revokes) in [(TicketUsedBy::Get, 400, 400), (TicketUsedBy::Post, 200, 200)] {
        let clerk = Emulator::builder().ticket_used_by(used_by).build();
        let [scanned, revoked] = ["", ""].map(|_| link(&clerk));
        assert_eq!([open(&clerk, ticket(&scanned)).status(), open(&clerk, ticket(&revoked)).status()], [200, 200]);
        assert_eq!(open(&clerk, ticket(&scanned)).status(), opens_again);
        let id = clerk.ledger()[1].id().as_str().to_owned();
        assert_eq!(send(&clerk, crate::support::revoke(&id)).status(), revokes);
        // The browser that opened it may sign in, once.
        assert_eq!(sign_in(&clerk, ticket(&scanned)).status(), 200);
        assert_eq!(code(&sign_in(&clerk, ticket(&scanned))), "actor_token_already_used_code");
        clerk.assert_live_sessions(1);
    }
    let clerk = Emulator::builder().ticket_used_by(TicketUsedBy::Get).build();
    let late = link(&clerk);
    assert_eq!(open(&clerk, ticket(&late)).status(), 200);
    clerk.advance(Duration::from_secs(3600));
    assert_eq!(sign_in(&clerk, ticket(&late)).status(), 400);
    clerk.assert_live_sessions(0);
}

#[test]
fn without_an_application_a_link_says_whom_it_signs_in() {
    let clerk = Emulator::new();
    let link = link(&clerk);
    let said = json(&open(&clerk, ticket(&link)));
    let actor = json!({ "sub": "user_agent", "attempt": "stamp" });
    assert_eq!(said, json!({ "user_id": "user_1", "actor": actor, "expires_at": 1_767_229_200_000_i64 }));
    let text = browse(&clerk, get(&format!("/v1/tickets/accept?ticket={}", ticket(&link))));
    let text = String::from_utf8(text.body().to_vec()).unwrap();
    assert_eq!(
        text,
        "This link signs in as the user \"user_1\", by \"user_agent\", until Thu, 01 Jan 2026 01:00:00 GMT.\n"
    );
}

#[test]
fn a_browser_keeps_its_session_alive_and_ends_it() {
    let clerk = Emulator::new();
    let answer = json(&sign_in(&clerk, ticket(&link(&clerk))));
    let id = answer["response"]["created_session_id"].as_str().unwrap();
    let call = |what: &str| browse(&clerk, post(&format!("/v1/client/sessions/{id}/{what}"), ""));
    clerk.advance(Duration::from_secs(599));
    let touched = json(&call("touch"));
    assert_eq!(touched["response"]["last_active_at"], json!(1_767_226_199_000_i64));
    clerk.advance(Duration::from_secs(599));
    let token = json(&call("tokens"));
    assert_eq!(
        (&token["object"], verified(token["jwt"].as_str().unwrap(), &keys(&clerk), false).is_ok()),
        (&json!("token"), true)
    );
    let ended = call("end");
    assert_eq!(json(&ended)["response"]["status"], "ended");
    assert_eq!(json(&ended)["client"]["sessions"], json!([]));
    assert!(ended.headers().get_all("set-cookie").iter().any(|it| it == "__session=; Path=/; Max-Age=0"));
    for what in ["touch", "tokens", "end"] {
        let response = call(what);
        assert_eq!(
            (response.status().as_u16(), code(&response).as_str()),
            (400, "invalid_action_for_session"),
            "{what}"
        );
        let unknown = browse(&clerk, post(&format!("/v1/client/sessions/sess_1/{what}"), ""));
        assert_eq!(unknown.status(), 404, "{what}");
    }
    clerk.assert_ended_sessions(1);
}

/// Nothing that can be printed has a ticket, a token, a cookie or a key in it.
#[test]
fn no_credential_is_printed_or_recorded() {
    let clerk = Emulator::builder().signed_tickets().application_url("https://app.test").build();
    let link = link(&clerk);
    let first = open(&clerk, ticket(&link));
    let second = sign_in(&clerk, ticket(&link));
    let answer = json(&second);
    let jwt = answer["client"]["sessions"][0]["last_active_token"]["jwt"].as_str().unwrap().to_owned();
    let id = answer["response"]["created_session_id"].as_str().unwrap().to_owned();
    let with_cookie =
        with_header(post(&format!("/v1/client/sessions/{id}/touch"), ""), "cookie", &format!("__session={jwt}"));
    browse(
        &clerk,
        with_header(with_cookie, "referer", &format!("https://app.test/sign-in?__clerk_ticket={}", ticket(&link))),
    );
    browse(&clerk, get(&format!("/v1/tickets/accept?tic%6bet={}&a=b", ticket(&link))));
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_live_sessions(9))).unwrap_err();
    let requests = clerk.requests();
    let recorded: Vec<_> =
        requests.iter().map(|it| format!("{it:?} {:?} {:?} {:?}", it.query(), it.headers(), it.json())).collect();
    let texts = [
        failed.downcast_ref::<String>().unwrap().clone(),
        format!("{clerk:?} {:?} {:?} {:?}", clerk.sessions(), clerk.ledger(), clerk.session_token(&id)),
        format!("{:?}", Emulator::builder().signing_key_pem(ANOTHER_KEY)),
        format!("{:?} {:?}", first.headers(), second.headers()),
        recorded.join("\n"),
    ];
    assert_eq!(requests[1].query(), Some("ticket=(redacted)"));
    assert_eq!(requests[4].query(), Some("tic%6bet=(redacted)&a=b"));
    let key = ANOTHER_KEY.lines().nth(1).unwrap();
    for (index, text) in texts.iter().enumerate() {
        for secret in [ticket(&link), &jwt, key] {
            let parts = secret.split('.').skip(1);
            for part in parts.chain([secret]) {
                assert!(!text.contains(part), "{index}");
            }
        }
    }
}
