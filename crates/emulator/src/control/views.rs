//! What is: health, state, requests, faults, users, the clock, snapshots. Asking changes nothing.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use clerk_actor_tokens_core::Sanitized;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refused, Revealed},
    plane::Plane,
};
use crate::{
    clerk::{SessionAnswer, TokenAnswer},
    requests::RecordedRequest,
    script::Scripted,
};

/// How many rows of a kind an answer has, unless another number is asked for; and the most.
const ROWS: usize = 200;
const MOST_ROWS: usize = 1000;

/// What a view may be asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default = "rows")]
    limit: usize,
    /// Whether links and tickets, the bodies of requests, and the texts of callers are shown as they are.
    #[serde(default)]
    reveal: bool,
}

fn rows() -> usize {
    ROWS
}

type Asked = Result<Query<Wanted>, QueryRejection>;

fn wanted(asked: Asked) -> Result<Wanted, Refused> {
    let Query(wanted) = asked.map_err(|error| Refused::bad(format!("{}", Sanitized::new(&error.body_text()))))?;
    if (1..=MOST_ROWS).contains(&wanted.limit) {
        Ok(wanted)
    } else {
        Err(Refused::bad(format!("limit is 1 to {MOST_ROWS}")))
    }
}

/// Masked, unless it is asked for as it is.
fn answered(wanted: &Wanted, value: Value) -> Response {
    if wanted.reveal { Revealed(value).into_response() } else { Answer(value).into_response() }
}

pub(super) async fn health() -> Answer {
    Answer(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], include_str!("../../openapi.json")).into_response()
}

/// A token as Clerk answers it, and what Clerk does not say.
#[derive(Serialize)]
struct TokenRow<'a> {
    #[serde(flatten)]
    answer: TokenAnswer<'a>,
    expires_at: i64,
    live: bool,
    delivered: bool,
}

/// A session as Clerk answers it, and what Clerk does not say.
#[derive(Serialize)]
struct SessionRow<'a> {
    #[serde(flatten)]
    answer: SessionAnswer<'a>,
    live: bool,
}

pub(super) async fn state(State(plane): State<Plane>, asked: Asked) -> Result<Response, Refused> {
    let wanted = wanted(asked)?;
    let now = plane.inner().clock.millis();
    let mut state = plane.inner().lock();
    let counted = state.clerk.counts(now);
    let counts = json!({
        "creates": state.ledger.creates(),
        "revokes": state.ledger.revokes(),
        "live_tokens": counted.live_tokens,
        "orphans": counted.orphans,
        "sessions": counted.sessions,
        "live_sessions": counted.live_sessions,
        "requests": state.journal.total(),
        "queued_faults": state.scripts.unused().count(),
    });
    let latest = state.clerk.tokens().iter().rev().take(wanted.limit);
    let tokens: Vec<Value> = latest
        .filter_map(|token| {
            let row = TokenRow {
                answer: token.to_answer(wanted.reveal),
                expires_at: token.expires_at,
                live: token.is_live(now),
                delivered: token.delivered,
            };
            serde_json::to_value(row).ok()
        })
        .collect();
    let rows = state.clerk.session_answers().rev().take(wanted.limit);
    let sessions: Vec<Value> =
        rows.filter_map(|(answer, live)| serde_json::to_value(SessionRow { answer, live }).ok()).collect();
    let settings = state.clerk.settings();
    let all = json!({
        "now": now,
        "seed": settings.seed,
        "users": settings.users,
        "counts": counts,
        "tokens": tokens,
        "sessions": sessions,
    });
    Ok(answered(&wanted, all))
}

pub(super) async fn requests(State(plane): State<Plane>, asked: Asked) -> Result<Response, Refused> {
    let wanted = wanted(asked)?;
    let (total, latest) = {
        let state = plane.inner().lock();
        let latest: Vec<RecordedRequest> = state.journal.iter().rev().take(wanted.limit).cloned().collect();
        (state.journal.total(), latest)
    };
    // Bodies are read here, outside the lock.
    let requests: Vec<Value> = latest.iter().map(|request| request_row(request, wanted.reveal)).collect();
    Ok(answered(&wanted, json!({ "total": total, "requests": requests })))
}

fn request_row(request: &RecordedRequest, reveal: bool) -> Value {
    let mut row = json!({
        "at": request.at().as_millis(),
        "method": Sanitized::new(request.method().as_str()).to_string(),
        "path": Sanitized::new(request.path()).to_string(),
        "query": request.query().map(|query| Sanitized::new(query).to_string()),
        "body_bytes": request.body_len(),
        "status": request.status().map(|status| status.as_u16()),
        "fault": request.fault().map(|fault| Sanitized::new(fault).to_string()),
    });
    if let (true, Some(body), Some(row)) = (reveal, request.json(), row.as_object_mut()) {
        row.insert("body".to_owned(), body.clone());
    }
    row
}

pub(super) async fn users(State(plane): State<Plane>) -> Answer {
    Answer(users_of(&plane))
}

pub(super) fn users_of(plane: &Plane) -> Value {
    json!({ "users": plane.inner().lock().clerk.settings().users })
}

pub(super) async fn faults(State(plane): State<Plane>) -> Answer {
    Answer(faults_of(&plane))
}

/// Those that are to come, and those that an attempt took and that did nothing.
pub(super) fn faults_of(plane: &Plane) -> Value {
    let state = plane.inner().lock();
    let queued: Vec<_> = state.scripts.unused().map(Scripted::to_string).collect();
    let idle: Vec<_> = state
        .scripts
        .idle()
        .map(|(scripted, why)| json!({ "fault": scripted.to_string(), "why": why.to_string() }))
        .collect();
    json!({ "queued": queued, "idle": idle })
}

pub(super) async fn clock(State(plane): State<Plane>) -> Answer {
    Answer(clock_of(&plane))
}

pub(super) fn clock_of(plane: &Plane) -> Value {
    json!({ "now": plane.inner().clock.millis() })
}

pub(super) async fn snapshots(State(plane): State<Plane>) -> Answer {
    let snapshots: Vec<u64> = plane.snapshots().kept.iter().map(|(id, _)| *id).collect();
    Answer(json!({ "snapshots": snapshots }))
}
