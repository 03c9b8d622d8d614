//! Reading sessions: one of them, or a list, and whose they are.
//!
//! What decides whether somebody is signed in is read strictly. All else is left out where it cannot be read: a session that is
//! missed because of its browser's name would stay open.

use std::collections::HashSet;

use crate::{
    actor_tokens::{Actor, Timestamp},
    answer::{not_an_object, optional_text, present, text, wrong_type},
    json::{self, Budget, End, Json},
    operation::ParseError,
    sessions::{
        session::{Session, SessionActivity},
        session_id::SessionId,
        session_status::SessionStatus,
    },
    transport::Response,
};

/// What each session of a response must say.
#[derive(Default, Clone, Copy)]
pub(super) struct Binding<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
}

/// The session in a 2xx response.
pub(super) fn session(response: &Response, binding: Binding<'_>) -> Result<Session, ParseError> {
    let object = whole(response)?;
    if !object.is_object() {
        return Err(ParseError::not_clerk("the response is not a JSON object"));
    }
    read(object, binding)
}

/// The sessions in a 2xx response: an array, or an object that has it as `data`.
pub(super) fn sessions(response: &Response, binding: Binding<'_>) -> Result<Vec<Session>, ParseError> {
    let mut list = whole(response)?;
    if list.is_object() {
        let mut data = None;
        for (_, value) in list.members().filter(|(key, _)| key == "data") {
            if data.replace(value).is_some() {
                return Err(ParseError::unusable("data", "appears twice"));
            }
        }
        list = data.ok_or_else(|| ParseError::not_clerk("the response is not a list of sessions"))?;
    }
    if !list.is_array() {
        return Err(ParseError::not_clerk("the response is not a list of sessions"));
    }
    list.elements().map(|session| read(session, binding)).collect()
}

fn whole(response: &Response) -> Result<Json<'_>, ParseError> {
    if !response.status().is_success() {
        return Err(ParseError::status());
    }
    let body = json::without_byte_order_mark(response.body());
    Json::whole(body).ok_or_else(|| {
        let end = if json::is_cut(body) { End::Cut } else { End::Other };
        not_an_object(response.headers(), body, end, 0)
    })
}

/// The members that are read, each as it is written.
#[derive(Default)]
struct Found<'a>(Vec<(&'static str, Json<'a>)>);

const MEMBERS: [&str; 14] = [
    "object",
    "id",
    "user_id",
    "status",
    "actor",
    "client_id",
    "last_active_organization_id",
    "tasks",
    "latest_activity",
    "created_at",
    "updated_at",
    "last_active_at",
    "expire_at",
    "abandon_at",
];
/// There is no safe way to choose one of two.
const DECIDE: [&str; 6] = ["object", "id", "user_id", "status", "actor", "client_id"];

impl<'a> Found<'a> {
    fn get(&self, name: &str) -> Option<Json<'a>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn lenient_text(&self, name: &str) -> Option<String> {
        self.get(name)?.text().map(std::borrow::Cow::into_owned)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.get(name).and_then(Json::integer).map(Timestamp::from_millis)
    }
}

fn read(object: Json<'_>, binding: Binding<'_>) -> Result<Session, ParseError> {
    let mut found = Found::default();
    for (key, value) in object.members() {
        let Some(name) = MEMBERS.into_iter().find(|name| *name == key) else { continue };
        if found.get(name).is_none() {
            found.0.push((name, value));
        } else if DECIDE.contains(&name) {
            return Err(ParseError::unusable(name, "appears twice"));
        }
    }
    if found.get("object").and_then(Json::text).as_deref() != Some("session") {
        return Err(ParseError::not_clerk("the response is not a `session` object"));
    }
    // Whose it is comes first: what is another's is withheld, also where it cannot be used.
    for (name, expected) in [("user_id", binding.user_id), ("client_id", binding.client_id)] {
        if let (Some(expected), Some(said)) = (expected, found.get(name).and_then(Json::text)) {
            if said != expected {
                return Err(ParseError::mismatch(name));
            }
        }
    }
    let id = text("id", found.get("id"))?;
    let id = SessionId::new(&*id)
        .map_err(|_| ParseError::unusable("id", "is outside the grammar of ids").with_raw_id(&id))?;
    if binding.id.is_some_and(|expected| id.as_str() != expected) {
        return Err(ParseError::mismatch("id"));
    }
    let actor = match present(found.get("actor")) {
        None => None,
        Some(actor) if actor.is_object() => {
            let mut keys = HashSet::new();
            if actor.members().any(|(key, _)| !keys.insert(key)) {
                return Err(ParseError::unusable("actor", "has a key twice"));
            }
            Some(Actor::read(actor).map_err(|problem| ParseError::unusable("actor", problem.problem()))?)
        }
        Some(other) => return Err(wrong_type("actor", "an object", other)),
    };
    Ok(Session {
        id,
        user_id: text("user_id", found.get("user_id"))?.into_owned(),
        status: SessionStatus::from(&*text("status", found.get("status"))?),
        actor,
        client_id: optional_text("client_id", found.get("client_id"))?.map(std::borrow::Cow::into_owned),
        last_active_organization_id: found.lenient_text("last_active_organization_id"),
        tasks: found.get("tasks").map(tasks).unwrap_or_default(),
        latest_activity: found.get("latest_activity").filter(|it| it.is_object()).map(activity),
        created_at: found.time("created_at"),
        updated_at: found.time("updated_at"),
        last_active_at: found.time("last_active_at"),
        expire_at: found.time("expire_at"),
        abandon_at: found.time("abandon_at"),
    })
}

fn tasks(list: Json<'_>) -> Vec<String> {
    let mut budget = Budget::of_a_body();
    let key =
        |task: Json<'_>| task.members().find(|(name, _)| name == "key")?.1.text().map(std::borrow::Cow::into_owned);
    list.elements().take_while(|_| budget.spend(1).is_ok()).filter_map(key).collect()
}

fn activity(object: Json<'_>) -> SessionActivity {
    let get = |wanted: &str| object.members().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let text = |name| get(name).and_then(Json::text).map(std::borrow::Cow::into_owned);
    SessionActivity {
        id: text("id"),
        is_mobile: get("is_mobile").and_then(Json::boolean),
        device_type: text("device_type"),
        browser_name: text("browser_name"),
        browser_version: text("browser_version"),
        ip_address: text("ip_address"),
        city: text("city"),
        country: text("country"),
    }
}
