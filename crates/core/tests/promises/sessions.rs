//! Sessions: what is read of them, which pages are read, and which of them an end ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens_core::{
    ActorToken, ActorTokenId, ActorTokenRecord, ActorTokenStatus, ActorTokensApi, Client, CreateActorToken, EndError,
    EndImpersonation, Ended, Error, ErrorKind, GetSession, ListSessions, Operation, Request, Response, RetryPolicy,
    Revocation, RevokeSession, SessionEnd, SessionStatus, Timestamp, TransportError, TransportErrorKind, transport_fn,
};
use serde_json::{Value, json};

use crate::common::{AGENT, ID, USER, api_error, cannot_be_revoked, ok, response, test_key, token_json};

fn session_json(id: &str, status: &str, actor: Value) -> Value {
    json!({
        "object": "session", "id": id, "user_id": USER, "client_id": "client_1", "actor": actor, "status": status,
        "last_active_organization_id": null, "tasks": null, "latest_activity": null,
        "created_at": 1_700_000_000_000_i64, "updated_at": 2, "last_active_at": 3, "expire_at": 4, "abandon_at": 5,
    })
}

fn by(sub: &str) -> Value {
    json!({ "sub": sub })
}

/// Clerk's sessions, as far as these tests need them: the newest first.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sessions: Vec<(String, String, Value)>,
    /// What the end of a session that is over is answered with.
    over: u16,
    /// Before the request of this number, from 0, is answered, something happens.
    before: BTreeMap<usize, fn(&mut State)>,
    requests: Vec<String>,
    token: Option<ActorTokenStatus>,
}

impl State {
    fn answer(&mut self, request: &Request) -> Response {
        let number = self.requests.len();
        let path = request.uri().path().to_owned();
        self.requests.push(format!("{} {path}?{}", request.method(), request.uri().query().unwrap_or_default()));
        if let Some(happens) = self.before.remove(&number) {
            happens(self);
        }
        let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        match (request.method().as_str(), parts.as_slice()) {
            ("GET", ["sessions"]) => {
                let query = request.uri().query().unwrap_or_default();
                let number = |name: &str| {
                    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                    value.map(|value| value.parse::<usize>().unwrap())
                };
                let (limit, offset) = (number("limit").unwrap(), number("offset").unwrap_or(0));
                let page = self.sessions.iter().skip(offset).take(limit);
                let page: Vec<_> = page.map(|(id, status, actor)| session_json(id, status, actor.clone())).collect();
                ok(&json!({ "data": page, "total_count": -1 }))
            }
            ("GET", ["sessions", id]) => match self.sessions.iter().find(|session| session.0 == *id) {
                Some((id, status, actor)) => ok(&session_json(id, status, actor.clone())),
                None => api_error(404, "resource_not_found", "not found", ""),
            },
            ("POST", ["sessions", id, "revoke"]) => match self.sessions.iter_mut().find(|session| session.0 == *id) {
                Some((id, status, actor)) if self.over == 200 || SessionStatus::from(status.as_str()).is_live() => {
                    if SessionStatus::from(status.as_str()).is_live() {
                        *status = "revoked".to_owned();
                    }
                    ok(&session_json(id, status, actor.clone()))
                }
                Some(_) => api_error(self.over, "some_code", "no", ""),
                None => api_error(404, "resource_not_found", "not found", ""),
            },
            ("POST", ["actor_tokens", _, "revoke"]) => match &self.token {
                Some(ActorTokenStatus::Pending) => {
                    self.token = Some(ActorTokenStatus::Revoked);
                    ok(&token_json("revoked"))
                }
                Some(status) => cannot_be_revoked(status.as_str()),
                None => api_error(404, "resource_not_found", "not found", ""),
            },
            _ => response(404, ""),
        }
    }
}

impl Sessions {
    fn of(sessions: impl IntoIterator<Item = (&'static str, &'static str, Value)>) -> Self {
        let sessions = sessions.into_iter().map(|(id, status, actor)| (id.to_owned(), status.to_owned(), actor));
        Self(Arc::new(Mutex::new(State { sessions: sessions.collect(), over: 400, ..State::default() })))
    }

    fn client(&self) -> Client {
        let state = Arc::clone(&self.0);
        let transport = transport_fn(move |request: Request, _| {
            let response = state.lock().unwrap().answer(&request);
            async move { Ok::<_, TransportError>(response) }
        });
        Client::new(transport, test_key()).erase()
    }

    fn end(&self, what: EndImpersonation) -> Result<Ended, EndError> {
        pollster::block_on(self.client().impersonations().run(what).send())
    }

    fn live(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let live = state.sessions.iter().filter(|session| SessionStatus::from(session.1.as_str()).is_live());
        live.map(|session| session.0.clone()).collect()
    }

    fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }
}

fn ids(ended: &Ended) -> Vec<(&str, SessionEnd)> {
    ended.sessions().iter().map(|session| (session.id().as_str(), session.end().clone())).collect()
}

#[test]
fn every_field_of_a_session_is_read() {
    let mut json = session_json("sess_1", "pending", json!({"sub": "user_2", "reason": "r"}));
    json["tasks"] = json!([{"key": "choose-organization"}, {"other": 1}, {"key": "x"}]);
    json["last_active_organization_id"] = json!("org_1");
    json["latest_activity"] = json!({"object": "session_activity", "id": "sess_activity_1", "is_mobile": true,
        "device_type": "iPhone", "browser_name": "Safari", "browser_version": "17", "ip_address": "192.0.2.1",
        "city": "Berlin", "country": "DE"});
    let session = GetSession::new("sess_1").parse(&ok(&json)).unwrap();
    assert_eq!((session.id().as_str(), session.user_id()), ("sess_1", USER));
    assert_eq!(session.status(), &SessionStatus::Pending);
    assert_eq!(session.actor().unwrap().get("reason").unwrap(), "r");
    assert_eq!(session.client_id(), Some("client_1"));
    assert_eq!(session.last_active_organization_id(), Some("org_1"));
    assert_eq!(session.tasks(), ["choose-organization", "x"]);
    let times = [session.updated_at(), session.last_active_at(), session.expire_at(), session.abandon_at()];
    assert_eq!(times.map(|at| at.unwrap().as_millis()), [2, 3, 4, 5]);
    assert_eq!(session.created_at().unwrap().as_millis(), 1_700_000_000_000);
    let activity = session.latest_activity().unwrap();
    let texts = [activity.id(), activity.device_type(), activity.browser_name(), activity.browser_version()];
    assert_eq!(texts, [Some("sess_activity_1"), Some("iPhone"), Some("Safari"), Some("17")]);
    assert_eq!(
        (activity.ip_address(), activity.city(), activity.country()),
        (Some("192.0.2.1"), Some("Berlin"), Some("DE"))
    );
    assert_eq!(activity.is_mobile(), Some(true));
    let shown = format!("{session:?} {activity:?}");
    assert!(["sess_1", USER, "Pending", "is_mobile: Some(true)"].iter().all(|word| shown.contains(word)), "{shown}");
    assert!(!shown.contains("192.0.2.1") && !shown.contains("Berlin"), "{shown}");
    for (is_mobile, read) in [(json!(false), Some(false)), (json!(null), None), (json!("yes"), None)] {
        json["latest_activity"]["is_mobile"] = is_mobile;
        let session = GetSession::new("sess_1").parse(&ok(&json)).unwrap();
        assert_eq!(session.latest_activity().unwrap().is_mobile(), read);
    }
}

/// What decides is read strictly; a session is not missed because of its browser.
#[test]
fn what_does_not_decide_may_be_anything() {
    for name in [
        "client_id",
        "last_active_organization_id",
        "tasks",
        "latest_activity",
        "created_at",
        "updated_at",
        "last_active_at",
        "expire_at",
        "abandon_at",
        "actor",
    ] {
        let mut json = session_json("sess_1", "active", Value::Null);
        json.as_object_mut().unwrap().remove(name);
        assert!(GetSession::new("sess_1").parse(&ok(&json)).is_ok(), "without {name}");
        if !matches!(name, "client_id" | "actor") {
            json[name] = json!(["odd", {"key": 7}, null]);
            assert!(GetSession::new("sess_1").parse(&ok(&json)).is_ok(), "{name}");
        }
    }
    for name in ["object", "id", "user_id", "status"] {
        let mut json = session_json("sess_1", "active", by(AGENT));
        json[name] = json!(7);
        assert!(GetSession::new("sess_1").parse(&ok(&json)).is_err(), "{name}");
        json.as_object_mut().unwrap().remove(name);
        assert!(GetSession::new("sess_1").parse(&ok(&json)).is_err(), "without {name}");
    }
    let mut json = session_json("sess_1", "active", json!("no object"));
    assert!(GetSession::new("sess_1").parse(&ok(&json)).is_err());
    json["actor"] = json!([]);
    assert!(GetSession::new("sess_1").parse(&ok(&json)).is_err());
}

#[test]
fn a_session_of_somebody_else_is_a_mismatch() {
    let other = |name: &str| {
        let mut json = session_json("sess_1", "revoked", by(AGENT));
        json[name] = json!("another");
        json
    };
    assert!(GetSession::new("sess_1").parse(&ok(&other("id"))).unwrap_err().to_string().contains("id"));
    assert!(RevokeSession::new("sess_1").parse(&ok(&other("id"))).is_err());
    let list = ListSessions::of_user(USER).client("client_1");
    for name in ["user_id", "client_id"] {
        for body in [json!([other(name)]), json!({ "data": [other(name)] })] {
            assert!(list.parse(&ok(&body)).unwrap_err().to_string().contains(name), "{name}");
        }
    }
    // One that lives on was not ended.
    for (status, is_ended) in
        [("active", false), ("pending", false), ("brand_new", false), ("revoked", true), ("expired", true)]
    {
        let json = session_json("sess_1", status, by(AGENT));
        assert_eq!(RevokeSession::new("sess_1").parse(&ok(&json)).is_ok(), is_ended, "{status}");
    }
}

#[test]
fn a_list_is_an_array_or_an_object_with_one() {
    let list = ListSessions::of_user(USER);
    let one = session_json("sess_1", "active", Value::Null);
    for (body, count) in [
        (json!([]).to_string(), Some(0)),
        (json!([one]).to_string(), Some(1)),
        (json!({"data": [one, one], "total_count": "?"}).to_string(), Some(2)),
        ("{}".into(), None),
        (r#"{"data":{}}"#.into(), None),
        (r#"{"data":[],"data":[]}"#.into(), None),
        ("7".into(), None),
        ("[{}]".into(), None),
        ("[".into(), None),
        (format!("[{one}"), None),
        (String::new(), None),
        ("<html>".into(), None),
    ] {
        let read = list.parse(&response(200, body.clone())).map(|sessions| sessions.len()).ok();
        assert_eq!(read, count, "{body}");
    }
}

#[test]
fn a_list_that_cannot_be_read_says_why() {
    for (body, why) in [
        ("", "is empty"),
        (r#"[{"object":"session""#, "ends early"),
        (r#" {"data":["#, "ends early"),
        ("[1,,2]", "is not valid JSON"),
        (r#"{"data":[]} more"#, "is not valid JSON"),
        ("nonsense", "is not valid JSON"),
        ("7", "not a JSON object"),
        ("<html>", "is not JSON: a proxy"),
    ] {
        let error = ListSessions::of_user(USER).parse(&response(200, body)).unwrap_err().to_string();
        assert!(error.contains(why), "{body}: {error}");
    }
}

#[test]
fn a_list_names_a_user_or_a_browser_and_a_page_that_clerk_gives() {
    let base = clerk_actor_tokens_core::BaseUrl::default();
    let clerk = Sessions::default().client();
    let pages = clerk.sessions().pages_of(ListSessions::of_user(USER).offset(7));
    assert!(format!("{pages:?}").contains(USER) && format!("{pages:?}").contains("next: Some(7)"), "{pages:?}");
    let refused = |list: ListSessions| list.request(&base).unwrap_err().field().to_owned();
    assert_eq!(refused(ListSessions::of_user("")), "user_id");
    assert_eq!(refused(ListSessions::of_client("")), "client_id");
    for limit in [0, 501, u32::MAX] {
        assert_eq!(refused(ListSessions::of_user(USER).limit(limit)), "limit");
    }
    let few = ListSessions::of_user(USER).request(&base).unwrap();
    assert_eq!(few.uri().query(), Some(format!("user_id={USER}&paginated=true&limit=100").as_str()));
    let all = ListSessions::of_client("c").user("u&status=x").status(SessionStatus::Ended).limit(500).offset(7);
    let request = all.request(&base).unwrap();
    assert_eq!(
        request.uri().query(),
        Some("user_id=u%26status%3Dx&client_id=c&status=ended&paginated=true&limit=500&offset=7")
    );
    let shown = format!("{all:?}");
    let says = ["u&status=x", "client_id: Some(\"c\")", "Ended", "limit: 500", "offset: 7"];
    assert!(says.iter().all(|word| shown.contains(word)), "{shown}");
    let shown = format!("{:?}", ListSessions::of_user("sk_live_CANARY"));
    assert!(!shown.contains("CANARY"), "{shown}");
}

/// Sessions that begin and go while the pages are read.
#[test]
fn no_session_that_stays_is_missed_while_the_pages_change() {
    fn nothing(_: &mut State) {}
    fn one_more(state: &mut State) {
        let id = format!("sess_new_{}", state.requests.len());
        state.sessions.insert(0, (id, "active".into(), Value::Null));
    }
    fn first_three_go(state: &mut State) {
        state.sessions.drain(..3.min(state.sessions.len()));
    }
    fn the_page_before_goes(state: &mut State) {
        state.sessions.drain(3..8.min(state.sessions.len()));
    }
    for happens in [nothing, one_more, first_three_go, the_page_before_goes] {
        for at in 0..8 {
            for limit in [1, 2, 3, 5, 100] {
                let state = Sessions::default();
                let numbered = |number: usize| (format!("sess_{number}"), "active".to_owned(), Value::Null);
                state.0.lock().unwrap().sessions = (0..20).map(numbered).collect();
                state.0.lock().unwrap().before.insert(at, happens);
                let clerk = state.client();
                let pages = clerk.sessions().pages_of(ListSessions::of_user(USER).limit(limit));
                let read: Vec<_> = pollster::block_on(pages.all()).unwrap();
                let mut ids: Vec<_> = read.iter().map(|session| session.id().as_str().to_owned()).collect();
                for (id, ..) in state.0.lock().unwrap().sessions.iter().filter(|session| !session.0.contains("new")) {
                    assert!(ids.contains(id), "{id} is missed, pages of {limit}, before request {at}: {ids:?}");
                }
                let count = ids.len();
                ids.sort();
                ids.dedup();
                assert_eq!(ids.len(), count);
            }
        }
    }
}

/// Without the newest that are left out, and without empty pages between.
#[test]
fn pages_begin_at_their_offset_and_have_something() {
    let numbered = |number: usize| (format!("sess_{number}"), "active".to_owned(), Value::Null);
    for (sessions, offset, limit) in [(20, 0, 5), (20, 7, 5), (20, 7, 100), (20, 19, 2), (20, 20, 5), (0, 0, 5)] {
        let state = Sessions::default();
        state.0.lock().unwrap().sessions = (0..sessions).map(numbered).collect();
        // Five go before the second page is read. In the second row they are the first page, so the second is no neighbour of it.
        state.0.lock().unwrap().before.insert(1, |state| {
            let begin = state.sessions.len().min(7);
            state.sessions.drain(begin..state.sessions.len().min(12));
        });
        let clerk = state.client();
        let mut pages = clerk.sessions().pages_of(ListSessions::of_user(USER).offset(offset).limit(limit));
        let mut ids = Vec::new();
        while let Some(page) = pollster::block_on(pages.next()).unwrap() {
            assert!(!page.is_empty(), "{sessions} from {offset} by {limit}");
            ids.extend(page.iter().map(|session| session.id().as_str().to_owned()));
        }
        let expected: Vec<_> = (offset as usize..sessions).map(|number| format!("sess_{number}")).collect();
        let kept: Vec<_> = state.0.lock().unwrap().sessions.iter().map(|session| session.0.clone()).collect();
        assert!(expected.iter().all(|id| ids.contains(id) || !kept.contains(id)), "{ids:?}");
        assert!(ids.iter().all(|id| expected.contains(id)), "{sessions} from {offset} by {limit}: {ids:?}");
    }
}

/// Of a page that is too large, half is read, whether the client notices it or its transport.
#[test]
fn a_page_over_the_cap_is_read_in_halves() {
    let padded = |number: usize, size: usize| {
        (format!("sess_{number}"), "active".to_owned(), json!({ "sub": AGENT, "note": "x".repeat(size) }))
    };
    for transport_notices in [false, true] {
        // Sessions of 500 bytes, and one of 5,000: pages of 16,000 bytes have some 20 of them.
        for (largest, limit) in [(5000, 500), (5000, 100), (5000, 3), (5000, 1), (15_000, 100)] {
            let state = Sessions::default();
            state.0.lock().unwrap().sessions =
                (0..60).map(|number| padded(number, if number == 37 { largest } else { 100 })).collect();
            let inner = Arc::clone(&state.0);
            let transport = transport_fn(move |request: Request, _| {
                let response = inner.lock().unwrap().answer(&request);
                async move {
                    if transport_notices && response.body().len() > 16_000 {
                        let mut partial = response;
                        let begin = partial.body().slice(..9000);
                        *partial.body_mut() = begin;
                        return Err(TransportError::new(TransportErrorKind::BodyTooLarge).with_partial(partial));
                    }
                    Ok::<_, TransportError>(response)
                }
            });
            let clerk = Client::builder(transport, test_key()).response_cap(16_000).build().unwrap();
            let pages = clerk.sessions().pages_of(ListSessions::of_user(USER).limit(limit));
            let read = pollster::block_on(pages.all()).unwrap();
            assert_eq!(read.len(), 60, "{largest} {limit} {transport_notices}");
            let ended = pollster::block_on(clerk.impersonations().end(USER).by(AGENT).send()).unwrap();
            assert_eq!((ended.sessions().len(), state.live().len()), (60, 0), "{largest} {limit} {transport_notices}");
        }
    }
}

/// Half of nothing is not asked for, and what fails for another reason is not read again in halves.
#[test]
fn a_session_over_the_cap_is_an_error() {
    let state = Sessions::of([("sess_1", "active", json!({ "sub": AGENT, "note": "x".repeat(20_000) }))]);
    let inner = Arc::clone(&state.0);
    let transport = transport_fn(move |request: Request, _| {
        let response = inner.lock().unwrap().answer(&request);
        async move { Ok::<_, TransportError>(response) }
    });
    let clerk = Client::builder(transport, test_key()).response_cap(16_000).build().unwrap();
    let error = pollster::block_on(clerk.impersonations().end(USER).by(AGENT).send()).unwrap_err();
    assert_eq!(error.error().unwrap().kind(), ErrorKind::ResponseInvalid);
    // 100, 50, 25, 12, 6, 3, 2.
    assert_eq!(state.requests().len(), 7);
    for body in ["{", "<html>", r#"{"object":"session"}"#] {
        let sends = Arc::new(Mutex::new(0));
        let count = Arc::clone(&sends);
        let transport = transport_fn(move |_: Request, _| {
            *count.lock().unwrap() += 1;
            async move { Ok::<_, TransportError>(response(200, body)) }
        });
        let clerk = Client::new(transport, test_key());
        pollster::block_on(clerk.sessions().pages(USER).all()).unwrap_err();
        assert_eq!(*sends.lock().unwrap(), 1, "{body}");
    }
}

#[test]
fn a_session_whose_end_was_not_confirmed_and_that_is_no_longer_live_is_over() {
    // The first end takes effect, and its answer is lost; the second one fails once.
    let state = Sessions::of([("sess_1", "active", by(AGENT)), ("sess_2", "active", by(AGENT))]);
    let inner = Arc::clone(&state.0);
    let transport = transport_fn(move |request: Request, _| {
        let path = request.uri().path().to_owned();
        let mut state = inner.lock().unwrap();
        let response = match &*path {
            "/v1/sessions/sess_2/revoke" if state.requests.len() < 4 => {
                state.requests.push(path);
                response(500, "")
            }
            _ => state.answer(&request),
        };
        let lost = request.uri().path() == "/v1/sessions/sess_1/revoke";
        async move { if lost { Ok(response_without_body(response)) } else { Ok::<_, TransportError>(response) } }
    });
    let clerk = Client::builder(transport, test_key()).retry(RetryPolicy::none()).build().unwrap();
    let ended = pollster::block_on(clerk.impersonations().end(USER).by(AGENT).send()).unwrap();
    let mut ended = ids(&ended);
    ended.sort_by_key(|(id, _)| *id);
    assert_eq!(ended, [("sess_1", SessionEnd::AlreadyOver(None)), ("sess_2", SessionEnd::Revoked)]);
}

fn response_without_body(mut response: Response) -> Response {
    *response.body_mut() = "{".into();
    response
}

#[test]
fn a_list_that_does_not_move_or_never_ends_is_an_error() {
    for is_endless in [true, false] {
        let served = Arc::new(Mutex::new(0usize));
        let count = Arc::clone(&served);
        let transport = transport_fn(move |request: Request, _| {
            *count.lock().unwrap() += 1;
            let query = request.uri().query().unwrap_or_default();
            let offset =
                query.split('&').find_map(|pair| pair.strip_prefix("offset=")).map_or(0, |at| at.parse().unwrap());
            let from: usize = if is_endless { offset } else { 0 };
            let page: Vec<_> =
                (from..from + 100).map(|at| session_json(&format!("sess_{at}"), "ended", Value::Null)).collect();
            async move { Ok::<_, TransportError>(ok(&json!({ "data": page }))) }
        });
        let clerk = Client::new(transport, test_key());
        let error = pollster::block_on(clerk.impersonations().end(USER).by(AGENT).send()).unwrap_err();
        let says = if is_endless { "more than 10,000" } else { "does not move" };
        assert!(error.to_string().contains(says), "{error}");
        // A page, and ten without a new session. Or as many pages, each with the last session of the one before, as have 10,000.
        assert_eq!(*served.lock().unwrap(), if is_endless { 102 } else { 11 });
    }
}

/// A page that was not joined leaves no trace.
#[test]
fn a_session_between_two_that_went_is_not_missed() {
    fn three_go(state: &mut State) {
        state.sessions.drain(..3);
    }
    fn one_goes(state: &mut State) {
        state.sessions.remove(0);
    }
    let state = Sessions::default();
    state.0.lock().unwrap().sessions =
        (0..10).map(|number| (format!("sess_{number}"), "active".to_owned(), Value::Null)).collect();
    state.0.lock().unwrap().before = BTreeMap::from([(3, three_go as fn(&mut State)), (4, one_goes)]);
    let clerk = state.client();
    let pages = clerk.sessions().pages_of(ListSessions::of_user(USER).limit(2));
    let read = pollster::block_on(pages.all()).unwrap();
    for number in 4..10 {
        let id = format!("sess_{number}");
        assert!(read.iter().any(|session| session.id().as_str() == id), "{id} is missed");
    }
}

#[test]
fn pages_end_at_the_time_that_was_asked_for() {
    let state = Sessions::of([("sess_1", "active", Value::Null)]);
    let pages = |since| {
        let clerk = state.client();
        pollster::block_on(clerk.sessions().pages(USER).since(Timestamp::from_millis(since)).all()).unwrap().len()
    };
    assert_eq!((pages(1_700_000_000_000), pages(1_700_000_000_001)), (1, 0));
}

#[test]
fn an_end_says_whose_sessions_it_ends() {
    let state = Sessions::of([]);
    let of = EndImpersonation::of;
    for (what, field) in [
        (of(USER), "actor"),
        (of("").any_actor(), "user_id"),
        (of(" user_1").any_actor(), "user_id"),
        (of("user_1\n").any_actor(), "user_id"),
        (of(USER).by(""), "actor.sub"),
        (of(USER).stamp("", "x"), "the key of the stamp"),
        (of(USER).stamp("attempt", ""), "actor.attempt"),
        (of(USER).any_actor().token("no/id"), "actor_token_id"),
        (of(USER).any_actor().timeout(Duration::ZERO), "timeout"),
    ] {
        let error = state.end(what).unwrap_err();
        assert_eq!(error.error().unwrap().invalid_request().unwrap().field(), field);
        assert!(!error.error().unwrap().is_ambiguous());
    }
    assert_eq!(state.requests(), [""; 0]);
}

#[test]
fn those_that_fit_are_ended_and_no_other() {
    let all = || {
        [
            ("sess_own", "active", Value::Null),
            ("sess_agent", "active", by(AGENT)),
            ("sess_pending", "pending", by(AGENT)),
            ("sess_new_word", "brand_new", by(AGENT)),
            ("sess_over", "ended", by(AGENT)),
            ("sess_other", "active", by("user_other")),
            ("sess_stamped", "active", json!({ "sub": AGENT, "attempt": "abc" })),
            ("sess_prefix", "active", json!({ "sub": format!("{AGENT}_2"), "attempt": "abcd" })),
            ("sess_odd", "active", json!({ "sub": 7 })),
        ]
    };
    let of = || EndImpersonation::of(USER);
    for (what, left) in [
        (of().by(AGENT), vec!["sess_own", "sess_other", "sess_prefix", "sess_odd"]),
        (
            of().stamp("attempt", "abc"),
            vec!["sess_own", "sess_agent", "sess_pending", "sess_new_word", "sess_other", "sess_prefix", "sess_odd"],
        ),
        (of().any_actor(), vec!["sess_own"]),
        (
            of().any_actor().by("user_other").stamp("attempt", "abc"),
            vec![
                "sess_own",
                "sess_agent",
                "sess_pending",
                "sess_new_word",
                "sess_other",
                "sess_stamped",
                "sess_prefix",
                "sess_odd",
            ],
        ),
    ] {
        let state = Sessions::of(all());
        let ended = state.end(what.clone()).unwrap();
        assert_eq!(state.live(), left, "{what:?}");
        assert_eq!(ended.sessions().len(), 8 - left.len());
        assert!(ended.sessions().iter().all(|session| session.end() == &SessionEnd::Revoked));
        assert_eq!(ended.tokens_verify_until(Duration::ZERO).is_some(), !ended.sessions().is_empty());
    }
}

/// What Clerk says to the end of a session that is over is not settled.
#[test]
fn a_session_that_somebody_else_ended_is_over() {
    fn ended(state: &mut State) {
        state.sessions[0].1 = "removed".to_owned();
    }
    fn gone(state: &mut State) {
        state.sessions.clear();
    }
    for (over, happens, expected) in [
        (200, ended as fn(&mut State), SessionEnd::AlreadyOver(Some(SessionStatus::Removed))),
        (400, ended, SessionEnd::AlreadyOver(Some(SessionStatus::Removed))),
        (404, ended, SessionEnd::AlreadyOver(Some(SessionStatus::Removed))),
        (404, gone, SessionEnd::AlreadyOver(None)),
    ] {
        let state = Sessions::of([("sess_1", "active", by(AGENT))]);
        state.0.lock().unwrap().over = over;
        state.0.lock().unwrap().before.insert(1, happens);
        let done = state.end(EndImpersonation::of(USER).by(AGENT)).unwrap();
        assert_eq!(ids(&done), [("sess_1", expected)], "{over}");
    }
}

#[test]
fn a_session_that_begins_meanwhile_is_ended_and_five_rounds_are_the_most() {
    fn another(state: &mut State) {
        let id = format!("sess_{}", state.requests.len());
        state.sessions.insert(0, (id, "active".into(), by(AGENT)));
    }
    for (times, is_ended) in [(1, true), (4, true), (5, false), (50, false)] {
        let state = Sessions::of([("sess_0", "active", by(AGENT))]);
        // Each round is a list and an end.
        state.0.lock().unwrap().before = (1..=times).map(|round| (2 * round - 1, another as fn(&mut State))).collect();
        let done = state.end(EndImpersonation::of(USER).by(AGENT));
        assert_eq!(done.is_ok(), is_ended, "{times}");
        match done {
            Ok(ended) => assert_eq!((ended.sessions().len(), state.live().len()), (times + 1, 0)),
            Err(error) => {
                assert_eq!((error.ended().sessions().len(), error.live().len()), (5, 1));
                assert_eq!(error.live()[0].as_str(), state.live()[0]);
                assert!(error.error().is_none() && error.to_string().contains("five rounds"), "{error}");
            }
        }
    }
}

#[test]
fn the_token_is_revoked_first_and_a_failure_of_that_is_told_after_the_end() {
    use ActorTokenStatus::{Accepted, Pending, Revoked};
    for (token, expected) in
        [(Some(Pending), Some(Revoked)), (Some(Revoked), Some(Revoked)), (Some(Accepted), Some(Accepted)), (None, None)]
    {
        let state = Sessions::of([("sess_1", "active", by(AGENT))]);
        state.0.lock().unwrap().token.clone_from(&token);
        let done = state.end(EndImpersonation::of(USER).by(AGENT).token(ID));
        assert!(state.requests()[0].starts_with(&format!("POST /v1/actor_tokens/{ID}/revoke")));
        assert_eq!(state.live(), [""; 0]);
        let ended = match &done {
            Ok(ended) => ended,
            Err(error) => {
                assert!(
                    error.error().is_none() && error.token_error().unwrap().is_not_found() && error.live().is_empty()
                );
                assert!(error.to_string().contains("the token was not revoked"), "{error}");
                error.ended()
            }
        };
        assert_eq!((done.is_ok(), ended.token_status()), (token.is_some(), expected.as_ref()));
        assert_eq!(ended.sessions().len(), 1);
    }
}

#[test]
fn the_error_of_a_used_link_has_the_call_that_ends_its_session() {
    let state = Sessions::of([("sess_1", "active", by(AGENT)), ("sess_2", "active", by("user_other"))]);
    state.0.lock().unwrap().token = Some(ActorTokenStatus::Accepted);
    let clerk = state.client();
    let record: ActorTokenRecord = serde_json::from_value(json!({"id": "act_1", "status": "pending", "user_id": USER,
        "actor": {"sub": AGENT}, "created_at": 0, "updated_at": 0, "expires_at": 0}))
    .unwrap();
    let error = pollster::block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap_err();
    assert!(error.advice().contains("end_session"), "{}", error.advice());
    let end = error.end_session(&record).unwrap();
    pollster::block_on(clerk.impersonations().run(end).send()).unwrap();
    assert_eq!(state.live(), ["sess_2"]);
    state.0.lock().unwrap().token = None;
    let error = pollster::block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap_err();
    assert!(error.end_session(&record).is_none());
}

/// Code that was written before there was an end has one that refuses, and says what to do.
#[test]
fn an_implementation_without_an_end_refuses() {
    struct Tokens;

    #[clerk_actor_tokens_core::async_trait]
    impl ActorTokensApi for Tokens {
        async fn create(&self, _: CreateActorToken) -> Result<ActorToken, Error> {
            unreachable!()
        }

        async fn revoke(&self, _: ActorTokenId) -> Result<Revocation, Error> {
            unreachable!()
        }
    }

    let refused = pollster::block_on(Tokens.end(EndImpersonation::of(USER).any_actor())).unwrap_err();
    let error = refused.error().unwrap();
    assert_eq!((error.kind(), error.operation().name()), (ErrorKind::Blocked, "EndImpersonation"));
    assert!(refused.to_string().contains("implement end in it"), "{refused}");
    assert!(refused.ended().sessions().is_empty() && refused.live().is_empty());
}

#[test]
fn nothing_of_an_end_shows_a_stamp() {
    let what = EndImpersonation::of(USER).stamp("attempt", "CANARY");
    assert!(!format!("{what:?}").contains("CANARY"));
    let state = Sessions::of([("sess_1", "active", json!({"sub": AGENT, "attempt": "CANARY"}))]);
    state.0.lock().unwrap().before = (0..20)
        .map(|at| {
            (
                at,
                (|state: &mut State| {
                    state.sessions.insert(
                        0,
                        (format!("sess_{}", state.requests.len()), "active".into(), json!({"attempt": "CANARY"})),
                    );
                }) as fn(&mut State),
            )
        })
        .collect();
    let clerk = state.client();
    let ending = clerk.impersonations().run(what);
    assert!(!format!("{ending:?}").contains("CANARY"));
    let error = pollster::block_on(ending.send()).unwrap_err();
    assert!(!format!("{error} {error:?} {error:#?}").contains("CANARY"));
    for session in pollster::block_on(clerk.sessions().pages(USER).all()).unwrap() {
        assert!(!format!("{session:?}").contains("CANARY"));
    }
}
