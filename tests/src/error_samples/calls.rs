//! Errors of calls: each kind, and each case of it that has advice of its own.

use std::{fmt::Write as _, time::Duration};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, ClientBuilder, CreateActorToken, Error, SecretKey,
    http::StatusCode,
    middleware::middleware_fn,
    operation::Call,
    settings::{InvalidKey, RetryBudget, credentials_fn},
    testing::mock::{ManualTimer, WithTimer},
    transport::{HttpTransport, Request, Response, ThreadExecutor, TransportError, TransportErrorKind, transport_fn},
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;

use super::{markdown::heading, over_hyper};

/// What the transport does on each attempt.
#[derive(Clone)]
enum Play {
    Fails(TransportErrorKind, Option<&'static str>),
    /// Fails after this beginning of a response.
    Breaks(&'static str),
    Answers(u16, &'static [(&'static str, &'static str)], &'static str),
}

const KEY: &str = "sk_test_abc";

const WHOLE: &str = r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_1","actor":{"sub":"user_2"},"token":"eyJ","url":"https://x.test/v1/tickets/accept?ticket=eyJ","created_at":1,"updated_at":1}"#;
const TO_ITS_ID: &str = r#"{"object":"actor_token","id":"act_1","#;
const TO_ITS_USER: &str =
    r#"{"object":"actor_token","id":"act_1","status":"pending","user_id":"user_1","actor":{"sub":"user_2"},"#;

type Boxed = WithTimer<Box<dyn HttpTransport>>;

fn builder(play: Play, key: impl clerk_actor_tokens::settings::CredentialProvider) -> ClientBuilder<Boxed> {
    let transport = transport_fn(move |_: Request, context: clerk_actor_tokens::transport::CallContext| {
        let result = match play.clone() {
            Play::Fails(kind, None) => Err(kind.into()),
            Play::Fails(kind, Some(cause)) => Err(TransportError::new(kind).with_source(cause)),
            Play::Breaks(body) => {
                let partial = Response::new(body.into());
                Err(TransportError::new(TransportErrorKind::Interrupted).with_partial(partial))
            }
            Play::Answers(status, headers, body) => Ok(answer(status, headers, body)),
        };
        // What was not sent is not held: the client believes no claim that its send state does not prove.
        context.send_state().hold();
        let is_sent = result.as_ref().map_or_else(
            |error: &TransportError| error.execution() != clerk_actor_tokens::Execution::NotExecuted,
            |_| true,
        );
        assert!(!is_sent || context.send_state().begin(), "cancelled while its caller waits");
        async move { result }
    });
    let transport: Box<dyn HttpTransport> = Box::new(transport);
    Client::builder(WithTimer::new(transport, ManualTimer::auto_advancing()), key).jitter_seed(7)
}

fn answer(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        answer.headers_mut().insert(*name, value.parse().unwrap());
    }
    answer
}

fn key() -> SecretKey {
    SecretKey::new(KEY).unwrap()
}

fn created<T: HttpTransport>(client: &Client<T>) -> Error {
    pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).send()).unwrap_err()
}

fn revoked<T: HttpTransport>(client: &Client<T>) -> Error {
    pollster::block_on(client.actor_tokens().revoke("act_1").send()).unwrap_err()
}

fn create(play: Play) -> Error {
    created(&builder(play, key()).build().unwrap())
}

fn revoke(play: Play) -> Error {
    revoked(&builder(play, key()).build().unwrap())
}

fn fails(kind: TransportErrorKind) -> Play {
    Play::Fails(kind, None)
}

fn fails_with(kind: TransportErrorKind, cause: &'static str) -> Play {
    Play::Fails(kind, Some(cause))
}

const fn answers(status: u16, body: &'static str) -> Play {
    Play::Answers(status, &[], body)
}

fn no_key(error: InvalidKey) -> Error {
    let provider = credentials_fn(move || std::future::ready(Err(error.clone())));
    created(&builder(answers(200, WHOLE), provider).build().unwrap())
}

/// The kinds, in the order of `ErrorKind`, and the cases of each.
fn samples() -> Vec<(&'static str, Vec<(&'static str, Error)>)> {
    vec![
        ("InvalidRequest", invalid_requests()),
        ("Credential", credentials()),
        ("Blocked", blocked()),
        ("Connect", connections()),
        (
            "Tls",
            vec![
                (
                    "a certificate of an unknown authority",
                    create(fails_with(TransportErrorKind::Tls, "invalid peer certificate: UnknownIssuer")),
                ),
                ("the hyper transport, without TLS", without_tls()),
            ],
        ),
        ("Proxy", Vec::new()),
        (
            "Refused",
            vec![
                ("the server refused the request unprocessed", create(fails(TransportErrorKind::Refused))),
                ("the server closed a new connection", create(fails(TransportErrorKind::RefusedOnNewConnection))),
            ],
        ),
        (
            "Timeout",
            vec![
                ("no connection in time", create(fails(TransportErrorKind::TimeoutBeforeSend))),
                ("no response in time", create(fails(TransportErrorKind::Timeout))),
                ("no response to a revocation in time", revoke(fails(TransportErrorKind::Timeout))),
            ],
        ),
        (
            "Interrupted",
            vec![
                ("the connection was reset", create(fails(TransportErrorKind::Interrupted))),
                ("the connection was reset, on a revocation", revoke(fails(TransportErrorKind::Interrupted))),
                ("the transport failed in another way", create(fails(TransportErrorKind::Other))),
            ],
        ),
        ("RateLimited", rate_limits()),
        ("Api", statuses()),
        (
            "UnexpectedRedirect",
            vec![
                ("307", create(Play::Answers(307, &[("location", "https://login.test/?next=x")], ""))),
                ("302", create(Play::Answers(302, &[("location", "https://login.test/?next=x")], ""))),
            ],
        ),
        (
            "ResponseTruncated",
            vec![
                ("the response ends after the token's user", create(Play::Breaks(TO_ITS_USER))),
                ("the response ends after the token's id", create(Play::Breaks(TO_ITS_ID))),
                ("the response ends at its beginning", create(Play::Breaks("{\"object\":"))),
                ("the response to a revocation ends early", revoke(Play::Breaks("{\"object\":"))),
            ],
        ),
        (
            "ResponseInvalid",
            vec![
                ("a page of a proxy", create(Play::Answers(200, &[("content-type", "text/html")], "<html>"))),
                ("a body that ends in the middle", create(answers(200, TO_ITS_USER))),
                ("a compressed body", create(Play::Answers(200, &[("content-encoding", "gzip")], "\u{1f}"))),
                ("a page of a proxy, on a revocation", revoke(answers(200, "<html>"))),
            ],
        ),
        (
            "ResponseMismatch",
            vec![
                (
                    "the token of another user",
                    create(answers(
                        200,
                        r#"{"object":"actor_token","id":"act_9","status":"pending","user_id":"user_9","actor":{"sub":"user_2"}}"#,
                    )),
                ),
                ("a token that a revocation left pending", revoke(answers(200, WHOLE))),
            ],
        ),
        ("NotKept", vec![("`keep` after `close`", not_kept())]),
    ]
}

fn invalid_requests() -> Vec<(&'static str, Error)> {
    let client = builder(answers(200, WHOLE), key()).build().unwrap();
    let tokens = client.actor_tokens();
    let create = |user: &str, actor| tokens.create(user, actor);
    let usual = || tokens.create("user_1", Actor::new("user_2"));
    let error = |call: Call<CreateActorToken, _>| pollster::block_on(call.send()).unwrap_err();
    let revoke = |id: &str| pollster::block_on(tokens.revoke(id).send()).unwrap_err();
    let deep = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::json!([inner]));
    let wide = serde_json::Value::from(vec![0; 5000]);
    vec![
        ("an empty user id", error(create("", Actor::new("user_2")))),
        ("an actor with an empty subject", error(create("user_1", Actor::new("")))),
        ("an actor without a subject", error(create("user_1", Actor::from(serde_json::Map::new())))),
        ("an actor that is nested too deep", error(create("user_1", Actor::new("user_2").with("deep", deep)))),
        ("an actor with too many values", error(create("user_1", Actor::new("user_2").with("wide", wide)))),
        (
            "a stamp where the actor has a key",
            error(create("user_1", Actor::new("user_2").with("at", 1)).stamp_attempts("at")),
        ),
        ("a lifetime of zero", error(usual().expires_in(Duration::ZERO))),
        ("a lifetime with a fraction", error(usual().expires_in(Duration::from_millis(1500)))),
        ("a session without an end", error(usual().session_max_duration(Duration::MAX))),
        ("a header with an invalid name", error(usual().header("x y", "1"))),
        ("a header with a line break", error(usual().header("x-a", "1\n2"))),
        ("the header of the credentials", error(usual().header("authorization", "Bearer x"))),
        ("a header that the client sets", error(usual().header("host", "x.test"))),
        ("a timeout of zero", error(usual().timeout(Duration::ZERO))),
        ("an empty id", revoke("")),
        ("an id with a slash", revoke("act_1/revoke")),
        ("an id that is too long", revoke(&"a".repeat(300))),
        ("a secret key as an id", revoke("sk_test_abc")),
    ]
}

fn credentials() -> Vec<(&'static str, Error)> {
    let sealed = credentials_fn(|| async { Err::<SecretKey, _>("the vault is sealed") });
    let in_environment = |problem| InvalidKey::InEnvironment(Box::new(problem));
    vec![
        ("`CLERK_SECRET_KEY` is not set", no_key(InvalidKey::NotInEnvironment)),
        ("`CLERK_SECRET_KEY` is in quotes", no_key(in_environment(InvalidKey::Quoted))),
        ("the provider returned a publishable key", no_key(InvalidKey::PublishableKey)),
        ("the provider failed", created(&builder(answers(200, WHOLE), sealed).build().unwrap())),
    ]
}

fn blocked() -> Vec<(&'static str, Error)> {
    let any = || answers(200, WHOLE);
    let live = SecretKey::new("sk_live_abc").unwrap();
    let local = BaseUrl::new("http://127.0.0.1:4010").unwrap();
    let closed = builder(any(), key()).build().unwrap();
    let _ = pollster::block_on(closed.close(Duration::ZERO));
    let refusing = middleware_fn(|_, _| Box::pin(async { Err(TransportError::blocked("the audit log is full")) }));
    let host = middleware_fn(|mut request, next| {
        request.headers_mut().insert("host", "x.test".parse().unwrap());
        Box::pin(next.run(request))
    });
    let elsewhere = middleware_fn(|mut request, next| {
        *request.uri_mut() = "https://x.test/v1/actor_tokens".parse().unwrap();
        Box::pin(next.run(request))
    });
    let another = middleware_fn(|mut request, next| {
        *request.uri_mut() = "https://api.clerk.com/v1/users".parse().unwrap();
        Box::pin(next.run(request))
    });
    vec![
        ("a live key over plain http", created(&builder(any(), live).base_url(local).build().unwrap())),
        ("a client that is closed", created(&closed)),
        ("a middleware refused", created(&builder(any(), key()).middleware(refusing).build().unwrap())),
        ("a middleware set a header of the framing", created(&builder(any(), key()).middleware(host).build().unwrap())),
        (
            "a middleware sent the request elsewhere",
            created(&builder(any(), key()).middleware(elsewhere).build().unwrap()),
        ),
        ("a middleware made another call of it", created(&builder(any(), key()).middleware(another).build().unwrap())),
        ("the hyper transport, outside a tokio runtime", outside_a_runtime()),
    ]
}

fn not_kept() -> Error {
    let client = builder(answers(200, WHOLE), key()).executor(ThreadExecutor).build().unwrap();
    let held = pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_2")).hold()).unwrap();
    let _ = pollster::block_on(client.close(Duration::ZERO));
    pollster::block_on(held.keep()).unwrap_err()
}

/// No request is made: the transport looks for a runtime first.
fn outside_a_runtime() -> Error {
    let transport = clerk_actor_tokens::hyper::HyperTransport::builder().http_only().build().unwrap();
    created(&Client::new(transport, key()))
}

/// No connection is opened: the transport has no TLS to open it with.
fn without_tls() -> Error {
    let transport = clerk_actor_tokens::hyper::HyperTransport::builder().http_only().build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let call = Client::new(transport, key()).actor_tokens().create("user_1", Actor::new("user_2"));
    runtime.block_on(call.send()).unwrap_err()
}

fn connections() -> Vec<(&'static str, Error)> {
    let refused = || fails_with(TransportErrorKind::Connect, "connection refused");
    let no_budget = builder(refused(), key()).retry_budget(RetryBudget::new().tokens(0)).build().unwrap();
    let local = BaseUrl::new("http://127.0.0.1:4010").unwrap();
    let emulator = builder(refused(), key()).base_url(local).build().unwrap();
    vec![
        ("the server refuses connections", create(refused())),
        ("nothing listens there", created(&emulator)),
        (
            "the name does not resolve",
            create(fails_with(TransportErrorKind::Connect, "failed to lookup address information")),
        ),
        ("the retry budget is used up", created(&no_budget)),
        ("the connection closed before the request was written", create(fails(TransportErrorKind::Canceled))),
    ]
}

fn rate_limits() -> Vec<(&'static str, Error)> {
    const WITH_TIME: Play = Play::Answers(429, &[("retry-after", "60")], "");
    let held_back = builder(WITH_TIME, key()).build().unwrap();
    let first = created(&held_back);
    vec![
        ("429 with `Retry-After`", first),
        ("held back after an earlier 429", created(&held_back)),
        ("429 without `Retry-After`", create(answers(429, ""))),
        (
            "429 in Clerk's words",
            create(answers(
                429,
                r#"{"errors":[{"code":"too_many_requests","message":"Too many requests","long_message":"Too many requests, retry later"}]}"#,
            )),
        ),
    ]
}

fn statuses() -> Vec<(&'static str, Error)> {
    let missing = r#"{"errors":[{"code":"form_param_missing","message":"is missing","long_message":"user_id must be included.","meta":{"param_name":"user_id"}}],"clerk_trace_id":"7c1a"}"#;
    let unknown_user = r#"{"errors":[{"code":"resource_not_found","message":"not found","long_message":"No user was found with id user_1."}],"clerk_trace_id":"7c1a"}"#;
    let unknown_key = r#"{"errors":[{"code":"clerk_key_invalid","message":"The provided Clerk Secret Key is invalid."}],"clerk_trace_id":"7c1a"}"#;
    let plan = r#"{"errors":[{"code":"unsupported_subscription_plan_features","message":"Unsupported plan features"}],"clerk_trace_id":"7c1a"}"#;
    let quota = r#"{"errors":[{"code":"impersonation_limit_exceeded","message":"Impersonation limit exceeded"}],"clerk_trace_id":"7c1a"}"#;
    let used = r#"{"errors":[{"code":"actor_token_cannot_be_revoked_code","message":"cannot be revoked","long_message":"Actor token cannot be revoked because its status is `accepted`. Only pending tokens can be revoked."}],"clerk_trace_id":"7c1a"}"#;
    let not_pending = r#"{"errors":[{"code":"actor_token_cannot_be_revoked_code","message":"cannot be revoked"}]}"#;
    vec![
        ("a parameter is missing", create(answers(422, missing))),
        ("the user is unknown", create(answers(404, unknown_user))),
        ("the secret key is unknown", create(answers(401, unknown_key))),
        ("the plan does not include impersonation", create(answers(402, plan))),
        ("the monthly quota is used up", create(answers(422, quota))),
        ("the link was used before the revocation", revoke(answers(400, used))),
        ("the token is not pending", revoke(answers(400, not_pending))),
        ("404 of a gateway", create(answers(404, "<html>"))),
        ("403 of a gateway", create(answers(403, "<html>"))),
        ("502 of a gateway", create(answers(502, "<html>"))),
        ("503, on a revocation", revoke(answers(503, ""))),
    ]
}

/// Writes the errors of calls.
pub(super) fn write(page: &mut String) {
    heading(
        page,
        "Errors of a call",
        "The first line is `Display`. The second is `advice()`. The third is `suggested_status()`.",
    );
    for (kind, cases) in samples() {
        write!(page, "\n### {kind}\n").unwrap();
        for (case, error) in cases {
            write_sample(page, kind, case, &error, &error.to_string());
        }
        for (case, sample) in over_hyper::samples(kind) {
            write_sample(page, kind, case, &sample.error, &sample.text());
        }
    }
}

fn write_sample(page: &mut String, kind: &str, case: &str, error: &Error, text: &str) {
    assert_eq!(format!("{:?}", error.kind()), kind, "{case}: {error}");
    let (advice, status) = (error.advice(), error.suggested_status());
    write!(page, "\n{}:\n\n```text\n{text}\n{advice}\n{status}\n```\n", capitalized(case)).unwrap();
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
