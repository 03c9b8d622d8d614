//! The test doubles, used and unused, and the messages with which they fail a test.

use std::panic::{AssertUnwindSafe, catch_unwind};

use clerk_actor_tokens::{
    Actor, ActorTokensApi, Client, CreateActorToken, SecretKey,
    testing::{
        emulator::{Emulator, fault},
        mock::{
            Answer, CapturedRequest, CapturingTransport, FailingTransport, ManualTimer, MockActorTokensApi,
            MockHttpTransport, NeverTransport, ScriptedTransport, WithTimer, create_request, responses, revoke_request,
        },
    },
    transport::{HttpTransport, Request, TransportError, TransportErrorKind},
};

use crate::{KEY, LINK, TICKET, shown::Sanitized};

#[test]
fn failed_assertions_of_the_emulator_show_none() {
    let mut shown = Sanitized::new();
    let clerk = Emulator::builder().secret_key(SecretKey::new(KEY).unwrap()).build();
    shown.secret(KEY);
    let token =
        pollster::block_on(clerk.client().actor_tokens().create("user_1", Actor::new("user_2")).send()).unwrap();
    shown.secret(token.token().unwrap().expose());
    shown.secret(token.url().unwrap().expose());
    let assertions: [(&str, &dyn Fn()); 5] = [
        ("assert_creates", &|| clerk.assert_creates(9)),
        ("assert_revokes", &|| clerk.assert_revokes(9)),
        ("assert_orphans", &|| clerk.assert_orphans(9)),
        ("assert_live", &|| clerk.assert_live(9)),
        ("assert_faults_used", &|| {
            let other = Emulator::new();
            other.next_create().before_send(fault::refused());
            other.assert_faults_used();
        }),
    ];
    for (name, assertion) in assertions {
        shown.panic(name, assertion);
    }
    shown.debug("Emulator", &clerk);
    shown.assert_clean("assertions of the emulator");
}

#[test]
fn doubles_show_none_also_when_they_fail_the_test() {
    let mut shown = Sanitized::new();
    let key = SecretKey::new(KEY).unwrap();
    for secret in [KEY, LINK, TICKET] {
        shown.secret(secret);
    }
    // A user who puts credentials where they do not belong.
    let actor = Actor::new("user_2").with("link", LINK).with(KEY, 1);
    let create = |transport: &dyn Fn() -> Box<dyn HttpTransport>| {
        let clerk = Client::new(transport(), key.clone());
        let call = clerk.actor_tokens().create(LINK, actor.clone()).header("x-link", LINK);
        pollster::block_on(call.send())
    };

    let scripted = ScriptedTransport::new().expect(create_request().user_id("user_1"), Answer::echo());
    let message = shown.panic("ScriptedTransport", || create(&|| Box::new(scripted.clone())));
    assert!(message.contains("$.user_id"), "{message}");
    shown.debug("ScriptedTransport", &scripted);
    shown.panic("assert_done", || scripted.assert_done());

    let captured = CapturingTransport::echoing();
    shown.debug("a result", &create(&|| Box::new(captured.clone())));
    shown.debug("CapturingTransport", &captured);
    shown.debug("CapturedRequest", &captured.requests());

    shown.panic("MockHttpTransport", || {
        let clerk = Client::new(MockHttpTransport::new(), key.clone());
        pollster::block_on(clerk.actor_tokens().create(LINK, actor.clone()).send())
    });
    shown.panic("MockActorTokensApi", || {
        pollster::block_on(MockActorTokensApi::new().create(CreateActorToken::new(LINK, actor.clone())))
    });

    let failing = FailingTransport::always(TransportErrorKind::Tls);
    let result = catch_unwind(AssertUnwindSafe(|| {
        create(&|| Box::new(WithTimer::new(failing.clone(), ManualTimer::auto_advancing())))
    }));
    shown.error("Error", &result.unwrap().unwrap_err());
    shown.debug("FailingTransport", &failing);
    shown.debug("NeverTransport", &NeverTransport::new());
    shown.debug("Answer", &Answer::from(responses::actor_token().field("url", LINK).field("token", KEY)));
    shown.debug("actor_token", &responses::actor_token().field("url", LINK).field("id", KEY));
    shown.debug("clerk_error", &responses::clerk_error(400, KEY).message(LINK));
    shown.debug("create_request", &create_request().user_id(LINK).bearer(&key).header("x-link", LINK));
    shown.debug("revoke_request", &revoke_request("act_1").header("authorization-too", KEY));
    let mut request = Request::new(LINK.into());
    request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    *request.uri_mut() = LINK.parse().unwrap();
    shown.debug("CapturedRequest", &CapturedRequest::new(request));
    shown.debug("TransportError", &TransportError::blocked(format!("not to {LINK} with {KEY}")));
    shown.assert_clean("doubles");
}
