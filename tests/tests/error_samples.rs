//! The book's samples of errors are what the crates print.

use std::fs;

use clerk_actor_tokens_tests::error_samples::{page, path};

#[test]
fn the_page_is_what_the_errors_print() {
    let (committed, made) = (fs::read_to_string(path()).unwrap_or_default(), page());
    let differs = committed.lines().zip(made.lines()).find(|(committed, made)| committed != made);
    assert!(
        committed == made,
        "the page and the errors differ: cargo run -p clerk-actor-tokens-tests --bin error-samples\nfirst: {differs:?}"
    );
}

#[test]
fn every_kind_of_error_is_on_the_page() {
    let page = page();
    for kind in [
        "InvalidRequest",
        "Credential",
        "Blocked",
        "Connect",
        "Tls",
        "Proxy",
        "Refused",
        "Timeout",
        "Interrupted",
        "RateLimited",
        "Api",
        "UnexpectedRedirect",
        "ResponseTruncated",
        "ResponseInvalid",
        "ResponseMismatch",
    ] {
        assert!(page.contains(&format!("\n### {kind}\n")), "{kind}");
    }
}

#[test]
fn no_sample_holds_a_whole_credential() {
    let page = page();
    for line in page.lines().filter(|line| !line.starts_with('|')) {
        assert!(!line.contains("sk_test_abc") && !line.contains("sk_live_abc"), "{line}");
    }
    // In a table the first cell is the mistake, the second what was printed.
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let printed = line.rsplit(" | ").next().unwrap_or_default();
        assert!(!printed.contains("sk_test_abc") && !printed.contains("hunter2"), "{line}");
    }
}
