//! What the published clients for Ruby, Dart, Python, TypeScript and PHP can do, done here: over loopback HTTP, through
//! hyper, against the emulator. The book's page `other-clients.md` names these tests, and the last one checks that.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use clerk_actor_tokens::{
    Actor, ActorTokenStatus, BaseUrl, Client, ClientBuilder, CreateActorToken, ErrorCode, ErrorKind, Execution,
    RetryPolicy, Revocation, SecretKey,
    http::{HeaderValue, Method, StatusCode, header},
    hyper::HyperTransport,
    middleware::middleware_fn,
    operation::{Idempotency, Operation, RevokeActorToken},
    settings::{ApiVersion, credentials_fn},
    testing::emulator::{Emulator, EmulatorBuilder, Served, fault},
    transport::Response,
};
use serde_json::json;

async fn serve(builder: EmulatorBuilder) -> Served {
    builder.real_time().build().serve().await.unwrap()
}

fn builder(server: &Served) -> ClientBuilder<HyperTransport> {
    let key = server.emulator().secret_key();
    Client::builder(HyperTransport::new().unwrap(), key).base_url(server.base_url())
}

async fn start() -> (Served, Client<HyperTransport>) {
    let server = serve(Emulator::builder()).await;
    let client = builder(&server).build().unwrap();
    (server, client)
}

fn agent() -> Actor {
    Actor::new("user_agent")
}

#[tokio::test]
async fn create_takes_a_user_and_an_actor_and_gives_the_whole_token() {
    let (server, clerk) = start().await;
    let actor = agent().with("reason", "invoice").with("depth", json!({"a": [1, null]}));
    let token = clerk.actor_tokens().create("user_customer", actor.clone()).send().await.unwrap();
    assert_eq!(token.id().as_str().len(), 31);
    assert_eq!(token.status(), &ActorTokenStatus::Pending);
    assert_eq!(token.user_id(), "user_customer");
    assert_eq!(token.actor(), Some(&actor));
    let (ticket, url) = (token.token().unwrap(), token.url().unwrap());
    assert!(url.expose().ends_with(&format!("/v1/tickets/accept?ticket={}", ticket.expose())));
    assert!(token.created_at() <= token.updated_at());
    let sent = server.emulator().requests();
    assert_eq!(sent[0].json(), Some(&json!({"user_id": "user_customer", "actor": actor.as_map()})));
}

#[tokio::test]
async fn create_takes_both_optional_durations() {
    let (server, clerk) = start().await;
    let call = clerk.actor_tokens().create("user_customer", agent());
    let call = call.expires_in(Duration::from_secs(60)).session_max_duration(Duration::from_secs(120));
    let token = call.send().await.unwrap();
    let body = server.emulator().requests()[0].json().unwrap().clone();
    assert_eq!(body["expires_in_seconds"], 60);
    assert_eq!(body["session_max_duration_in_seconds"], 120);
    assert_eq!(token.expires_at().unwrap().as_millis() - token.created_at().unwrap().as_millis(), 60_000);
}

#[tokio::test]
async fn a_request_cannot_be_left_out_and_an_empty_one_is_refused_here() {
    let (server, clerk) = start().await;
    let error = clerk.actor_tokens().create("", agent()).send().await.unwrap_err();
    assert_eq!(error.invalid_request().unwrap().field(), "user_id");
    let error = clerk.actor_tokens().create("user_customer", Actor::from(serde_json::Map::new())).send().await;
    assert_eq!(error.unwrap_err().invalid_request().unwrap().field(), "actor.sub");
    assert!(server.emulator().requests().is_empty());
}

#[tokio::test]
async fn a_call_owns_what_it_needs_and_moves_into_a_task() {
    let (_server, clerk) = start().await;
    let future = clerk.actor_tokens().create("user_customer", agent()).send();
    drop(clerk);
    assert!(tokio::spawn(future).await.unwrap().is_ok());
}

#[tokio::test]
async fn revoke_takes_an_id_and_gives_the_token() {
    let (_server, clerk) = start().await;
    let token = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap();
    let revocation = clerk.actor_tokens().revoke(token.id()).send().await.unwrap();
    let Revocation::Revoked(revoked) = revocation else { panic!("{revocation:?}") };
    assert_eq!((revoked.id(), revoked.status()), (token.id(), &ActorTokenStatus::Revoked));
    // An id may also be a text: it is checked before anything is sent.
    assert!(clerk.actor_tokens().revoke(token.id().as_str()).send().await.is_ok());
    assert!(clerk.actor_tokens().revoke("a/b").send().await.unwrap_err().invalid_request().is_some());
}

#[tokio::test]
async fn send_with_response_gives_value_status_and_headers() {
    let (_server, clerk) = start().await;
    let created = clerk.actor_tokens().create("user_customer", agent()).send_with_response().await.unwrap();
    assert_eq!(created.status(), StatusCode::OK);
    assert_eq!(created.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(created.attempts().len(), 1);
    let id = created.into_value().id().clone();
    let revoked = clerk.actor_tokens().revoke(&id).send_with_response().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::OK);
    assert!(revoked.headers().contains_key("x-clerk-trace-id") && revoked.trace_id().is_some());
    assert_eq!(revoked.value().token().unwrap().id(), &id);
}

#[tokio::test]
async fn a_call_is_also_a_value_that_works_without_the_handle_or_a_client() {
    let (_server, clerk) = start().await;
    let create = CreateActorToken::new("user_customer", agent());
    let token = clerk.execute(create.clone()).send().await.unwrap();
    assert!(clerk.execute(RevokeActorToken::new(token.id())).send().await.is_ok());

    let request = create.request(&BaseUrl::default()).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/v1/actor_tokens"));
    let body = r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_customer",
        "actor":{"sub":"user_agent"},"token":null,"url":null,"created_at":1,"updated_at":2}"#;
    let token = create.parse(&Response::new(body.into())).unwrap();
    assert_eq!((token.id().as_str(), token.url()), ("act_1", None));
}

#[tokio::test]
async fn the_key_is_a_text_or_a_function() {
    let (server, _) = start().await;
    let transport = || HyperTransport::new().unwrap();
    let text = Client::builder(transport(), "sk_test_emulator".parse::<SecretKey>().unwrap());
    let function = Client::builder(transport(), credentials_fn(|| async { SecretKey::new("sk_test_emulator") }));
    for clerk in [text.base_url(server.base_url()), function.base_url(server.base_url())] {
        let clerk = clerk.build().unwrap();
        assert!(clerk.actor_tokens().create("user_customer", agent()).send().await.is_ok());
        let other = clerk.with_credentials(SecretKey::new("sk_test_other").unwrap());
        let error = other.actor_tokens().create("user_customer", agent()).send().await.unwrap_err();
        assert!(error.is_unauthorized());
    }
    for (mistake, told) in [("eyJ0.eyJ0.c2ln", "session token"), ("pk_test_x", "publishable key"), ("x", "sk_test_")] {
        assert!(SecretKey::new(mistake).unwrap_err().to_string().contains(told));
    }
}

#[derive(Clone)]
struct Note(&'static str);

#[tokio::test]
async fn a_call_takes_headers_of_its_own() {
    let (server, clerk) = start().await;
    let call = clerk.actor_tokens().create("user_customer", agent());
    call.header("x-request-id", "42").header("x-tag", "a").header("x-tag", "b").send().await.unwrap();
    // What is no header goes along as an extension, for a middleware to read.
    let note = middleware_fn(|mut request, next| {
        Box::pin(async move {
            if let Some(Note(text)) = request.extensions().get().cloned() {
                request.headers_mut().insert("x-note", HeaderValue::from_static(text));
            }
            next.run(request).await
        })
    });
    let noting = builder(&server).middleware(note).build().unwrap();
    noting.actor_tokens().create("user_customer", agent()).extension(Note("seen")).send().await.unwrap();
    assert_eq!(server.emulator().requests()[1].headers()["x-note"], "seen");
    let sent = server.emulator().requests();
    assert_eq!(sent[0].headers()["x-request-id"], "42");
    let tags: Vec<_> = sent[0].headers().get_all("x-tag").iter().collect();
    assert_eq!(tags, ["a", "b"]);
}

#[tokio::test]
async fn retries_are_set_for_the_client_or_for_one_call() {
    let server = serve(Emulator::builder()).await;
    let quick = RetryPolicy::new().backoff(Duration::ZERO, Duration::ZERO);
    let clerk = builder(&server).retry(quick.clone()).build().unwrap();
    let token = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap();
    let revoke = || clerk.actor_tokens().revoke(token.id());

    for (policy, attempts) in [(RetryPolicy::none(), 1), (quick.max_attempts(Idempotency::Idempotent, 2), 2)] {
        for _ in 0..attempts {
            server.emulator().next_revoke().before_commit(fault::status(503));
        }
        let error = revoke().retry(policy).send().await.unwrap_err();
        assert_eq!(error.attempts().len(), attempts);
    }
    server.emulator().next_revoke().before_commit(fault::status(503));
    assert_eq!(revoke().send_with_response().await.unwrap().attempts().len(), 2);
}

#[tokio::test]
async fn timeouts_are_set_for_the_client_or_for_one_call() {
    let server = serve(Emulator::builder()).await;
    // Long enough for a slow machine to send the request; the answer never comes.
    let short = Duration::from_secs(2);
    let hasty = builder(&server).timeout(short).build().unwrap();
    let patient = builder(&server).build().unwrap();
    let create = |clerk: &Client<_>| clerk.actor_tokens().create("user_customer", agent());
    for call in [create(&hasty), create(&patient).timeout(short)] {
        server.emulator().next_create().after_commit(fault::stall());
        let error = call.send().await.unwrap_err();
        assert!(error.is_timeout() && error.is_ambiguous(), "{error}");
    }
}

#[tokio::test]
async fn the_server_is_set_for_the_client_or_for_one_call() {
    let (first, clerk) = start().await;
    let second = serve(Emulator::builder()).await;
    clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap();
    clerk.actor_tokens().create("user_customer", agent()).base_url(second.base_url()).send().await.unwrap();
    first.emulator().assert_creates(1);
    second.emulator().assert_creates(1);
}

#[tokio::test]
async fn a_400_has_its_code() {
    let server = serve(Emulator::builder().api_versions([ApiVersion::default()])).await;
    let clerk = builder(&server).api_version(ApiVersion::new("1999-01-01").unwrap()).build().unwrap();
    let error = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(StatusCode::BAD_REQUEST), Some(&ErrorCode::ApiVersionInvalid)));

    let clerk = builder(&server).build().unwrap();
    let token = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap();
    server.emulator().accept(token.id()).unwrap();
    let error = clerk.actor_tokens().revoke(token.id()).send().await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::ActorTokenCannotBeRevoked));
    assert_eq!(error.token_status(), Some(ActorTokenStatus::Accepted));
}

#[tokio::test]
async fn a_402_says_that_the_plan_lacks_the_feature() {
    let server = serve(Emulator::builder().plan_without_impersonation()).await;
    let clerk = builder(&server).build().unwrap();
    let error = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap_err();
    assert!(error.is_plan_required());
    assert_eq!(error.code(), Some(&ErrorCode::UnsupportedSubscriptionPlanFeatures));
    assert!(error.api_errors()[0].meta().unwrap().get("unsupported_features").is_some());
}

#[tokio::test]
async fn a_404_says_that_it_is_not_there() {
    let server = serve(Emulator::builder().users(["user_customer"])).await;
    let clerk = builder(&server).build().unwrap();
    let user = clerk.actor_tokens().create("user_nobody", agent()).send().await.unwrap_err();
    let token = clerk.actor_tokens().revoke("act_nothing").send().await.unwrap_err();
    for error in [user, token] {
        assert!(error.is_not_found());
        assert_eq!(error.code(), Some(&ErrorCode::ResourceNotFound));
    }
}

#[tokio::test]
async fn a_422_names_the_parameter_or_the_quota() {
    let server = serve(Emulator::builder().quota(1).max_expires_in(Duration::from_secs(60))).await;
    let clerk = builder(&server).build().unwrap();
    let create = || clerk.actor_tokens().create("user_customer", agent());
    let error = create().expires_in(Duration::from_secs(61)).send().await.unwrap_err();
    assert!(error.is_invalid_parameter());
    assert_eq!(error.api_errors()[0].param_name(), Some("expires_in_seconds"));
    create().send().await.unwrap();
    let error = create().send().await.unwrap_err();
    assert!(error.is_quota_exceeded());
    assert_eq!(error.api_errors()[0].meta().unwrap()["limit"], 1);
}

#[tokio::test]
async fn every_other_status_is_the_one_general_error_whatever_its_content_type() {
    let (server, clerk) = start().await;
    for status in [402, 403, 409, 413, 418, 451, 500, 501, 503, 520, 522, 599] {
        server.emulator().next_create().before_commit(fault::status(status));
        let error = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api, "{error}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert!(error.expose_body().is_some());
        assert!(error.headers().contains_key(header::CONTENT_TYPE));
        let proved = matches!(status, 402 | 403 | 409 | 413);
        assert_eq!(error.execution() == Execution::NotExecuted, proved, "{error}");
    }
}

#[tokio::test]
async fn content_types_are_as_documented() {
    let (server, clerk) = start().await;
    let token = clerk.actor_tokens().create("user_customer", agent()).send().await.unwrap();
    clerk.actor_tokens().revoke(token.id()).send().await.unwrap();
    let sent = server.emulator().requests();
    assert_eq!(sent[0].headers()[header::CONTENT_TYPE], "application/json");
    assert!(!sent[1].headers().contains_key(header::CONTENT_TYPE));
    assert_eq!(sent[1].body_len(), 0);
    assert!(sent.iter().all(|request| request.headers()[header::ACCEPT] == "application/json"));
}

/// The page's last column names a test of this file or an example; each test of this file is named there.
#[test]
fn the_page_names_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/src/other-clients.md")).unwrap();
    let mut named = BTreeSet::new();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| there"));
    for row in rows {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing shows: {row}");
        named.extend(names.into_iter().map(str::to_owned));
    }
    let source = include_str!("other_clients.rs");
    let tests: BTreeSet<_> = source
        .split("#[tokio::test]\nasync fn ")
        .skip(1)
        .map(|rest| rest.split('(').next().unwrap().to_owned())
        .collect();
    for name in &named {
        let is_example = root.join("examples").join(format!("{name}.rs")).is_file();
        assert!(is_example || tests.contains(name), "the page names {name}, which is neither");
    }
    let unnamed: Vec<_> = tests.difference(&named).collect();
    assert!(unnamed.is_empty(), "the page does not name {unnamed:?}");
}
