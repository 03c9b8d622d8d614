//! The calls about sessions: each request of the client, and each answer of the emulator to it.

use std::sync::{Arc, Mutex};

use clerk_actor_tokens::{
    Actor, Client, RetryPolicy, SecretKey, SessionStatus, Timestamp, async_trait,
    operation::ListSessions,
    serde_json::{self, Value},
    testing::emulator::{Emulator, fault},
    transport::{CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError},
};

use crate::{
    requests::seen,
    schemas::{fits, is_described},
};

/// The emulator, with all that passes.
#[derive(Clone)]
struct Watched {
    clerk: Emulator,
    passed: Arc<Mutex<Vec<(Value, u16, Value)>>>,
}

#[async_trait]
impl HttpTransport for Watched {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let request_seen = seen(&request);
        let answered = self.clerk.send(request, context).await;
        if let Ok(response) = &answered {
            let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
            self.passed.lock().unwrap().push((request_seen, response.status().as_u16(), body));
        }
        answered
    }

    fn timer(&self) -> &dyn Timer {
        self.clerk.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.clerk.executor()
    }
}

impl Watched {
    fn client(&self) -> Client<Self> {
        Client::builder(self.clone(), self.clerk.secret_key()).retry(RetryPolicy::none()).build().unwrap()
    }

    /// Checks all that passed, and returns how often each status of each call came.
    #[track_caller]
    fn check(&self) -> Vec<String> {
        let passed = std::mem::take(&mut *self.passed.lock().unwrap());
        let check = |(request, status, body): (Value, u16, Value)| {
            let path: Vec<_> = request["path"].as_str().unwrap().trim_start_matches("/v1/").split('/').collect();
            let schema = match path.as_slice() {
                ["sessions"] => "get-session-list",
                ["sessions", _] => "get-session",
                ["sessions", _, "revoke"] => "revoke-session",
                other => panic!("{other:?}"),
            };
            fits(&format!("{schema}/request"), &request).unwrap();
            let is_paged = status == 200 && request["query"]["paginated"] == true;
            let of_its_status = format!("{schema}/{status}{}", if is_paged { "-paginated" } else { "" });
            let described = if is_described(schema, status) { &of_its_status } else { "errors" };
            fits(described, &body).unwrap_or_else(|misfit| panic!("{of_its_status}: {misfit}"));
            of_its_status
        };
        passed.into_iter().map(check).collect()
    }
}

fn emulator() -> Emulator {
    let clerk = Emulator::builder().users_with_tasks(["user_pending"]).build();
    let actor = Actor::new("user_agent").with("reason", serde_json::json!({ "ticket": [7, null] }));
    for user in ["user_1", "user_pending"] {
        clerk.sign_in(user);
        for status in [None, Some("ended"), Some("removed"), Some("replaced"), Some("expired"), Some("abandoned")] {
            let session = clerk.sign_in_as(user, &actor);
            if let Some(status) = status {
                assert!(clerk.end_session(session.id(), status));
            }
        }
    }
    clerk
}

#[test]
fn each_request_of_the_client_and_each_answer_to_it_fits() {
    let watched = Watched { clerk: emulator(), passed: Arc::default() };
    let clerk = watched.client();
    pollster::block_on(async {
        for user in ["user_1", "user_pending", "user_nobody"] {
            let all = clerk.sessions().pages_of(ListSessions::of_user(user).limit(3)).all().await.unwrap();
            assert_eq!(all.len(), if user == "user_nobody" { 0 } else { 7 });
            clerk.sessions().pages(user).since(Timestamp::from_millis(0)).all().await.unwrap();
            for session in all {
                clerk.sessions().get(session.id()).send().await.unwrap();
                let of_client = ListSessions::of_client(session.client_id().unwrap()).user(user);
                assert!(!clerk.execute(of_client).send().await.unwrap().is_empty());
            }
        }
        for status in ["active", "ended", "removed", "replaced", "revoked", "expired", "abandoned"] {
            clerk
                .sessions()
                .list("user_1")
                .status(SessionStatus::from(status))
                .limit(500)
                .offset(1)
                .send()
                .await
                .unwrap();
        }
        clerk.impersonations().end("user_1").by("user_agent").send().await.unwrap();
        clerk.impersonations().end("user_pending").any_actor().send().await.unwrap();
    });
    let checked = watched.check();
    for call in ["get-session-list/200-paginated", "get-session/200", "revoke-session/200"] {
        assert!(checked.iter().any(|it| it == call), "{call}");
    }
    println!("figure: contract: {} exchanges about sessions", checked.len());
}

#[test]
fn each_refusal_fits() {
    for over in [400, 404] {
        let clerk = Emulator::builder().revoke_over_session(over).build();
        let session = clerk.sign_in("user_1").id().to_owned();
        clerk.end_session(&session, "ended");
        let watched = Watched { clerk, passed: Arc::default() };
        let (client, stranger) =
            (watched.client(), watched.client().with_credentials(SecretKey::new("sk_test_no").unwrap()));
        pollster::block_on(async {
            client.sessions().revoke(&session).send().await.unwrap_err();
            client.sessions().get("sess_none").send().await.unwrap_err();
            client.sessions().revoke("sess_none").send().await.unwrap_err();
            stranger.sessions().list("user_1").send().await.unwrap_err();
            stranger.sessions().get(&session).send().await.unwrap_err();
            stranger.sessions().revoke(&session).send().await.unwrap_err();
            watched.clerk.next_session_list().before_commit(fault::status(500));
            client.sessions().list("user_1").send().await.unwrap_err();
        });
        let mut statuses = watched.check();
        statuses.sort();
        statuses.dedup();
        let expected = [
            "get-session-list/401",
            "get-session-list/500",
            "get-session/401",
            "get-session/404",
            "revoke-session/401",
            "revoke-session/404",
        ];
        assert!(expected.iter().all(|status| statuses.iter().any(|it| it == status)), "{statuses:?}");
        assert_eq!(statuses.iter().any(|it| it == "revoke-session/400"), over == 400);
    }
}
