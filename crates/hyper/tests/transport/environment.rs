//! What the environment decides, and what it does not: proxies, in processes of their own.

use std::error::Error;

use clerk_actor_tokens_core::TransportErrorKind;
use clerk_actor_tokens_hyper::{ClientIdentity, HyperTransport, HyperTransportBuilder};

use crate::{
    certs::Authority,
    child::{is_child, run_again},
    proxy::{Proxy, https_server},
    support::{Exchanges, Server, ok, post},
};

const NAME: &str = "127.0.0.1";

/// Sends one `https` and one `http` request, and says how the first went.
async fn exchange(builder: HyperTransportBuilder, trusted: &Authority) {
    let transport = builder.only_roots(trusted.as_root()).build().unwrap();
    let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
    let plain = Server::answering(ok("hello")).await;
    assert_eq!(transport.exchange(post(&server.https("/"))).await.unwrap().body(), "hello");
    assert_eq!(transport.exchange(post(&plain.url("/"))).await.unwrap().body(), "hello");
    assert_eq!((server.connections(), plain.connections()), (1, 1));
}

/// Runs the test in a child, off the threads that serve its proxy.
async fn again(test: &'static str, variables: Vec<(&'static str, String)>) {
    let ran = tokio::task::spawn_blocking(move || {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run_again(test, &variables);
    });
    ran.await.unwrap();
}

const EVERY: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_in_the_environment_that_was_not_asked_for_is_never_connected_to() {
    if is_child() {
        let trusted = Authority::new("trusted");
        let builders: [fn(HyperTransportBuilder) -> HyperTransportBuilder; 3] =
            [|builder| builder, HyperTransportBuilder::http1_only, |builder| builder.max_idle_per_host(0)];
        for build in builders {
            exchange(build(HyperTransport::builder()), &trusted).await;
        }
        // With the defaults, which do not trust the server: as far as the handshake.
        let server = https_server(&trusted.server(NAME), "http/1.1", None).await;
        let error = HyperTransport::new().unwrap().exchange(post(&server.https("/"))).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls);
        return;
    }
    let mut exchanges = 0;
    for names in EVERY.iter().map(std::slice::from_ref).chain([&EVERY[..]]) {
        let proxy = Proxy::tunnelling().await;
        let variables = names.iter().map(|name| (*name, proxy.url("user:password@"))).collect();
        again("environment::a_proxy_in_the_environment_that_was_not_asked_for_is_never_connected_to", variables).await;
        assert_eq!(proxy.server.connections(), 0, "{names:?}");
        exchanges += 7;
    }
    println!("figure: {exchanges} exchanges with HTTPS_PROXY and the like set and not asked for: 0 connections to it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_in_the_environment_that_was_asked_for_is_used_for_https() {
    if is_child() {
        return exchange(HyperTransport::builder().proxy_from_env(), &Authority::new("trusted")).await;
    }
    type Variables = &'static [(&'static str, &'static str)];
    // The variable that is set to the proxy's URL, what else is set, and how many tunnels there are then.
    let cases: [(&str, Variables, usize); 20] = [
        ("HTTPS_PROXY", &[], 1),
        ("https_proxy", &[], 1),
        ("ALL_PROXY", &[], 1),
        ("all_proxy", &[], 1),
        // `http` goes straight.
        ("HTTP_PROXY", &[], 0),
        ("http_proxy", &[], 0),
        // The one for https counts.
        ("HTTPS_PROXY", &[("ALL_PROXY", "http://127.0.0.1:1")], 1),
        ("HTTPS_PROXY", &[("NO_PROXY", "127.0.0.1")], 0),
        ("HTTPS_PROXY", &[("no_proxy", "example.com, 127.0.0.1")], 0),
        // The lower case counts first, and empty is unset.
        ("https_proxy", &[("HTTPS_PROXY", "http://127.0.0.1:1")], 1),
        ("HTTPS_PROXY", &[("https_proxy", ""), ("all_proxy", "http://127.0.0.1:1")], 1),
        ("ALL_PROXY", &[("HTTPS_PROXY", "")], 1),
        ("HTTPS_PROXY", &[("no_proxy", "x"), ("NO_PROXY", "127.0.0.1")], 1),
        ("HTTPS_PROXY", &[("no_proxy", "*,x")], 1),
        ("HTTPS_PROXY", &[("NO_PROXY", "127.0.0.0/8")], 0),
        ("HTTPS_PROXY", &[("NO_PROXY", "*")], 0),
        ("ALL_PROXY", &[("NO_PROXY", "127.0.0.1")], 0),
        ("HTTPS_PROXY", &[("NO_PROXY", "example.com")], 1),
        ("HTTPS_PROXY", &[("NO_PROXY", "")], 1),
        // What makes HTTP_PROXY untrustworthy (CGI) does not touch this one.
        ("HTTPS_PROXY", &[("REQUEST_METHOD", "GET")], 1),
    ];
    for (name, others, tunnels) in cases {
        let proxy = Proxy::tunnelling().await;
        let mut variables = vec![(name, proxy.url("user:password@"))];
        variables.extend(others.iter().map(|(name, value)| (*name, (*value).to_owned())));
        again("environment::a_proxy_in_the_environment_that_was_asked_for_is_used_for_https", variables).await;
        assert_eq!(proxy.heads().len(), tunnels, "{name}, {others:?}");
        assert!(proxy.heads().iter().all(|head| head.contains("Basic dXNlcjpwYXNzd29yZA==")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_of_ones_own_is_not_bound_by_the_environment() {
    if is_child() {
        let trusted = Authority::new("trusted");
        let proxy = Proxy::tunnelling().await;
        exchange(HyperTransport::builder().proxy(proxy.url("")), &trusted).await;
        assert_eq!(proxy.heads().len(), 1);
        return;
    }
    let others = Proxy::tunnelling().await;
    let variables = vec![("NO_PROXY", "*".to_owned()), ("HTTPS_PROXY", others.url("")), ("ALL_PROXY", others.url(""))];
    again("environment::a_proxy_of_ones_own_is_not_bound_by_the_environment", variables).await;
    assert_eq!(others.server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_environment_that_names_no_usable_proxy_is_refused_and_not_shown() {
    if is_child() {
        let error = HyperTransport::builder().proxy_from_env().build().unwrap_err();
        let text = format!("{error} {error:?} {:?}", error.source().map(ToString::to_string));
        let named = std::env::var("EXPECTED_NAME").unwrap();
        assert!(error.setting() == named && text.contains(&named) && !text.contains("CANARY"), "{text}");
        // Who does not ask for it is not troubled by it.
        HyperTransport::new().unwrap();
        return;
    }
    for (name, value) in [
        ("HTTPS_PROXY", "socks4://user:CANARY@proxy.test:1080"),
        ("https_proxy", "http://127.0.0.1:45999#CANARY@proxy.test:3128"),
        ("https_proxy", "ftp://user:CANARY@proxy.test"),
        ("ALL_PROXY", "socks5h://user:CANARY@proxy.test?CANARY"),
        ("all_proxy", "http://user:CANARY@"),
        ("HTTPS_PROXY", "http://user:CANARY@proxy test"),
        ("HTTPS_PROXY", "http://user:CANARY@proxy.test:99999"),
    ] {
        let variables = vec![(name, value.to_owned()), ("EXPECTED_NAME", name.to_owned())];
        again("environment::an_environment_that_names_no_usable_proxy_is_refused_and_not_shown", variables).await;
    }
}

#[test]
fn what_is_wrong_with_the_settings_is_told_also_where_no_roots_are_found() {
    const TEST: &str = "environment::what_is_wrong_with_the_settings_is_told_also_where_no_roots_are_found";
    if is_child() {
        HyperTransport::new().expect("no roots are no reason to refuse to build");
        HyperTransport::builder().proxy("socks4://x:1").build().unwrap_err();
        let (ours, other) = (Authority::new("ours"), Authority::new("other"));
        let mismatched = ClientIdentity::from_pem(ours.pem().as_bytes(), other.key_pem().as_bytes()).unwrap();
        HyperTransport::builder().client_identity(mismatched).build().unwrap_err();
        return;
    }
    run_again(TEST, &[("SSL_CERT_DIR", "/nonexistent")]);
}
