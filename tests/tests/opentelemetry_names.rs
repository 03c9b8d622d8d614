//! The names of fields are those of OpenTelemetry's conventions, as its own crate has them.
#![allow(clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::collections::BTreeSet;

use opentelemetry_semantic_conventions::{
    attribute::{
        ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_REQUEST_RESEND_COUNT, HTTP_RESPONSE_STATUS_CODE, SERVER_ADDRESS,
        SERVER_PORT, URL_TEMPLATE,
    },
    metric::HTTP_CLIENT_REQUEST_DURATION,
};

/// The listing that core's own test compares with what it sees.
const LISTING: &str = include_str!("../../crates/core/tests/promises/spans.txt");
const METRICS: &str = include_str!("../../examples/observe/opentelemetry_metrics.rs");

/// The names before each `=`. A URL in an error has one too.
fn names(listing: &str) -> BTreeSet<&str> {
    let lines = listing.lines().skip(1).filter(|line| !line.contains(" message=CreateActorToken"));
    let words = lines.flat_map(|line| line.split(' '));
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
    words.filter_map(|word| Some(word.split_once('=')?.0)).filter(is_name).collect()
}

#[test]
fn each_field_is_opentelemetrys_or_says_that_it_is_ours() {
    let ours = |name: &str| name.starts_with("clerk.") || name == "message";
    // What `tracing-opentelemetry` reads: kind, name and status of a span are no attributes.
    let of_the_span = |name: &str| ["otel.kind", "otel.name", "otel.status_code"].contains(&name);
    let theirs: BTreeSet<_> = names(LISTING).into_iter().filter(|name| !ours(name) && !of_the_span(name)).collect();
    let constants = [
        ERROR_TYPE,
        HTTP_REQUEST_METHOD,
        HTTP_REQUEST_RESEND_COUNT,
        HTTP_RESPONSE_STATUS_CODE,
        SERVER_ADDRESS,
        SERVER_PORT,
        URL_TEMPLATE,
    ];
    assert_eq!(theirs, BTreeSet::from(constants));
}

#[test]
fn the_metric_of_the_example_has_opentelemetrys_name() {
    assert!(METRICS.contains(&format!("\"{HTTP_CLIENT_REQUEST_DURATION}\"")));
}
