//! What goes out: the exact request of each call, what the options of a call change, and what they cannot.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorTokenId, ApiVersion, BaseUrl, Client, Error, ErrorKind, Execution, Idempotency, InvalidKey,
    InvalidRequest, Operation, OperationInfo, ParseError, Request, Response, RetryPolicy, SecretKey, TransportError,
    TransportErrorKind, credentials_fn,
    http::{HeaderName, Method},
    middleware_fn,
};

use crate::common::{AGENT, ID, Op, Play, Scripted, USER, builder, client, ok, response, run, token_json};
use serde_json::{Value, json};

fn pending(_: usize) -> Play {
    ok(&token_json("pending")).into()
}

fn good(op: Op) -> impl Fn(usize) -> Play + Send + Sync + 'static {
    move |_| ok(&op.reply()).into()
}

fn sent(client: &Client<Scripted>) -> Request {
    let mut sent = client.transport().sent();
    assert_eq!(sent.len(), 1);
    sent.remove(0).request
}

fn headers(request: &Request) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers() {
        all.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
    }
    all
}

fn expected_headers(more: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    let agent = format!("clerk-actor-tokens/{}", env!("CARGO_PKG_VERSION"));
    let always = [
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("authorization", "Bearer sk_test_key"),
        ("clerk-api-version", "2026-05-12"),
        ("user-agent", agent.as_str()),
    ];
    always.iter().chain(more).map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}

#[test]
fn a_creation_is_exactly_this_request() {
    let actor = Actor::new("cli:ops@example.com").with("reason", json!({"ticket": [4711, null]}));
    let reply = crate::common::with(token_json("pending"), "actor", json!({"sub": "cli:ops@example.com"}));
    let full = client(move |_| ok(&reply).into());
    let call = full
        .actor_tokens()
        .create(USER, actor)
        .expires_in(Duration::from_secs(300))
        .session_max_duration(Duration::from_secs(600));
    pollster::block_on(call.send()).unwrap();
    let request = sent(&full);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://api.clerk.com/v1/actor_tokens");
    assert_eq!(headers(&request), expected_headers(&[("content-type", "application/json")]));
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        json!({
            "user_id": USER,
            "actor": {"sub": "cli:ops@example.com", "reason": {"ticket": [4711, null]}},
            "expires_in_seconds": 300,
            "session_max_duration_in_seconds": 600,
        })
    );

    let bare = client(pending);
    run(&bare, Op::Create).unwrap();
    let body: Value = serde_json::from_slice(sent(&bare).body()).unwrap();
    assert_eq!(body, json!({"user_id": USER, "actor": {"sub": AGENT}}), "what is unset is left out, not null");
}

#[test]
fn a_revocation_is_exactly_this_request() {
    let client = client(good(Op::Revoke));
    run(&client, Op::Revoke).unwrap();
    let request = sent(&client);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), format!("https://api.clerk.com/v1/actor_tokens/{ID}/revoke").as_str());
    assert_eq!(headers(&request), expected_headers(&[]), "no body, no content type");
    assert!(request.body().is_empty());
}

#[test]
fn the_key_is_marked_sensitive() {
    let client = client(pending);
    run(&client, Op::Create).unwrap();
    assert!(sent(&client).headers()["authorization"].is_sensitive());
}

#[test]
fn what_a_client_is_set_to_is_what_goes_out() {
    let client = builder(pending)
        .base_url(BaseUrl::new("https://proxy.test:8443/clerk/").unwrap())
        .api_version(ApiVersion::new("2025-11-10").unwrap())
        .user_agent("support-desk/2.1")
        .response_cap(5000)
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    let request = sent(&client);
    assert_eq!(request.uri(), "https://proxy.test:8443/clerk/v1/actor_tokens");
    assert_eq!(request.headers()["clerk-api-version"], "2025-11-10");
    let agent = request.headers()["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("support-desk/2.1 clerk-actor-tokens/"), "{agent}");
    assert_eq!(client.transport().sent()[0].context.response_cap(), 5000);
}

#[test]
fn settings_that_cannot_stand_are_refused() {
    let refused =
        |builder: clerk_actor_tokens_core::ClientBuilder<Scripted>| builder.build().unwrap_err().setting().to_owned();
    assert_eq!(refused(builder(pending).response_cap(0)), "response_cap");
    assert_eq!(refused(builder(pending).user_agent("a\r\nb")), "user_agent");
    assert_eq!(refused(builder(pending).timeout(Duration::ZERO)), "timeout");
}

#[test]
fn a_header_of_a_call_is_added_repeated_or_put_in_place_of_the_clients() {
    let client = client(pending);
    let call = client
        .actor_tokens()
        .create(USER, Actor::new(AGENT))
        .header("x-request-id", "1")
        .header("X-Request-Id", "2")
        .header("user-agent", "mine/1")
        .header("Clerk-API-Version", "2024-10-01");
    pollster::block_on(call.send()).unwrap();
    let request = sent(&client);
    let values = |name: &str| headers(&request).remove(name).unwrap();
    assert_eq!(values("x-request-id"), ["1", "2"]);
    assert_eq!(values("user-agent"), ["mine/1"]);
    assert_eq!(values("clerk-api-version"), ["2024-10-01"]);
    assert_eq!(values("accept"), ["application/json"]);
}

/// Headers that frame a request or name its server, and the one that would let an answer be encoded.
const FRAMING: [(&str, &str); 8] = [
    ("host", "evil.test"),
    ("content-length", "0"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("upgrade", "h2c"),
    ("te", "trailers"),
    ("trailer", "x"),
    ("accept-encoding", "gzip"),
];

#[test]
fn a_header_that_would_break_the_call_is_refused_with_nothing_sent() {
    let refused = [
        ("authorization", "Bearer sk_test_other"),
        ("Authorization", ""),
        ("x-a", "a\r\nb: c"),
        ("x-a", "a\nb"),
        ("x-a", "a\0b"),
        ("x-a", "a\u{7f}b"),
        ("", "a"),
        ("x a", "a"),
        ("x:a", "a"),
        ("x\r\na", "a"),
        ("x\u{e9}", "a"),
    ];
    let client = client(pending);
    for (name, value) in FRAMING.into_iter().chain(refused) {
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).header(name, value).header("x-fine", "1");
        let error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidRequest, Execution::NotExecuted), "{name:?}");
        // The field is the header's name; an invalid name is not repeated.
        let field = match name.parse::<HeaderName>() {
            Ok(name) => name.as_str().to_owned(),
            Err(_) => "header".to_owned(),
        };
        assert_eq!(error.invalid_request().unwrap().field(), field);
        let is_the_keys = error.to_string().contains("from the credentials");
        assert_eq!(is_the_keys, name.eq_ignore_ascii_case("authorization"), "{error}");
    }
    let mut crowd = client.actor_tokens().create(USER, Actor::new(AGENT));
    for number in 0..40_000 {
        crowd = crowd.header(format!("x-{number}"), "1");
    }
    let error = pollster::block_on(crowd.send()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(client.transport().sends(), 0);
}

#[test]
fn the_base_url_and_the_credentials_of_a_call_beat_the_clients() {
    let client = client(pending);
    let call = client
        .actor_tokens()
        .create(USER, Actor::new(AGENT))
        .base_url(BaseUrl::new("http://127.0.0.1:4010").unwrap())
        .credentials(SecretKey::new("sk_test_other").unwrap());
    pollster::block_on(call.send()).unwrap();
    run(&client, Op::Create).unwrap();
    let sent = client.transport().sent();
    assert_eq!(sent[0].request.uri(), "http://127.0.0.1:4010/v1/actor_tokens");
    assert_eq!(sent[0].request.headers()["authorization"], "Bearer sk_test_other");
    assert_eq!(sent[1].request.uri(), "https://api.clerk.com/v1/actor_tokens");
    assert_eq!(sent[1].request.headers()["authorization"], "Bearer sk_test_key");
}

#[test]
fn an_extension_of_a_call_reaches_middleware_and_transport_on_every_attempt() {
    #[derive(Clone, Debug, PartialEq)]
    struct Tenant(u32);
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let client = builder(|n| if n == 0 { TransportErrorKind::Connect.into() } else { pending(n) })
        .middleware(middleware_fn(move |request, next| {
            if request.extensions().get() == Some(&Tenant(7)) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).extension(Tenant(7));
    pollster::block_on(call.send()).unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    let sent = client.transport().sent();
    assert!(sent.iter().all(|sent| sent.request.extensions().get() == Some(&Tenant(7))));
}

#[test]
fn the_policy_of_a_call_beats_the_clients() {
    let client = client(|_| TransportErrorKind::Connect.into());
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).retry(RetryPolicy::none());
    pollster::block_on(call.send()).unwrap_err();
    assert_eq!(client.transport().sends(), 1);
}

#[test]
fn another_key_makes_another_client_over_the_same_transport() {
    let client = client(pending);
    let other = client.with_credentials(SecretKey::new("sk_test_other").unwrap());
    run(&other, Op::Create).unwrap();
    run(&client, Op::Create).unwrap();
    let keys: Vec<_> =
        client.transport().sent().iter().map(|sent| sent.request.headers()["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer sk_test_other", "Bearer sk_test_key"]);
}

/// An operation of a user's own, with the API version where it likes.
struct Versioned(&'static str);

impl Operation for Versioned {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("GetUsersCount", "/users/count", Idempotency::Idempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(Method::GET, self.0, Default::default())
    }

    fn parse(&self, response: &Response) -> Result<(), ParseError> {
        if response.status().is_success() { Ok(()) } else { Err(ParseError::status()) }
    }
}

#[test]
fn the_api_version_is_told_once() {
    let table = [
        ("/users/count", false, true),
        ("/users/count?__clerk_api_version=2024-10-01", false, false),
        ("/users/count?a=b&__clerk_api_version=2024-10-01", false, false),
        ("/users/count?__clerk_api_version=2024-10-01", true, false),
        ("/users/count", true, true),
    ];
    for (path, own_header, has_header) in table {
        let client = client(|_| response(200, "").into());
        let mut call = client.execute(Versioned(path));
        if own_header {
            call = call.header("clerk-api-version", "2024-10-01");
        }
        pollster::block_on(call.send()).unwrap();
        let request = sent(&client);
        let versions = request.headers().get_all("clerk-api-version").iter().count();
        assert_eq!(versions, usize::from(has_header), "{path}, with a header of the call's own: {own_header}");
    }
}

#[test]
fn a_parameter_that_only_looks_like_the_version_does_not_take_its_place() {
    for path in ["/users/count?x__clerk_api_version=1", "/users/count?query=__clerk_api_version"] {
        let client = client(|_| response(200, "").into());
        pollster::block_on(client.execute(Versioned(path)).send()).unwrap();
        assert_eq!(sent(&client).headers()["clerk-api-version"], "2026-05-12", "{path}");
    }
}

#[test]
fn each_attempt_starts_from_a_fresh_request() {
    let client = builder(|n| if n < 2 { TransportErrorKind::Connect.into() } else { pending(n) })
        .middleware(middleware_fn(|mut request, next| {
            request.headers_mut().append("x-tries", "1".parse().unwrap());
            request.headers_mut().remove("accept");
            *request.body_mut() = [request.body(), &b" "[..]].concat().into();
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    let sent = client.transport().sent();
    assert_eq!(sent.len(), 3);
    for sent in &sent {
        assert_eq!(headers(&sent.request)["x-tries"], ["1"]);
        assert_eq!(sent.request.body().iter().filter(|byte| **byte == b' ').count(), 1);
    }
    let attempts: Vec<_> = sent.iter().map(|sent| sent.context.attempt()).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[test]
fn middleware_runs_around_each_attempt_in_the_order_in_which_it_was_added() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |name: &'static str| {
        let told = Arc::clone(&told);
        middleware_fn(move |request, next| {
            let told = Arc::clone(&told);
            Box::pin(async move {
                told.lock().unwrap().push(format!("{name} in"));
                let answer = next.run(request).await;
                told.lock().unwrap().push(format!("{name} out"));
                answer
            })
        })
    };
    let client = builder(|n| if n == 0 { TransportErrorKind::Connect.into() } else { pending(n) })
        .middleware(tell("first"))
        .middleware(tell("second"))
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    let attempt = ["first in", "second in", "second out", "first out"];
    assert_eq!(*told.lock().unwrap(), [attempt, attempt].concat());
}

#[test]
fn the_key_is_fetched_for_each_attempt_so_that_it_may_rotate() {
    let turn = AtomicUsize::new(0);
    let rotating = credentials_fn(move || {
        let key = SecretKey::new(format!("sk_test_{}", turn.fetch_add(1, Ordering::SeqCst)));
        async move { key }
    });
    let script = |n| if n < 2 { TransportErrorKind::Connect.into() } else { pending(n) };
    let client = Client::builder(Scripted::new(script), rotating).build().unwrap();
    run(&client, Op::Create).unwrap();
    let keys: Vec<_> =
        client.transport().sent().iter().map(|sent| sent.request.headers()["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer sk_test_0", "Bearer sk_test_1", "Bearer sk_test_2"]);
}

#[test]
fn a_provider_that_fails_is_told_with_its_cause_and_nothing_is_sent() {
    let failing = credentials_fn(|| async { Err::<SecretKey, _>("the vault is sealed") });
    let client = Client::builder(Scripted::new(pending), failing).build().unwrap();
    for op in Op::BOTH {
        let error = run(&client, op).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Credential, Execution::NotExecuted));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the vault is sealed");
        assert_eq!(error.attempts().len(), 1, "a provider that fails is not asked again");
    }
    assert_eq!(client.transport().sends(), 0);
}

#[test]
fn a_header_that_a_middleware_forged_is_replaced_by_the_real_key() {
    let client = builder(pending)
        .middleware(middleware_fn(|mut request, next| {
            for value in ["Bearer a", "Basic b"] {
                request.headers_mut().append("authorization", value.parse().unwrap());
            }
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    run(&client, Op::Create).unwrap();
    assert_eq!(headers(&sent(&client))["authorization"], ["Bearer sk_test_key"]);
}

#[test]
fn a_middleware_that_sets_a_header_of_the_framing_is_refused_and_the_key_stays_here() {
    for (name, value) in FRAMING {
        let forge = middleware_fn(move |mut request, next| {
            request.headers_mut().append(name, value.parse().unwrap());
            Box::pin(next.run(request))
        });
        let client = builder(pending).middleware(forge).build().unwrap();
        let error = pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted), "{name}");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains(name));
        assert_eq!(client.transport().sends(), 0);
    }
}

#[test]
fn the_context_is_this_calls_also_where_a_middleware_made_the_request_anew() {
    let anew = middleware_fn(|request: Request, next| {
        let (parts, body) = request.into_parts();
        let mut anew = Request::new(body);
        *anew.method_mut() = parts.method;
        *anew.uri_mut() = parts.uri;
        *anew.headers_mut() = parts.headers;
        Box::pin(next.run(anew))
    });
    let client = builder(pending).middleware(anew).build().unwrap();
    run(&client, Op::Create).unwrap();
    let context = client.transport().sent().remove(0).context;
    assert_eq!((context.operation().name(), context.attempt()), ("CreateActorToken", 1));
    let clock = &client.transport().clock;
    assert_eq!(clock.since_start(context.deadline().moment()), Duration::from_secs(30));
}

#[test]
fn what_a_middleware_sends_again_is_the_same_attempt() {
    let twice = middleware_fn(|request: Request, next| {
        Box::pin(async move {
            let _ = next.run(request.clone()).await;
            next.run(request).await
        })
    });
    let down = |_| Play::Fail(TransportErrorKind::Connect.into());
    let client = builder(down).middleware(twice).build().unwrap();
    let error = pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err();
    let numbers: Vec<_> = error.attempts().iter().map(|attempt| attempt.number()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let sent: Vec<_> = client.transport().sent().iter().map(|sent| sent.context.attempt()).collect();
    assert_eq!(sent, [1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_failure_to_connect_names_the_server() {
    let client = builder(|_| Play::Fail(TransportErrorKind::Connect.into()))
        .base_url(BaseUrl::new("http://127.0.0.1:4010").unwrap())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = pollster::block_on(client.actor_tokens().create(USER, Actor::new(AGENT)).send()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CreateActorToken: could not connect (http://127.0.0.1:4010/v1); nothing was done at Clerk"
    );
    assert_eq!(error.base_url().unwrap().to_string(), "http://127.0.0.1:4010/v1");
}

#[test]
fn a_live_key_never_goes_over_plain_http() {
    let live = || SecretKey::new("sk_live_key").unwrap();
    let plain = [
        BaseUrl::new("http://127.0.0.1:4010").unwrap(),
        BaseUrl::new("http://[::1]:4010").unwrap(),
        BaseUrl::builder("http://emulator").danger_allow_http("emulator").build().unwrap(),
    ];
    for base in plain {
        let client = Client::builder(Scripted::new(pending), live()).base_url(base.clone()).build().unwrap();
        let error = run(&client, Op::Create).unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
        assert!(error.to_string().contains(&base.check_key(&live()).unwrap_err().to_string()), "{error}");
        assert_eq!(client.transport().sends(), 0);

        let client = crate::common::client(pending);
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).base_url(base.clone()).credentials(live());
        assert!(pollster::block_on(call.send()).is_err());
        assert_eq!(client.transport().sends(), 0);

        let client = builder(pending).base_url(base).build().unwrap();
        assert!(run(&client, Op::Create).is_ok(), "a test key may");
    }
    let client = Client::builder(Scripted::new(pending), live()).build().unwrap();
    assert!(run(&client, Op::Create).is_ok(), "over https it may");
}

#[test]
fn an_operation_cannot_send_the_key_elsewhere() {
    struct Elsewhere;
    impl Operation for Elsewhere {
        type Output = ();

        fn info(&self) -> &'static OperationInfo {
            const { &OperationInfo::new("Elsewhere", "/", Idempotency::Idempotent) }
        }
        fn request(&self, _: &BaseUrl) -> Result<Request, InvalidRequest> {
            BaseUrl::new("https://evil.test").unwrap().request(Method::GET, "/", Default::default())
        }
        fn parse(&self, _: &Response) -> Result<(), ParseError> {
            Ok(())
        }
    }
    let client = client(pending);
    let error: Error = pollster::block_on(client.execute(Elsewhere).send()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert_eq!(client.transport().sends(), 0);
}

#[test]
fn the_cause_of_a_transport_failure_is_kept_and_printed() {
    let client =
        client(|_| Play::Fail(TransportError::new(TransportErrorKind::Tls).with_source("certificate has expired")));
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "certificate has expired");
    assert_eq!(
        error.to_string(),
        "CreateActorToken: the TLS handshake was refused (https://api.clerk.com/v1): certificate has expired; nothing was \
         done at Clerk"
    );
}

/// Set in the child process, which then reads its environment and says what it found.
const CHILD: &str = "CLERK_ACTOR_TOKENS_TEST_CHILD";

/// Runs one test of this very binary in a process with these variables; what it prints between the marks.
fn in_child(test: &str, variables: &[(&str, &OsStr)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("requests::{test}"), "--nocapture", "--test-threads=1"]);
    for variable in ["CLERK_API_URL", "CLERK_DANGER_ALLOW_HTTP", "CLERK_SECRET_KEY"] {
        child.env_remove(variable);
    }
    child.env(CHILD, "1");
    child.envs(variables.iter().copied());
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let (_, after) = text.split_once("<<").unwrap_or_else(|| panic!("the child said nothing: {text}"));
    after.split_once(">>").unwrap().0.to_owned()
}

#[allow(clippy::print_stdout, reason = "how the child process answers")]
fn say(found: &str) {
    println!("<<{found}>>");
}

#[test]
fn the_base_url_is_read_from_the_environment_only_when_asked() {
    if std::env::var_os(CHILD).is_some() {
        let client = client(pending);
        run(&client, Op::Create).unwrap();
        let default = sent(&client).uri().to_string();
        let found = match BaseUrl::from_env() {
            Ok(base) => base.to_string(),
            Err(error) => error.to_string(),
        };
        return say(&format!("{default} {found}"));
    }
    let child = |variables: &[(&str, &OsStr)]| {
        let said = in_child("the_base_url_is_read_from_the_environment_only_when_asked", variables);
        let (default, found) = said.split_once(' ').unwrap();
        assert_eq!(default, "https://api.clerk.com/v1/actor_tokens", "no environment variable is read unasked");
        found.to_owned()
    };
    let url = |url: &'static str| [("CLERK_API_URL", OsStr::new(url))];
    assert_eq!(child(&[]), "https://api.clerk.com/v1");
    assert_eq!(child(&url("")), "https://api.clerk.com/v1");
    assert_eq!(child(&url("http://127.0.0.1:4010")), "http://127.0.0.1:4010/v1");
    assert_eq!(child(&url("https://proxy.test/clerk")), "https://proxy.test/clerk/v1");
    let allowed =
        |url, hosts| child(&[("CLERK_API_URL", OsStr::new(url)), ("CLERK_DANGER_ALLOW_HTTP", OsStr::new(hosts))]);
    assert_eq!(allowed("http://emulator:4010", "emulator"), "http://emulator:4010/v1");
    assert!(allowed("http://emulator:4010", "other").starts_with("`CLERK_API_URL` "));
    assert!(allowed("http://emulator:4010", "emulator:4010").starts_with("`CLERK_DANGER_ALLOW_HTTP` "));
    let refused = child(&url("http://evil.test/secret"));
    assert!(refused.starts_with("`CLERK_API_URL` ") && !refused.contains("evil"), "{refused}");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        assert!(child(&[("CLERK_API_URL", OsStr::from_bytes(b"\xff"))]).contains("CLERK_API_URL"));
    }
}

#[test]
fn the_secret_key_is_read_from_the_environment() {
    if std::env::var_os(CHILD).is_some() {
        let found = match SecretKey::from_env() {
            Ok(key) => format!("{} {}", key.expose(), key.is_live()),
            Err(error) => format!("{error:?}"),
        };
        return say(&found);
    }
    let child = |value: Option<&'static str>| {
        let variables: Vec<_> = value.map(|value| ("CLERK_SECRET_KEY", OsStr::new(value))).into_iter().collect();
        in_child("the_secret_key_is_read_from_the_environment", &variables)
    };
    assert_eq!(child(None), format!("{:?}", InvalidKey::NotInEnvironment));
    let invalid = |problem| format!("{:?}", InvalidKey::InEnvironment(Box::new(problem)));
    assert_eq!(child(Some("")), invalid(InvalidKey::Empty));
    assert_eq!(child(Some("pk_test_a")), invalid(InvalidKey::PublishableKey));
    assert_eq!(child(Some("sk_test_a\n")), invalid(InvalidKey::WhiteSpaceAround));
    assert_eq!(child(Some("sk_test_a")), "sk_test_a false");
    assert_eq!(child(Some("sk_live_a")), "sk_live_a true");
}

#[test]
fn a_client_of_the_environment_has_its_key_and_its_base_url() {
    if std::env::var_os(CHILD).is_some() {
        let found = match Client::from_env(Scripted::new(pending)) {
            Ok(client) => {
                run(&client, Op::Create).unwrap();
                let request = sent(&client);
                format!("{} {}", request.uri(), request.headers()["authorization"].to_str().unwrap())
            }
            Err(error) => error.to_string(),
        };
        return say(&found);
    }
    let child = |key: &'static str, url: &'static str| {
        let variables = [("CLERK_SECRET_KEY", OsStr::new(key)), ("CLERK_API_URL", OsStr::new(url))];
        in_child("a_client_of_the_environment_has_its_key_and_its_base_url", &variables)
    };
    assert_eq!(child("sk_test_a", ""), "https://api.clerk.com/v1/actor_tokens Bearer sk_test_a");
    assert_eq!(child("sk_test_a", "http://127.0.0.1:4010"), "http://127.0.0.1:4010/v1/actor_tokens Bearer sk_test_a");
    assert!(child("pk_test_a", "").starts_with("`CLERK_SECRET_KEY` "));
    assert!(child("sk_live_a", "http://127.0.0.1:4010").starts_with("`CLERK_API_URL` is plain http"));
}

#[test]
fn input_that_is_refused_before_there_is_a_call_becomes_an_error_by_a_question_mark() {
    fn read(id: &str) -> Result<ActorTokenId, Error> {
        Ok(ActorTokenId::new(id)?)
    }
    let error = read("../users").unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidRequest, Execution::NotExecuted));
    assert_eq!(error.invalid_request(), ActorTokenId::new("../users").err().as_ref());
    assert_eq!((error.operation().path(), error.attempts().len(), error.base_url()), ("", 0, None));
    assert!(error.to_string().starts_with("InvalidRequest: `actor_token_id` may have only "), "{error}");
}
