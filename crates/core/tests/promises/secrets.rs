//! No secret reaches a log: whatever holds one, neither its `Debug` nor its `Display` shows it, and nothing panics.
//!
//! The canary is in three secrets: the key, the ticket, and the sign-in link. Each is put wherever a client can
//! meet it: where it belongs, and where a confused server, proxy, transport or user may put it.

use std::{
    error::Error as StdError,
    fmt::{self, Debug, Display},
};

use clerk_actor_tokens_core::{
    Actor, ActorTokenId, ActorTokenStatus, Client, CreateActorToken, Error, ErrorCode, InvalidKey, InvalidRequest,
    Operation, ParseError, Response, RetryPolicy, RevokeActorToken, Sanitized, SecretKey, SignInUrl, Ticket,
    TransportError, TransportErrorKind, credentials_fn, http::HeaderValue, middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, ID, Op, Play, SESSION, Scripted, USER, builder, cannot_be_revoked, ok, response, run, test_key, token_json,
    with,
};
use serde_json::{Value, json};

const SECRETS: [&str; 9] = [
    "sk_live_CANARYcanary0123456789",
    "sk_test_CANARYcanary0123456789",
    "eyJCANARYhbGciOiJSUzI1NiJ9.eyJlaXMiOjM2MDBCANARY.c2lnbmF0dXJlCANARY",
    "https://clerk.example.com/v1/tickets/accept?ticket=eyJCANARYhbGciOiJSUzI1NiJ9.eyJCANARYaXMiOjM2MDB9.CANARY",
    "https://clerk.example.com/v1/tickets/accept?ticket=CANARY",
    "sk_live_CANARY(CANARY)",
    "sk%5Flive%5fCANARYcanary0123456789",
    "SK_LIVE%255FCANARYcanary0123456789",
    "https://clerk.example.com/v1/tickets/accept%3Fticket%3dCANARY",
];

#[track_caller]
fn assert_hidden(text: &str, what: &dyn Display) {
    assert!(!text.to_ascii_lowercase().contains("canary"), "{what}: a secret is shown");
}

#[track_caller]
fn assert_debug_hides(value: &dyn Debug, what: &dyn Display) {
    assert_hidden(&format!("{value:?}"), what);
    assert_hidden(&format!("{value:#?}"), what);
}

/// `Debug` shows the chain of causes, each masked. The causes themselves stay whole for a caller that downcasts them.
#[track_caller]
fn assert_error_hides(error: &Error, what: &dyn Display) {
    assert_debug_hides(error, what);
    assert_hidden(&error.to_string(), what);
    assert_hidden(error.advice(), what);
    for attempt in error.attempts() {
        assert_debug_hides(attempt, what);
    }
    for entry in error.api_errors() {
        assert_debug_hides(entry, what);
        assert_hidden(&entry.code().to_string(), what);
        assert_debug_hides(entry.code(), what);
    }
    if let Some(state) = error.token_status() {
        assert_debug_hides(&state, what);
        assert_hidden(&state.to_string(), what);
    }
    if let Some(invalid) = error.invalid_request() {
        assert_debug_hides(invalid, what);
        assert_hidden(&invalid.to_string(), what);
    }
}

/// Each call, over a transport that plays this; a success must hide its secrets as well as a failure.
#[track_caller]
fn assert_calls_hide(play: impl Fn() -> Play + Send + Sync + Clone + 'static, what: &dyn Display) {
    for op in Op::BOTH.into_iter().chain(Op::SESSIONS) {
        let play = play.clone();
        let client = builder(move |_| play()).retry(RetryPolicy::none()).build().unwrap();
        let tokens = client.actor_tokens();
        match op {
            Op::Create => {
                let call = tokens.create(USER, Actor::new(AGENT));
                match pollster::block_on(call.send_with_response()) {
                    Ok(answer) => assert_debug_hides(&answer, what),
                    Err(error) => assert_error_hides(&error, what),
                }
            }
            Op::Revoke => match pollster::block_on(tokens.revoke(ID).send_with_response()) {
                Ok(answer) => assert_debug_hides(&answer, what),
                Err(error) => assert_error_hides(&error, what),
            },
            Op::ListSessions => match pollster::block_on(client.sessions().list(USER).send_with_response()) {
                Ok(answer) => assert_debug_hides(&answer, what),
                Err(error) => assert_error_hides(&error, what),
            },
            Op::GetSession => match pollster::block_on(client.sessions().get(SESSION).send_with_response()) {
                Ok(answer) => assert_debug_hides(&answer, what),
                Err(error) => assert_error_hides(&error, what),
            },
            Op::RevokeSession => match pollster::block_on(client.sessions().revoke(SESSION).send_with_response()) {
                Ok(answer) => assert_debug_hides(&answer, what),
                Err(error) => assert_error_hides(&error, what),
            },
        }
    }
}

#[test]
fn a_canary_would_be_seen() {
    let shows = |text: &str| std::panic::catch_unwind(|| assert_hidden(text, &"a test of this test")).is_err();
    assert!(shows("xCANARYx") && shows("canary") && !shows("sk_live_(redacted)"));
}

#[test]
fn what_holds_a_secret_by_its_type_shows_nothing_of_it() {
    for secret in SECRETS {
        assert_debug_hides(&Ticket::new(secret), &"Ticket");
        assert_debug_hides(&SignInUrl::new(secret), &"SignInUrl");
        assert_eq!((Ticket::new(secret).expose(), SignInUrl::new(secret).expose()), (secret, secret));
        match SecretKey::new(secret) {
            Ok(key) => {
                assert_debug_hides(&key, &"SecretKey");
                assert_eq!(key.expose(), secret);
            }
            Err(error) => {
                assert_debug_hides(&error, &"InvalidKey");
                assert_hidden(&error.to_string(), &"InvalidKey");
            }
        }
    }
    for wrong in ["sk_live_CANARY\n", "pk_live_CANARY", "Bearer sk_live_CANARY", "CANARY", "sk_live_CANARY\u{e9}"] {
        let error: InvalidKey = SecretKey::new(wrong).unwrap_err();
        assert_hidden(&format!("{error} {error:?} {error:#?}"), &wrong.escape_debug());
    }
}

#[test]
fn a_client_and_its_calls_show_no_key() {
    let key = || SecretKey::new(SECRETS[0]).unwrap();
    let client = Client::builder(Scripted::new(|_| Play::Stall), key());
    assert_debug_hides(&client, &"ClientBuilder");
    let client = client.build().unwrap();
    assert_debug_hides(&client, &"Client");
    assert_debug_hides(&client.with_credentials(key()), &"Client");
    assert_debug_hides(&client.actor_tokens(), &"ActorTokens");
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).header("x-a", SECRETS[0]).credentials(key());
    assert_debug_hides(&call.extension(key()), &"Call");
    assert_debug_hides(&client.erase(), &"Client");
    let secret = SECRETS[0].to_owned();
    assert_debug_hides(
        &transport_fn(move |_, _| {
            let _ = &secret;
            async { Ok(Response::default()) }
        }),
        &"TransportFn",
    );
    let secret = key();
    assert_debug_hides(
        &credentials_fn(move || {
            let key = secret.clone();
            async { Ok::<_, InvalidKey>(key) }
        }),
        &"fn",
    );
    let secret = key();
    assert_debug_hides(
        &middleware_fn(move |request, next| {
            let _ = &secret;
            Box::pin(next.run(request))
        }),
        &"fn",
    );
}

#[test]
fn a_secret_that_a_user_put_in_the_wrong_place_is_not_shown() {
    for secret in SECRETS {
        let create = CreateActorToken::new(secret, Actor::new(secret).with(secret, secret));
        assert_debug_hides(&create, &"CreateActorToken");
        assert_debug_hides(create.actor(), &"Actor");
        assert_debug_hides(&RevokeActorToken::new(secret), &"RevokeActorToken");
        if let Ok(id) = ActorTokenId::new(secret) {
            assert_debug_hides(&id, &"ActorTokenId");
            assert_hidden(&format!("{id}"), &"ActorTokenId");
        }
        assert_debug_hides(&ActorTokenStatus::from(secret), &"ActorTokenStatus");
        assert_hidden(&ActorTokenStatus::from(secret).to_string(), &"ActorTokenStatus");
        assert_debug_hides(&ErrorCode::from(secret), &"ErrorCode");
        assert_debug_hides(&Sanitized::new(secret), &"Sanitized");
        let invalid = InvalidRequest::new(secret.to_owned(), secret.to_owned());
        assert_debug_hides(&invalid, &"InvalidRequest");
        assert_hidden(&invalid.to_string(), &"InvalidRequest");
        let parse = ParseError::unusable(secret, secret);
        assert_debug_hides(&parse, &"ParseError");
        assert_hidden(&parse.to_string(), &"ParseError");

        let client = crate::common::client(|_| ok(&token_json("pending")).into());
        let tokens = client.actor_tokens();
        let calls = [
            tokens.create(secret, Actor::new(AGENT)),
            tokens.create(USER, Actor::new(secret)),
            tokens.create(USER, Actor::new(AGENT)).header(secret, "1"),
            tokens.create(USER, Actor::new(AGENT)).header("x-a", format!("{secret}\n")),
            tokens.create(USER, Actor::new(AGENT)).header("authorization", secret),
        ];
        for call in calls {
            assert_debug_hides(&call, &"Call");
            if let Err(error) = pollster::block_on(call.send()) {
                assert_error_hides(&error, &"a call");
            }
        }
        for id in [secret, &format!("{secret}\n")] {
            if let Err(error) = pollster::block_on(tokens.revoke(id).send()) {
                assert_error_hides(&error, &"a revocation");
            }
        }
        if let Ok(key) = SecretKey::new(secret) {
            let call = tokens.create(USER, Actor::new(AGENT)).header(format!("x-{}", key.expose()), "\n");
            assert_error_hides(&pollster::block_on(call.send()).unwrap_err(), &"a header's name");
        }
    }
}

/// A value of every JSON type that holds the secret somewhere.
fn shapes(secret: &str) -> Vec<Value> {
    vec![json!(secret), json!([secret]), json!({secret: secret}), json!({"sub": secret, "ticket": [secret]})]
}

#[test]
fn a_secret_in_any_field_of_an_answer_is_not_shown() {
    let fields = [
        "object",
        "id",
        "status",
        "user_id",
        "actor",
        "token",
        "url",
        "created_at",
        "updated_at",
        "brand_new",
        "errors",
    ];
    for secret in SECRETS {
        for field in fields {
            for shape in shapes(secret) {
                for state in ["pending", "revoked"] {
                    let body = with(token_json(state), field, shape.clone());
                    let what = format!("`{field}` as {}", if shape.is_string() { "a text" } else { "another type" });
                    let answer = ok(&body);
                    for answer in [answer.clone(), response(500, body.to_string()), response(422, body.to_string())] {
                        let parse = CreateActorToken::new(USER, Actor::new(AGENT)).parse(&answer);
                        assert_debug_hides(&parse, &what);
                        if let Err(error) = &parse {
                            assert_hidden(&error.to_string(), &what);
                        }
                        assert_debug_hides(&RevokeActorToken::new(ID).parse(&answer), &what);
                        assert_calls_hide(move || answer.clone().into(), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn a_secret_as_the_whole_answer_or_a_part_of_it_is_not_shown() {
    for secret in SECRETS {
        let bodies = [
            secret.to_owned(),
            json!(secret).to_string(),
            json!([secret]).to_string(),
            json!({secret: secret}).to_string(),
            format!("<html>{secret}</html>"),
            format!(r#"{{"object":"actor_token","id":"{secret}"#),
            format!(r#"{{"object":"actor_token","id":"{secret}","#),
            format!(r#"{{"object":"actor_token","id":"act_1","id":"{secret}"}}"#),
            format!(r#"{{"object":"actor_token","id":"act_1","created_at":{secret}}}"#),
            format!("{{\"object\":\"actor_token\",\"id\":\"act_1\",\"{secret}\":\n{secret}"),
        ];
        for body in bodies {
            for code in [200, 201, 204, 302, 400, 404, 422, 429, 500, 999] {
                let answer = response(code, body.clone());
                let partial = answer.clone();
                assert_calls_hide(move || answer.clone().into(), &code);
                for kind in [TransportErrorKind::Interrupted, TransportErrorKind::BodyTooLarge] {
                    let partial = partial.clone();
                    let play = move || Play::Fail(TransportError::new(kind).with_partial(partial.clone()));
                    assert_calls_hide(play, &format!("{kind:?} {code}"));
                }
            }
        }
    }
}

#[test]
fn a_secret_in_any_part_of_an_error_envelope_is_not_shown() {
    for secret in SECRETS {
        for shape in shapes(secret) {
            for field in ["code", "message", "long_message", "meta"] {
                let entry =
                    with(json!({"code": "c", "message": "m", "long_message": "l", "meta": {}}), field, shape.clone());
                let body = json!({"errors": [entry]});
                for code in [400, 422, 500] {
                    let answer = response(code, body.to_string());
                    assert_calls_hide(move || answer.clone().into(), &field);
                }
            }
            let bodies = [
                json!({"errors": [{"code": "c", "meta": {"param_name": shape}}]}),
                json!({"errors": [], "clerk_trace_id": shape}),
                json!({"errors": [], "meta": shape}),
                json!({"errors": shape}),
            ];
            for body in bodies {
                let answer = response(422, body.to_string());
                assert_calls_hide(move || answer.clone().into(), &"envelope");
            }
        }
        let refused = cannot_be_revoked(secret);
        assert_calls_hide(move || refused.clone().into(), &"the token's state in Clerk's words");
    }
}

#[test]
fn a_secret_in_any_header_of_an_answer_is_not_shown() {
    let names = [
        "location",
        "x-clerk-trace-id",
        "clerk-trace-id",
        "cf-ray",
        "retry-after",
        "date",
        "content-type",
        "content-encoding",
        "set-cookie",
        "authorization",
        "x-other",
    ];
    for secret in SECRETS {
        for name in names {
            for value in [secret.to_owned(), format!("https://{secret}.test/"), format!("https://u:{secret}@h.test/")] {
                for code in [200, 302, 307, 422, 429, 500] {
                    let mut answer = response(code, token_json("pending").to_string());
                    answer.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
                    let partial = answer.clone();
                    assert_calls_hide(move || answer.clone().into(), &name);
                    let play = move || {
                        Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial.clone()))
                    };
                    assert_calls_hide(play, &name);
                }
            }
        }
    }
}

#[test]
fn an_id_is_shown_whole_wherever_it_is_shown() {
    let body = with(token_json("pending"), "id", json!(ID));
    let token = CreateActorToken::new(USER, Actor::new(AGENT)).parse(&ok(&body)).unwrap();
    assert_eq!(token.id().to_string(), ID);
    assert!(format!("{token:?}").contains(ID));

    let whole = format!("{{\"object\":\"actor_token\",\"id\":\"{ID}\",\"user_id\":\"{USER}\",\"token\":\"eyJCANARY");
    let cut = move |_| {
        let partial = response(200, whole.clone());
        Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial))
    };
    let error = run(&crate::common::client(cut), Op::Create).unwrap_err();
    assert_eq!(error.salvaged_id(), Some(ID));
    assert!(error.to_string().contains(ID), "what a log keeps must be enough to revoke the token");
    assert!(format!("{error:?}").contains(ID));
    assert_error_hides(&error, &"a cut answer");

    let words = format!("no actor token {ID}.");
    assert!(Sanitized::new(&words).to_string().contains(ID));
}

/// A cause as a careless library writes it: the secret in `Display`, in `Debug`, and in a cause of its own.
#[derive(Debug)]
struct Careless(String, Option<Box<Careless>>);

impl Display for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "while sending {} to the server", self.0)
    }
}

impl StdError for Careless {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

fn careless(secret: &str) -> Careless {
    let inner = Careless(format!("Bearer {secret}"), None);
    Careless(secret.to_owned(), Some(Box::new(Careless(format!("url={secret}"), Some(Box::new(inner))))))
}

#[test]
fn a_secret_in_a_cause_is_not_shown() {
    use TransportErrorKind as K;
    for secret in SECRETS {
        for kind in [K::Connect, K::Tls, K::Proxy, K::Interrupted, K::Timeout, K::Credential, K::Blocked, K::Other] {
            let error = TransportError::new(kind).with_source(careless(secret));
            assert_debug_hides(&error, &"TransportError");
            assert_hidden(&error.to_string(), &"TransportError");
            assert_error_hides(&Error::from_transport(&CreateActorToken::INFO, error), &"from_transport");
            assert_calls_hide(
                move || Play::Fail(TransportError::new(kind).with_source(careless(secret))),
                &format!("{kind:?}"),
            );
        }
        let failing = credentials_fn(move || async move { Err::<SecretKey, _>(careless(secret)) });
        let client = Client::builder(Scripted::new(|_| Play::Stall), failing).build().unwrap();
        assert_error_hides(&run(&client, Op::Create).unwrap_err(), &"a credential provider");

        let refusing =
            middleware_fn(move |_, _| Box::pin(async move { Err(TransportError::blocked(careless(secret))) }));
        let client = Client::builder(Scripted::new(|_| Play::Stall), test_key()).middleware(refusing).build().unwrap();
        assert_error_hides(&run(&client, Op::Create).unwrap_err(), &"a middleware");
    }
}

#[test]
fn a_secret_at_the_edge_of_what_is_shown_is_not_cut_open() {
    for secret in SECRETS {
        for before in 380..410 {
            let text = format!("{}{secret}", "x".repeat(before));
            assert_hidden(&Sanitized::new(&text).to_string(), &before);
            assert_debug_hides(&Sanitized::new(&text), &before);
        }
        for around in ["\"", "'", "(", "\n", "\u{200b}", "=", "x", "_", "\u{e9}", "&ticket="] {
            assert_hidden(&Sanitized::new(&format!("{around}{secret}{around}")).to_string(), &around.escape_debug());
        }
    }
}

#[test]
fn errors_made_for_doubles_hide_their_bodies_too() {
    for secret in SECRETS {
        for code in [200, 302, 400, 422, 429, 500] {
            let answer = response(code, json!({"errors": [{"message": secret, "code": secret}]}).to_string());
            assert_error_hides(&Error::from_response(&CreateActorToken::INFO, &answer), &code);
        }
        let refused = InvalidRequest::new(secret.to_owned(), "is wrong");
        assert_error_hides(&Error::from_invalid_request(&CreateActorToken::INFO, refused.clone()), &"invalid");
        assert_error_hides(&Error::from(refused), &"invalid, and no call");
    }
}

#[test]
fn the_body_and_the_salvaged_id_are_there_for_who_asks() {
    let body = format!(r#"{{"object":"actor_token","id":"{ID}","user_id":"{USER}","token":"{}"#, SECRETS[2]);
    let partial = response(200, body.clone());
    let play = move |_| Play::Fail(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial.clone()));
    let error = run(&crate::common::client(play), Op::Create).unwrap_err();
    assert_error_hides(&error, &"a cut answer");
    assert_eq!(error.expose_body().unwrap(), body.as_bytes());
    assert_eq!(error.salvaged_id(), Some(ID));
}
