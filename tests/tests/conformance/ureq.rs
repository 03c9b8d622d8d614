//! The kit over ureq, without a runtime.

use super::*;

use clerk_actor_tokens_ureq::UreqTransport;

/// What no transport over ureq can do. The book's page on transports says the same.
const SKIPPED: [(&str, &str); 2] = [
    ("pool.discarded_connection", "ureq closes no connection on request"),
    ("partial.broken_chunk", "ureq gives no byte that arrived together with a chunk that breaks the framing"),
];

#[test]
fn ureq_conforms_without_a_runtime() {
    let cells = conforms("ureq::ureq_conforms_without_a_runtime", 0, &SKIPPED, UreqTransport::new);
    let passed = assert_passed_but(&cells, &SKIPPED);
    println!("figure: ureq: {passed} cells passed, {} skipped", SKIPPED.len());
}
