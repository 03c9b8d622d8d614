//! The requests of the desk.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::CACHE_CONTROL},
    response::IntoResponse,
    routing::{delete, get},
};
use clerk_actor_tokens::{Actor, ActorTokenId, Error, Revocation};
use serde::Deserialize;
use serde_json::json;

use crate::{Desk, engineer::Engineer, failure::Failure, records::Doubt};

/// A link that no one opens is soon worth nothing.
const LINK: Duration = Duration::from_secs(60);
const SESSION: Duration = Duration::from_secs(15 * 60);
/// In bytes. The reason is in the session token, for whose cookie there is little room.
const LONGEST_REASON: usize = 200;

/// Returns the routes of the desk.
pub fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/impersonations", get(list).post(impersonate))
        .route("/impersonations/{id}", delete(revoke))
        .with_state(desk)
}

#[derive(Deserialize)]
struct Wanted {
    customer: String,
    reason: String,
}

/// What a failed creation was for.
struct Attempted {
    customer: String,
    engineer: String,
    reason: String,
}

/// Makes a token, writes it down, and hands the link out: in the body of a response to a POST, which nothing stores.
async fn impersonate(
    State(desk): State<Desk>,
    engineer: Engineer,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Failure> {
    if !engineer.may_impersonate(&wanted.customer) {
        return Err(Failure::Forbidden);
    }
    if wanted.reason.is_empty() || wanted.reason.len() > LONGEST_REASON {
        return Err(Failure::Reason);
    }
    let actor = Actor::new(&engineer.0).with("reason", &*wanted.reason);
    let create = desk.clerk.actor_tokens().create(&wanted.customer, actor);
    let attempted = Attempted { customer: wanted.customer, engineer: engineer.0, reason: wanted.reason };
    let held = match create.expires_in(LINK).session_max_duration(SESSION).hold().await {
        Ok(held) => held,
        Err(error) => return Err(undone(&desk, attempted, error).await),
    };
    // Whatever ends this handler before `keep`, an error or a closed tab, revokes the token.
    if held.url().is_none() {
        return Err(Failure::NoLink);
    }
    desk.records.write_down(held.record()).await?;
    let token = match held.keep().await {
        Ok(token) => token,
        Err(error) => return Err(undone(&desk, attempted, error).await),
    };
    let link = token.url().map(|url| url.expose());
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(json!({ "id": token.id(), "url": link }))))
}

/// Writes down what a failed call may have made, and revokes it where its id is known. If the tab closes meanwhile, the record stays.
async fn undone(desk: &Desk, attempted: Attempted, error: Error) -> Failure {
    // What a detached exchange makes, the client revokes.
    if !error.is_ambiguous() || error.is_detached() {
        return error.into();
    }
    let id = error.salvaged_actor_token().cloned();
    let until = error.exposure_until().and_then(|until| until.duration_since(UNIX_EPOCH).ok());
    desk.records.doubt(Doubt {
        customer: attempted.customer,
        engineer: attempted.engineer,
        reason: attempted.reason,
        id: id.clone(),
        unconfirmed_id: error.unconfirmed_id().map(str::to_owned),
        until: until.map(|until| until.as_secs()),
    });
    if let Some(id) = id {
        match desk.clerk.actor_tokens().revoke(&id).send().await {
            Ok(_) => desk.records.revoked(&id).await,
            Err(error) => log::error!("{id} was made, its link is lost, and it was not revoked: {error}"),
        }
    }
    error.into()
}

async fn list(State(desk): State<Desk>, _: Engineer) -> impl IntoResponse {
    Json(json!({ "tokens": desk.records.all(), "doubts": desk.records.doubts() }))
}

async fn revoke(State(desk): State<Desk>, _: Engineer, Path(id): Path<String>) -> Result<impl IntoResponse, Failure> {
    let id = ActorTokenId::new(id).map_err(Error::from)?;
    let outcome = match desk.clerk.actor_tokens().revoke(&id).send().await {
        Ok(Revocation::Revoked(_)) => "revoked",
        Ok(Revocation::AlreadyRevoked) => "already_revoked",
        Err(error) => {
            // If its link was used, what it opened is ended.
            let end = desk.records.find(&id).and_then(|record| error.end_session(&record));
            let Some(end) = end else { return Err(error.into()) };
            desk.clerk.impersonations().run(end).send().await?;
            "session_ended"
        }
    };
    desk.records.revoked(&id).await;
    Ok(Json(json!({ "outcome": outcome })))
}
