//! The kit over reqwest: configured for it, and as somebody else may have configured it.

use super::{forward_proxy, *};

use clerk_actor_tokens_reqwest::{ReqwestTransport, reqwest};

/// What no transport over reqwest can do. The book's page on transports says the same.
const SKIPPED: [(&str, &str); 3] = [
    ("request.dot_segments", "reqwest resolves dot segments: the transport refuses to send such a path"),
    ("pool.discarded_connection", "reqwest closes no connection on request"),
    ("pool.cut_answer", "reqwest reads the rest of a small response, and uses its connection again"),
];

#[test]
fn reqwest_from_a_builder_conforms() {
    let test = "reqwest::reqwest_from_a_builder_conforms";
    let cells = conforms(test, 2, &SKIPPED, || ReqwestTransport::from_builder(|reqwest| reqwest).unwrap());
    let passed = assert_passed_but(&cells, &SKIPPED);
    println!("figure: reqwest from a builder: {passed} cells passed, {} skipped", SKIPPED.len());
}

#[test]
fn reqwest_keeps_the_law_over_http2() {
    keeps_the_law_over_http2(|| ReqwestTransport::from_builder(|reqwest| reqwest.http2_prior_knowledge()).unwrap());
}

/// The cells of the law over a client that somebody else configured.
fn keeps_the_law(make: impl Fn() -> reqwest::Client + Send + Sync + 'static) -> usize {
    const SKIPPED: [(&str, &str); 1] =
        [("law.redirect_to_itself", "reqwest does not tell a redirect to the same URL from an answer")];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let kit = Kit::new(move || ReqwestTransport::from_client(make())).may_follow_redirects();
    let cells: Vec<_> = kit.names().into_iter().filter(|name| name.starts_with("law.")).collect();
    let kit = cells.iter().fold(kit, |kit, cell| kit.only(cell));
    let kit = SKIPPED.iter().fold(kit, |kit, (cell, reason)| kit.skip(cell, reason));
    let report = kit.block_on(move |future| runtime.block_on(future)).run();
    report.assert();
    assert_passed_but(report.cells(), &SKIPPED)
}

#[test]
fn a_client_as_reqwest_makes_it_keeps_the_law() {
    println!("figure: reqwest::Client::new(): {} cells of the law", keeps_the_law(reqwest::Client::new));
}

#[test]
fn a_client_that_follows_every_redirect_keeps_the_law() {
    let follows = || {
        let always = reqwest::redirect::Policy::custom(|attempt| match attempt.previous().len() {
            0..20 => attempt.follow(),
            _ => attempt.stop(),
        });
        reqwest::Client::builder().redirect(always).referer(true).build().unwrap()
    };
    println!("figure: reqwest that follows: {} cells of the law", keeps_the_law(follows));
}

#[test]
fn a_client_that_retries_what_it_can_keeps_the_law() {
    let retries = || {
        let all = reqwest::retry::for_host("127.0.0.1").no_budget().max_retries_per_request(5).classify_fn(|attempt| {
            match attempt.status() {
                Some(status) if status.is_success() => attempt.success(),
                _ => attempt.retryable(),
            }
        });
        reqwest::Client::builder().retry(all).build().unwrap()
    };
    println!("figure: reqwest that retries: {} cells of the law", keeps_the_law(retries));
}

/// The variable belongs to a process, so the test runs itself once more in another.
#[test]
fn a_client_behind_a_proxy_of_the_environment_keeps_the_law() {
    const TEST: &str = "reqwest::a_client_behind_a_proxy_of_the_environment_keeps_the_law";
    if std::env::var_os("HTTP_PROXY").is_some() {
        println!("figure: reqwest behind HTTP_PROXY: {} cells of the law", keeps_the_law(reqwest::Client::new));
        return;
    }
    let proxy = forward_proxy::start();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", TEST, "--nocapture"]).env("HTTP_PROXY", proxy.url()).env_remove("NO_PROXY");
    let output = again.env_remove("no_proxy").env_remove("REQUEST_METHOD").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("behind HTTP_PROXY: 76"), "{printed}");
    assert!(proxy.carried() > 300, "{} requests went by the proxy", proxy.carried());
}
