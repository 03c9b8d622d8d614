//! Ready-made answers of Clerk's, as the core's [`Response`].
//!
//! Each has the shape that Clerk's OpenAPI description gives it. A builder becomes a [`Response`] by `build()` or
//! `into()`, and goes as it is wherever a double takes an answer. Everything in them is fixed, so two runs of a test
//! see the same bytes. What they do not do is behave: an answer knows nothing of the request. For that, see
//! [`Answer::echo`](crate::Answer::echo), or take the emulator.
//!
//! ```
//! use clerk_actor_tokens_mock::responses;
//!
//! let response = responses::actor_token().user_id("user_1").actor_sub("user_agent").build();
//! assert_eq!(response.status(), 200);
//!
//! let response = responses::clerk_error(422, "form_param_missing").param("user_id").build();
//! assert_eq!(response.status(), 422);
//! ```
mod error;
mod head;
mod object;
mod sample;
mod session;
mod token;

use clerk_actor_tokens_core::{Response, TransportError, TransportErrorKind};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, SERVER},
};

use self::head::{Head, status_code};
pub(crate) use self::head::{header_name, header_value};
pub use self::{
    error::ClerkErrorResponse,
    sample::{SAMPLE_ACTOR_SUB, SAMPLE_ID, SAMPLE_SESSION_ID, SAMPLE_USER_ID},
    session::{SessionResponse, SessionsResponse},
    token::ActorTokenResponse,
};
use crate::captured::CapturedRequest;

/// A new actor token: 200, pending, with ticket and sign-in link.
///
/// The client compares user and actor with those that it asked for, so give the same ones here.
pub fn actor_token() -> ActorTokenResponse {
    ActorTokenResponse::pending()
}

/// The answer to a successful revoke: 200 and the token, revoked.
///
/// Clerk's description leaves open whether `token` and `url` come back; here both are null. The client compares the
/// id with the one that it asked for, so give the same one here.
pub fn revoked_actor_token() -> ActorTokenResponse {
    ActorTokenResponse::revoked()
}

/// A session: 200, active, with an actor. One of the user's own has `field("actor", Value::Null)`, one that was ended
/// `status("revoked")`.
///
/// The client compares the id with the one that it asked for, and in a list the user. So give the same ones here.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
/// let session = responses::session().user_id("user_1").actor_sub("user_agent").to_session();
/// assert_eq!(session.actor().and_then(|actor| actor.sub()), Some("user_agent"));
/// ```
pub fn session() -> SessionResponse {
    SessionResponse::active()
}

/// A page of sessions: 200, with these as `data`, and their number as `total_count`.
///
/// Status and headers are those of the page: what a session was given of them does not count.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{ScriptedTransport, list_sessions_request, responses};
///
/// let page = responses::sessions(["sess_1", "sess_2"].map(|id| responses::session().id(id).user_id("user_1")));
/// let transport = ScriptedTransport::new().expect(list_sessions_request("user_1"), page);
/// let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// let sessions = pollster::block_on(clerk.sessions().list("user_1").send()).unwrap();
/// assert_eq!(sessions.len(), 2);
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub fn sessions(sessions: impl IntoIterator<Item = SessionResponse>) -> SessionsResponse {
    SessionsResponse::new(sessions)
}

/// An error in Clerk's own form, with this status and code. A code that Clerk's clients know brings Clerk's words.
///
/// # Panics
/// If `status` is no HTTP status (100 to 999).
#[track_caller]
pub fn clerk_error(status: u16, code: &str) -> ClerkErrorResponse {
    ClerkErrorResponse::new(status_code(status), code)
}

/// The answer to revoking a token that is not pending: 400, with `status` in Clerk's words, which is where the client
/// reads it.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
/// let body = responses::cannot_be_revoked("accepted").build().into_body();
/// assert!(String::from_utf8_lossy(&body).contains("its status is `accepted`"));
/// ```
pub fn cannot_be_revoked(status: &str) -> ClerkErrorResponse {
    ClerkErrorResponse::new(StatusCode::BAD_REQUEST, "actor_token_cannot_be_revoked_code").long_message(format!(
        "Actor token cannot be revoked because its status is `{status}`. Only pending tokens can be revoked."
    ))
}

/// 429 with `Retry-After` in whole seconds.
///
/// ```
/// use clerk_actor_tokens_mock::responses;
/// assert_eq!(responses::rate_limited(7).build().headers()["retry-after"], "7");
/// ```
pub fn rate_limited(retry_after_seconds: u64) -> ClerkErrorResponse {
    let mut response = ClerkErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
    response.head.headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
    response
}

/// A page of HTML that is not Clerk's: what an edge (520 to 527), a proxy or a captive portal sends.
///
/// # Panics
/// If `status` is no HTTP status (100 to 999).
///
/// ```
/// use clerk_actor_tokens_mock::responses;
/// assert_eq!(responses::html(520).headers()["content-type"], "text/html; charset=UTF-8");
/// ```
#[track_caller]
#[must_use]
pub fn html(status: u16) -> Response {
    let mut head = Head::new(status_code(status));
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    head.headers.insert(SERVER, HeaderValue::from_static("edge"));
    head.with_body(format!("<!DOCTYPE html>\n<html><head><title>{status}</title></head><body></body></html>\n"))
}

/// A response that broke off: the connection was lost after the head and this many bytes of the body.
///
/// ```
/// use clerk_actor_tokens_core::TransportErrorKind;
/// use clerk_actor_tokens_mock::responses;
///
/// let error = responses::cut_short(responses::actor_token(), 40);
/// assert_eq!(error.kind(), TransportErrorKind::Interrupted);
/// assert_eq!(error.partial().unwrap().body().len(), 40);
/// ```
#[must_use]
pub fn cut_short(response: impl Into<Response>, kept_bytes: usize) -> TransportError {
    let partial = response.into().map(|mut body| {
        body.truncate(kept_bytes);
        body
    });
    TransportError::new(TransportErrorKind::Interrupted).with_partial(partial)
}

/// The success that fits a request: see [`Answer::echo`](crate::Answer::echo).
pub(crate) fn echo(request: &CapturedRequest) -> Response {
    let path: Vec<_> = request.path().split('/').collect();
    match (request.method(), path.as_slice()) {
        (&Method::POST, [.., "actor_tokens", id, "revoke"]) => revoked_actor_token().id(*id).build(),
        (&Method::POST, [.., "actor_tokens"]) => {
            let mut answer = actor_token();
            for field in ["user_id", "actor"] {
                if let Some(asked) = request.json().as_ref().and_then(|body| body.get(field)) {
                    answer = answer.field(field, asked.clone());
                }
            }
            answer.build()
        }
        (&Method::GET, [.., "sessions", id]) => session().id(*id).build(),
        (&Method::POST, [.., "sessions", id, "revoke"]) => session().id(*id).status("revoked").build(),
        (&Method::GET, [.., "sessions"]) => sessions([]).build(),
        _ => clerk_error(404, "resource_not_found").build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clerk_actor_tokens_core::Request;
    use serde_json::{Value, json};
    use std::{
        fmt::Debug,
        panic::{UnwindSafe, catch_unwind},
    };

    fn body(response: impl Into<Response>) -> Value {
        serde_json::from_slice(response.into().body()).unwrap()
    }

    #[test]
    fn a_new_token_has_every_field_of_the_description() {
        let response = actor_token().build();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = body(response);
        let token = body["token"].as_str().unwrap();
        assert_eq!(body["object"], "actor_token");
        assert_eq!(body["id"], SAMPLE_ID);
        assert_eq!(body["status"], "pending");
        assert_eq!(body["user_id"], SAMPLE_USER_ID);
        assert_eq!(body["actor"], json!({ "sub": SAMPLE_ACTOR_SUB }));
        assert!(body["url"].as_str().unwrap().ends_with(&format!("/v1/tickets/accept?ticket={token}")));
        assert!(body["created_at"].is_i64() && body["updated_at"].is_i64());
        assert_eq!(body.as_object().unwrap().len(), 9);
    }

    #[test]
    fn every_part_of_a_token_can_be_set_nulled_and_left_out() {
        let body = body(
            actor_token()
                .id("act_1")
                .user_id("user_1")
                .actor_sub("agent")
                .status("brand_new")
                .field("token", Value::Null)
                .field("more", 1)
                .without("url"),
        );
        assert_eq!(body["id"], "act_1");
        assert_eq!(body["user_id"], "user_1");
        assert_eq!(body["actor"]["sub"], "agent");
        assert_eq!(body["status"], "brand_new");
        assert!(body["token"].is_null() && body.get("token").is_some());
        assert_eq!(body["more"], 1);
        assert_eq!(body.get("url"), None);
    }

    #[test]
    fn a_session_has_every_field_of_the_description() {
        let response = session().build();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = body(response);
        assert_eq!(body["object"], "session");
        assert_eq!(body["id"], SAMPLE_SESSION_ID);
        assert_eq!(body["user_id"], SAMPLE_USER_ID);
        assert!(body["client_id"].as_str().unwrap().starts_with("client_"));
        assert_eq!(body["status"], "active");
        assert_eq!(body["actor"], json!({ "sub": SAMPLE_ACTOR_SUB }));
        for nullable in ["last_active_organization_id", "tasks", "latest_activity"] {
            assert_eq!(body.get(nullable), Some(&Value::Null), "{nullable}");
        }
        let time = |name: &str| body[name].as_i64().unwrap();
        assert!(time("created_at") <= time("updated_at") && time("created_at") <= time("last_active_at"));
        assert!(time("last_active_at") < time("expire_at") && time("expire_at") <= time("abandon_at"));
        assert_eq!(body.as_object().unwrap().len(), 14);
    }

    #[test]
    fn every_part_of_a_session_can_be_set_nulled_and_left_out() {
        let response = session()
            .id("sess_1")
            .user_id("user_1")
            .actor_sub("agent")
            .status("brand_new")
            .field("client_id", Value::Null)
            .field("more", 1)
            .without("tasks")
            .http_status(202)
            .header("x-a", "1")
            .build();
        assert_eq!((response.status().as_u16(), &response.headers()["x-a"]), (202, &HeaderValue::from_static("1")));
        let body = body(response);
        assert_eq!(body["id"], "sess_1");
        assert_eq!(body["user_id"], "user_1");
        assert_eq!(body["actor"], json!({ "sub": "agent" }));
        assert_eq!(body["status"], "brand_new");
        assert!(body["client_id"].is_null() && body.get("client_id").is_some());
        assert_eq!(body["more"], 1);
        assert_eq!(body.get("tasks"), None);
    }

    #[test]
    fn a_page_has_its_sessions_in_their_order_and_counts_them() {
        assert_eq!(body(sessions([])), json!({ "data": [], "total_count": 0 }));
        let page = sessions([session().id("sess_2").http_status(500).header("x-a", "1"), session().id("sess_1")]);
        let response = page.header("x-b", "1").build();
        assert_eq!((response.status().as_u16(), response.headers().get("x-a")), (200, None));
        assert_eq!(response.headers()["x-b"], "1");
        let page = body(response);
        assert_eq!((&page["data"][0]["id"], &page["data"][1]["id"]), (&json!("sess_2"), &json!("sess_1")));
        assert_eq!(page["data"][1], body(session().id("sess_1")));
        assert_eq!(page["total_count"], 2);
        assert_eq!(body(sessions([session()]).field("total_count", 7))["total_count"], 7);
    }

    #[test]
    fn a_session_as_a_value_has_what_the_answer_says() {
        let value = session().id("sess_1").user_id("user_1").actor_sub("a").to_session();
        assert_eq!((value.id().as_str(), value.user_id(), value.status().as_str()), ("sess_1", "user_1", "active"));
        assert_eq!(value.actor().and_then(|actor| actor.sub()), Some("a"));
        assert!(value.client_id().is_some() && value.expire_at() > value.created_at());
        let own = session().field("actor", Value::Null).status("ended").to_session();
        assert!(own.actor().is_none() && !own.status().is_live());
    }

    #[test]
    fn status_and_headers_can_be_set() {
        let response = revoked_actor_token().http_status(202).header("x-a", "1").build();
        assert_eq!((response.status().as_u16(), &response.headers()["x-a"]), (202, &HeaderValue::from_static("1")));
        assert_eq!(body(response)["status"], "revoked");
    }

    #[test]
    fn a_known_code_brings_clerks_words_and_each_can_be_replaced() {
        let response = clerk_error(422, "form_param_missing").param("user_id").build();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["content-type"], "application/json");
        let known = body(response);
        assert_eq!(known["errors"][0]["message"], "is missing");
        assert_eq!(known["errors"][0]["long_message"], "user_id must be included.");
        assert_eq!(known["errors"][0]["code"], "form_param_missing");
        assert_eq!(known["errors"][0]["meta"], json!({ "param_name": "user_id" }));
        assert_eq!(known["clerk_trace_id"].as_str().unwrap().len(), 32);

        let own = body(
            clerk_error(422, "impersonation_limit_exceeded")
                .message("m")
                .long_message("l")
                .meta("limit", 5)
                .meta("used", 5)
                .and("second")
                .message("n")
                .trace_id("t"),
        );
        let expected = json!({
            "errors": [
                { "code": "impersonation_limit_exceeded", "message": "m", "long_message": "l",
                  "meta": { "limit": 5, "used": 5 } },
                { "code": "second", "message": "n", "long_message": "second", "meta": {} },
            ],
            "meta": {},
            "clerk_trace_id": "t",
        });
        assert_eq!(own, expected);
    }

    #[test]
    fn a_known_code_has_clerks_words_and_a_new_one_itself() {
        let table = [
            ("too_many_requests", "Too many requests", "Too many requests, retry later"),
            ("a_new_code", "a_new_code", "a_new_code"),
        ];
        for (code, message, long_message) in table {
            let error = &body(clerk_error(400, code))["errors"][0];
            assert_eq!((&error["message"], &error["long_message"]), (&json!(message), &json!(long_message)), "{code}");
        }
    }

    #[test]
    fn a_cut_reply_keeps_the_head_and_no_more_than_was_asked_for() {
        for kept in [0, 1, 100, usize::MAX] {
            let whole = actor_token().build();
            let error = cut_short(whole.clone(), kept);
            let partial = error.partial().unwrap();
            assert_eq!(partial.status(), 200);
            assert_eq!(partial.body(), &whole.body()[..kept.min(whole.body().len())]);
        }
    }

    #[test]
    fn an_echo_repeats_what_was_asked_for() {
        let send = |method: &str, path: &str, body: &'static str| {
            let request = http::Request::builder().method(method).uri(path).body(body.into()).unwrap();
            echo(&CapturedRequest::new(request))
        };
        let created = body(send("POST", "/v1/actor_tokens", r#"{"user_id":"u","actor":{"sub":"s","x":1}}"#));
        assert_eq!((&created["user_id"], &created["actor"]), (&json!("u"), &json!({ "sub": "s", "x": 1 })));
        assert_eq!(body(send("POST", "/v1/actor_tokens", ""))["user_id"], SAMPLE_USER_ID);
        let revoked = body(send("POST", "/elsewhere/v1/actor_tokens/act_7/revoke", ""));
        assert_eq!((&revoked["id"], &revoked["status"]), (&json!("act_7"), &json!("revoked")));
        let page = body(send("GET", "/v1/sessions?user_id=user_1&paginated=true", ""));
        assert_eq!(page, json!({ "data": [], "total_count": 0 }));
        for (method, path, status) in
            [("GET", "/v1/sessions/sess_7", "active"), ("POST", "/else/v1/sessions/sess_7/revoke", "revoked")]
        {
            let session = body(send(method, path, ""));
            assert_eq!((&session["id"], &session["status"]), (&json!("sess_7"), &json!(status)), "{path}");
        }
        for (method, path) in [("GET", "/v1/actor_tokens"), ("POST", "/v1/sessions"), ("POST", "/v1/sessions/sess_7")] {
            assert_eq!(send(method, path, "").status(), 404, "{method} {path}");
        }
        assert_eq!(echo(&CapturedRequest::new(Request::default())).status(), 404);
    }

    #[test]
    fn a_token_as_a_value_has_what_the_answer_says() {
        let token = actor_token().id("act_1").user_id("user_1").actor_sub("a").to_actor_token();
        assert_eq!((token.id().as_str(), token.user_id()), ("act_1", "user_1"));
        assert_eq!(token.actor().and_then(|actor| actor.sub()), Some("a"));
        assert!(token.url().is_some() && token.token().is_some());
        let bare = revoked_actor_token().without("actor").without("token").field("url", Value::Null).to_actor_token();
        assert_eq!(bare.status().as_str(), "revoked");
        assert!(bare.actor().is_none() && bare.url().is_none() && bare.token().is_none());
    }

    #[test]
    fn a_wrong_argument_fails_at_once_in_clear_words_and_shows_no_value() {
        fn message<T: Debug>(wrong: impl FnOnce() -> T + UnwindSafe) -> String {
            let panic = catch_unwind(wrong).unwrap_err();
            panic.downcast_ref::<String>().unwrap().clone()
        }
        let table = [
            (message(|| clerk_error(99, "x")), "99 is no HTTP status: it must be 100 to 999"),
            (message(|| html(1000)), "1000 is no HTTP status: it must be 100 to 999"),
            (message(|| actor_token().http_status(0)), "0 is no HTTP status: it must be 100 to 999"),
            (message(|| actor_token().header("a b", "CANARY")), "\"a b\" is no header name"),
            (
                message(|| clerk_error(400, "x").header("x-a", "CANARY\n")),
                "the value for the header x-a holds a character that no header can hold",
            ),
        ];
        for (message, expected) in table {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn an_answer_that_is_no_token_or_session_cannot_be_made_one_and_its_values_are_not_shown() {
        let broken_sessions = [
            session().field("id", "CANARY/"),
            session().field("status", vec!["CANARY"]),
            session().http_status(500).field("note", "CANARY"),
            session().field("object", "CANARY"),
        ];
        for broken in broken_sessions {
            let panic = catch_unwind(std::panic::AssertUnwindSafe(|| broken.to_session())).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.starts_with("no client takes this answer for a session"), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
        }
        let broken = [
            actor_token().field("id", "CANARY/"),
            actor_token().field("status", vec!["CANARY"]),
            actor_token().http_status(500).field("note", "CANARY"),
        ];
        for broken in broken {
            let panic = catch_unwind(std::panic::AssertUnwindSafe(|| broken.to_actor_token())).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.starts_with("no client takes this answer"), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
        }
    }

    #[test]
    fn debug_shows_no_credential() {
        let token = actor_token()
            .field("token", "CANARY")
            .field("url", "https://x.test/?ticket=CANARY")
            .field("actor", json!({ "sub": "sk_live_CANARY" }))
            .header("x-a", "sk_live_CANARY");
        let error = clerk_error(400, "sk_live_CANARY").message("Bearer CANARY").meta("k", "sk_live_CANARY");
        let session = session().field("actor", json!({ "sub": "sk_live_CANARY" })).field("sk_live_CANARY", 1);
        let page = sessions([session.clone()]).header("x-a", "sk_live_CANARY").field("Bearer CANARY", 1);
        let shown = format!("{token:?} {token:#?} {error:?} {error:#?} {session:?} {session:#?} {page:?} {page:#?}");
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}
