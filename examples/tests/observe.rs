//! What the examples that observe calls show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod common;

use common::prints;

const CREATE: &str = "/v1/actor_tokens";
const REVOKE: &str = "/v1/actor_tokens/{actor_token_id}/revoke";

#[test]
fn spans_and_their_events_are_in_the_exporter() {
    let expected = format!(
        r#"POST {CREATE}
  an attempt ended: Some(String(Owned("not_executed"))) Some(String(Owned("Connect")))
  an attempt ended: Some(String(Owned("executed"))) None
POST {REVOKE}
  an attempt ended: Some(String(Owned("executed"))) None
"#
    );
    assert_eq!(prints("spans"), expected);
}

#[test]
fn both_kinds_of_metrics_count_each_attempt_once() {
    let of_metrics = prints("metrics");
    let of_opentelemetry = prints("opentelemetry_metrics");
    assert_eq!((of_metrics.lines().count(), of_opentelemetry.lines().count()), (3, 3));
    for (route, error) in [(CREATE, Some("Connect")), (CREATE, None), (REVOKE, None)] {
        let labels =
            [format!("Label(\"route\", {route:?})"), format!("Label(\"error\", {:?})", error.unwrap_or("none"))];
        assert_eq!(of_metrics.lines().filter(|line| labels.iter().all(|label| line.contains(label))).count(), 1);
        let is_it = |line: &&str| {
            let has_route = line.split(' ').any(|word| word == format!("url.template={route}"));
            let has_error =
                error.map_or(!line.contains("error.type"), |error| line.contains(&format!("error.type={error}")));
            has_route && has_error && line.starts_with("http.client.request.duration 1 of ")
        };
        assert_eq!(of_opentelemetry.lines().filter(is_it).count(), 1, "{of_opentelemetry}");
    }
}
