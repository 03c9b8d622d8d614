//! The desk against the emulator: a life, every fault, and a tab that closes at every moment.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::{fs, path::Path, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use clerk_actor_tokens::{
    Actor, Client,
    testing::emulator::{CommitKind, Emulator, fault},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use support_desk::{Desk, Records, routes};
use tower::ServiceExt as _;

struct Test {
    emulator: Emulator,
    clerk: Client,
    records: Records,
    app: Router,
}

impl Test {
    fn new() -> Self {
        let emulator = Emulator::new();
        let (clerk, records) = (emulator.client().erase(), Records::default());
        let app = routes(Desk { clerk: clerk.clone(), records: records.clone() });
        Self { emulator, clerk, records, app }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (StatusCode, HeaderMap, Value) {
        let response = self.app.clone().oneshot(request(method, path, &body)).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn impersonate(&self) -> (StatusCode, HeaderMap, Value) {
        self.send("POST", "/impersonations", json!({ "customer": "user_customer", "reason": "an invoice" })).await
    }

    /// Each token is written down, revoked, or in a line: an orphan's report, or a doubt.
    async fn assert_nothing_is_lost(&self, what: &str) {
        let closed = self.clerk.close(Duration::from_secs(600)).await;
        let reported = closed.orphan_count() + self.records.doubts().len();
        let known: Vec<_> = self.records.all().into_iter().map(|record| record.token.id().clone()).collect();
        let unknown = self.emulator.live().into_iter().filter(|token| !known.contains(token.id())).count();
        assert!(unknown <= reported, "{what}: {unknown} tokens live that no one knows of, {reported} are reported");
    }
}

fn request(method: &str, path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("x-desk-engineer", "user_engineer")
        .body(Body::from(body.to_string()))
        .unwrap()
}

#[tokio::test]
async fn an_engineer_signs_in_as_a_customer_and_the_token_can_be_taken_back() {
    let desk = Test::new();
    let (status, headers, made) = desk.impersonate().await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(headers["cache-control"], "no-store");
    let link = made["url"].as_str().unwrap();
    assert!(link.starts_with("https://") && headers.values().all(|value| !value.as_bytes().starts_with(b"https")));

    let (_, _, list) = desk.send("GET", "/impersonations", Value::Null).await;
    assert_eq!(
        (&list["tokens"][0]["id"], &list["tokens"][0]["user_id"], &list["tokens"][0]["is_revoked"]),
        (&made["id"], &json!("user_customer"), &json!(false))
    );
    assert_eq!(list["tokens"][0]["actor"], json!({ "sub": "user_engineer", "reason": "an invoice" }));
    assert!(!list.to_string().contains("ticket"));

    let path = format!("/impersonations/{}", made["id"].as_str().unwrap());
    for outcome in ["revoked", "already_revoked"] {
        let (status, _, revoked) = desk.send("DELETE", &path, Value::Null).await;
        assert_eq!((status, &revoked["outcome"]), (StatusCode::OK, &json!(outcome)));
    }
    desk.emulator.assert_live(0);
    let (_, _, list) = desk.send("GET", "/impersonations", Value::Null).await;
    assert_eq!(list["tokens"][0]["is_revoked"], json!(true));
}

#[tokio::test]
async fn the_session_of_a_used_link_is_ended() {
    let desk = Test::new();
    let (_, _, made) = desk.impersonate().await;
    let id = made["id"].as_str().unwrap();
    desk.emulator.accept(&id.parse().unwrap()).unwrap();
    desk.emulator.sign_in("user_customer");
    let (status, _, ended) = desk.send("DELETE", &format!("/impersonations/{id}"), Value::Null).await;
    assert_eq!((status, &ended["outcome"]), (StatusCode::OK, &json!("session_ended")));
    desk.emulator.assert_live_sessions(1);

    // Of a token that was never written down, there is nothing to end by.
    let other = desk.clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await.unwrap();
    desk.emulator.accept(other.id()).unwrap();
    let (status, _, _) = desk.send("DELETE", &format!("/impersonations/{}", other.id()), Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn no_one_impersonates_without_a_name() {
    let desk = Test::new();
    let mut request = request("POST", "/impersonations", &json!({ "customer": "user_customer", "reason": "" }));
    request.headers_mut().remove("x-desk-engineer");
    let response = desk.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    desk.emulator.assert_creates(0);
}

#[tokio::test]
async fn an_engineer_without_a_right_or_a_reason_gets_no_token() {
    let desk = Test::new();
    for (customer, reason, status) in [
        ("user_engineer", "an invoice".to_owned(), StatusCode::FORBIDDEN),
        ("user_customer", String::new(), StatusCode::UNPROCESSABLE_ENTITY),
        ("user_customer", "x".repeat(201), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let wanted = json!({ "customer": customer, "reason": reason });
        assert_eq!(desk.send("POST", "/impersonations", wanted).await.0, status);
    }
    let mut nameless =
        request("POST", "/impersonations", &json!({ "customer": "user_customer", "reason": "an invoice" }));
    nameless.headers_mut().insert("x-desk-engineer", "".parse().unwrap());
    assert_eq!(desk.app.clone().oneshot(nameless).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert!(desk.emulator.requests().is_empty());
}

/// What may be left is in the file, too, with who asked and why.
#[tokio::test]
async fn a_doubt_is_written_down() {
    let path = std::env::temp_dir().join(format!("support-desk-doubts-{}.jsonl", std::process::id()));
    let emulator = Emulator::new();
    emulator.next_create().after_commit(fault::close());
    let records = Records::in_file(&path).unwrap();
    let app = routes(Desk { clerk: emulator.client().erase(), records });
    let wanted = json!({ "customer": "user_customer", "reason": "an invoice" });
    let response = app.oneshot(request("POST", "/impersonations", &wanted)).await.unwrap();
    let written = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(response.status().is_server_error());
    let doubt: Value = serde_json::from_str(written.trim()).unwrap();
    assert_eq!((&doubt["customer"], &doubt["engineer"]), (&json!("user_customer"), &json!("user_engineer")));
    assert_eq!(doubt["reason"], "an invoice");
    assert!(doubt["until"].is_u64());
}

#[tokio::test]
async fn input_that_is_no_id_reaches_no_one() {
    let desk = Test::new();
    let (status, _, _) = desk.send("DELETE", "/impersonations/..%2Fusers", Value::Null).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(desk.emulator.requests().is_empty());
}

/// Every fault of the catalogue, at every time, for both handlers that call Clerk: the status that the browser gets, against a table.
#[tokio::test]
async fn every_fault_becomes_the_status_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statuses.txt");
    let mut table = String::from("Written by `STATUSES=write cargo test -p support-desk`.\n");
    let (mut faults, mut handled) = (0, 0);
    for fault in fault::catalogue() {
        for kind in [CommitKind::Create, CommitKind::Revoke] {
            for &phase in fault.phases_of(kind) {
                faults += usize::from(kind == CommitKind::Create);
                handled += 1;
                let desk = Test::new();
                let (status, what) = match kind {
                    CommitKind::Create => {
                        fault.queue(desk.emulator.next_create(), phase);
                        (desk.impersonate().await.0, "POST")
                    }
                    _ => {
                        let (_, _, made) = desk.impersonate().await;
                        fault.queue(desk.emulator.next_revoke(), phase);
                        let path = format!("/impersonations/{}", made["id"].as_str().unwrap());
                        (desk.send("DELETE", &path, Value::Null).await.0, "DELETE")
                    }
                };
                table += &format!("{what} {phase} {fault}: {}\n", status.as_u16());
                desk.assert_nothing_is_lost(&format!("{what} {phase} {fault}")).await;
            }
        }
    }
    assert_eq!((faults, handled), (206, table.lines().count() - 1));
    if std::env::var_os("STATUSES").is_some_and(|value| value == "write") {
        fs::write(&path, &table).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    for (new, old) in table.lines().zip(kept.lines()) {
        assert_eq!(new, old);
    }
    assert_eq!(table.lines().count(), kept.lines().count());
}

/// The tab closes after so many polls of the handler, until it lives long enough to be done.
#[tokio::test]
async fn a_tab_that_closes_at_any_moment_leaves_no_token_that_no_one_knows_of() {
    let (mut closed, mut done) = (0, 0);
    for fault in [fault::pass(), fault::delay(Duration::from_secs(2))] {
        for polls in 1..200 {
            let desk = Test::new();
            desk.emulator.next_create().after_commit(fault.clone());
            let wanted = json!({ "customer": "user_customer", "reason": "an invoice" });
            let mut handler = Box::pin(desk.app.clone().oneshot(request("POST", "/impersonations", &wanted)));
            let mut is_done = false;
            for _ in 0..polls {
                let poll = std::future::poll_fn(|task| std::task::Poll::Ready(handler.as_mut().poll(task).is_ready()));
                if poll.await {
                    is_done = true;
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(handler);
            desk.assert_nothing_is_lost(&format!("after {polls} polls")).await;
            if desk.emulator.requests().is_empty() {
                // No attempt has met the fault. This one does.
                let _ = desk.emulator.client().actor_tokens().create("user_1", Actor::new("user_2")).send().await;
            }
            if is_done {
                done += 1;
                break;
            }
            closed += 1;
        }
    }
    assert!(done == 2 && closed > 2, "{closed} closed, {done} done");
}
