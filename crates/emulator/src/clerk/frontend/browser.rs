//! What a browser gets: its client with its sessions, and its cookies.

use clerk_actor_tokens_core::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use super::super::{
    Clerk,
    errors::json_answer,
    session::SessionRecord,
    session_token::{Asker, LIFETIME},
};

impl Clerk {
    /// The answer to a sign-in: the attempt, the client, and the cookies of the application.
    pub(super) fn signed_in(&mut self, id: &str, now: i64, trace: &str) -> Response {
        let attempt = json!({
            "object": "sign_in_attempt",
            "id": self.ids.extra("sia"),
            "status": "complete",
            "created_session_id": id,
        });
        let client = self.client(id, now);
        let jwt = client.pointer("/sessions/0/last_active_token/jwt").and_then(Value::as_str).unwrap_or("").to_owned();
        let mut response = json_answer(StatusCode::OK, &json!({ "response": attempt, "client": client }), trace);
        let secure = if self.origin().starts_with("https:") { "; Secure" } else { "" };
        for (name, value) in [("__session", jwt), ("__client_uat", now.div_euclid(1000).to_string())] {
            set_cookie(response.headers_mut(), &format!("{name}={value}; Path=/; SameSite=Lax{secure}"));
        }
        response
    }

    /// A session, and the client that it is in.
    pub(super) fn session_and_client(&mut self, id: &str, now: i64) -> Value {
        let session = self.sessions.get(id).map(|session| self.session_value(session));
        json!({ "response": session, "client": self.client(id, now) })
    }

    /// `{jwt}`, as a page gets it.
    pub(super) fn token_of(&mut self, id: &str, now: i64) -> Value {
        json!({ "object": "token", "jwt": self.sign(id, LIFETIME, Asker::Page, now) })
    }

    /// The client of a session, with those of its sessions that are live.
    fn client(&mut self, id: &str, now: i64) -> Value {
        let client_id = self.sessions.get(id).map(|session| session.client_id.clone());
        let is_in = |session: &&SessionRecord| Some(&session.client_id) == client_id.as_ref() && session.is_live();
        let live: Vec<_> = self.sessions.iter().filter(is_in).map(|session| session.id.clone()).collect();
        let mut sessions = Vec::new();
        for id in &live {
            let token = self.token_of(id, now);
            let Some(mut session) = self.sessions.get(id).map(|session| self.session_value(session)) else { continue };
            if let Some(members) = session.as_object_mut() {
                members.insert("last_active_token".to_owned(), token);
            }
            sessions.push(session);
        }
        json!({ "object": "client", "id": client_id, "sessions": sessions, "last_active_session_id": live.last() })
    }

    fn session_value(&self, session: &SessionRecord) -> Value {
        // Texts, numbers and an actor that came as JSON: this cannot fail to be written.
        serde_json::to_value(session.to_answer(self.settings.drop_actor_keys)).unwrap_or_default()
    }
}

/// The user has signed out.
pub(super) fn clear_cookies(headers: &mut HeaderMap) {
    set_cookie(headers, "__session=; Path=/; Max-Age=0");
    set_cookie(headers, "__client_uat=0; Path=/; SameSite=Lax");
}

fn set_cookie(headers: &mut HeaderMap, cookie: &str) {
    // Base64url, digits and attributes: this can stand in a header.
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        headers.append(SET_COOKIE, cookie);
    }
}
