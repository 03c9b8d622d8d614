//! What the emulator answers: each success, each refusal, and each status that a fault gives.

use std::{collections::BTreeSet, time::Duration};

use clerk_actor_tokens::{
    ActorTokenId, BaseUrl, CreateActorToken, RetryPolicy,
    bytes::Bytes,
    http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName},
    operation::{Operation, OperationInfo, RevokeActorToken, RevokeSession},
    serde_json::{self, Value, json},
    testing::emulator::{Emulator, EmulatorBuilder, QuotaCounted, WrongType, fault},
    transport::{CallContext, Deadline, HttpTransport, Request},
};

use crate::{
    requests::seen,
    schemas::{fits, is_described},
};

const ROWS: &str = include_str!("../../../crates/emulator/src/clerk/errors.rs");
const PAGE: &str = include_str!("../../../docs/src/contract.md");

const CREATE: &str = "create-actor-token";
const REVOKE: &str = "revoke-actor-token";

/// An exchange with an emulator that is made for it.
struct Exchange {
    schema: &'static str,
    clerk: Emulator,
    request: Request,
}

/// What came of it.
struct Answer {
    schema: &'static str,
    status: u16,
    body: Value,
}

impl Exchange {
    fn answer(self) -> Answer {
        let info: &'static OperationInfo =
            if self.schema == CREATE { &CreateActorToken::INFO } else { &RevokeActorToken::INFO };
        let deadline = Deadline::after(self.clerk.timer().now(), Duration::from_secs(30));
        let answered = self.clerk.send(self.request, CallContext::new(info, deadline));
        let response = pollster::block_on(answered).unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let body = serde_json::from_slice(response.body()).unwrap();
        Answer { schema: self.schema, status: response.status().as_u16(), body }
    }
}

impl Answer {
    /// Fits its status, or is a refusal of a status that is not described.
    #[track_caller]
    fn check(&self) {
        let of_its_status = format!("{}/{}", self.schema, self.status);
        let schema = if is_described(self.schema, self.status) { &of_its_status } else { "errors" };
        fits(schema, &self.body).unwrap_or_else(|misfit| panic!("{of_its_status}: {misfit}"));
    }

    fn codes(&self) -> Vec<String> {
        let entries = self.body["errors"].as_array().into_iter().flatten();
        entries.map(|entry| entry["code"].as_str().unwrap().to_owned()).collect()
    }
}

fn signed(mut request: Request) -> Request {
    request.headers_mut().insert(AUTHORIZATION, "Bearer sk_test_emulator".parse().unwrap());
    request
}

fn good() -> Value {
    json!({ "user_id": "user_1", "actor": { "sub": "user_2" } })
}

fn create(body: impl ToString) -> Request {
    let base = BaseUrl::default();
    signed(base.request(clerk_actor_tokens::http::Method::POST, "/actor_tokens", body.to_string().into()).unwrap())
}

fn revoke(id: impl AsRef<str>) -> Request {
    signed(RevokeActorToken::new(id).request(&BaseUrl::default()).unwrap())
}

fn with(field: &str, value: Value) -> Request {
    let mut body = good();
    body[field] = value;
    create(body)
}

fn without(field: &str) -> Request {
    let mut body = good();
    body.as_object_mut().unwrap().remove(field);
    create(body)
}

fn with_header(mut request: Request, name: HeaderName, value: &'static str) -> Request {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

type Set = fn(EmulatorBuilder) -> EmulatorBuilder;

/// Refusals that depend on what is asked for alone.
fn wrong_creations() -> Vec<(Request, u16)> {
    let durations = ["expires_in_seconds", "session_max_duration_in_seconds"];
    let values = [json!(0), json!(-1), json!(1.5), json!("60"), json!([])];
    let mut wrong: Vec<_> =
        durations.iter().flat_map(|name| values.clone().map(|value| (with(name, value), 422))).collect();
    wrong.extend([
        (without("user_id"), 422),
        (with("user_id", json!(7)), 422),
        (without("actor"), 422),
        (with("actor", json!([])), 422),
        (with("actor", json!({})), 422),
        (with("actor", json!({ "sub": 7 })), 422),
        (with("another", json!(7)), 422),
        (create(json!({ "b": 1, "a": 1, "expires_in_seconds": 0 })), 422),
        (create("{"), 400),
        (create("[]"), 400),
        (create(format!("\"{}\"", "x".repeat(1 << 20))), 413),
        (with_header(create(good()), CONTENT_TYPE, "text/plain"), 415),
    ]);
    wrong
}

/// Refusals of the instance.
fn refused_creations() -> Vec<(Set, Request, u16)> {
    vec![
        (|set| set.users(["user_7"]), create(good()), 404),
        (|set| set.plan_without_impersonation(), create(good()), 402),
        (|set| set.quota(0), create(good()), 422),
        (|set| set.quota(0).quota_counted(QuotaCounted::AtAccept), create(good()), 422),
        (|set| set.max_expires_in(Duration::from_secs(60)), with("expires_in_seconds", json!(61)), 422),
        (
            |set| set.max_session_duration(Duration::from_secs(60)),
            with("session_max_duration_in_seconds", json!(61)),
            422,
        ),
        (|set| set.refuse_self_impersonation(), with("user_id", json!("user_2")), 422),
        (|set| set.wrong_type(WrongType::BodyInvalid), with("expires_in_seconds", json!("60")), 400),
    ]
}

/// Refusals of any request.
fn refused_requests(good: impl Fn() -> Request) -> Vec<(Set, Request, u16)> {
    let version = HeaderName::from_static("clerk-api-version");
    let mut twice = good();
    *twice.uri_mut() = format!("{}?__clerk_api_version=2021-02-05", twice.uri()).parse().unwrap();
    let mut unsigned = good();
    unsigned.headers_mut().remove(AUTHORIZATION);
    let as_it_is: Set = |set| set;
    vec![
        (as_it_is, unsigned, 401),
        (as_it_is, with_header(good(), AUTHORIZATION, "Basic eHg6eHg="), 401),
        (as_it_is, with_header(good(), AUTHORIZATION, "Bearer sk_test_another"), 401),
        (as_it_is, with_header(good(), version, "1999-01-01"), 400),
        (as_it_is, twice, 400),
        (|set| set.rate_limit(0, Duration::from_secs(10)), good(), 429),
    ]
}

/// Each refusal that the emulator can give to the two calls, with its status.
fn refusals() -> Vec<(Exchange, u16)> {
    let of = |schema: &'static str| {
        move |(set, request, status): (Set, Request, u16)| {
            (Exchange { schema, clerk: set(Emulator::builder()).build(), request }, status)
        }
    };
    let as_it_is: Set = |set| set;
    let wrong = wrong_creations().into_iter().map(|(request, status)| (as_it_is, request, status));
    let creations = wrong.chain(refused_creations()).chain(refused_requests(|| create(good()))).map(of(CREATE));
    let mut large = revoke("act_1");
    *large.body_mut() = vec![b' '; (1 << 20) + 1].into();
    let revocations = refused_requests(|| revoke("act_1"))
        .into_iter()
        .chain([(as_it_is, revoke("act_1"), 404), (as_it_is, large, 413)]);
    let mut refusals: Vec<_> = creations.chain(revocations.map(of(REVOKE))).collect();
    for accepted in [true, false] {
        let (clerk, id) = with_token(Emulator::builder());
        if accepted {
            clerk.accept(&id).unwrap();
        } else {
            pollster::block_on(clerk.client().actor_tokens().revoke(&id).send()).unwrap();
        }
        refusals.push((Exchange { schema: REVOKE, clerk, request: revoke(&id) }, 400));
    }
    let over = Emulator::new();
    let session = over.sign_in("user_1").id().to_owned();
    over.end_session(&session, "ended");
    let mut request = RevokeSession::new(&session).request(&BaseUrl::default()).unwrap();
    let authorization = format!("Bearer {}", over.secret_key().expose()).parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, authorization);
    refusals.push((Exchange { schema: "revoke-session", clerk: over, request }, 400));
    refusals.extend(refused_links());
    let (broken_create, broken_revoke) = (Emulator::new(), Emulator::new());
    broken_create.next_create().before_commit(fault::status(500));
    broken_revoke.next_revoke().before_commit(fault::status(500));
    refusals.push((Exchange { schema: CREATE, clerk: broken_create, request: create(good()) }, 500));
    refusals.push((Exchange { schema: REVOKE, clerk: broken_revoke, request: revoke("act_1") }, 500));
    refusals
}

/// Links that open nothing.
fn refused_links() -> Vec<(Exchange, u16)> {
    let open = |clerk: Emulator, ticket: &str| {
        let uri = format!("https://clerk.example.com/v1/tickets/accept?ticket={ticket}");
        let request = clerk_actor_tokens::http::Request::get(uri).header(ACCEPT, "application/json");
        (Exchange { schema: "accept-ticket", clerk, request: request.body(Bytes::new()).unwrap() }, 400)
    };
    let refused = |spoil: fn(&Emulator, &ActorTokenId)| {
        let clerk = Emulator::new();
        let call = clerk.client().actor_tokens().create("user_1", clerk_actor_tokens::Actor::new("user_2"));
        let token = pollster::block_on(call.send()).unwrap();
        spoil(&clerk, token.id());
        open(clerk, token.token().unwrap().expose())
    };
    vec![
        refused(|clerk, id| drop(clerk.accept(id).unwrap())),
        refused(|clerk, id| drop(pollster::block_on(clerk.client().actor_tokens().revoke(id).send()).unwrap())),
        refused(|clerk, _| clerk.advance(Duration::from_secs(3601))),
        open(Emulator::new(), "none"),
    ]
}

/// An emulator that has one token, with other keys in its actor.
fn with_token(set: EmulatorBuilder) -> (Emulator, ActorTokenId) {
    let clerk = set.build();
    let actor = clerk_actor_tokens::Actor::new("user_2").with("reason", json!({ "ticket": [7, null] }));
    let call = clerk.client().actor_tokens().create("user_1", actor).retry(RetryPolicy::none());
    let token = pollster::block_on(call.send()).unwrap();
    (clerk, token.id().clone())
}

#[test]
fn each_success_of_the_emulator_fits() {
    for body in [
        good(),
        json!({ "user_id": "user_1", "actor": { "sub": "user_1", "a": { "b": [null] } }, "expires_in_seconds": 1 }),
        json!({ "user_id": "u", "actor": { "sub": "s" }, "expires_in_seconds": i64::MAX }),
        json!({ "user_id": "u", "actor": { "sub": "s" }, "session_max_duration_in_seconds": u64::MAX }),
        json!({ "user_id": "u", "actor": { "sub": "s" }, "expires_in_seconds": null }),
    ] {
        let answer = Exchange { schema: CREATE, clerk: Emulator::new(), request: create(body) }.answer();
        assert_eq!(answer.status, 200);
        answer.check();
        // Not in every answer: that this one has them is a promise of its own.
        assert!(answer.body["token"].is_string() && answer.body["url"].is_string());
    }
    let settings: [(Set, bool); 3] =
        [(|set| set, true), (|set| set.revoke_without_link(), false), (|set| set.revoke_keeps_updated_at(), true)];
    for (set, with_link) in settings {
        let (clerk, id) = with_token(set(Emulator::builder()));
        let request = revoke(&id);
        fits("revoke-actor-token/request", &seen(&request)).unwrap();
        let answer = Exchange { schema: REVOKE, clerk, request }.answer();
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("revoked")));
        answer.check();
        assert_eq!(answer.body.get("token").is_some() && answer.body.get("url").is_some(), with_link);
    }
}

#[test]
fn each_refusal_of_the_emulator_fits_and_none_is_left_out() {
    let (mut codes, mut not_described) = (BTreeSet::new(), BTreeSet::new());
    let refusals = refusals();
    println!("figure: contract: {} refusals of the emulator", refusals.len());
    for (exchange, status) in refusals {
        let answer = exchange.answer();
        assert_eq!(answer.status, status, "{}: {:?}", answer.schema, answer.codes());
        answer.check();
        assert!(!answer.codes().is_empty(), "{}/{status}", answer.schema);
        codes.extend(answer.codes());
        if !is_described(answer.schema, status) {
            not_described.insert((answer.schema, status));
        }
    }
    assert_eq!(codes, rows());
    let of = |schema| not_described.iter().filter(move |(of, _)| *of == schema).map(|(_, status)| status.to_string());
    for (call, schema) in [("create", CREATE), ("revoke", REVOKE)] {
        let row = format!("| {call} | {} |", of(schema).collect::<Vec<_>>().join(", "));
        assert!(PAGE.contains(&row), "the page lacks: {row}");
    }
}

/// The codes of the emulator's table of errors, read from its source.
fn rows() -> BTreeSet<String> {
    let rows = ROWS.split("StatusCode::").filter_map(|row| {
        let (status, rest) = row.split_once(',')?;
        // The emulator's own: no call of the contract is answered with it.
        let is_a_status = status != "NOT_IMPLEMENTED" && status.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let code = rest.trim_start().strip_prefix('"').filter(|_| is_a_status)?;
        Some(code.split_once('"')?.0.to_owned())
    });
    rows.collect()
}

#[test]
fn each_status_that_a_fault_gives_has_the_envelope() {
    // From 520 on it is the page of an edge, which is not Clerk's.
    for status in (400..520).chain(531..600) {
        let clerk = Emulator::new();
        clerk.next_create().before_commit(fault::status(status));
        let answer = Exchange { schema: CREATE, clerk, request: create(good()) }.answer();
        assert_eq!(answer.status, status);
        answer.check();
    }
}

#[test]
fn an_answer_that_lacks_a_field_is_caught() {
    let answer = Exchange { schema: CREATE, clerk: Emulator::new(), request: create(good()) }.answer();
    let refusal = Exchange { schema: CREATE, clerk: Emulator::new(), request: create("{") }.answer();
    for (schema, answer, object, may_lack) in [
        ("create-actor-token/200", &answer.body, "", 2),
        ("create-actor-token/400", &refusal.body, "", 2),
        ("create-actor-token/400", &refusal.body, "/errors/0", 1),
    ] {
        let keys: Vec<_> = answer.pointer(object).unwrap().as_object().unwrap().keys().cloned().collect();
        let caught = keys.iter().filter(|key| {
            let mut answer = answer.clone();
            answer.pointer_mut(object).and_then(Value::as_object_mut).unwrap().remove(*key).unwrap();
            fits(schema, &answer).is_err()
        });
        assert_eq!(caught.count(), keys.len() - may_lack, "{schema} {object}");
    }
}
