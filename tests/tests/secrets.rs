//! No credential in any text: everything that the crates show by `Debug` or `Display`, around whole calls with a key, a
//! ticket and a link that would be seen.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{
    error::Error as StdError,
    fmt::{Debug, Display},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens::TransportErrorKind;
use clerk_actor_tokens::{
    Actor, ActorTokensApi, Client, CreateActorToken, HttpTransport, Request, SecretKey, TransportError,
    emulator::{Emulator, fault},
    hyper::{HyperTransport, TokioTimer},
    middleware_fn,
    mock::{
        Answer, CapturedRequest, CapturingTransport, FailingTransport, ManualTimer, MockActorTokensApi,
        MockHttpTransport, NeverTransport, ScriptedTransport, WithTimer, create_request, responses, revoke_request,
    },
};

const KEY: &str = "sk_test_CANARYcanary";

/// Everything that was shown, and what must not be in it.
#[derive(Default)]
struct Shown {
    texts: Vec<(String, String)>,
    secrets: Vec<String>,
}

impl Shown {
    fn debug(&mut self, name: &str, value: &dyn Debug) {
        self.texts.push((name.to_owned(), format!("{value:?} {value:#?}")));
    }

    fn error(&mut self, name: &str, error: &(dyn StdError + 'static)) {
        self.debug(name, &error);
        self.display(name, &error);
        let mut cause = error.source();
        while let Some(error) = cause {
            self.display(name, &error);
            self.debug(name, &error);
            cause = error.source();
        }
    }

    fn display(&mut self, name: &str, value: &dyn Display) {
        self.texts.push((name.to_owned(), format!("{value} {value:#}")));
    }

    fn secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    /// No secret is in any text: not as it is, and not the beginning of it.
    fn assert_clean(&self) {
        assert!(self.secrets.len() > 2 && self.texts.len() > 10, "nothing was tried");
        for (name, text) in &self.texts {
            for secret in &self.secrets {
                // Of a link, the ticket is the secret; of a key, what is behind its prefix.
                let telling = secret.split("ticket=").last().unwrap_or_default();
                let telling: String = telling.chars().skip(8).take(24).collect();
                assert!(!text.contains(&telling), "{name} shows a credential");
            }
            for mark in ["CANARY", "eyJ", "ticket=ey"] {
                assert!(!text.contains(mark), "{name} shows {mark}");
            }
        }
    }
}

#[tokio::test]
async fn a_whole_life_over_http_shows_none() {
    let mut shown = Shown::default();
    let key = SecretKey::new(KEY).unwrap();
    shown.secret(key.expose());
    let clerk = Emulator::builder().secret_key(key.clone()).real_time().build();
    let server = clerk.serve().await.unwrap();
    // What a careful middleware may log; its own `Debug` of a response would print the body.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_here = Arc::clone(&seen);
    let log = middleware_fn(move |request, next| {
        let seen = Arc::clone(&seen_here);
        Box::pin(async move {
            let authorization = request.headers().get("authorization").cloned();
            let outcome = next.run(request).await;
            seen.lock().unwrap().push(format!("{authorization:?} {:?}", outcome.as_ref().err()));
            outcome
        })
    });
    let builder =
        Client::builder(HyperTransport::new().unwrap(), key.clone()).base_url(server.base_url()).middleware(log);
    shown.debug("ClientBuilder", &builder);
    let client = builder.build().unwrap();
    let tokens = client.actor_tokens();

    let call = tokens.create("user_1", Actor::new("user_2")).credentials(key.clone());
    shown.debug("Call", &call);
    let response = call.send_with_response().await.unwrap();
    shown.debug("ApiResponse", &response);
    let token = response.into_value();
    shown.secret(token.token().unwrap().expose());
    shown.secret(token.url().unwrap().expose());
    shown.debug("ActorToken", &token);
    shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());
    shown.debug("Revocation", &tokens.revoke(token.id()).send().await.unwrap());

    let script: [(&dyn Fn(), Duration); 6] = [
        (&|| clerk.next_create().after_commit(fault::reset()), Duration::from_secs(30)),
        (&|| clerk.next_create().after_commit(fault::cut_at(400)), Duration::from_secs(30)),
        (&|| clerk.next_create().after_commit(fault::stall()), Duration::from_secs(3)),
        (&|| clerk.next_create().after_commit(fault::stall_at(700)), Duration::from_secs(3)),
        (&|| clerk.next_create().before_commit(fault::status(500)), Duration::from_secs(30)),
        (&|| clerk.next_create().before_commit(fault::status(520)), Duration::from_secs(30)),
    ];
    for (fault, timeout) in script {
        fault();
        let error = tokens.create("user_1", Actor::new("user_2")).timeout(timeout).send().await.unwrap_err();
        shown.error("Error", &error);
        shown.display("advice", &error.advice());
    }
    let session = clerk.accept(tokens.create("user_1", Actor::new("user_2")).send().await.unwrap().id()).unwrap();
    shown.debug("Session", &session);
    shown.error("AcceptError", &clerk.accept_url(token.url().unwrap().expose()).unwrap_err());

    shown.debug("Client", &client);
    shown.debug("erased Client", &client.clone().erase());
    shown.debug("ActorTokens", &tokens);
    shown.debug("HyperTransport", client.transport());
    shown.debug("TokioTimer", &TokioTimer);
    shown.debug("SecretKey", &key);
    shown.debug("Emulator", &clerk);
    shown.debug("Served", &server);
    shown.debug("ledger", &clerk.ledger());
    shown.debug("requests", &clerk.requests());
    shown.debug("live", &clerk.live());
    shown.debug("orphans", &clerk.orphans());
    for line in seen.lock().unwrap().iter() {
        shown.display("a middleware's log", line);
    }
    shown.assert_clean();
}

#[test]
fn failed_assertions_of_the_emulator_show_none() {
    let mut shown = Shown::default();
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
        let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
        let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(!message.is_empty(), "{name} did not say why");
        for _ in 0..3 {
            shown.display(name, &message);
        }
    }
    shown.assert_clean();
}

/// Every double of the mock crate, used and unused, and the messages with which they fail a test.
#[test]
fn doubles_show_none_also_when_they_fail_the_test() {
    let mut shown = Shown::default();
    let key = SecretKey::new(KEY).unwrap();
    let link = "https://x.test/v1/tickets/accept?ticket=eyJCANARYcanaryCANARYcanary";
    shown.secret(KEY);
    shown.secret(link);
    shown.secret("eyJCANARYcanaryCANARYcanary");
    // A user who puts credentials where they do not belong.
    let actor = Actor::new("user_2").with("link", link).with(KEY, 1);
    let create = |transport: &dyn Fn() -> Box<dyn HttpTransport>| {
        let clerk = Client::new(transport(), key.clone());
        let call = clerk.actor_tokens().create(link, actor.clone()).header("x-link", link);
        catch_unwind(AssertUnwindSafe(|| pollster::block_on(call.send())))
    };

    let scripted = ScriptedTransport::new().expect(create_request().user_id("user_1"), Answer::echo());
    let panic = create(&|| Box::new(scripted.clone())).unwrap_err();
    let message = panic.downcast_ref::<String>().cloned().unwrap();
    assert!(message.contains("$.user_id"), "{message}");
    shown.display("ScriptedTransport", &message);
    shown.debug("ScriptedTransport", &scripted);
    let again = catch_unwind(AssertUnwindSafe(|| scripted.assert_done())).unwrap_err();
    shown.display("assert_done", again.downcast_ref::<String>().unwrap());

    let captured = CapturingTransport::echoing();
    shown.debug("a result", &create(&|| Box::new(captured.clone())).unwrap());
    shown.debug("CapturingTransport", &captured);
    shown.debug("CapturedRequest", &captured.requests());

    let mock = catch_unwind(AssertUnwindSafe(|| {
        let clerk = Client::new(MockHttpTransport::new(), key.clone());
        pollster::block_on(clerk.actor_tokens().create(link, actor.clone()).send())
    }));
    shown.display("MockHttpTransport", mock.unwrap_err().downcast_ref::<String>().unwrap());
    let api = catch_unwind(AssertUnwindSafe(|| {
        pollster::block_on(MockActorTokensApi::new().create(CreateActorToken::new(link, actor.clone())))
    }));
    shown.display("MockActorTokensApi", api.unwrap_err().downcast_ref::<String>().unwrap());

    let failing = FailingTransport::always(TransportErrorKind::Tls);
    let result = create(&|| Box::new(WithTimer::new(failing.clone(), ManualTimer::auto_advancing()))).unwrap();
    shown.error("Error", &result.unwrap_err());
    shown.debug("FailingTransport", &failing);
    shown.debug("NeverTransport", &NeverTransport::new());
    shown.debug("Answer", &Answer::from(responses::actor_token().field("url", link).field("token", KEY)));
    shown.debug("actor_token", &responses::actor_token().field("url", link).field("id", KEY));
    shown.debug("clerk_error", &responses::clerk_error(400, KEY).message(link));
    shown.debug("create_request", &create_request().user_id(link).bearer(&key).header("x-link", link));
    shown.debug("revoke_request", &revoke_request("act_1").header("authorization-too", KEY));
    let mut request = Request::new(link.into());
    request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    *request.uri_mut() = link.parse().unwrap();
    shown.debug("CapturedRequest", &CapturedRequest::new(request));
    shown.debug("TransportError", &TransportError::blocked(format!("not to {link} with {KEY}")));
    shown.assert_clean();
}
