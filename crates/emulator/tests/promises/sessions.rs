//! Sessions over the backend API: how they are opened, listed, read and ended.

use std::{collections::BTreeSet, time::Duration};

use clerk_actor_tokens_core::{Actor, Response};
use clerk_actor_tokens_emulator::{AcceptError, CallKind, CommitKind, Emulator, EmulatorBuilder, SecondSession, fault};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{create, get, json, post, send, without_header};

/// A link that is opened for this user.
fn open(clerk: &Emulator, user: &str) -> String {
    let body = json!({ "user_id": user, "actor": { "sub": "user_agent", "attempt": "stamp" } });
    let token = json(&send(clerk, create(body)));
    clerk.accept_url(token["url"].as_str().unwrap()).unwrap().id().to_owned()
}

fn list(clerk: &Emulator, query: &str) -> Response {
    send(clerk, get(&format!("/v1/sessions?{query}")))
}

fn ids(page: &Value) -> Vec<&str> {
    page.as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap()).collect()
}

fn read(clerk: &Emulator, id: &str) -> Response {
    send(clerk, get(&format!("/v1/sessions/{id}")))
}

fn revoke(clerk: &Emulator, id: &str) -> Response {
    send(clerk, post(&format!("/v1/sessions/{id}/revoke"), ""))
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

#[test]
fn an_opened_link_is_a_session_of_the_contract() {
    let clerk = Emulator::builder().seed(7).build();
    let body = json!({
        "user_id": "user_1", "actor": { "sub": "user_agent", "attempt": "stamp" }, "session_max_duration_in_seconds": 60,
    });
    let token = json(&send(&clerk, create(body)));
    clerk.advance(Duration::from_millis(5));
    let id = clerk.accept_url(token["url"].as_str().unwrap()).unwrap().id().to_owned();
    let found = json(&read(&clerk, &id));
    let now = 1_767_225_600_005_i64;
    let expected = json!({
        "object": "session", "id": id, "client_id": found["client_id"], "user_id": "user_1", "status": "active",
        "last_active_organization_id": null, "actor": { "sub": "user_agent", "attempt": "stamp" },
        "last_active_at": now, "latest_activity": null, "expire_at": now + 60_000, "abandon_at": now + 60_000,
        "created_at": now, "updated_at": now, "tasks": null,
    });
    assert_eq!(found, expected);
    assert!(id.starts_with("sess_") && found["client_id"].as_str().unwrap().starts_with("client_"));
    assert_eq!(json(&list(&clerk, "user_id=user_1")), json!([found]));
    assert_eq!(clerk.accept_url(token["url"].as_str().unwrap()), Err(AcceptError::AlreadyUsed));
    clerk.assert_live_sessions(1);
}

#[test]
fn the_same_seed_makes_the_same_sessions() {
    let of = |seed| {
        let clerk = Emulator::builder().seed(seed).build();
        (clerk.sign_in("user_1").id().to_owned(), open(&clerk, "user_1"))
    };
    assert_eq!(of(3), of(3));
    assert_ne!(of(3), of(4));
}

#[test]
fn a_list_has_the_newest_first_and_its_pages_and_filters() {
    let clerk = Emulator::new();
    let old = open(&clerk, "user_1");
    clerk.advance(minutes(1));
    let twins = [open(&clerk, "user_1"), open(&clerk, "user_1")];
    let other = clerk.sign_in("user_2").id().to_owned();
    let [older, newer] = twins.each_ref().map(String::as_str);
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_1"))), [newer, older, old.as_str()]);
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_1&limit=1&offset=1"))), [older]);
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_1&offset=9"))), Vec::<&str>::new());
    assert_eq!(ids(&json(&list(&clerk, "user_id=user%5F2"))), [other.as_str()]);
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_3"))), Vec::<&str>::new());
    let client = json(&read(&clerk, &other))["client_id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&json(&list(&clerk, &format!("client_id={client}")))), [other.as_str()]);
    assert_eq!(ids(&json(&list(&clerk, &format!("client_id={client}&user_id=user_1")))), Vec::<&str>::new());

    assert!(clerk.end_session(newer, "ended"));
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_1&status=ended"))), [newer]);
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_1&status=active"))), [older, old.as_str()]);
    let page = json(&list(&clerk, "user_id=user_1&paginated=true&limit=2"));
    assert_eq!((ids(&page["data"]), &page["total_count"]), (vec![newer, older], &json!(3)));
    assert_eq!(json(&list(&clerk, "user_id=user_1&paginated=false")).as_array().unwrap().len(), 3);

    (0..11).for_each(|_| drop(clerk.sign_in("user_4")));
    assert_eq!(json(&list(&clerk, "user_id=user_4")).as_array().unwrap().len(), 10);
}

#[test]
fn each_mistake_in_a_list_has_its_code() {
    let table = [
        ("", "form_param_missing", "user_id"),
        ("user_id=", "form_param_missing", "user_id"),
        ("limit=1", "form_param_missing", "user_id"),
        ("user_id=u&status=gone", "form_param_value_invalid", "status"),
        ("user_id=u&status=pending", "form_param_value_invalid", "status"),
        ("user_id=u&limit=0", "form_param_value_invalid", "limit"),
        ("user_id=u&limit=501", "form_param_value_invalid", "limit"),
        ("user_id=u&limit=x", "form_param_value_invalid", "limit"),
        ("user_id=u&offset=-1", "form_param_value_invalid", "offset"),
        ("user_id=u&paginated=yes", "form_param_value_invalid", "paginated"),
        ("user_id=u&actor=a", "form_param_unknown", "actor"),
    ];
    let clerk = Emulator::new();
    for (query, code, parameter) in table {
        let response = list(&clerk, query);
        assert_eq!(response.status(), 422, "{query}");
        let errors = json(&response)["errors"].clone();
        assert_eq!(errors.as_array().unwrap().len(), 1, "{query}");
        assert_eq!(
            (&errors[0]["code"], &errors[0]["meta"]["param_name"]),
            (&json!(code), &json!(parameter)),
            "{query}"
        );
    }
    for query in ["user_id=u&limit=1", "user_id=u&limit=500", "client_id=c&__clerk_api_version=2026-05-12"] {
        assert_eq!(list(&clerk, query).status(), 200, "{query}");
    }
    for status in ["abandoned", "active", "ended", "expired", "removed", "replaced", "revoked"] {
        assert_eq!(list(&clerk, &format!("user_id=u&status={status}")).status(), 200, "{status}");
    }
    assert_eq!(json(&list(&clerk, "limit=0&x=1"))["errors"].as_array().unwrap().len(), 3);
}

#[test]
fn sessions_pass_the_same_gate_as_tokens() {
    let clerk = Emulator::builder().rate_limit(3, Duration::from_secs(10)).build();
    let (id, user) = (open(&clerk, "user_1"), "/v1/sessions?user_id=user_1");
    for path in [user, &format!("/v1/sessions/{id}")] {
        assert_eq!(send(&clerk, without_header(get(path), "authorization")).status(), 401, "{path}");
        assert_eq!(send(&clerk, get(path)).status(), 200, "{path}");
    }
    assert_eq!(send(&clerk, get(user)).status(), 429);
    let clerk = Emulator::new();
    assert_eq!(list(&clerk, "user_id=u&__clerk_api_version=2000-01-01").status(), 400);
    let (lost, other) = ((404, "resource_not_found"), (501, "route_not_emulated"));
    for (path, expected) in [
        ("/v1/sessions/sess_1", lost),
        ("/v1/sessions/sess_1/revoke", lost),
        ("/v1/sessions/", other),
        ("/v1/sessions/a/b/c", other),
    ] {
        let response = send(&clerk, get(path));
        let code = &json(&response)["errors"][0]["code"];
        assert_eq!((response.status().as_u16(), code.as_str().unwrap()), expected, "{path}");
    }
    assert_eq!(revoke(&clerk, "sess_1").status(), 404);
}

#[test]
fn a_revocation_is_a_commit_of_the_session() {
    let clerk = Emulator::new();
    let id = open(&clerk, "user_1");
    clerk.advance(minutes(1));
    let answer = json(&revoke(&clerk, &id));
    assert_eq!((&answer["id"], &answer["status"]), (&json!(id), &json!("revoked")));
    assert_eq!(answer["updated_at"].as_i64().unwrap() - answer["created_at"].as_i64().unwrap(), 60_000);
    let entry = clerk.ledger().pop().unwrap();
    assert_eq!((entry.kind(), entry.session_id()), (CommitKind::RevokeSession, Some(id.as_str())));
    assert_eq!((entry.user_id(), entry.actor_sub(), entry.is_delivered()), ("user_1", Some("user_agent"), true));
    assert_eq!(clerk.ledger()[0].session_id(), None);
    clerk.assert_ended_sessions(1);
    clerk.assert_live_sessions(0);
    clerk.assert_revokes(0);
}

#[test]
fn revoking_a_session_that_is_over_is_answered_as_set() {
    for (set, code) in [(200, None), (400, Some("invalid_action_for_session")), (404, Some("resource_not_found"))] {
        for status in ["abandoned", "ended", "expired", "removed", "replaced", "revoked"] {
            let clerk = Emulator::builder().revoke_over_session(set).build();
            let id = clerk.sign_in("user_1").id().to_owned();
            assert!(clerk.end_session(&id, status));
            let response = revoke(&clerk, &id);
            assert_eq!(response.status(), set);
            assert_eq!(json(&response)["errors"][0]["code"].as_str(), code);
            assert_eq!(clerk.session(&id).unwrap().status(), status);
            assert!(clerk.ledger().is_empty());
        }
    }
    let clerk = Emulator::new();
    let id = clerk.sign_in("user_1").id().to_owned();
    assert_eq!([revoke(&clerk, &id).status(), revoke(&clerk, &id).status()], [200, 400]);
}

#[test]
fn time_ends_an_impersonated_session() {
    let agent = Actor::new("user_agent");
    for (set, status) in [(None, "expired"), (Some("abandoned"), "abandoned")] {
        let builder = Emulator::builder();
        let clerk = set.map_or(builder.clone(), |set| builder.inactive_as(set)).build();
        let impersonated = clerk.sign_in_as("user_1", &agent).id().to_owned();
        let ordinary = clerk.sign_in("user_1").id().to_owned();
        clerk.advance(minutes(10) - Duration::from_millis(1));
        clerk.assert_live_sessions(2);
        clerk.advance(Duration::from_millis(1));
        assert_eq!(json(&read(&clerk, &impersonated))["status"], status);
        assert_eq!(json(&read(&clerk, &ordinary))["status"], "active");
        clerk.advance(minutes(7 * 24 * 60));
        assert_eq!(clerk.session(&ordinary).unwrap().status(), "expired");
    }
    // The longest duration comes first, whatever inactivity would make of it.
    let clerk = Emulator::builder().inactive_as("abandoned").build();
    let body = json!({ "user_id": "u", "actor": { "sub": "a" }, "session_max_duration_in_seconds": 60 });
    let token = json(&send(&clerk, create(body)));
    let id = clerk.accept_url(token["url"].as_str().unwrap()).unwrap().id().to_owned();
    clerk.advance(minutes(20));
    let session = json(&read(&clerk, &id));
    assert_eq!((&session["status"], &session["updated_at"]), (&json!("expired"), &session["expire_at"]));
}

#[test]
fn each_open_point_can_be_set() {
    let agent = Actor::new("user_agent").with("attempt", "stamp");
    let built = |set: fn(EmulatorBuilder) -> EmulatorBuilder| set(Emulator::builder()).build();

    let clerk = built(EmulatorBuilder::sessions_drop_actor_keys);
    let id = clerk.sign_in_as("user_1", &agent).id().to_owned();
    assert_eq!(json(&read(&clerk, &id))["actor"], json!({ "sub": "user_agent" }));

    let clerk = built(|it| it.accept_pending_filter().users_with_tasks(["user_1"]));
    let id = clerk.sign_in("user_1").id().to_owned();
    clerk.sign_in("user_2");
    let page = json(&list(&clerk, "user_id=user_1&status=pending"));
    assert_eq!((ids(&page), &page[0]["status"]), (vec![id.as_str()], &json!("pending")));
    assert!(page[0]["tasks"][0]["key"].is_string());
    assert_eq!(ids(&json(&list(&clerk, "user_id=user_2&status=pending"))), Vec::<&str>::new());
    clerk.assert_live_sessions(2);

    let clerk = built(|it| it.keep_over_sessions(minutes(1)));
    let id = clerk.sign_in("user_1").id().to_owned();
    clerk.end_session(&id, "ended");
    let count = |clerk: &Emulator| json(&list(clerk, "user_id=user_1")).as_array().unwrap().len();
    assert_eq!(count(&clerk), 1);
    clerk.advance(minutes(1));
    assert_eq!((count(&clerk), read(&clerk, &id).status().as_u16()), (0, 200));

    let clerk = built(|it| it.list_delay(minutes(1)));
    let id = clerk.sign_in("user_1").id().to_owned();
    assert_eq!((count(&clerk), read(&clerk, &id).status().as_u16()), (0, 200));
    clerk.advance(minutes(1));
    assert_eq!(count(&clerk), 1);

    for (set, status) in [(SecondSession::Beside, "active"), (SecondSession::Replaces, "replaced")] {
        let clerk = Emulator::builder().second_session(set).build();
        let (own, other) = (clerk.sign_in("user_1"), clerk.sign_in_as("user_2", &agent));
        let first = open(&clerk, "user_1");
        let second = open(&clerk, "user_1");
        assert_eq!(clerk.session(&first).unwrap().status(), status);
        for id in [own.id(), other.id(), &second] {
            assert!(clerk.session(id).unwrap().is_live());
        }
    }
    for bad in
        [|| drop(Emulator::builder().inactive_as("active")), || drop(Emulator::builder().revoke_over_session(500))]
    {
        assert!(std::panic::catch_unwind(bad).is_err());
    }
}

#[test]
fn a_status_that_clerk_does_not_have_leaves_a_session_live() {
    let clerk = Emulator::new();
    let id = clerk.sign_in("user_1").id().to_owned();
    for word in ["active", "pending"] {
        assert!(!clerk.end_session(&id, word));
    }
    assert!(clerk.end_session(&id, "a_new_word"));
    assert!(clerk.session(&id).unwrap().is_live());
    assert_eq!(revoke(&clerk, &id).status(), 200);
    assert!(!clerk.end_session(&id, "ended") && !clerk.end_session("sess_1", "ended"));
}

/// What of the answer is changed, at this pointer, to this.
#[test]
fn a_fault_changes_the_session_or_the_newest_of_a_list() {
    let table = [
        (fault::another_user(), "/user_id", Some(json!("user_of_another_request"))),
        (fault::another_actor(), "/actor/sub", Some(json!("user_of_another_request"))),
        (fault::another_actor(), "/id", Some(json!("sess_000000000000000000000000000"))),
        (fault::bad_id(), "/id", Some(json!("../users"))),
        (fault::without("client_id"), "/client_id", None),
        (fault::wrong_type("expire_at"), "/expire_at", Some(json!("seven"))),
        (fault::token_status("a_new_word"), "/status", Some(json!("a_new_word"))),
        (fault::stale(), "/user_id", Some(json!("user_of_another_request"))),
    ];
    let make = || {
        let clerk = Emulator::new();
        let agent = Actor::new("user_agent");
        let [older, newest] = ["", ""].map(|_| clerk.sign_in_as("user_1", &agent).id().to_owned());
        (clerk, older, newest)
    };
    for (fault, pointer, wanted) in table {
        let (clerk, older, newest) = make();
        clerk.next_session_get().after_commit(fault.clone());
        assert_eq!(json(&read(&clerk, &newest)).pointer(pointer), wanted.as_ref(), "{fault:?}");
        clerk.next_session_revoke().after_commit(fault.clone());
        assert_eq!(json(&revoke(&clerk, &older)).pointer(pointer), wanted.as_ref(), "{fault:?}");
        assert!(clerk.ledger()[0].fault().is_some());
        assert_eq!(clerk.session(&older).unwrap().status(), "revoked");
        for (query, data) in [("", ""), ("&paginated=true", "/data")] {
            let (clerk, older, _) = make();
            clerk.next_session_list().after_commit(fault.clone());
            let page = json(&list(&clerk, &format!("user_id=user_1{query}")));
            assert_eq!(page.pointer(&format!("{data}/0{pointer}")), wanted.as_ref(), "{fault:?}");
            let second = page.pointer(&format!("{data}/1")).unwrap();
            assert_eq!(second, &json(&read(&clerk, &older)), "{fault:?}");
        }
    }
    let (clerk, _, _) = make();
    clerk.next_session_list().after_commit(fault::without("total_count"));
    assert_eq!(json(&list(&clerk, "user_id=user_1&paginated=true")).get("total_count"), None);
    clerk.next_session_list().after_commit(fault::wrong_type("data"));
    assert_eq!(json(&list(&clerk, "user_id=user_1&paginated=true"))["data"], "seven");
    clerk.next_session_list().after_commit(fault::malformed());
    assert!(list(&clerk, "user_id=user_1").body().ends_with(b",]"));
}

#[test]
fn a_changed_answer_is_delivered_if_it_still_names_the_session() {
    let changes = [(fault::bom(), true), (fault::token_status("a_new_word"), true), (fault::another_user(), false)];
    for (fault, delivered) in changes {
        let clerk = Emulator::new();
        let id = open(&clerk, "user_1");
        clerk.next_session_revoke().after_commit(fault.clone());
        revoke(&clerk, &id);
        assert_eq!(clerk.ledger().pop().unwrap().is_delivered(), delivered, "{fault:?}");
    }
}

#[test]
fn a_stale_list_is_the_one_before() {
    let clerk = Emulator::new();
    clerk.sign_in("user_1");
    let before = list(&clerk, "user_id=user_1").into_body();
    clerk.sign_in("user_1");
    clerk.next_session_list().after_commit(fault::stale());
    assert_eq!(list(&clerk, "user_id=user_1").body(), &before);
    assert_eq!(json(&list(&clerk, "user_id=user_1")).as_array().unwrap().len(), 2);
}

/// Every fault of the catalogue happens to every call about sessions at each of its times, and commits what it says.
#[test]
fn every_fault_of_the_catalogue_happens_to_the_calls_about_sessions() {
    let mut met = 0;
    for kind in [CallKind::SessionList, CallKind::SessionGet, CallKind::SessionRevoke] {
        for fault in fault::catalogue() {
            for &phase in fault.phases_of(kind) {
                let clerk = Emulator::builder().single_threaded().build();
                let id = clerk.sign_in_as("user_1", &Actor::new("user_agent")).id().to_owned();
                fault.queue(clerk.next_attempt(kind), phase);
                let request = match kind {
                    CallKind::SessionList => get("/v1/sessions?user_id=user_1"),
                    CallKind::SessionGet => get(&format!("/v1/sessions/{id}")),
                    _ => post(&format!("/v1/sessions/{id}/revoke"), ""),
                };
                let _ = pollster::block_on(crate::support::exchange(&clerk, request));
                clerk.assert_faults_used();
                let passes = matches!(fault.name().as_str(), "pass()" | "delay(1s)");
                let commits = kind == CallKind::SessionRevoke && (phase == fault::Phase::AfterCommit || passes);
                assert_eq!(clerk.ledger().len(), usize::from(commits), "{kind}: {phase}({fault})");
                clerk.assert_ended_sessions(usize::from(commits));
                met += 1;
            }
        }
    }
    assert!(met > 600, "{met}");
}

#[test]
fn a_fault_after_a_list_that_was_refused_did_not_happen() {
    let clerk = Emulator::new();
    clerk.next_session_list().after_commit(fault::stall());
    assert_eq!(list(&clerk, "").status(), 422);
    let unused = clerk.take_unused_faults();
    assert_eq!(unused.len(), 1);
    assert!(unused[0].contains("session_list:after_commit:stall()") && unused[0].contains("422"));
}

#[test]
fn a_failed_assertion_lists_the_sessions() {
    let clerk = Emulator::builder().seed(4711).build();
    let id = open(&clerk, "user_1");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_live_sessions(2))).unwrap_err();
    let message = failed.downcast_ref::<String>().unwrap();
    assert!(message.contains("expected 2 live session(s), found 1"), "{message}");
    assert!(message.contains(&format!("{id} of user_1 by user_agent: active")), "{message}");
    assert!(message.contains("hint: ") && message.ends_with("(emulator seed 4711)"), "{message}");
}

#[derive(Debug, Clone)]
enum Step {
    Open(u8, bool),
    SignIn(u8),
    Revoke(usize),
    End(usize, &'static str),
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..3, any::<bool>()).prop_map(|(user, short)| Step::Open(user, short)),
        (0u8..3).prop_map(Step::SignIn),
        (0usize..12).prop_map(Step::Revoke),
        (0usize..12, prop::sample::select(vec!["ended", "removed", "pending"]))
            .prop_map(|(place, status)| Step::End(place, status)),
        (0u64..400_000).prop_map(Step::Advance),
    ]
}

/// A session by the rules, kept without reading the emulator's.
struct Model {
    id: String,
    user: String,
    opened: u64,
    ends: u64,
    impersonated: bool,
    over: Option<&'static str>,
}

impl Model {
    fn status(&self, now: u64) -> &'static str {
        let inactive = if self.impersonated { self.opened + 600_000 } else { u64::MAX };
        match self.over {
            Some(status) => status,
            None if now >= self.ends && self.ends <= inactive => "expired",
            None if now >= inactive => "abandoned",
            None => "active",
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_program_leaves_a_session_in_an_impossible_state(
        steps in prop::collection::vec(step(), 0..40), size in 1usize..4,
    ) {
        let clerk = Emulator::builder().inactive_as("abandoned").build();
        let mut models: Vec<Model> = Vec::new();
        let (mut now, mut revoked) = (0u64, 0);
        for step in steps {
            match step {
                Step::Open(user, short) => {
                    let (user, seconds) = (format!("user_{user}"), if short { 60 } else { 1800 });
                    let body = json!({
                        "user_id": user, "actor": { "sub": "a" }, "session_max_duration_in_seconds": seconds,
                    });
                    let token = json(&send(&clerk, create(body)));
                    let id = clerk.accept_url(token["url"].as_str().unwrap()).unwrap().id().to_owned();
                    let ends = now + seconds * 1000;
                    models.push(Model { id, user, opened: now, ends, impersonated: true, over: None });
                }
                Step::SignIn(user) => {
                    let user = format!("user_{user}");
                    let id = clerk.sign_in(&user).id().to_owned();
                    let ends = now + 7 * 24 * 3_600_000;
                    models.push(Model { id, user, opened: now, ends, impersonated: false, over: None });
                }
                Step::Revoke(place) => {
                    let Some(model) = models.get_mut(place) else { continue };
                    let was = model.status(now);
                    let status = revoke(&clerk, &model.id).status();
                    prop_assert_eq!(status.as_u16(), if was == "active" { 200 } else { 400 });
                    if was == "active" {
                        model.over = Some("revoked");
                        revoked += 1;
                    }
                }
                Step::End(place, status) => {
                    let Some(model) = models.get_mut(place) else { continue };
                    let can = model.status(now) == "active" && status != "pending";
                    prop_assert_eq!(clerk.end_session(&model.id, status), can);
                    if can {
                        model.over = Some(status);
                    }
                }
                Step::Advance(millis) => {
                    clerk.advance(Duration::from_millis(millis));
                    now += millis;
                }
            }
            for model in &mut models {
                let status = model.status(now);
                if status != "active" {
                    model.over = Some(status);
                }
                let stored = clerk.session(&model.id).unwrap();
                prop_assert_eq!(stored.status(), status);
                prop_assert_eq!(stored.is_live(), status == "active");
                prop_assert_eq!(stored.actor().is_some(), model.impersonated);
            }
            let live = models.iter().filter(|model| model.over.is_none()).count();
            clerk.assert_live_sessions(live);
            clerk.assert_ended_sessions(models.len() - live);
            prop_assert_eq!(clerk.ledger().iter().filter(|entry| entry.session_id().is_some()).count(), revoked);
        }
        for user in ["user_0", "user_1", "user_2"] {
            let mut seen: Vec<String> = Vec::new();
            loop {
                let page = json(&list(&clerk, &format!("user_id={user}&limit={size}&offset={}", seen.len())));
                let page = ids(&page);
                seen.extend(page.iter().map(|id| (*id).to_owned()));
                if page.len() < size {
                    break;
                }
            }
            let wanted: Vec<_> = models.iter().filter(|model| model.user == user).map(|model| &model.id).collect();
            prop_assert_eq!(seen.len(), wanted.len());
            prop_assert_eq!(seen.iter().rev().collect::<Vec<_>>(), wanted);
            prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
        }
    }
}
