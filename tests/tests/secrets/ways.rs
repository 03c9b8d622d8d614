//! Every way to the server, and what happens on it: HTTP/1.1 and HTTP/2, in the clear, over TLS, and through a proxy that
//! wants a password.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_actor_tokens::{
    Actor, Client, RetryPolicy, SecretKey,
    hyper::{Certificates, HyperTransport, HyperTransportBuilder},
    testing::emulator::{Emulator, NextAttempt, Served, fault},
};

use crate::{KEY, shown::Sanitized};

/// The parts before and behind the colon of the proxy's URL. The password is not the same when it is encoded.
pub(crate) const PROXY_USER: &str = "CANARY-user-of-the-proxy";
pub(crate) const PROXY_PASSWORD: &str = "CANARY/p@ssword:of+the proxy";
pub(crate) const PROXY_PASSWORD_ENCODED: &str = "CANARY%2Fp%40ssword%3Aof%2Bthe%20proxy";

/// The credentials of the proxy, as they are, as in a URL, and as in a header (RFC 7617).
pub(crate) fn name_credentials_of_the_proxy(shown: &mut Sanitized) {
    shown.secret(PROXY_USER);
    shown.secret(PROXY_PASSWORD);
    shown.secret(PROXY_PASSWORD_ENCODED);
    shown.secret(&STANDARD.encode(format!("{PROXY_USER}:{PROXY_PASSWORD}")));
}

/// A way, whether the server has TLS, and the transport that takes it.
struct Way {
    name: &'static str,
    has_tls: bool,
    builder: fn(HyperTransportBuilder, &Served) -> HyperTransportBuilder,
    /// Who has something to log of it, on the client's side.
    logging: &'static [&'static str],
}

const HTTP1: &[&str] = &["hyper_util::client::legacy::connect::http"];
const HTTP2: &[&str] =
    &["hyper_util::client::legacy::connect::http", "h2::client", "h2::codec::framed_write", "h2::hpack::decoder"];
const HTTP1_TLS: &[&str] =
    &["hyper_util::client::legacy::connect::http", "rustls::client::hs", "rustls::client::tls13"];
const HTTP2_TLS: &[&str] = &["h2::client", "h2::codec::framed_read", "rustls::client::hs", "rustls::client::tls13"];

const WAYS: [Way; 6] = [
    Way { name: "h1", has_tls: false, builder: |builder, _| builder.http_only(), logging: HTTP1 },
    Way {
        name: "h2",
        has_tls: false,
        builder: |builder, _| builder.http_only().http2_prior_knowledge(),
        logging: HTTP2,
    },
    Way {
        name: "h1 over TLS",
        has_tls: true,
        builder: |builder, server| trusting(builder, server).http1_only(),
        logging: HTTP1_TLS,
    },
    Way { name: "h2 over TLS", has_tls: true, builder: trusting, logging: HTTP2_TLS },
    Way {
        name: "h1 by proxy",
        has_tls: true,
        builder: |builder, server| proxied(builder, server).http1_only(),
        logging: HTTP1_TLS,
    },
    Way { name: "h2 by proxy", has_tls: true, builder: proxied, logging: HTTP2_TLS },
];

fn trusting(builder: HyperTransportBuilder, server: &Served) -> HyperTransportBuilder {
    builder.only_roots(Certificates::from_pem(server.ca_pem().unwrap().as_bytes()).unwrap())
}

/// The emulator is its own proxy.
fn proxied(builder: HyperTransportBuilder, server: &Served) -> HyperTransportBuilder {
    let host = server.url().trim_start_matches("https://");
    trusting(builder, server).proxy(format!("http://{PROXY_USER}:{PROXY_PASSWORD_ENCODED}@{host}"))
}

type Queue = fn(NextAttempt<'_>);

const LONG: Duration = Duration::from_secs(30);
/// Long enough for the request to meet its fault first.
const SHORT: Duration = Duration::from_secs(2);

/// A fault, and how long its call may take.
const FAULTS: [(&str, Queue, Duration); 23] = [
    ("before_send refused", |next| next.before_send(fault::refused()), LONG),
    ("before_send tls", |next| next.before_send(fault::tls()), LONG),
    ("before_send tls_cut", |next| next.before_send(fault::tls_cut()), LONG),
    ("before_send proxy", |next| next.before_send(fault::proxy()), LONG),
    ("before_send proxy_auth", |next| next.before_send(fault::proxy_auth()), LONG),
    ("before_send canceled", |next| next.before_send(fault::canceled()), LONG),
    ("before_send reset", |next| next.before_send(fault::reset()), LONG),
    ("before_send stall", |next| next.before_send(fault::stall()), SHORT),
    ("before_commit refused_stream", |next| next.before_commit(fault::refused_stream()), LONG),
    ("before_commit goaway_below", |next| next.before_commit(fault::goaway_below()), LONG),
    ("before_commit reset", |next| next.before_commit(fault::reset()), LONG),
    ("before_commit close", |next| next.before_commit(fault::close()), LONG),
    ("before_commit rst_stream", |next| next.before_commit(fault::rst_stream(2)), LONG),
    ("before_commit stall", |next| next.before_commit(fault::stall()), SHORT),
    ("before_commit 307", |next| next.before_commit(fault::status(307)), LONG),
    ("before_commit 401", |next| next.before_commit(fault::status(401)), LONG),
    ("before_commit 429", |next| next.before_commit(fault::status(429)), LONG),
    ("before_commit 500", |next| next.before_commit(fault::status(500)), LONG),
    ("after_commit goaway_above", |next| next.after_commit(fault::goaway_above()), LONG),
    ("after_commit reset", |next| next.after_commit(fault::reset()), LONG),
    ("after_commit stall_at", |next| next.after_commit(fault::stall_at(500)), SHORT),
    ("after_commit 502", |next| next.after_commit(fault::status(502)), LONG),
    ("after_commit cut_at", |next| next.after_commit(fault::cut_at(40)), LONG),
];

#[tokio::test]
async fn no_way_to_the_server_shows_one() {
    let mut shown = Sanitized::new();
    shown.secret(KEY);
    name_credentials_of_the_proxy(&mut shown);
    let logging: BTreeSet<_> = WAYS.iter().flat_map(|way| way.logging).collect();
    let before: Vec<_> = logging.iter().map(|who| shown.records_of(who)).collect();
    let shown = RefCell::new(shown);
    let [first, second, third, fourth, fifth, sixth] = WAYS.each_ref().map(|way| take(way, &shown));
    tokio::join!(first, second, third, fourth, fifth, sixth);
    let shown = shown.into_inner();
    for (who, before) in logging.into_iter().zip(before) {
        let logged = shown.records_of(who) - before;
        let ways = WAYS.iter().filter(|way| way.logging.contains(who)).count();
        assert!(logged >= ways * 2 * FAULTS.len(), "over {ways} ways {who} logged {logged}");
    }
    shown.assert_clean("every way and every fault, over sockets");
}

/// A whole life, and then each fault of a create and of a revoke, each over connections of its own.
async fn take(way: &Way, shown: &RefCell<Sanitized>) {
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).real_time().build();
    let server = if way.has_tls { clerk.server().tls() } else { clerk.server() };
    let server = server.start().await.unwrap();
    let client = |timeout| {
        let mut shown = shown.borrow_mut();
        let builder = (way.builder)(HyperTransport::builder(), &server);
        shown.debug(way.name, &builder);
        let transport = builder.build().unwrap();
        shown.debug(way.name, &transport);
        let builder = Client::builder(transport, SecretKey::new(KEY).unwrap()).base_url(server.base_url());
        let builder = builder.retry(RetryPolicy::none()).timeout(timeout);
        shown.debug(way.name, &builder);
        builder.build().unwrap()
    };
    let whole = client(LONG);
    let tokens = whole.actor_tokens();
    let create = || tokens.create("user_1", Actor::new("user_2"));
    let response = create().send_with_response().await.unwrap();
    shown.borrow_mut().debug(way.name, &response);
    let token = response.into_value();
    shown.borrow_mut().secret(token.token().unwrap().expose());
    shown.borrow_mut().secret(token.url().unwrap().expose());
    shown.borrow_mut().debug(way.name, &token);
    let response = tokens.revoke(token.id()).send_with_response().await.unwrap();
    shown.borrow_mut().debug(way.name, &response);
    shown.borrow_mut().debug(way.name, &whole);

    for (fault, queue, timeout) in FAULTS {
        let name = format!("{}, {fault}", way.name);
        let token = create().send().await.unwrap();
        shown.borrow_mut().secret(token.token().unwrap().expose());
        let (creating, revoking) = (client(timeout), client(timeout));
        queue(clerk.next_create());
        let created = creating.actor_tokens().create("user_1", Actor::new("user_2")).send_with_response().await;
        clerk.assert_faults_used();
        queue(clerk.next_revoke());
        let revoked = revoking.actor_tokens().revoke(token.id()).send_with_response().await;
        clerk.assert_faults_used();
        let mut shown = shown.borrow_mut();
        shown.debug(&name, &(&created, &revoked));
        for error in [created.err(), revoked.err()] {
            let error = error.unwrap_or_else(|| panic!("{name}: it was to fail"));
            shown.error(&name, &error);
            shown.display(&name, &error.advice());
            shown.debug(&name, &error.attempts());
        }
    }
    shown.borrow_mut().debug(way.name, &(&clerk, &server, clerk.ledger(), clerk.requests(), clerk.live()));
    let ended = whole.close(LONG).await;
    shown.borrow_mut().debug(way.name, &ended);
}
