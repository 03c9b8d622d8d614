//! Mistakes that are refused before any call: keys, base URLs, settings of builders, the names of faults.

use std::{error::Error as StdError, time::Duration};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, ClientBuilder, RetryPolicy, SecretKey,
    http::StatusCode,
    hyper::{Certificates, ClientIdentity, HyperTransport},
    operation::{Idempotency, InvalidRequest},
    settings::{ApiVersion, InvalidKey, RetryBudget},
    testing::emulator::{AcceptError, Emulator, fault::AnyFault},
    transport::{Response, transport_fn},
};

use super::markdown::{heading, table};

/// Returns the text of the error that this mistake is refused with.
fn text<T, E: StdError>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => panic!("a sample of an error is accepted"),
        Err(error) => error.to_string(),
    }
}

fn keys() -> Vec<(&'static str, String)> {
    let texts = [
        ("nothing", ""),
        ("`sk_test_`", "sk_test_"),
        ("`sk_test_abc` and a line break", "sk_test_abc\n"),
        ("`\"sk_test_abc\"`", "\"sk_test_abc\""),
        ("`${CLERK_KEY}`", "${CLERK_KEY}"),
        ("`sk_test_abc\\n`", "sk_test_abc\\n"),
        ("`eyJ...`", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2ln"),
        ("`pk_test_abc`", "pk_test_abc"),
        ("`sk_test_(abc)`", "sk_test_(abc)"),
        ("`Bearer sk_test_abc`", "Bearer sk_test_abc"),
    ];
    let mut rows: Vec<_> = texts.into_iter().map(|(shown, key)| (shown, text(SecretKey::new(key)))).collect();
    rows.push(("`CLERK_SECRET_KEY` is unset", InvalidKey::NotInEnvironment.to_string()));
    let quoted = InvalidKey::InEnvironment(Box::new(InvalidKey::Quoted));
    rows.push(("`CLERK_SECRET_KEY=\"sk_test_abc\"` in an environment file", quoted.to_string()));
    rows
}

fn urls() -> Vec<(&'static str, String)> {
    let mut rows: Vec<_> = [
        ("nothing", ""),
        ("`api.clerk.com`", "api.clerk.com"),
        ("`ftp://api.clerk.com`", "ftp://api.clerk.com"),
        ("`http://api.clerk.com`", "http://api.clerk.com"),
        ("`http://localhost:4010`", "http://localhost:4010"),
        ("`https://api.clerk.com?x=1`", "https://api.clerk.com?x=1"),
        ("`https://user:hunter2@api.clerk.com`", "https://user:hunter2@api.clerk.com"),
        ("`https://api.clerk.com` and a line break", "https://api.clerk.com\n"),
        ("`https://api.clerk.com/v1/../v2`", "https://api.clerk.com/v1/../v2"),
        ("`https://api.clerk.com:99999`", "https://api.clerk.com:99999"),
        ("`https://api.clerk.com/v1/actor_tokens`", "https://api.clerk.com/v1/actor_tokens"),
        ("`https://*.clerk.com`", "https://*.clerk.com"),
    ]
    .into_iter()
    .map(|(shown, url)| (shown, text(BaseUrl::new(url))))
    .collect();
    let allowed = |host: &str| text(BaseUrl::builder("http://emulator:4010").danger_allow_http(host).build());
    rows.extend([
        ("`danger_allow_http(\"emulator:4010\")`", allowed("emulator:4010")),
        ("`danger_allow_http(\"http://emulator\")`", allowed("http://emulator")),
        ("`danger_allow_http(\"emulator/v1\")`", allowed("emulator/v1")),
        ("`danger_allow_http(\"*\")`", allowed("*")),
        ("`danger_allow_http(\"a b\")`", allowed("a b")),
        ("`danger_allow_http(\"\")`", allowed("")),
        ("`danger_allow_http(\"a@b\")`", allowed("a@b")),
    ]);
    let local = BaseUrl::new("http://127.0.0.1:4010").unwrap();
    let live = SecretKey::new("sk_live_abc").unwrap();
    rows.push(("`check_key`, with a live key and plain `http`", text(local.check_key(&live))));
    let below = |path: &str| text(BaseUrl::default().request(Default::default(), path, Default::default()));
    rows.extend([
        ("a request to `users`", below("users")),
        ("a request to `/../users`", below("/../users")),
        ("a request to `/a b`", below("/a b")),
    ]);
    rows
}

fn settings() -> Vec<(&'static str, String)> {
    let transport = || transport_fn(|_, _| async { Ok(Response::default()) });
    let builder = || Client::builder(transport(), SecretKey::new("sk_test_abc").unwrap());
    fn refused<T: clerk_actor_tokens::transport::HttpTransport>(builder: ClientBuilder<T>) -> String {
        text(builder.build())
    }
    let retry = |policy| refused(builder().retry(policy));
    let none = RetryPolicy::new;
    vec![
        ("`timeout(Duration::ZERO)`", refused(builder().timeout(Duration::ZERO))),
        ("`response_cap(0)`", refused(builder().response_cap(0))),
        ("`user_agent(\"a\\nb\")`", refused(builder().user_agent("a\nb"))),
        ("`require_executor()`, over a transport without one", refused(builder().require_executor())),
        ("`max_attempts(.., 0)`", retry(none().max_attempts(Idempotency::Idempotent, 0))),
        ("`attempt_timeout(Duration::ZERO)`", retry(none().attempt_timeout(Duration::ZERO))),
        ("`danger_retry_create_on([404])`", retry(none().danger_retry_create_on([StatusCode::NOT_FOUND]))),
        (
            "`RetryBudget::successes_per_token(0)`",
            refused(builder().retry_budget(RetryBudget::new().successes_per_token(0))),
        ),
        (
            "`RetryBudget::token_every(Duration::ZERO)`",
            refused(builder().retry_budget(RetryBudget::new().token_every(Duration::ZERO))),
        ),
        ("`ApiVersion::new(\"latest\")`", text(ApiVersion::new("latest"))),
        ("`Actor::from_json(\"[]\")`", text::<_, InvalidRequest>(Actor::from_json("[]"))),
    ]
}

fn transports() -> Vec<(&'static str, String)> {
    let builder = HyperTransport::builder;
    let own = || hyper_util::client::legacy::connect::HttpConnector::new();
    let root = || Certificates::from_der(b"no certificate".to_vec());
    vec![
        ("`connect_timeout(Duration::ZERO)`", text(builder().connect_timeout(Duration::ZERO).build())),
        ("`pool_idle_timeout(Duration::ZERO)`", text(builder().pool_idle_timeout(Duration::ZERO).build())),
        ("`pool_idle_timeout(Duration::MAX)`", text(builder().pool_idle_timeout(Duration::MAX).build())),
        ("`max_http2_connections(0)`", text(builder().max_http2_connections(0).build())),
        ("`max_head_size(1)`", text(builder().max_head_size(1).build())),
        ("`http_only()` and `proxy(..)`", text(builder().http_only().proxy("http://x.test:3128").build())),
        ("`proxy(\"socks4://x.test\")`", text(builder().proxy("socks4://x.test").build())),
        ("`proxy(\"http://x.test/path\")`", text(builder().proxy("http://x.test/path").build())),
        ("`proxy(..)` and a connector of your own", text(builder().proxy("http://x.test").build_with_connector(own()))),
        ("`http1_only()` and a connector of your own", text(builder().http1_only().build_with_connector(own()))),
        ("`only_roots`, with bytes that are not a certificate", text(builder().only_roots(root()).build())),
        ("`Certificates::from_pem`, with an empty text", text(Certificates::from_pem(b""))),
        (
            "`Certificates::from_pem`, with half a certificate",
            text(Certificates::from_pem(b"-----BEGIN CERTIFICATE-----\nAA")),
        ),
        ("`ClientIdentity::from_pem`, without a key", text(ClientIdentity::from_pem(b"", b""))),
    ]
}

fn faults() -> Vec<(&'static str, String)> {
    [
        ("``", ""),
        ("`cut_at(`", "cut_at("),
        ("`cut_at`", "cut_at"),
        ("`cut_at(x)`", "cut_at(x)"),
        ("`stall(1)`", "stall(1)"),
        ("`slow_body(2)`", "slow_body(2)"),
        ("`status(99)`", "status(99)"),
        ("`rst_stream(7)`", "rst_stream(7)"),
        ("`nested(999999999)`", "nested(999999999)"),
        ("`redirect(200, x)`", "redirect(200, x)"),
        ("`without()`", "without()"),
        ("`stall().retry_after(1s)`", "stall().retry_after(1s)"),
        ("`status(429).retry_after(soon)`", "status(429).retry_after(soon)"),
        ("`statsu(503)`", "statsu(503)"),
        ("`status(503).later(1s)`", "status(503).later(1s)"),
    ]
    .into_iter()
    .map(|(shown, fault)| (if shown == "``" { "nothing" } else { shown }, text(fault.parse::<AnyFault>())))
    .collect()
}

/// Writes what is refused before a call.
pub(super) fn write(page: &mut String) {
    heading(
        page,
        "Secret keys",
        "`SecretKey::new` and `SecretKey::from_env` give an `InvalidKey`. It never holds the text that was refused.",
    );
    table(page, &keys());
    heading(
        page,
        "Base URLs",
        "`BaseUrl::new` and `BaseUrl::builder` give a `ConfigError`, which never holds the text that was refused.\n\
         `BaseUrl::from_env` names the variable instead: `CLERK_API_URL` or `CLERK_DANGER_ALLOW_HTTP`.",
    );
    table(page, &urls());
    heading(page, "Settings of a client", "`ClientBuilder::build` gives a `ConfigError`, which names the setting.");
    table(page, &settings());
    heading(page, "Settings of the hyper transport", "`HyperTransportBuilder::build` gives a `ConfigError`.");
    table(page, &transports());
    heading(page, "Names of the emulator's faults", "`AnyFault::from_str` gives a `ParseFaultError`.");
    let (lists, lines): (Vec<_>, Vec<_>) = faults().into_iter().partition(|(_, text)| text.contains('\n'));
    table(page, &lines);
    for (shown, text) in lists {
        page.push_str(&format!("\n{shown}:\n\n```text\n{text}\n```\n"));
    }
    heading(page, "Links that the emulator does not open", "`Emulator::accept` gives an `AcceptError`.");
    let emulator = Emulator::new();
    let unknown = text(emulator.accept_url("https://x.test/v1/tickets/accept?ticket=x"));
    table(
        page,
        &[
            ("a link that was used", AcceptError::AlreadyUsed.to_string()),
            ("a token that was revoked", AcceptError::Revoked.to_string()),
            ("a link that has expired", AcceptError::Expired.to_string()),
            ("a link of another emulator", unknown),
        ],
    );
}
