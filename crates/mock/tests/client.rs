//! The doubles as a user's test takes them: under the real client.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use clerk_actor_tokens_core::{
    Actor, ActorTokensApi, Client, CreateActorToken, ErrorKind, HttpTransport, SecretKey, SessionStatus,
    TransportErrorKind,
};
use clerk_actor_tokens_mock::{
    Answer, CapturingTransport, FailingTransport, ManualTimer, MockActorTokensApi, MockHttpTransport, NeverTransport,
    ScriptedTransport, WithTimer, create_request, get_session_request, list_sessions_request, responses,
    revoke_request, revoke_session_request,
};
use pollster::block_on;

const KEY: &str = "sk_test_CANARY";

fn key() -> SecretKey {
    SecretKey::new(KEY).unwrap()
}

fn agent() -> Actor {
    Actor::new("user_agent")
}

#[test]
fn every_double_is_a_transport_of_a_client_and_can_be_shared_between_threads() {
    fn usable<T: HttpTransport>(double: T) {
        let _: Client = Client::new(double, key()).erase();
    }
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (script, capturing, never) = (ScriptedTransport::new(), CapturingTransport::echoing(), NeverTransport::new());
    let failing = FailingTransport::always(TransportErrorKind::Connect);
    let timed = WithTimer::new(never.clone(), ManualTimer::new());
    shared(&script);
    shared(&capturing);
    shared(&never);
    shared(&failing);
    shared(&timed);
    usable(script);
    usable(capturing);
    usable(never);
    usable(failing);
    usable(timed);
    usable(MockHttpTransport::new());
    let _: Box<dyn ActorTokensApi> = Box::new(MockActorTokensApi::new());
}

#[test]
fn an_echo_is_an_answer_that_the_client_accepts() {
    let transport = ScriptedTransport::new()
        .expect(
            create_request()
                .user_id("user_1")
                .actor_sub("user_agent")
                .expires_in(Duration::from_secs(300))
                .session_max_duration(Duration::from_secs(600))
                .header_present("clerk-api-version")
                .bearer(&key()),
            Answer::echo(),
        )
        .expect(revoke_request(responses::SAMPLE_ID).bearer(&key()), Answer::echo());
    let clerk = Client::new(transport.clone(), key());
    let create = clerk.actor_tokens().create("user_1", agent());
    let create = create.expires_in(Duration::from_secs(300)).session_max_duration(Duration::from_secs(600));
    let token = block_on(create.send()).unwrap();
    block_on(clerk.actor_tokens().revoke(token.id()).send()).unwrap();
    transport.assert_done();
}

#[test]
fn an_echo_of_a_call_about_sessions_is_an_answer_that_the_client_accepts() {
    let transport = ScriptedTransport::new()
        .expect(list_sessions_request("user 1&2").query("status", "active").bearer(&key()), Answer::echo())
        .expect(get_session_request("sess_1").bearer(&key()), Answer::echo())
        .expect(revoke_session_request("sess_1").bearer(&key()), Answer::echo());
    let clerk = Client::new(transport.clone(), key());
    assert!(block_on(clerk.sessions().list("user 1&2").status(SessionStatus::Active).send()).unwrap().is_empty());
    let session = block_on(clerk.sessions().get("sess_1").send()).unwrap();
    assert_eq!((session.id().as_str(), session.status()), ("sess_1", &SessionStatus::Active));
    let session = block_on(clerk.sessions().revoke("sess_1").send()).unwrap();
    assert_eq!((session.id().as_str(), session.status()), ("sess_1", &SessionStatus::Revoked));
    transport.assert_done();
}

#[test]
fn an_end_of_an_impersonation_can_be_scripted_call_by_call() {
    let session = || responses::session().user_id("user_1");
    let page = responses::sessions([
        session().id("sess_1").actor_sub("user_agent"),
        session().id("sess_2").actor_sub("somebody else"),
        session().id("sess_3").field("actor", serde_json::Value::Null),
    ]);
    let transport = ScriptedTransport::new()
        .expect(revoke_request("act_1"), responses::cannot_be_revoked("accepted"))
        .expect(list_sessions_request("user_1"), page)
        .expect(revoke_session_request("sess_1"), responses::session().id("sess_1").status("revoked"))
        .expect(list_sessions_request("user_1"), Answer::echo());
    let clerk = Client::new(transport.clone(), key());
    let ended = block_on(clerk.impersonations().end("user_1").by("user_agent").token("act_1").send()).unwrap();
    assert_eq!(ended.sessions().iter().map(|session| session.id().as_str()).collect::<Vec<_>>(), ["sess_1"]);
    transport.assert_done();
}

#[test]
fn a_wrong_query_of_the_client_is_told_by_the_name_of_its_member() {
    let transport = ScriptedTransport::new().expect(list_sessions_request("user_2"), Answer::echo());
    let clerk = Client::new(transport.clone(), key());
    let sent = AssertUnwindSafe(|| block_on(clerk.sessions().list("user_1").send()));
    let panic = catch_unwind(sent).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains(r#"query user_id: expected "user_2", got "user_1""#), "{message}");
    assert!(!message.contains("query limit") && !message.contains("CANARY"), "{message}");
    assert!(catch_unwind(AssertUnwindSafe(|| transport.assert_done())).is_err());
}

#[test]
fn a_wrong_request_of_the_client_fails_the_test_and_the_key_is_not_in_the_message() {
    let transport = ScriptedTransport::new().expect(create_request().actor_sub("somebody else"), Answer::echo());
    let clerk = Client::new(transport.clone(), key());
    let sent = AssertUnwindSafe(|| block_on(clerk.actor_tokens().create("user_1", agent()).send()));
    let panic = catch_unwind(sent).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains(r#"$.actor.sub: expected "somebody else", got "user_agent""#), "{message}");
    assert!(!message.contains("CANARY"), "{message}");
    assert!(catch_unwind(AssertUnwindSafe(|| transport.assert_done())).is_err());
}

#[test]
fn failures_before_an_answer_are_retried_on_the_clock_of_the_test() {
    let capturing = CapturingTransport::echoing();
    let timer = ManualTimer::auto_advancing();
    let failing = FailingTransport::new(2, TransportErrorKind::Connect, capturing.clone());
    let clerk = Client::new(WithTimer::new(failing, timer.clone()), key());
    block_on(clerk.actor_tokens().create("user_1", agent()).send()).unwrap();
    let request = capturing.only_request();
    assert_eq!(request.attempt(), Some(3));
    assert!(request.bearer_is(&key()));
    assert_eq!(request.json().unwrap()["user_id"], "user_1");
}

#[test]
fn retry_after_is_waited_for_on_the_clock_of_the_test() {
    let timer = ManualTimer::auto_advancing();
    let transport = ScriptedTransport::new()
        .expect(create_request(), responses::rate_limited(7))
        .expect(create_request(), Answer::echo());
    let clerk = Client::new(WithTimer::new(transport.clone(), timer.clone()), key());
    block_on(clerk.actor_tokens().create("user_1", agent()).send()).unwrap();
    assert!(timer.elapsed() >= Duration::from_secs(7));
    transport.assert_done();
}

#[test]
fn an_answer_that_never_comes_ends_at_the_deadline_when_the_test_moves_the_clock() {
    let (never, timer) = (NeverTransport::new(), ManualTimer::new());
    let clerk = Client::builder(WithTimer::new(never.clone(), timer.clone()), key());
    let clerk = clerk.timeout(Duration::from_secs(5)).build().unwrap();
    let mut call = pin!(clerk.execute(CreateActorToken::new("user_1", agent())).send());
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    assert_eq!((never.in_flight(), timer.sleepers()), (1, 1));
    timer.advance(Duration::from_secs(4));
    assert!(call.as_mut().poll(&mut context).is_pending());
    timer.advance(Duration::from_secs(10));
    let Poll::Ready(outcome) = call.as_mut().poll(&mut context) else { panic!("the deadline did not end the call") };
    let error = outcome.unwrap_err();
    assert!(error.is_timeout() && error.is_ambiguous());
    assert_eq!(never.in_flight(), 0);
}

#[test]
fn each_ready_made_failure_is_what_the_client_takes_it_for() {
    let table: [(Answer, ErrorKind); 4] = [
        (responses::clerk_error(422, "form_param_missing").param("user_id").into(), ErrorKind::Api),
        (responses::html(520).into(), ErrorKind::Api),
        (responses::rate_limited(3600).into(), ErrorKind::RateLimited),
        (responses::cut_short(responses::actor_token(), 60).into(), ErrorKind::ResponseTruncated),
    ];
    for (answer, kind) in table {
        let transport = ScriptedTransport::new().expect(create_request(), answer);
        let clerk = Client::new(transport.clone(), key());
        let error = block_on(clerk.actor_tokens().create(responses::SAMPLE_USER_ID, agent()).send()).unwrap_err();
        assert_eq!(error.kind(), kind);
        transport.assert_done();
    }
}

#[test]
fn a_token_that_cannot_be_revoked_tells_its_status() {
    for status in ["accepted", "brand_new"] {
        let transport = ScriptedTransport::new().expect(revoke_request("act_1"), responses::cannot_be_revoked(status));
        let clerk = Client::new(transport.clone(), key());
        let error = block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap_err();
        assert_eq!(error.token_status().unwrap().as_str(), status);
        transport.assert_done();
    }
}
