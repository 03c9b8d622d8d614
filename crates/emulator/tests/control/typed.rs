//! The typed client: each operation of the description has a call of it, and each call does what it says.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{
    ActorTokenId, BaseUrl, CallContext, HttpTransport, Request, Response, TransportError, TransportErrorKind,
    transport_fn,
};
use clerk_actor_tokens_emulator::{
    control_client::{ControlClient, ControlError, View},
    fault::QueuedFault,
};
use pollster::block_on;
use serde_json::{Value, json};

use crate::client::Fixture;

/// What was sent: methods and paths.
type Sent = Arc<Mutex<Vec<(String, String)>>>;

/// Over one connection, which the fixture's server answers.
fn transport(fixture: &Fixture) -> (impl HttpTransport + use<>, Sent) {
    let (caller, sent) = (Arc::new(Mutex::new(fixture.connect())), Sent::default());
    let noted = Arc::clone(&sent);
    let send = move |request: Request, _: CallContext| {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let target = request.uri().path_and_query().unwrap().to_string();
        let host = request.uri().authority().unwrap();
        let kind = request.headers().get("content-type").map(|kind| kind.to_str().unwrap());
        let kind = kind.map_or(String::new(), |kind| format!("content-type: {kind}\r\n"));
        let answer = caller.lock().unwrap().send(&method, &target, &format!("host: {host}\r\n{kind}"), request.body());
        noted.lock().unwrap().push((method, path));
        let mut response = Response::new(answer.body.into());
        *response.status_mut() = answer.status.try_into().unwrap();
        std::future::ready(Ok(response))
    };
    (transport_fn(send), sent)
}

fn client(fixture: &Fixture) -> ControlClient {
    ControlClient::new(transport(fixture).0, &fixture.served.base_url())
}

/// Things that a call may need.
struct Given {
    client: ControlClient,
    token: ActorTokenId,
    session: String,
}

type Called<'a> = Pin<Box<dyn Future<Output = Result<(), ControlError>> + 'a>>;

/// A call for each operation, by its id in the description.
fn calls() -> BTreeMap<&'static str, fn(&Given) -> Called<'_>> {
    macro_rules! calls {
        ($($operation:literal => |$given:ident| $call:expr,)+) => {
            BTreeMap::from([$((
                $operation,
                (|$given: &Given| Box::pin(async move { $call.await.map(drop) }) as Called<'_>) as fn(&Given) -> Called<'_>,
            )),+])
        };
    }
    calls! {
        "health" => |given| given.client.health(),
        "openapi" => |given| given.client.openapi(),
        "state" => |given| given.client.state(View::default()),
        "requests" => |given| given.client.requests(View::latest(3).revealed()),
        "reset" => |given| given.client.reset(),
        "users" => |given| given.client.users(),
        "setUsers" => |given| given.client.set_users(["user_1"]),
        "faults" => |given| given.client.faults(),
        "addFaults" => |given| given.client.add_faults(["create:after_commit:stall"]),
        "clearFaults" => |given| given.client.clear_faults(),
        "clock" => |given| given.client.now(),
        "advance" => |given| given.client.advance(Duration::from_millis(1)),
        "accept" => |given| given.client.accept(&given.token),
        "revoke" => |given| given.client.revoke(&given.token),
        "endSession" => |given| given.client.end_session(&given.session, "ended"),
        "snapshots" => |given| given.client.snapshots(),
        "takeSnapshot" => |given| given.client.take_snapshot(),
        "restore" => |given| async { given.client.restore(given.client.take_snapshot().await?).await },
    }
}

/// Paths of the description that are for a browser. So is all that does not answer JSON.
const NOT_FOR_A_CLIENT: [&str; 1] = ["/_emulator/tokens/{id}/open"];

#[test]
fn each_operation_of_the_description_has_a_call_that_sends_it_and_reads_its_answer() {
    let description: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut calls = calls();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let answers_json = !operation["responses"]["200"]["content"]["application/json"].is_null();
            if NOT_FOR_A_CLIENT.contains(&path.as_str()) || !answers_json {
                continue;
            }
            let name = operation["operationId"].as_str().unwrap();
            let call =
                calls.remove(name).unwrap_or_else(|| panic!("the client has no call for {name}: {method} {path}"));
            let fixture = Fixture::new();
            let (transport, sent) = transport(&fixture);
            let client = ControlClient::new(transport, &fixture.served.base_url());
            let token = fixture.connect().create()["id"].as_str().unwrap().parse().unwrap();
            let given = Given { client, token, session: fixture.clerk.sign_in("user_1").id().to_owned() };
            block_on(call(&given)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (sent_method, sent_path) = sent.lock().unwrap().last().unwrap().clone();
            let id = sent_path.split('/').nth(3).unwrap_or("");
            assert_eq!((sent_method.to_ascii_lowercase(), &sent_path), (method.clone(), &path.replace("{id}", id)));
            let _ = fixture.clerk.take_unused_faults();
        }
    }
    assert!(calls.is_empty(), "not in the description: {:?}", calls.keys());
}

#[test]
fn a_lost_answer_is_seen_and_everything_goes_back() {
    let fixture = Fixture::new();
    let (client, mut caller) = (client(&fixture), fixture.connect());
    block_on(async {
        let first = client.take_snapshot().await?;
        let lost: QueuedFault = "create:after_commit:close".parse().unwrap();
        let faults = client.add_faults([&lost]).await?;
        assert_eq!((faults.queued, faults.idle), (vec![lost.to_string()], vec![]));
        caller.clerk_unanswered("POST", "/v1/actor_tokens", r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#);
        let state = client.state(View::latest(1)).await?;
        let in_process = fixture.clerk.orphans();
        assert_eq!((state.counts.creates, state.counts.orphans, state.counts.queued_faults), (1, 1, 0));
        // The same as an emulator in this process shows.
        assert_eq!((state.seed, &state.tokens[0].stored), (7, &in_process[0]));
        assert_eq!((&state.tokens[0].url, &state.tokens[0].ticket), (&None, &None));
        let requests = client.requests(View::default()).await?;
        assert_eq!((requests.total, requests.requests[0].status), (1, None));
        assert_eq!(requests.requests[0].fault.as_deref(), Some("create:after_commit:close()"));
        assert_eq!(requests.requests[0].at, fixture.clerk.requests()[0].at());

        let session = client.accept(state.tokens[0].stored.id()).await?;
        assert_eq!(Some(&session), fixture.clerk.session(session.id()).as_ref());
        assert!(session.is_live());
        let ended = client.end_session(session.id(), "removed").await?;
        assert_eq!((ended.status(), ended.is_live()), ("removed", false));
        assert_eq!(client.state(View::default()).await?.sessions, [ended]);

        let before = client.now().await?;
        assert!(client.advance(Duration::from_secs(3600)).await?.as_millis() >= before.as_millis() + 3_600_000);
        client.set_users(["user_2"]).await?;
        assert_eq!(client.users().await?, Some(["user_2".to_owned()].into()));
        client.allow_any_user().await?;
        assert_eq!((client.users().await?, client.snapshots().await?), (None, vec![first]));

        client.restore(first).await?;
        assert_eq!(client.state(View::default()).await?.counts.creates, 0);
        client.add_faults(["revoke:before_commit:status(503)"]).await?;
        let unused = client.reset().await?;
        assert_eq!(unused, ["revoke:before_commit:status(503): no attempt met it"]);
        assert_eq!(client.clear_faults().await?, Vec::<String>::new());
        Ok::<(), ControlError>(())
    })
    .unwrap();
}

#[test]
fn a_refusal_says_which_operation_and_why_and_has_changed_nothing() {
    let fixture = Fixture::new();
    let client = client(&fixture);
    let refused = block_on(client.accept(&ActorTokenId::new("act_1").unwrap())).unwrap_err();
    assert_eq!((refused.operation(), refused.status().unwrap().as_u16()), ("accept", 404));
    assert_eq!(refused.refusal(), Some("no actor token has the id act_1"));
    assert_eq!(refused.to_string(), "accept: the emulator answered 404: no actor token has the id act_1");
    for error in [
        block_on(client.state(View::latest(0))).map(drop).unwrap_err(),
        block_on(client.set_users([""])).unwrap_err(),
        block_on(client.add_faults(["create:after_commit:stall", "create:after_commit:x"])).map(drop).unwrap_err(),
        block_on(client.end_session(fixture.clerk.sign_in("user_1").id(), "active")).map(drop).unwrap_err(),
        block_on(client.advance(Duration::MAX)).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.status().map(|status| status.as_u16()), Some(400), "{error}");
    }
    fixture.clerk.assert_faults_used();
    // No id leads to another route.
    let elsewhere = block_on(client.end_session("../reset?", "ended")).unwrap_err();
    assert_eq!((elsewhere.operation(), elsewhere.status()), ("endSession", None));
}

#[test]
fn what_is_no_control_plane_is_told_from_a_refusal_of_one() {
    let fixture = Fixture::with(clerk_actor_tokens_emulator::Server::without_control);
    let error = block_on(client(&fixture).health()).unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert!(error.refusal().unwrap().contains("no control plane is served here"), "{error}");

    let base = BaseUrl::new("http://127.0.0.1:4010").unwrap();
    let of_clerk = transport_fn(|_: Request, _: CallContext| async {
        let mut answer = Response::new(r#"{"errors":[{"message":"","code":"authentication_invalid"}]}"#.into());
        *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
        Ok(answer)
    });
    let error = block_on(ControlClient::new(of_clerk, &base).health()).unwrap_err();
    assert_eq!((error.refusal(), error.status().map(|status| status.as_u16())), (None, Some(401)));
    assert!(error.to_string().contains("is not one of a control plane"), "{error}");

    let refuses =
        transport_fn(|_: Request, _: CallContext| async { Err(TransportError::from(TransportErrorKind::Connect)) });
    let client = ControlClient::new(refuses, &base);
    let error = block_on(client.wait_until_ready(Duration::from_millis(50))).unwrap_err();
    assert_eq!(error.transport_error().unwrap().kind(), TransportErrorKind::Connect);

    // A transport that keeps no deadline is left behind.
    let silent = transport_fn(|_: Request, _: CallContext| std::future::pending());
    let client = ControlClient::new(silent, &base).with_timeout(Duration::from_millis(10));
    assert_eq!(block_on(client.health()).unwrap_err().transport_error().unwrap().kind(), TransportErrorKind::Timeout);

    let another = transport_fn(|_: Request, _: CallContext| async {
        Ok(Response::new(r#"{"status":"ok","more":1,"version":7,"url":"https://x/?ticket=CANARY"}"#.into()))
    });
    let error = block_on(ControlClient::new(another, &base).health()).unwrap_err();
    assert!(error.to_string().contains("of the same version?"), "{error}");
}

#[test]
fn links_are_there_where_they_are_asked_for_and_no_debug_output_has_one() {
    let fixture = Fixture::new();
    let (client, created) = (client(&fixture), fixture.connect().create());
    let state = block_on(client.state(View::latest(5).revealed())).unwrap();
    let row = &state.tokens[0];
    assert_eq!(row.url.as_ref().unwrap().expose(), created["url"].as_str().unwrap());
    assert_eq!(row.ticket.as_ref().unwrap().expose(), created["token"].as_str().unwrap());
    let requests = block_on(client.requests(View::latest(5).revealed())).unwrap();
    assert_eq!(requests.requests[0].body.as_ref().unwrap()["user_id"], "user_1");
    let ticket = created["token"].as_str().unwrap();
    let shown = format!("{client:?} {state:?} {state:#?} {row:?} {:?} {:?} {requests:?}", row.url, row.ticket);
    assert!(shown.contains(created["id"].as_str().unwrap()) && !shown.contains(ticket) && !shown.contains("ticket="));
    assert!(!format!("{requests:?}").contains("user_agent"));
}

/// Whatever a server says: also one that masks nothing.
#[test]
fn no_debug_output_has_a_key() {
    let token = json!({
        "id": "act_1", "status": "sk_live_CANARY", "user_id": "sk_live_CANARY", "actor": { "sub": "sk_live_CANARY" },
        "token": "CANARY", "url": "https://x.test/?ticket=CANARY", "created_at": 1, "updated_at": 1, "expires_at": 1,
        "live": true, "delivered": true,
    });
    let session = json!({
        "id": "sk_live_CANARY", "user_id": "sk_live_CANARY", "actor": { "sub": "sk_live_CANARY" },
        "status": "sk_live_CANARY", "created_at": 1, "expire_at": 1,
    });
    let counts = json!({
        "creates": 1, "revokes": 0, "live_tokens": 1, "orphans": 0, "sessions": 1, "live_sessions": 1, "requests": 1,
        "queued_faults": 1,
    });
    let request = json!({
        "at": 1, "method": "sk_live_CANARY", "path": "/sk_live_CANARY", "query": "ticket=CANARY", "body_bytes": 1,
        "status": 200, "fault": "sk_live_CANARY", "body": "CANARY",
    });
    // One object with the members of all answers.
    let everything = json!({
        "version": "sk_live_CANARY", "now": 1, "seed": 1, "users": ["user_1", "sk_live_CANARY"], "counts": counts,
        "tokens": [token], "sessions": [session], "total": 1, "requests": [request],
        "queued": ["sk_live_CANARY"], "idle": [{ "fault": "sk_live_CANARY", "why": "?ticket=CANARY" }],
    })
    .to_string();
    let transport = transport_fn(move |_: Request, _: CallContext| {
        std::future::ready(Ok(Response::new(everything.clone().into())))
    });
    let client = ControlClient::new(transport, &BaseUrl::new("http://127.0.0.1:4010").unwrap());
    let shown = block_on(async {
        let (health, state) = (client.health().await?, client.state(View::default()).await?);
        let (requests, faults) = (client.requests(View::default()).await?, client.faults().await?);
        Ok::<_, ControlError>(format!("{health:?} {state:?} {state:#?} {requests:?} {faults:?} {faults:#?}"))
    });
    let shown = shown.unwrap();
    assert!(shown.contains("user_1") && shown.contains("sk_live_(redacted)"));
    assert!(!shown.contains("CANARY"), "{}", shown.replace("CANARY", "(shown)"));
}
