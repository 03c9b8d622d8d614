//! What the client sends, with every optional part set and unset, and what it receives.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, Client, RetryPolicy, Revocation, async_trait,
    http::{Method, Uri},
    serde_json::{self, Map, Value, json},
    settings::ApiVersion,
    testing::emulator::{Emulator, fault},
    transport::{CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError},
};

use crate::schemas::fits;

/// A request as the schemas see it. A request without a body has no such member.
pub(crate) fn seen(request: &Request) -> Value {
    let mut seen = json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": query(request.uri().query().unwrap_or("")),
    });
    if !request.body().is_empty() {
        seen["body"] = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    }
    seen
}

/// The parameters. A parameter that comes twice has a list of both, which no schema takes.
fn query(text: &str) -> Value {
    let mut parameters = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let value = match name {
            "limit" | "offset" | "paginated" => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        };
        if let Some(first) = parameters.insert(name.to_owned(), value.clone()) {
            parameters.insert(name.to_owned(), json!([first, value]));
        }
    }
    parameters.into()
}

/// The emulator, and each request that is sent to it.
#[derive(Clone)]
struct Watched {
    clerk: Emulator,
    seen: Arc<Mutex<Vec<Value>>>,
}

#[async_trait]
impl HttpTransport for Watched {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.seen.lock().unwrap().push(seen(&request));
        self.clerk.send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.clerk.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.clerk.executor()
    }
}

impl Watched {
    fn new() -> Self {
        Self { clerk: Emulator::new(), seen: Arc::default() }
    }

    fn client(&self) -> Client<Self> {
        Client::new(self.clone(), self.clerk.secret_key())
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn actors() -> [Actor; 3] {
    let deep = json!({ "ticket": 7, "by": ["a", null, { "x": 1.5 }], "\u{1f511}": "\"\\" });
    [Actor::new("user_agent"), Actor::new("cli:agent@example.com").with("reason", deep), Actor::new("\u{e9} \n")]
}

#[test]
fn each_creation_of_the_client_fits() {
    let watched = Watched::new();
    let seconds = [None, Some(1), Some(3600), Some(u64::from(u32::MAX))];
    let versions = [ApiVersion::default(), ApiVersion::new("2021-02-05").unwrap()];
    let mut sent = 0;
    for version in versions {
        let client = Client::builder(watched.clone(), watched.clerk.secret_key()).api_version(version).build().unwrap();
        for actor in actors() {
            for (lifetime, session) in seconds.iter().flat_map(|first| seconds.map(|second| (*first, second))) {
                for stamp in [None, Some("attempt"), Some("\u{e9}\"")] {
                    let mut call = client.actor_tokens().create("user_1", actor.clone());
                    if let Some(lifetime) = lifetime {
                        call = call.expires_in(Duration::from_secs(lifetime));
                    }
                    if let Some(session) = session {
                        call = call.session_max_duration(Duration::from_secs(session));
                    }
                    if let Some(stamp) = stamp {
                        call = call.stamp_attempts(stamp);
                    }
                    let answered = pollster::block_on(call.send());
                    let requests = watched.take();
                    let [request] = requests.as_slice() else { panic!("{requests:?}") };
                    fits("create-actor-token/request", request).unwrap();
                    let body = &request["body"];
                    assert_eq!(body.get("expires_in_seconds"), lifetime.map(|seconds| json!(seconds)).as_ref());
                    assert_eq!(
                        body.get("session_max_duration_in_seconds"),
                        session.map(|seconds| json!(seconds)).as_ref()
                    );
                    assert_eq!(body["actor"].get(stamp.unwrap_or("attempt")).is_some(), stamp.is_some());
                    answered.unwrap();
                    sent += 1;
                }
            }
        }
    }
    println!("figure: contract: {sent} creations of the client");
    assert_eq!(sent, 2 * 3 * 4 * 4 * 3);
}

#[test]
fn each_revocation_of_the_client_fits_and_so_does_each_repeated_request() {
    let watched = Watched::new();
    let tokens = watched.client().actor_tokens();
    watched.clerk.next_create().before_send(fault::refused());
    watched.clerk.next_revoke().after_commit(fault::reset());
    let token =
        pollster::block_on(tokens.create("user_1", Actor::new("user_2")).stamp_attempts("attempt").send()).unwrap();
    let creations = watched.take();
    assert_eq!(creations.len(), 2);
    for creation in creations {
        fits("create-actor-token/request", &creation).unwrap();
    }
    let revocation = pollster::block_on(tokens.revoke(token.id()).send()).unwrap();
    assert_eq!(revocation, Revocation::AlreadyRevoked);
    let revocations = watched.take();
    assert_eq!(revocations.len(), 2);
    for revocation in revocations {
        fits("revoke-actor-token/request", &revocation).unwrap();
        assert_eq!(revocation.get("body"), None);
    }
    let once = tokens.revoke("act_-_09AZaz").retry(RetryPolicy::none());
    assert!(pollster::block_on(once.send()).unwrap_err().is_not_found());
    fits("revoke-actor-token/request", &watched.take()[0]).unwrap();
}

#[test]
fn the_parts_of_a_request_are_read_as_what_they_are() {
    let request = |method: Method, uri: &'static str| {
        let mut request = Request::default();
        (*request.method_mut(), *request.uri_mut()) = (method, Uri::from_static(uri));
        seen(&request)
    };
    let list = "get-session-list/request";
    for good in [
        "https://api.clerk.com/v1/sessions?user_id=7",
        "https://api.clerk.com/v1/sessions?user_id=user_1&paginated=true&limit=100&offset=0",
        "https://api.clerk.com/v1/sessions?client_id=client_1&status=active&paginated=false&limit=500",
    ] {
        fits(list, &request(Method::GET, good)).unwrap();
    }
    for bad in [
        "https://api.clerk.com/v1/sessions",
        "https://api.clerk.com/v1/sessions?limit=10",
        "https://api.clerk.com/v1/sessions?user_id=user_1&limit=0",
        "https://api.clerk.com/v1/sessions?user_id=user_1&limit=501",
        "https://api.clerk.com/v1/sessions?user_id=user_1&limit=",
        "https://api.clerk.com/v1/sessions?user_id=user_1&offset=-1",
        "https://api.clerk.com/v1/sessions?user_id=user_1&paginated=1",
        "https://api.clerk.com/v1/sessions?user_id=user_1&status=pending",
        "https://api.clerk.com/v1/sessions?user_id=user_1&user_id=user_2",
        "https://api.clerk.com/v1/sessions?user_id=user_1&actor=user_2",
        "https://api.clerk.com/v2/sessions?user_id=user_1",
    ] {
        assert!(fits(list, &request(Method::GET, bad)).is_err(), "{bad}");
    }
    let (get, revoke) = ("https://api.clerk.com/v1/sessions/sess_1", "https://api.clerk.com/v1/sessions/sess_1/revoke");
    fits("get-session/request", &request(Method::GET, get)).unwrap();
    fits("revoke-session/request", &request(Method::POST, revoke)).unwrap();
    assert!(fits("revoke-session/request", &request(Method::GET, revoke)).is_err());
}
