//! What is done: reset, users, faults, time, a link that is opened or revoked, a session that ends, snapshots. What is refused
//! changes nothing.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use bytes::Bytes;
use clerk_actor_tokens_core::Sanitized;
use http::{HeaderValue, StatusCode, header::LOCATION};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, json};

use super::{
    answer::{Answer, Refused, read, read_or_default},
    plane::{MOST_SNAPSHOTS, Plane},
    views,
};
use crate::{
    clerk::{AcceptError, OVER},
    clock,
    fault::QueuedFault,
    snapshot::{self, Snapshot},
    ticket, unused_faults,
};

/// How many faults may be queued.
const MOST_FAULTS: usize = 10_000;

/// How long the text of one may be, in bytes.
const LONGEST_FAULT: usize = 4096;

/// The body of what needs none.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn reset(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    Ok(Answer(json!({ "unused_faults": snapshot::reset(plane.inner()) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    /// `None`: every id is a user. It has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    users: Option<Vec<String>>,
}

pub(super) async fn set_users(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    let Users { users } = read(&body)?;
    if users.iter().flatten().any(String::is_empty) {
        return Err(Refused::bad("users: an id is empty"));
    }
    plane.inner().lock().clerk.set_users(users.map(|users| users.into_iter().collect()));
    Ok(Answer(views::users_of(&plane)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<String>,
}

/// All of them, or none.
pub(super) async fn add_faults(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    let Faults { faults } = read(&body)?;
    let parsed: Result<Vec<QueuedFault>, Refused> = faults.iter().map(|text| fault(text)).collect();
    let scripted = parsed?.iter().map(QueuedFault::scripted).collect();
    if !plane.inner().lock().scripts.queue_within(MOST_FAULTS, scripted) {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            format!(
                "more than {MOST_FAULTS} faults would be queued then: send fewer, or give those up that are queued"
            ),
        ));
    }
    Ok(Answer(views::faults_of(&plane)))
}

fn fault(text: &str) -> Result<QueuedFault, Refused> {
    if text.len() > LONGEST_FAULT {
        return Err(Refused::bad(format!("a fault is longer than {LONGEST_FAULT} bytes")));
    }
    text.parse().map_err(|error| Refused::bad(format!("{}: {error}", Sanitized::new(text))))
}

pub(super) async fn clear_faults(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    Ok(Answer(json!({ "unused_faults": unused_faults::take(&mut plane.inner().lock()) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(deserialize_with = "whole")]
    milliseconds: u64,
}

/// A number without a fraction, however it is written. JSON Schema takes 1000.0 for an integer, and some languages write it so.
fn whole<'de, D: Deserializer<'de>>(number: D) -> Result<u64, D::Error> {
    let number = Number::deserialize(number)?;
    let of_float = |float: f64| (float.fract() == 0.0 && (0.0..=2e18).contains(&float)).then_some(float as u64);
    let whole = number.as_u64().or_else(|| number.as_f64().and_then(of_float));
    whole.ok_or_else(|| D::Error::custom("milliseconds: a whole number that is not negative"))
}

pub(super) async fn advance(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    let Step { milliseconds } = read(&body)?;
    let step = Duration::from_millis(milliseconds);
    if step > clock::END {
        return Err(Refused::bad(format!("milliseconds: {} at most, a hundred years", clock::END.as_millis())));
    }
    plane.inner().clock.try_advance(step).map_err(|left| {
        let (end, left) = (clock::END.as_millis(), left.as_millis());
        let why = format!("the calendar can be moved by {end} milliseconds in all: {left} are left");
        Refused::new(StatusCode::CONFLICT, why)
    })?;
    Ok(Answer(views::clock_of(&plane)))
}

/// Opens the link of a token, as the browser would.
pub(super) async fn accept(
    State(plane): State<Plane>,
    id: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    let id = text(id)?;
    let now = plane.inner().clock.millis();
    let mut state = plane.inner().lock();
    let session = state.accept(&id, now).map_err(|error| not_opened(error, &id))?;
    let session = state.clerk.answered_session(session.id()).unwrap_or_default();
    Ok(Answer(session))
}

/// Sends the browser to the link of a token: that of this server, by whatever name the browser reached it.
pub(super) async fn open(
    State(plane): State<Plane>,
    id: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Response, Refused> {
    read_or_default::<Nothing>(&body)?;
    let id = text(id)?;
    let now = plane.inner().clock.millis();
    let state = plane.inner().lock();
    let token = state.clerk.token(&id).ok_or_else(|| no_such("actor token", &id))?;
    token.check(now).map_err(|error| not_opened(error, &id))?;
    // A ticket is base64url with dots between.
    let location = HeaderValue::from_str(&ticket::link("", &token.ticket));
    let mut location = location.map_err(|_| Refused::bad("the ticket cannot stand in a header"))?;
    location.set_sensitive(true);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

fn not_opened(error: AcceptError, id: &str) -> Refused {
    match error {
        AcceptError::Invalid => no_such("actor token", id),
        _ => Refused::new(StatusCode::CONFLICT, error.to_string()),
    }
}

/// Revokes a token, as somebody does in Clerk's dashboard: no call of a client, so it is not in the ledger.
pub(super) async fn revoke(
    State(plane): State<Plane>,
    id: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    let id = text(id)?;
    let now = plane.inner().clock.millis();
    let mut state = plane.inner().lock();
    let status = state.clerk.token(&id).map(|token| token.status.clone()).ok_or_else(|| no_such("actor token", &id))?;
    if !state.clerk.revoke_pending(&id, now) {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            format!("the token is {status}: only a pending one can be revoked"),
        ));
    }
    let revoked = state.clerk.token(&id).and_then(|token| serde_json::to_value(token.to_answer(false)).ok());
    Ok(Answer(revoked.unwrap_or_default()))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct End {
    /// `ended` if it is left out. `null` is no status.
    #[serde(default, deserialize_with = "given")]
    status: Option<String>,
}

fn given<'de, D: Deserializer<'de>>(status: D) -> Result<Option<String>, D::Error> {
    String::deserialize(status).map(Some)
}

pub(super) async fn end_session(
    State(plane): State<Plane>,
    id: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Answer, Refused> {
    let End { status } = read_or_default(&body)?;
    let id = text(id)?;
    let status = status.as_deref().unwrap_or("ended");
    if !OVER.contains(&status) {
        return Err(Refused::bad(format!("status is one of {}", OVER.join(", "))));
    }
    let now = plane.inner().clock.millis();
    let mut state = plane.inner().lock();
    let Some(session) = state.clerk.session(&id, now) else { return Err(no_such("session", &id)) };
    if !state.clerk.end_session(&id, status, now) {
        return Err(Refused::new(StatusCode::CONFLICT, format!("the session is over: {}", session.status())));
    }
    Ok(Answer(state.clerk.answered_session(&id).unwrap_or_default()))
}

pub(super) async fn take_snapshot(State(plane): State<Plane>, body: Bytes) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    let taken = Snapshot::of(plane.inner());
    let mut snapshots = plane.snapshots();
    snapshots.count = snapshots.count.saturating_add(1);
    let id = snapshots.count;
    snapshots.kept.push_back((id, taken));
    if snapshots.kept.len() > MOST_SNAPSHOTS {
        snapshots.kept.pop_front();
    }
    Ok(Answer(json!({ "id": id })))
}

pub(super) async fn restore(
    State(plane): State<Plane>,
    id: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Result<Answer, Refused> {
    read_or_default::<Nothing>(&body)?;
    let id = text(id)?;
    let snapshots = plane.snapshots();
    let found = snapshots.kept.iter().find(|(known, _)| known.to_string() == id);
    let Some((id, snapshot)) = found else {
        let latest = format!("the latest {MOST_SNAPSHOTS} are kept");
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            format!("no snapshot has the id {}; {latest}", Sanitized::new(&id)),
        ));
    };
    snapshot.restore(plane.inner());
    Ok(Answer(json!({ "id": id })))
}

/// The id in a path.
fn text(id: Result<Path<String>, PathRejection>) -> Result<String, Refused> {
    id.map(|Path(id)| id).map_err(|_| Refused::bad("the id in the path is no text in UTF-8"))
}

fn no_such(what: &str, id: &str) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("no {what} has the id {}", Sanitized::new(id)))
}
