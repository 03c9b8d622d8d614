//! The emulator as a client in the same process sees it: faults on both axes, deadlines, the ledger.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::support::{Call, IntoCall, call_within, create, exchange, json, post, revoke, send, with_header};
use clerk_actor_tokens_core::{
    Actor, Client, Error, HttpTransport, Middleware, Next, Request, Response, TransportError,
    TransportErrorKind as Kind, middleware_fn,
};
use clerk_actor_tokens_emulator::{CommitKind, Emulator, StoredToken, fault};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(10);

/// A good create with a deadline of [`LIMIT`].
fn call(clerk: &Emulator) -> Call {
    call_within(clerk, LIMIT)
}

fn failure(clerk: &Emulator, call: impl IntoCall) -> TransportError {
    pollster::block_on(exchange(clerk, call)).unwrap_err()
}

#[test]
fn a_unit_test_is_short() -> Result<(), Error> {
    pollster::block_on(async {
        let clerk = Emulator::new();
        let client = clerk.client();
        let token = client.actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
        clerk.assert_creates(1);
        client.actor_tokens().revoke(token.id()).send().await?;
        clerk.assert_live(0);
        Ok(())
    })
}

#[test]
fn every_failure_has_its_kind_its_time_and_its_trace_in_the_ledger() {
    type Script = fn(&Emulator);
    const NO: Option<usize> = None;
    // What is queued; what the client sees; how long it takes; what it has of the body; what Clerk has committed.
    let table: Vec<(Script, Kind, Duration, Option<usize>, usize)> = vec![
        (|c| c.next_create().before_send(fault::refused()), Kind::Connect, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::tls()), Kind::Tls, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::proxy()), Kind::Proxy, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::proxy_auth()), Kind::ProxyRefused, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::canceled()), Kind::Canceled, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::reset()), Kind::Connect, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::close()), Kind::Connect, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_send(fault::stall()), Kind::TimeoutBeforeSend, LIMIT, NO, 0),
        (|c| c.next_create().before_send(fault::delay(LIMIT)), Kind::TimeoutBeforeSend, LIMIT, NO, 0),
        (|c| c.next_create().before_commit(fault::refused_stream()), Kind::Refused, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_commit(fault::reset()), Kind::Interrupted, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_commit(fault::close()), Kind::Interrupted, Duration::ZERO, NO, 0),
        (|c| c.next_create().before_commit(fault::stall()), Kind::Timeout, LIMIT, NO, 0),
        (|c| c.next_create().before_commit(fault::delay(LIMIT * 2)), Kind::Timeout, LIMIT, NO, 0),
        (|c| c.next_create().after_commit(fault::reset()), Kind::Interrupted, Duration::ZERO, NO, 1),
        (|c| c.next_create().after_commit(fault::close()), Kind::Interrupted, Duration::ZERO, NO, 1),
        (|c| c.next_create().after_commit(fault::stall()), Kind::Timeout, LIMIT, NO, 1),
        (|c| c.next_create().after_commit(fault::delay(LIMIT)), Kind::Timeout, LIMIT, NO, 1),
        (|c| c.next_create().after_commit(fault::stall_at(0)), Kind::Timeout, LIMIT, Some(0), 1),
        (|c| c.next_create().after_commit(fault::stall_at(120)), Kind::Timeout, LIMIT, Some(120), 1),
        (|c| c.next_create().after_commit(fault::cut_at(0)), Kind::Interrupted, Duration::ZERO, Some(0), 1),
        (|c| c.next_create().after_commit(fault::cut_at(120)), Kind::Interrupted, Duration::ZERO, Some(120), 1),
    ];
    for (row, (script, kind, time, body, commits)) in table.into_iter().enumerate() {
        let clerk = Emulator::new();
        script(&clerk);
        let began = clerk.timer().now();
        let error = failure(&clerk, call(&clerk));
        assert_eq!(error.kind(), kind, "row {row}");
        assert_eq!(clerk.timer().now().saturating_duration_since(began), time, "row {row}");
        assert_eq!(error.partial().map(|partial| partial.body().len()), body, "row {row}");
        if let Some(partial) = error.partial() {
            assert_eq!(partial.status(), 200);
            assert_eq!(partial.headers()["content-type"], "application/json");
        }
        clerk.assert_creates(commits);
        clerk.assert_orphans(commits);
        let arrived = usize::from(!matches!(
            kind,
            Kind::Connect | Kind::Tls | Kind::Proxy | Kind::ProxyRefused | Kind::Canceled | Kind::TimeoutBeforeSend
        ));
        assert_eq!(clerk.requests().len(), arrived, "row {row}");
        clerk.assert_faults_used();
    }
}

#[test]
fn an_answer_in_clerks_place_arrives_whole_and_the_commit_stays_untold() {
    type Script = fn(&Emulator);
    let table: [(Script, u16, usize); 3] = [
        (|c| c.next_create().before_commit(fault::status(503)), 503, 0),
        (|c| c.next_create().after_commit(fault::status(500)), 500, 1),
        (|c| c.next_create().after_commit(fault::status(200)), 200, 1),
    ];
    for (script, status, commits) in table {
        let clerk = Emulator::new();
        script(&clerk);
        assert_eq!(send(&clerk, call(&clerk)).status(), status);
        clerk.assert_creates(commits);
        clerk.assert_orphans(commits);
    }
}

#[test]
fn every_status_has_a_body_of_its_sender() {
    for status in 200..=999 {
        let clerk = Emulator::new();
        clerk.next_create().before_commit(fault::status(status).retry_after(Duration::from_millis(1001)));
        let response = send(&clerk, call(&clerk));
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["retry-after"], "2");
        let content_type = response.headers()["content-type"].to_str().unwrap();
        if (520..=530).contains(&status) {
            assert_eq!(content_type, "text/html; charset=UTF-8");
            assert!(response.body().starts_with(b"<!DOCTYPE html>"));
        } else {
            assert_eq!(content_type, "application/json");
            let body = json(&response);
            assert!(body["errors"][0]["code"].is_string());
            assert_eq!(response.headers()["x-clerk-trace-id"], body["clerk_trace_id"].as_str().unwrap());
        }
    }
}

#[test]
fn a_status_that_cannot_be_sent_fails_at_once() {
    for status in [0, 99, 100, 199, 1000, u16::MAX] {
        assert!(std::panic::catch_unwind(|| fault::status(status)).is_err(), "{status}");
    }
}

#[test]
fn a_delay_within_the_deadline_only_delays() {
    type Script = fn(&Emulator);
    let delays: [Script; 3] = [
        |c| c.next_create().before_send(fault::delay(Duration::from_secs(9))),
        |c| c.next_create().before_commit(fault::delay(Duration::from_secs(9))),
        |c| c.next_create().after_commit(fault::delay(Duration::from_secs(9))),
    ];
    for script in delays {
        let clerk = Emulator::new();
        script(&clerk);
        let began = clerk.timer().now();
        assert_eq!(send(&clerk, call(&clerk)).status(), 200);
        assert_eq!(clerk.timer().now().saturating_duration_since(began), Duration::from_secs(9));
        clerk.assert_orphans(0);
    }
}

#[test]
fn a_cut_at_each_byte_gives_what_came_before_it_and_one_past_the_end_cuts_nothing() {
    let whole = send(&Emulator::new(), call(&Emulator::new())).into_body();
    for bytes in 0..whole.len() {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault::cut_at(bytes));
        let error = failure(&clerk, call(&clerk));
        assert_eq!(error.partial().unwrap().body(), &whole[..bytes]);
    }
    for bytes in [whole.len(), usize::MAX] {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault::cut_at(bytes));
        clerk.next_create().after_commit(fault::stall_at(bytes));
        assert_eq!(send(&clerk, call(&clerk)).body().len(), whole.len());
        assert_eq!(send(&clerk, call(&clerk)).body().len(), whole.len());
        clerk.assert_orphans(0);
        let report = message_of(|| clerk.assert_faults_used());
        for fault in ["cut_at", "stall_at"] {
            assert!(report.contains(&format!("create:after_commit:{fault}({bytes})")), "{report}");
        }
        let reason = format!("it did nothing: the whole answer has {} bytes", whole.len());
        assert_eq!(report.matches(&reason).count(), 2, "{report}");
        assert_eq!(message_of(|| drop(clerk)), report);
    }
}

#[test]
fn faults_meet_successive_attempts_of_their_own_call_in_order() {
    let clerk = Emulator::new();
    clerk.next_create().before_send(fault::refused());
    clerk.next_create().after_commit(fault::pass());
    clerk.next_create().before_commit(fault::reset());
    clerk.next_revoke().before_send(fault::tls());

    assert_eq!(failure(&clerk, call(&clerk)).kind(), Kind::Connect);
    assert_eq!(send(&clerk, post("/v1/elsewhere", "")).status(), 501);
    let token = json(&send(&clerk, call(&clerk)));
    assert_eq!(failure(&clerk, revoke(token["id"].as_str().unwrap())).kind(), Kind::Tls);
    assert_eq!(failure(&clerk, call(&clerk)).kind(), Kind::Interrupted);
    assert_eq!(send(&clerk, call(&clerk)).status(), 200);
    clerk.assert_creates(2);
}

#[test]
fn a_fault_after_a_commit_that_never_was_does_not_happen_and_is_told() {
    type Script = fn(&Emulator);
    let faults: [Script; 6] = [
        |c| c.next_create().after_commit(fault::cut_at(10)),
        |c| c.next_create().after_commit(fault::stall_at(10)),
        |c| c.next_create().after_commit(fault::stall()),
        |c| c.next_create().after_commit(fault::reset()),
        |c| c.next_create().after_commit(fault::delay(LIMIT)),
        |c| c.next_create().after_commit(fault::status(200)),
    ];
    let large = || post("/v1/actor_tokens", vec![b' '; 1024 * 1024 + 1]);
    for fault in faults {
        let stranger = with_header(create(json!({})), "authorization", "Bearer sk_test_other");
        let refused = [(stranger, 401), (large(), 413), (create(json!({})), 422), (post("/v1/actor_tokens", ""), 400)];
        for (request, status) in refused {
            let clerk = Emulator::new();
            fault(&clerk);
            assert_eq!(send(&clerk, request).status(), status);
            let report = message_of(|| clerk.assert_faults_used());
            let reason = format!("the request was answered with {status}, and nothing was committed");
            assert!(report.contains("transport.rs") && report.contains(&reason), "{report}");
            assert_eq!(message_of(|| drop(clerk)), report);
        }
    }
    // A revocation of what is revoked already commits nothing either.
    let clerk = Emulator::new();
    let token = json(&send(&clerk, call(&clerk)));
    let revoke = || revoke(token["id"].as_str().unwrap());
    send(&clerk, revoke());
    clerk.next_revoke().after_commit(fault::reset());
    assert_eq!(send(&clerk, revoke()).status(), 400);
    let report = message_of(|| clerk.assert_faults_used());
    assert!(report.contains("revoke:after_commit:reset()"), "{report}");
    message_of(|| drop(clerk));
}

#[test]
fn a_fault_before_the_commit_happens_to_any_request_that_arrives() {
    for request in [with_header(create(json!({})), "authorization", "Bearer sk_test_other"), create(json!({}))] {
        let clerk = Emulator::new();
        clerk.next_create().before_commit(fault::reset());
        assert_eq!(failure(&clerk, request).kind(), Kind::Interrupted);
        clerk.assert_faults_used();
    }
}

#[test]
fn an_attempt_that_is_let_through_has_no_fault_to_miss() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::pass());
    assert_eq!(send(&clerk, create(json!({}))).status(), 422);
    clerk.assert_faults_used();
}

#[test]
fn the_ledger_says_which_attempt_committed() {
    let clerk = Emulator::new();
    let client = clerk.client();
    let create = || pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());
    clerk.next_create().before_send(fault::refused());
    create().unwrap();
    clerk.next_create().before_commit(fault::refused_stream());
    create().unwrap();
    let token = create().unwrap();
    clerk.next_revoke().before_commit(fault::status(503));
    pollster::block_on(client.actor_tokens().revoke(token.id()).send()).unwrap();
    let attempts: Vec<_> = clerk.ledger().iter().map(|entry| (entry.kind(), entry.attempt())).collect();
    let (create, revoke) = (CommitKind::Create, CommitKind::Revoke);
    assert_eq!(attempts, [(create, Some(2)), (create, Some(2)), (create, Some(1)), (revoke, Some(2))]);
}

#[test]
fn a_token_knows_whether_its_answer_was_delivered() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::reset());
    failure(&clerk, call(&clerk));
    send(&clerk, call(&clerk));
    let delivered: Vec<_> =
        clerk.creates().iter().map(|entry| clerk.token(entry.id()).unwrap().is_delivered()).collect();
    assert_eq!(delivered, [false, true]);
    let delivered: Vec<_> = clerk.live().iter().map(StoredToken::is_delivered).collect();
    assert_eq!(delivered, [false, true]);
}

#[test]
fn an_answer_in_clerks_place_is_held_to_the_cap_too() {
    type Script = fn(&Emulator);
    let scripts: [Script; 2] =
        [|c| c.next_create().before_commit(fault::status(500)), |c| c.next_create().after_commit(fault::status(500))];
    for script in scripts {
        let length = {
            let clerk = Emulator::new();
            script(&clerk);
            send(&clerk, call(&clerk)).body().len()
        };
        for (cap, fits) in [(length, true), (length - 1, false)] {
            let clerk = Emulator::new();
            script(&clerk);
            let (request, context) = call(&clerk);
            let request = (request, context.with_response_cap(cap));
            match pollster::block_on(exchange(&clerk, request)) {
                Ok(answer) => assert!(fits && answer.status() == 500),
                Err(error) => {
                    assert!(!fits && error.kind() == Kind::BodyTooLarge);
                    assert_eq!(error.partial().unwrap().body().len(), cap);
                }
            }
        }
    }
}

#[test]
fn what_a_middleware_does_with_an_answer_is_not_seen() {
    let clerk = Emulator::new();
    let thrown_away = middleware_fn(|request, next| {
        Box::pin(async move {
            let _ = next.run(request).await;
            Err(Kind::Interrupted.into())
        })
    });
    let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(thrown_away).build().unwrap();
    let create = client.actor_tokens().create("user_1", Actor::new("user_agent"));
    let error = pollster::block_on(create.send()).unwrap_err();
    clerk.assert_orphans(0);
    clerk.assert_live(1);
    // What the caller holds is in the error.
    assert!(error.is_ambiguous());
}

#[test]
fn a_dropped_exchange_commits_nothing_later() {
    type Script = fn(&Emulator);
    let scripts: [(Script, usize); 4] = [
        (|c| c.next_create().before_send(fault::delay(Duration::from_secs(1))), 0),
        (|c| c.next_create().before_commit(fault::delay(Duration::from_secs(1))), 0),
        (|c| c.next_create().before_commit(fault::stall()), 0),
        (|c| c.next_create().after_commit(fault::stall()), 1),
    ];
    for (script, commits) in scripts {
        let clerk = Emulator::builder().manual_clock().build();
        script(&clerk);
        {
            let mut exchange = pin!(exchange(&clerk, call(&clerk)));
            assert!(exchange.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        clerk.advance(Duration::from_secs(60));
        clerk.assert_creates(commits);
        clerk.assert_orphans(commits);
    }
}

#[test]
fn a_deadline_that_has_passed_sends_nothing_and_meets_no_fault() {
    let clerk = Emulator::new();
    let request = call(&clerk);
    clerk.advance(LIMIT);
    clerk.next_create().before_send(fault::pass());
    assert_eq!(failure(&clerk, request).kind(), Kind::TimeoutBeforeSend);
    assert!(clerk.requests().is_empty());
    assert_eq!(send(&clerk, call(&clerk)).status(), 200);
}

#[test]
fn a_request_without_a_deadline_has_one_all_the_same() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::stall());
    let request = create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } }));
    assert_eq!(failure(&clerk, request).kind(), Kind::Timeout);
}

#[test]
fn a_body_over_the_cap_is_cut_to_it() {
    for (cap, fits) in [(100, false), (10_000, true)] {
        let clerk = Emulator::new();
        let (request, context) = call(&clerk);
        let request = (request, context.with_response_cap(cap));
        let result = pollster::block_on(exchange(&clerk, request));
        assert_eq!(result.is_ok(), fits);
        if let Err(error) = result {
            assert_eq!(error.kind(), Kind::BodyTooLarge);
            assert_eq!(error.partial().unwrap().body().len(), cap);
            clerk.assert_orphans(1);
        }
    }
}

/// Sends a second request if the first has given nothing after 50 ms.
struct Hedge;

#[async_trait::async_trait]
impl Middleware for Hedge {
    async fn handle(&self, request: Request, next: Next<'_>) -> Result<Response, TransportError> {
        let mut first = pin!(next.run(request.clone()));
        let mut wait = next.timer().sleep(Duration::from_millis(50));
        let early = poll_fn(|context| match first.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => wait.as_mut().poll(context).map(|()| None),
        });
        match early.await {
            Some(result) => result,
            None => next.run(request).await,
        }
    }
}

#[test]
fn a_hedge_sends_again_after_its_own_wait_and_not_at_the_deadline() {
    let clerk = Emulator::new();
    clerk.next_create().after_commit(fault::stall());
    let began = clerk.timer().now();
    let (request, context) = call(&clerk);
    let hedge: [Arc<dyn Middleware>; 1] = [Arc::new(Hedge)];
    let response = pollster::block_on(Next::new(&hedge, &clerk, &context).run(request)).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(clerk.timer().now().saturating_duration_since(began), Duration::from_millis(50));
    // Only the client's send log prevents a second token of a hedge.
    clerk.assert_creates(2);
    clerk.assert_orphans(1);
}

#[test]
fn two_stalled_exchanges_end_each_at_its_own_deadline() {
    let clerk = Emulator::new();
    clerk.next_create().before_commit(fault::stall());
    clerk.next_create().before_commit(fault::stall());
    let began = clerk.timer().now();
    let threads = [3, 1].map(|seconds| {
        let clerk = clerk.clone();
        let request = call_within(&clerk, Duration::from_secs(seconds));
        (seconds, request, clerk)
    });
    let (mut late, mut early) = {
        let [(_, three, clerk_a), (_, one, clerk_b)] = threads;
        (
            Box::pin(async move { (exchange(&clerk_a, three).await, clerk_a.timer().now()) }),
            Box::pin(async move { (exchange(&clerk_b, one).await, clerk_b.timer().now()) }),
        )
    };
    let (mut late_end, mut early_end) = (None, None);
    pollster::block_on(poll_fn(|context| {
        if late_end.is_none() {
            if let Poll::Ready((result, at)) = late.as_mut().poll(context) {
                assert_eq!(result.unwrap_err().kind(), Kind::Timeout);
                late_end = Some(at.saturating_duration_since(began));
            }
        }
        if early_end.is_none() {
            if let Poll::Ready((result, at)) = early.as_mut().poll(context) {
                assert_eq!(result.unwrap_err().kind(), Kind::Timeout);
                early_end = Some(at.saturating_duration_since(began));
            }
        }
        if late_end.is_some() && early_end.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert_eq!(early_end, Some(Duration::from_secs(1)));
    assert_eq!(late_end, Some(Duration::from_secs(3)));
}

#[test]
fn with_a_manual_clock_a_stall_ends_when_the_test_says_so() {
    let clerk = Emulator::builder().manual_clock().build();
    clerk.next_create().after_commit(fault::stall());
    let mut exchange = pin!(exchange(&clerk, call(&clerk)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(exchange.as_mut().poll(&mut context).is_pending());
    clerk.advance(LIMIT - Duration::from_nanos(1));
    assert!(exchange.as_mut().poll(&mut context).is_pending());
    clerk.advance(Duration::from_nanos(1));
    assert!(matches!(exchange.as_mut().poll(&mut context), Poll::Ready(Err(error)) if error.kind() == Kind::Timeout));
}

#[test]
fn the_clients_own_failure_rules_meet_the_ledger() -> Result<(), Error> {
    pollster::block_on(async {
        let clerk = Emulator::new();
        let client = clerk.client();
        let create = || client.actor_tokens().create("user_1", Actor::new("user_agent"));

        clerk.next_create().before_send(fault::refused());
        let token = create().send().await?;
        clerk.assert_creates(1);

        clerk.next_create().after_commit(fault::stall());
        assert!(create().send().await.unwrap_err().is_ambiguous());
        clerk.assert_creates(2);
        clerk.assert_orphans(1);

        clerk.next_revoke().before_commit(fault::status(503).retry_after(Duration::from_secs(2)));
        clerk.next_revoke().after_commit(fault::cut_at(120));
        client.actor_tokens().revoke(token.id()).send().await?;
        clerk.assert_revokes(1);
        Ok(())
    })
}

#[test]
fn a_middleware_of_the_client_never_brings_the_key_into_what_is_recorded() -> Result<(), Error> {
    pollster::block_on(async {
        let clerk = Emulator::new();
        let stamp = middleware_fn(|mut request, next| {
            Box::pin(async move {
                request.headers_mut().insert("x-stamp", http::HeaderValue::from_static("1"));
                next.run(request).await
            })
        });
        let client = Client::builder(clerk.clone(), clerk.secret_key()).middleware(stamp);
        client.build().unwrap().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;

        let requests = clerk.requests();
        assert_eq!(requests[0].headers()["x-stamp"], "1");
        assert_eq!(requests[0].headers()["authorization"], "(redacted)");
        assert_eq!(requests[0].attempt(), Some(1));
        assert_eq!(requests[0].json().unwrap()["user_id"], "user_1");
        let everything = format!("{requests:?} {:?} {:?}", requests[0].headers(), clerk);
        assert!(!everything.contains("sk_test"), "{everything}");
        Ok(())
    })
}

fn message_of(panic: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panic)).unwrap_err();
    payload.downcast_ref::<String>().cloned().unwrap()
}

#[test]
fn a_failed_assertion_says_what_there_is_and_shows_no_credential() {
    let clerk = Emulator::builder().seed(4711).build();
    clerk.next_create().after_commit(fault::reset());
    failure(&clerk, call(&clerk));
    let token = json(&send(&clerk, call(&clerk)));
    send(&clerk, revoke(token["id"].as_str().unwrap()));

    let asserts: [fn(&Emulator); 4] =
        [|c| c.assert_creates(7), |c| c.assert_revokes(7), |c| c.assert_orphans(7), |c| c.assert_live(7)];
    for assert in asserts {
        let message = message_of(|| assert(&clerk));
        for part in ["expected 7", "act_", "user_1", "user_agent", "answer not delivered", "attempt 2", "seed 4711"] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        assert!(!message.contains("eyJ") && !message.contains("ticket"), "{message}");
    }
    assert!(message_of(|| clerk.assert_orphans(0)).contains("pending"));
}

#[test]
fn a_fault_that_never_happened_fails_the_test_when_the_last_handle_goes() {
    let clerk = Emulator::new();
    let client = clerk.client();
    clerk.next_revoke().after_commit(fault::cut_at(9));
    let message = message_of(|| clerk.assert_faults_used());
    assert!(message.contains("revoke:after_commit:cut_at(9), queued at"), "{message}");
    assert!(message.contains("transport.rs"), "{message}");
    // A client holds the emulator too.
    drop(clerk);
    assert_eq!(message_of(|| drop(client)), message);
}

#[test]
fn a_test_that_fails_already_fails_for_its_own_reason() {
    let message = message_of(|| {
        let clerk = Emulator::new();
        clerk.next_create().before_send(fault::refused());
        panic!("{}", "the first reason");
    });
    assert_eq!(message, "the first reason");
}
