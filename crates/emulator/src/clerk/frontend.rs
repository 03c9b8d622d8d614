//! The frontend API: what a browser sends that opens a link, and then works in the session. No secret key is needed.
//!
//! Clerk's browser script needs more to start (its environment and its client); that is not here.

mod browser;

use std::time::{Duration, UNIX_EPOCH};

use clerk_actor_tokens_core::{Request, Response};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, LOCATION, VARY},
};
use serde_json::json;

use self::browser::clear_cookies;
#[cfg(feature = "control")]
use super::errors::traced;
use super::{
    AcceptError, Clerk,
    answers::date,
    errors::{PARAM_INVALID, PARAM_MISSING, TICKET_INVALID, finish, json_answer},
    frontend_route::FrontendRoute as Route,
    gate, query,
    refusal::Refusal,
    token::Token,
};
#[cfg(feature = "control")]
use crate::pages;
use crate::settings::TicketUsedBy;

const STRATEGY: &str = "strategy";
const TICKET: &str = "ticket";

impl Clerk {
    pub(super) fn frontend(
        &mut self,
        route: &Route<'_>,
        request: &Request,
        now: i64,
        trace: &str,
    ) -> Result<Response, Refusal> {
        gate::check_size(request)?;
        match route {
            Route::Jwks => Ok(self.jwks(trace)),
            Route::Accept => {
                self.open_link(request, now, trace).map(vary).or_else(|refusal| not_opened(request, refusal, trace))
            }
            Route::SignIn => self.sign_in_by_ticket(request, now, trace),
            Route::Tokens(id) => {
                self.check_live(id)?;
                Ok(json_answer(StatusCode::OK, &self.token_of(id, now), trace))
            }
            Route::Touch(id) => {
                self.check_live(id)?;
                self.sessions.edit(id, |session| {
                    session.last_active_at = now;
                    session.updated_at = now;
                });
                Ok(json_answer(StatusCode::OK, &self.session_and_client(id, now), trace))
            }
            Route::End(id) => {
                self.check_live(id)?;
                self.end_session(id, "ended", now);
                let mut response = json_answer(StatusCode::OK, &self.session_and_client(id, now), trace);
                clear_cookies(response.headers_mut());
                Ok(response)
            }
        }
    }

    /// `GET /v1/tickets/accept`: sends the browser on to the application's sign-in page, which has the ticket then.
    fn open_link(&mut self, request: &Request, now: i64, trace: &str) -> Result<Response, Refusal> {
        let ticket = query::first(request.uri().query().unwrap_or(""), TICKET).ok_or(TICKET_INVALID)?;
        let id = self.id_of_link(&ticket).ok_or(TICKET_INVALID)?;
        let token = self.tokens.get(&id).ok_or(TICKET_INVALID)?;
        token.check(now).map_err(AcceptError::row)?;
        let response = match &self.settings.tokens.application_url {
            // Its own ticket: what came may have been a link, with more behind it.
            Some(url) => redirect(url.as_str(), &token.ticket, trace)?,
            None => said(token, request, trace),
        };
        if self.settings.tokens.ticket_used_by == TicketUsedBy::Get {
            self.use_up(&id, now).map_err(AcceptError::row)?;
        }
        Ok(response)
    }

    /// `POST /v1/client/sign_ins`: opens the session.
    fn sign_in_by_ticket(&mut self, request: &Request, now: i64, trace: &str) -> Result<Response, Refusal> {
        let form = String::from_utf8_lossy(request.body());
        match query::first(&form, STRATEGY).as_deref() {
            Some(TICKET) => {}
            Some(_) => return Err(PARAM_INVALID.param(STRATEGY).into()),
            None => return Err(PARAM_MISSING.param(STRATEGY).into()),
        }
        let ticket = query::first(&form, TICKET).ok_or_else(|| PARAM_MISSING.param(TICKET))?;
        let id = self.id_of_link(&ticket).ok_or(TICKET_INVALID)?;
        let session = self.accept(&id, now).map_err(AcceptError::row)?;
        Ok(self.signed_in(session.id(), now, trace))
    }
}

/// On to the application's sign-in page.
fn redirect(application_url: &str, ticket: &str, trace: &str) -> Result<Response, Refusal> {
    let location = format!("{}/sign-in?__clerk_ticket={ticket}", application_url.trim_end_matches('/'));
    let mut location = HeaderValue::from_str(&location).map_err(|_| TICKET_INVALID)?;
    location.set_sensitive(true);
    let mut response = finish(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "".into(), trace);
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The answer is of a kind that the browser chose.
fn vary(mut response: Response) -> Response {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// What a person sees where a program gets Clerk's error.
#[cfg(feature = "control")]
fn not_opened(request: &Request, refusal: Refusal, trace: &str) -> Result<Response, Refusal> {
    let row = refusal.errors.first().filter(|_| pages::are_wanted(request)).map(super::errors::ApiError::row);
    let Some(row) = row else { return Err(refusal) };
    let why = row.long_message().to_owned();
    Ok(vary(traced(pages::answer(row.status, &pages::RefusedPage { why }, pages::Forms::Here), trace)))
}

#[cfg(not(feature = "control"))]
fn not_opened(_: &Request, refusal: Refusal, _: &str) -> Result<Response, Refusal> {
    Err(refusal)
}

/// Without an application: which user, by whom, until when.
fn said(token: &Token, request: &Request, trace: &str) -> Response {
    #[cfg(feature = "control")]
    if pages::are_wanted(request) {
        let page = pages::LinkPage {
            user: pages::masked(&token.user_id),
            actor: pages::actor_named(token.actor_sub()),
            expires: clerk_actor_tokens_core::Timestamp::from_millis(token.expires_at).into(),
        };
        return traced(pages::answer(StatusCode::OK, &page, pages::Forms::Here), trace);
    }
    let accepts = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut accepts = accepts.flat_map(|value| value.split(','));
    if accepts.any(|kind| kind.trim().starts_with("application/json")) {
        let body = json!({ "user_id": token.user_id, "actor": *token.actor, "expires_at": token.expires_at });
        return json_answer(StatusCode::OK, &body, trace);
    }
    let actor = token.actor_sub().unwrap_or("an actor without a subject");
    let since = Duration::from_millis(u64::try_from(token.expires_at).unwrap_or(0));
    let until = date(UNIX_EPOCH.checked_add(since));
    let text = format!("This link signs in as the user {:?}, by {actor:?}, until {until}.\n", token.user_id);
    finish(StatusCode::OK, "text/plain; charset=utf-8", text.into(), trace)
}
