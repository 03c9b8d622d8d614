//! The requests of the desk.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, REFERRER_POLICY},
    },
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

/// Makes a token, writes it down, and hands the link out: in the body of a response to a POST, which nothing stores.
async fn impersonate(
    State(desk): State<Desk>,
    Engineer(engineer): Engineer,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Failure> {
    let actor = Actor::new(engineer).with("reason", wanted.reason);
    let create = desk.clerk.actor_tokens().create(&wanted.customer, actor);
    let held = match create.expires_in(LINK).session_max_duration(SESSION).hold().await {
        Ok(held) => held,
        Err(error) => {
            take_back(&desk, wanted.customer, &error).await;
            return Err(error.into());
        }
    };
    // Whatever ends this handler before `keep`, an error or a closed tab, revokes the token.
    if held.url().is_none() {
        return Err(Failure::NoLink);
    }
    desk.records.write_down(held.record()).await?;
    let token = held.keep().await?;
    let link = token.url().map(|url| url.expose());
    let headers = [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];
    Ok((StatusCode::CREATED, headers, Json(json!({ "id": token.id(), "url": link }))))
}

/// Writes down what a failed call may have made, and revokes it where its id is known. If the tab closes meanwhile, the record stays.
async fn take_back(desk: &Desk, customer: String, error: &Error) {
    // What a detached exchange makes, the client revokes.
    if !error.is_ambiguous() || error.is_detached() {
        return;
    }
    let id = error.salvaged_actor_token().cloned();
    let until = error.exposure_until().and_then(|until| until.duration_since(UNIX_EPOCH).ok());
    desk.records.doubt(Doubt { customer, id: id.clone(), until: until.map(|until| until.as_secs()) });
    let Some(id) = id else { return };
    match desk.clerk.actor_tokens().revoke(&id).send().await {
        Ok(_) => desk.records.revoked(&id).await,
        Err(error) => log::error!("{id} was made, its link is lost, and it was not revoked: {error}"),
    }
}

async fn list(State(desk): State<Desk>, _: Engineer) -> impl IntoResponse {
    Json(json!({ "tokens": desk.records.all(), "doubts": desk.records.doubts() }))
}

async fn revoke(State(desk): State<Desk>, _: Engineer, Path(id): Path<String>) -> Result<impl IntoResponse, Failure> {
    let id = ActorTokenId::new(id).map_err(Error::from)?;
    let outcome = match desk.clerk.actor_tokens().revoke(&id).send().await? {
        Revocation::Revoked(_) => "revoked",
        Revocation::AlreadyRevoked => "already_revoked",
    };
    desk.records.revoked(&id).await;
    Ok(Json(json!({ "outcome": outcome })))
}
