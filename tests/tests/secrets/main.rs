//! No credential in any text: everything that the crates show by `Debug` or `Display`, log at any level, or say in a
//! panic, around calls of every kind with a key, a ticket and a link that would be seen.
//!
//! What is searched, and in which encodings, is the business of `clerk_actor_tokens_tests::canary`. The records of
//! `hyper` itself are not among it: they need a compiler flag (`--cfg hyper_unstable_tracing`).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and these show their figures; clippy's own exception does not reach helpers"
)]

mod capture;
mod child;
mod doubles;
mod faults;
mod identity;
mod loopback;
mod orphans;
mod plugged;
mod proxies;
mod shown;
mod tls;
mod ways;
mod words;

const KEY: &str = "sk_test_CANARYcanary0123456789";
const TICKET: &str = "eyJDQU5BUlkiOiJjYW5hcnkifQ.CANARYclaims0123456789.CANARYsignature0123456789";
const LINK: &str = "https://x.test/v1/tickets/accept?ticket=eyJDQU5BUlkiOiJjYW5hcnkifQ.CANARYclaims0123456789.CANARYsignature0123456789";

/// The capture would see one: each encoding through each way.
#[test]
fn a_credential_that_is_logged_is_seen() {
    let scanner = clerk_actor_tokens_tests::canary::Scanner::new();
    // Not through the capture of this process: the other tests search all of it.
    for text in [format!("key {KEY}"), format!("{:?}", KEY.as_bytes()), LINK.replace('=', "%3D")] {
        assert!(!scanner.scan(&text).is_empty());
    }
    let capture = capture::start();
    let before = (capture.count(module_path!()), capture.count("panic"));
    log::trace!("a record");
    tracing::trace!(field = "value", "an event");
    tracing::trace_span!("a span", field = 1).in_scope(|| {});
    let _ = std::panic::catch_unwind(|| panic!("a panic on purpose"));
    assert!(capture.count(module_path!()) >= before.0 + 3, "a record, an event or a span was not captured");
    assert!(capture.count("panic") > before.1);
    let said = capture.said();
    assert!(said.iter().any(|(_, text)| text.contains("field=\"value\"")), "the fields of an event");
    assert!(said.iter().any(|(_, text)| text.contains("a panic on purpose")));
}
