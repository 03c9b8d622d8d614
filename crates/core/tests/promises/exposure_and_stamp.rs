//! Until when a lost token can be used, and the stamp by which what grew from it is recognised.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use clerk_actor_tokens_core::{
    Actor, BaseUrl, BoxFuture, Client, CreateActorToken, Creation, Error, ErrorKind, Execution, Idempotency,
    InvalidRequest, Operation, OperationInfo, ParseError, Request, Response, RetryPolicy, TransportErrorKind, Undo,
    http::{Method, StatusCode},
    middleware_fn, transport_fn,
};

use crate::common::{
    AGENT, ID, Op, Play, Scripted, USER, WALL_AT_START, builder, client, ok, pause, response, run,
    tasks::{Tasks, poll_times},
    test_key, token_json, with, with_header,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SECOND: Duration = Duration::from_secs(1);
const STAMP: &str = "0123456789abcdef0123456789abcdef";

/// The virtual calendar, this long after its start.
fn wall(elapsed: Duration) -> SystemTime {
    UNIX_EPOCH + WALL_AT_START + elapsed
}

/// The ways in which a creation ends ambiguous.
fn ambiguous() -> Vec<(Play, Execution)> {
    use TransportErrorKind as K;
    let cut = || clerk_actor_tokens_core::TransportError::new(K::Interrupted).with_partial(response(200, "{"));
    vec![
        (K::Interrupted.into(), Execution::Unknown),
        (K::Timeout.into(), Execution::Unknown),
        (K::Other.into(), Execution::Unknown),
        (response(500, "").into(), Execution::Unknown),
        (response(302, "").into(), Execution::Unknown),
        (response(200, "<html>").into(), Execution::Unknown),
        (Play::Fail(cut()), Execution::Executed),
        (response(200, "{\"object\":\"actor_token\"}").into(), Execution::Executed),
    ]
}

#[test]
fn a_lost_token_is_dated_from_the_end_of_the_last_attempt() {
    for number in 0..ambiguous().len() {
        for (delay, expires_in, session) in
            [(0, None, None), (3, None, None), (3, Some(300), None), (29, None, Some(7)), (1, Some(1), Some(1))]
        {
            let delay = delay * SECOND;
            let client = client(move |_| ambiguous().swap_remove(number).0.after(delay));
            let mut call = client.actor_tokens().create(USER, Actor::new(AGENT));
            if let Some(seconds) = expires_in {
                call = call.expires_in(Duration::from_secs(seconds));
            }
            if let Some(seconds) = session {
                call = call.session_max_duration(Duration::from_secs(seconds));
            }
            let error = pollster::block_on(call.send()).unwrap_err();
            assert_eq!(error.execution(), ambiguous()[number].1);
            let until = wall(delay) + Duration::from_secs(expires_in.unwrap_or(3600) + 60);
            assert_eq!(error.exposure_until(), Some(until), "{error}");
            let session_until = until + Duration::from_secs(session.unwrap_or(1800));
            assert_eq!(error.session_exposure_until(), Some(session_until));
        }
    }
}

#[test]
fn a_stall_is_dated_from_the_deadline() {
    let client = client(|_| Play::Stall);
    let error = run(&client, Op::Create).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.exposure_until(), Some(wall(client.transport().clock.elapsed()) + 3660 * SECOND));
}

#[test]
fn over_several_attempts_it_is_the_last_one_that_counts() {
    let gateway = |_| Play::from(response(502, "")).after(2 * SECOND);
    let client = client(gateway);
    let policy = RetryPolicy::new().danger_retry_create_on([StatusCode::BAD_GATEWAY]).backoff(4 * SECOND, 4 * SECOND);
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).retry(policy);
    let error = pollster::block_on(call.send()).unwrap_err();
    assert_eq!(error.attempts().len(), 3);
    let end_of_last = client.transport().sent()[2].at + 2 * SECOND;
    assert_eq!(error.exposure_until(), Some(wall(end_of_last) + 3660 * SECOND));
}

#[test]
fn what_is_not_ambiguous_exposes_nothing() {
    let plays: [fn() -> Play; 6] = [
        || TransportErrorKind::Connect.into(),
        || TransportErrorKind::Tls.into(),
        || TransportErrorKind::TimeoutBeforeSend.into(),
        || response(422, "").into(),
        || response(429, "").into(),
        || response(401, "").into(),
    ];
    for play in plays {
        let error = run(&client(move |_| play()), Op::Create).unwrap_err();
        assert!(!error.is_ambiguous());
        assert_eq!((error.exposure_until(), error.session_exposure_until()), (None, None), "{error}");
    }
}

#[test]
fn a_lost_revocation_exposes_nothing_new() {
    for number in 0..ambiguous().len() {
        let client = client(move |_| ambiguous().swap_remove(number).0);
        let error = run(&client, Op::Revoke).unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        assert_eq!((error.exposure_until(), error.session_exposure_until()), (None, None));
    }
}

#[test]
fn the_longest_durations_are_still_an_exposure() {
    let longest = Duration::from_secs(u64::try_from(i64::MAX).unwrap());
    let client = client(|_| TransportErrorKind::Interrupted.into());
    for (expires_in, session) in [(longest, longest), (longest, SECOND), (SECOND, longest)] {
        let call = client.actor_tokens().create(USER, Actor::new(AGENT));
        let error = pollster::block_on(call.expires_in(expires_in).session_max_duration(session).send()).unwrap_err();
        let (until, session_until) = (error.exposure_until().unwrap(), error.session_exposure_until().unwrap());
        assert!(until > wall(Duration::ZERO) && session_until >= until);
        let centuries = wall(100 * 366 * 24 * 3600 * SECOND);
        assert_eq!((until > centuries, session_until > centuries), (expires_in == longest, true));
    }
}

// The stamp.

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

/// Answers that lead to all three attempts of a creation.
fn never_reached(_: usize) -> Play {
    TransportErrorKind::Connect.into()
}

fn is_stamp(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The stamps that were sent, taken out of the actors under this key.
fn sent_stamps(transport: &Scripted, key: &str) -> Vec<String> {
    let stamp = |request: &Request| body(request)["actor"][key].as_str().unwrap().to_owned();
    transport.sent().iter().map(|sent| stamp(&sent.request)).collect()
}

fn told_stamps(attempts: &[clerk_actor_tokens_core::Attempt]) -> Vec<String> {
    attempts.iter().map(|attempt| attempt.stamp().unwrap().to_owned()).collect()
}

#[test]
fn each_attempt_bears_a_stamp_of_its_own_and_the_error_tells_them() {
    let client = client(never_reached);
    let mut all = BTreeSet::new();
    for _ in 0..3 {
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
        let error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!(error.attempts().len(), 3);
        all.extend(told_stamps(error.attempts()));
        let sent = sent_stamps(client.transport(), "attempt");
        assert_eq!(sent[sent.len() - 3..], told_stamps(error.attempts()));
    }
    assert_eq!(all.len(), 9, "no two are the same");
    assert!(all.iter().all(|stamp| is_stamp(stamp)), "{all:?}");
}

#[test]
fn the_response_tells_them_as_well() {
    let client = client(|number| if number == 0 { never_reached(0) } else { ok(&token_json("pending")).into() });
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
    let response = pollster::block_on(call.send_with_response()).unwrap();
    assert_eq!(told_stamps(response.attempts()), sent_stamps(client.transport(), "attempt"));
    assert_eq!(response.attempts().len(), 2);
}

#[test]
fn without_the_option_there_is_none() {
    let client = client(never_reached);
    let error = run(&client, Op::Create).unwrap_err();
    assert!(error.attempts().iter().all(|attempt| attempt.stamp().is_none()));
    for sent in client.transport().sent() {
        assert_eq!(sent.request.body(), &format!("{{\"user_id\":\"{USER}\",\"actor\":{{\"sub\":\"{AGENT}\"}}}}"));
    }
    assert!(run(&client, Op::Revoke).unwrap_err().attempts().iter().all(|attempt| attempt.stamp().is_none()));
}

#[test]
fn a_key_that_the_actor_has_is_refused_and_nothing_is_sent() {
    let client = client(|_| panic!("nothing is sent"));
    let actor = || Actor::new(AGENT).with("ticket", 7).with("null", Value::Null).with("", "empty");
    for key in ["sub", "ticket", "null", ""] {
        let call = client.actor_tokens().create(USER, actor()).stamp_attempts(key);
        let error: Error = pollster::block_on(call.send()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.invalid_request().unwrap().field(), format!("actor.{key}"));
    }
}

#[test]
fn a_middleware_sees_the_stamp_and_may_change_the_rest_of_the_body() {
    let client = builder(never_reached)
        .middleware(middleware_fn(|mut request, next| {
            let mut changed = body(&request);
            assert!(is_stamp(changed["actor"]["attempt"].as_str().unwrap()));
            changed["actor"]["reason"] = json!("support");
            *request.body_mut() = Bytes::from(changed.to_string());
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
    let error = pollster::block_on(call.send()).unwrap_err();
    let stamps = told_stamps(error.attempts());
    for (sent, stamp) in client.transport().sent().iter().zip(&stamps) {
        let actor = json!({"sub": AGENT, "reason": "support", "attempt": stamp});
        assert_eq!(body(&sent.request), json!({"user_id": USER, "actor": actor}));
    }
    assert_eq!(stamps.len(), 3);
}

#[test]
fn a_stamped_creation_whose_caller_left_is_revoked_by_its_own_response_and_by_no_other() {
    for is_own in [true, false] {
        let (revoked, tasks) = (Arc::new(AtomicUsize::new(0)), Tasks::default());
        let count = revoked.clone();
        let transport = transport_fn(move |request: Request, _| {
            let count = count.clone();
            async move {
                pause(2).await;
                if request.uri().path().ends_with("/revoke") {
                    count.fetch_add(1, Ordering::SeqCst);
                    return Ok(ok(&token_json("revoked")));
                }
                let mut token = with(token_json("pending"), "actor", body(&request)["actor"].clone());
                if !is_own {
                    token["actor"]["attempt"] = json!(STAMP);
                }
                Ok(ok(&token))
            }
        });
        let client = Client::builder(transport, test_key()).executor(tasks.clone()).build().unwrap();
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
        let mut call: BoxFuture<'_, _> = Box::pin(call.send());
        assert!(poll_times(&mut call, 2).is_none());
        drop(call);
        tasks.run();
        let closed = pollster::block_on(client.close(60 * SECOND));
        assert_eq!(revoked.load(Ordering::SeqCst), usize::from(is_own), "own: {is_own}");
        let left: Vec<_> = closed.orphans().iter().map(|orphan| (orphan.id(), orphan.execution())).collect();
        assert_eq!(left, if is_own { vec![] } else { vec![(None, Execution::Unknown)] });
    }
}

/// An operation whose requests can bear no stamp.
struct Unfit;

impl Operation for Unfit {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("Unfit", "/unfit", Idempotency::NonIdempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        base.request(Method::POST, "/unfit", Bytes::new())
    }

    fn parse(&self, _: &Response) -> Result<(), ParseError> {
        Ok(())
    }

    fn creation(&self) -> Option<&dyn Creation<()>> {
        Some(self)
    }
}

impl Creation<()> for Unfit {
    fn id_of(&self, (): &()) -> Option<String> {
        None
    }

    fn undo(&self, _: &str) -> Option<Undo> {
        None
    }

    fn is_stamped(&self) -> bool {
        true
    }
}

#[test]
fn a_request_that_can_bear_no_stamp_is_not_sent() {
    let client = client(|_| panic!("nothing is sent"));
    let error = pollster::block_on(client.execute(Unfit).send()).unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::Blocked, Execution::NotExecuted));
    assert!(error.attempts().iter().all(|attempt| attempt.stamp().is_none()), "it never bore one");
}

/// The body of a creation with a stamp, if it can bear one.
fn stamped(body: &str, key: &str) -> Option<Bytes> {
    let create = CreateActorToken::new(USER, Actor::new(AGENT)).stamp_attempts(key);
    let mut request = Request::new(Bytes::from(body.to_owned()));
    let before = request.clone();
    if create.stamp(&mut request, STAMP) {
        return Some(request.into_body());
    }
    assert_eq!(request.body(), before.body(), "what is refused is left as it is");
    None
}

#[test]
fn a_body_that_is_no_creation_can_bear_no_stamp() {
    for unfit in ["", "{", "[]", "null", "{}", "{\"actor\":7}", "{\"actor\":null}", "{\"actor\":[]}", "\u{feff}{}"] {
        assert_eq!(stamped(unfit, "attempt"), None, "{unfit}");
    }
}

#[test]
fn headers_and_address_are_as_without() {
    let requests = [None, Some("attempt")].map(|key| {
        let client = client(|_| ok(&token_json("pending")).into());
        let call = client.actor_tokens().create(USER, Actor::new(AGENT)).header("x-app", "1");
        let call = match key {
            Some(key) => call.stamp_attempts(key),
            None => call,
        };
        pollster::block_on(call.send()).unwrap();
        client.transport().sent()[0].request.clone()
    });
    let [without, with] = requests;
    assert_eq!((without.method(), without.uri(), without.headers()), (with.method(), with.uri(), with.headers()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A JSON text with each number as a text: what reads floats may give them back one bit off.
fn exactly(text: &[u8]) -> Value {
    let (mut exact, mut in_string, mut in_number, mut escaped) = (String::new(), false, false, false);
    for char in std::str::from_utf8(text).unwrap().chars() {
        let is_number =
            !in_string && (char.is_ascii_digit() || "+-.".contains(char) || in_number && "eE".contains(char));
        if is_number != in_number {
            exact.push('"');
            in_number = is_number;
        }
        exact.push(char);
        match char {
            '"' if !escaped => in_string = !in_string,
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            _ => {}
        }
        escaped = false;
    }
    serde_json::from_str(&exact).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rest_of_the_body_is_as_without(
        user in ".{1,20}",
        actor in proptest::collection::btree_map("[a-z]{1,4}", any_value(), 0..5),
        key in "[A-Z ]{0,9}|[\"\\\\\u{0}-\u{20}é]{1,3}",
        seconds in 1u32..,
    ) {
        let mut members: Map<String, Value> = actor.into_iter().collect();
        members.insert("sub".to_owned(), json!(AGENT));
        let client = client(|_| response(422, "").into());
        let call = || {
            let call = client.actor_tokens().create(&user, Actor::from(members.clone()));
            call.expires_in(Duration::from_secs(seconds.into()))
        };
        pollster::block_on(call().send()).unwrap_err();
        pollster::block_on(call().stamp_attempts(&key).send()).unwrap_err();
        let sent = client.transport().sent();
        let without = exactly(sent[0].request.body());
        let mut rest = exactly(sent[1].request.body());
        let stamp = rest["actor"].as_object_mut().unwrap().remove(&key).unwrap();
        prop_assert!(is_stamp(stamp.as_str().unwrap()));
        prop_assert_eq!(rest, without);
    }
}

#[test]
fn numbers_and_members_of_a_stamped_body_stay_what_they_are() {
    let body = r#"{ "later":[1.10, 1E400,-0], "actor" : {"big":123456789012345678901234567890, "\u0061":"\ud83d\ude00"}, "user_id":"u" }"#;
    let mut rest = exactly(&stamped(body, "s").unwrap());
    assert_eq!(rest["actor"].as_object_mut().unwrap().remove("s").unwrap(), STAMP);
    assert_eq!(rest, exactly(body.as_bytes()));
}

#[test]
fn a_body_that_has_the_key_of_the_stamp_can_bear_none() {
    for body in [r#"{"actor":{"sub":"a","s":"theirs"},"user_id":"u"}"#, r#"{"actor":{"\u0073":null}}"#] {
        assert_eq!(stamped(body, "s"), None, "{body}");
    }
}

#[test]
fn what_a_stamped_call_was_answered_does_not_matter_to_its_id() {
    let client = client(|_| with_header(ok(&token_json("pending")), "x-test", "1").into());
    let call = client.actor_tokens().create(USER, Actor::new(AGENT)).stamp_attempts("attempt");
    assert_eq!(pollster::block_on(call.send()).unwrap().id().as_str(), ID);
}
