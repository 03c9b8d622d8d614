//! The members of an answer that are read, whole or cut, and whose answer it is.
//!
//! [`read`](Answer::read) is the one way into Clerk's `actor_token` object. What it found becomes a token
//! ([`token`](Answer::token)), or the id that is left of one (`salvage.rs`). Errors name the member and never its value,
//! which may be a ticket.

use std::borrow::Cow;

use crate::{
    actor_token_id::ActorTokenId,
    actor_tokens::{
        actor::{Actor, SUB},
        model::{ActorToken, SignInUrl, Ticket},
        record::ActorTokenRecord,
        timestamp::Timestamp,
    },
    answer::{not_an_object, optional_text, present, text, wrong_type},
    clerk_id::is_id,
    json::{self, End, Json, Members},
    operation::ParseError,
    token_status::ActorTokenStatus,
    transport::Response,
};

/// What an answer must say to be the answer to this request.
#[derive(Default)]
pub(super) struct Binding<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) actor_sub: Option<&'a str>,
}

/// The members that are read, each as it is written. All others are stepped over.
#[derive(Default)]
struct Found<'a> {
    object: Option<Json<'a>>,
    id: Option<Json<'a>>,
    status: Option<Json<'a>>,
    user_id: Option<Json<'a>>,
    actor: Option<Json<'a>>,
    token: Option<Json<'a>>,
    url: Option<Json<'a>>,
    created_at: Option<Json<'a>>,
    updated_at: Option<Json<'a>>,
}

impl<'a> Found<'a> {
    fn member(&mut self, key: &str) -> Option<(&'static str, &mut Option<Json<'a>>)> {
        Some(match key {
            "object" => ("object", &mut self.object),
            "id" => ("id", &mut self.id),
            "status" => ("status", &mut self.status),
            "user_id" => ("user_id", &mut self.user_id),
            "actor" => ("actor", &mut self.actor),
            "token" => ("token", &mut self.token),
            "url" => ("url", &mut self.url),
            "created_at" => ("created_at", &mut self.created_at),
            "updated_at" => ("updated_at", &mut self.updated_at),
            _ => return None,
        })
    }
}

pub(super) struct Answer<'a> {
    found: Found<'a>,
    /// The members that are there twice. There is no safe way to choose one.
    twice: Vec<&'static str>,
    /// That it is not Clerk's answer to this request.
    foreign: Option<ParseError>,
    /// Whether the actor, if any of one arrived, may be the one that was asked for.
    actor_fits: bool,
    end: End,
    at: usize,
}

impl<'a> Answer<'a> {
    pub(super) fn read(body: &'a [u8], binding: &Binding<'_>) -> Self {
        let mut answer = Self {
            found: Found::default(),
            twice: Vec::new(),
            foreign: None,
            actor_fits: true,
            end: End::Other,
            at: 0,
        };
        let mut members = Members::of(json::without_byte_order_mark(body));
        for (key, value) in members.by_ref() {
            let Some((name, slot)) = answer.found.member(&key) else { continue };
            if slot.is_some() {
                answer.is_twice(name);
            } else {
                *slot = Some(value);
            }
            answer.compare(name, value, binding);
        }
        if let Some(("actor", begun)) = members.open() {
            answer.compare_actor(begun, binding);
        }
        answer.end = members.end();
        answer.at = members.at();
        answer
    }

    /// Looks at every member that arrives, also at a second one: an answer for somebody else is withheld also where it cannot
    /// be used.
    fn compare(&mut self, name: &'static str, value: Json<'_>, binding: &Binding<'_>) {
        // What is no text, or no readable one, is an error of its own.
        let says_other = |expected: Option<&str>| match (expected, value.text()) {
            (Some(expected), Some(text)) => expected != text,
            _ => false,
        };
        match name {
            "user_id" if says_other(binding.user_id) => self.mismatch("user_id"),
            "id" if says_other(binding.id) && value.text().is_some_and(|id| is_id(&id)) => {
                self.mismatch("id");
            }
            "actor" if value.is_object() => self.compare_actor(value.as_bytes(), binding),
            // Clerk marks each of its objects.
            "object" if !value.is_string() || says_other(Some("actor_token")) => {
                self.foreign.get_or_insert_with(not_marked);
            }
            _ => {}
        }
    }

    fn compare_actor(&mut self, actor: &[u8], binding: &Binding<'_>) {
        let Some(expected) = binding.actor_sub else { return };
        let mut members = Members::of(actor);
        let mut subs = 0;
        for (_, value) in members.by_ref().filter(|(key, _)| key == SUB) {
            subs += 1;
            match value.text() {
                Some(sub) if sub == expected => {}
                None if value.is_string() => self.actor_fits = false,
                _ => self.mismatch("actor.sub"),
            }
        }
        if subs > 1 {
            self.is_twice("actor.sub");
        }
        // The schema lets the echo go without a `sub`. One that is cut may yet have another.
        self.actor_fits &= subs == 1 || members.end() == End::Whole;
    }

    fn is_twice(&mut self, name: &'static str) {
        // Said once: a body can have one member very often.
        if !self.twice.contains(&name) {
            self.twice.push(name);
        }
    }

    /// Weighs more than that the object has no mark: it is somebody's token.
    fn mismatch(&mut self, field: &'static str) {
        if !matches!(&self.foreign, Some(known) if known.is_mismatch()) {
            self.foreign = Some(ParseError::mismatch(field));
        }
    }

    /// That it is not Clerk's answer to this request, if that is to be seen.
    pub(super) fn foreign(&self) -> Option<&ParseError> {
        self.foreign.as_ref()
    }

    /// The id, where it is one and no other one is there.
    pub(super) fn id(&self) -> Option<Cow<'a, str>> {
        let id = self.found.id.filter(|_| !self.twice.contains(&"id"))?.text()?;
        is_id(&id).then_some(id)
    }

    /// Whether all that says whose answer this is has arrived, is there once, and fits.
    pub(super) fn is_ours(&self) -> bool {
        let is_read = |value: Json<'_>| value.text().is_some();
        let names_user = self.found.user_id.is_some_and(is_read) && self.found.object.is_none_or(is_read);
        let is_doubtful = |name: &&str| matches!(*name, "object" | "user_id" | "actor" | "actor.sub");
        self.foreign.is_none() && names_user && self.actor_fits && !self.twice.iter().any(is_doubtful)
    }

    /// The token in the answer, if the answer is whole.
    fn token(self) -> Result<ActorToken, ParseError> {
        if let Some(name) = self.twice.first() {
            return Err(ParseError::unusable(name, "appears twice"));
        }
        let Found { object, id, status, user_id, actor, token, url, created_at, updated_at } = self.found;
        // It says `actor_token`, or cannot be read.
        text("object", Some(object.ok_or_else(not_marked)?))?;
        let id = text("id", id)?;
        let id = ActorTokenId::new(&*id)
            .map_err(|_| ParseError::unusable("id", "is outside the grammar of ids").with_raw_id(&id))?;
        // What decides is read strictly; a time is not missed where it is no time.
        let time = |value: Option<Json<'_>>| value.and_then(Json::integer).map(Timestamp::from_millis);
        let record = ActorTokenRecord {
            id,
            status: ActorTokenStatus::from(&*text("status", status)?),
            user_id: text("user_id", user_id)?.into_owned(),
            actor: match present(actor) {
                None => None,
                Some(actor) if actor.is_object() => {
                    Some(Actor::read(actor).map_err(|problem| ParseError::unusable("actor", problem.problem()))?)
                }
                Some(other) => return Err(wrong_type("actor", "an object", other)),
            },
            created_at: time(created_at),
            updated_at: time(updated_at),
            expires_at: None,
        };
        let token = optional_text("token", token)?.map(Ticket::new);
        let url = optional_text("url", url)?.map(SignInUrl::new);
        Ok(ActorToken { record, token, url })
    }
}

/// The token in a 2xx answer.
pub(super) fn token(response: &Response, binding: &Binding<'_>) -> Result<ActorToken, ParseError> {
    if !response.status().is_success() {
        return Err(ParseError::status());
    }
    let answer = Answer::read(response.body(), binding);
    if matches!(answer.foreign(), Some(foreign) if foreign.is_mismatch() || answer.end == End::Whole) {
        return Err(answer.foreign.unwrap_or_else(not_marked));
    }
    match answer.end {
        End::Whole => answer.token(),
        end => Err(not_an_object(response.headers(), response.body(), end, answer.at)),
    }
}

fn not_marked() -> ParseError {
    ParseError::not_clerk("the response is not an `actor_token` object")
}
