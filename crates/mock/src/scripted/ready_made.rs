//! The requests of the core's operations, ready to be expected.

use serde_json::json;

use super::expected::ExpectedRequest;

/// A create call: `POST /v1/actor_tokens` with a JSON object.
///
/// Name what matters to the test with [`user_id`](ExpectedRequest::user_id),
/// [`actor_sub`](ExpectedRequest::actor_sub), [`expires_in`](ExpectedRequest::expires_in) and so on; the rest is not
/// compared.
pub fn create_request() -> ExpectedRequest {
    ExpectedRequest::post("/v1/actor_tokens").json_including(json!({}))
}

/// A revoke call: `POST /v1/actor_tokens/{id}/revoke` without a body.
pub fn revoke_request(id: impl AsRef<str>) -> ExpectedRequest {
    ExpectedRequest::post(format!("/v1/actor_tokens/{}/revoke", id.as_ref())).no_body()
}

/// A list of a user's sessions: `GET /v1/sessions` with this `user_id` in the query.
///
/// Name what else matters to the test with [`query`](ExpectedRequest::query), such as `status` or `offset`; the rest is
/// not compared.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{Answer, ScriptedTransport, list_sessions_request};
///
/// let second_page = list_sessions_request("user_1").query("limit", "10").query("offset", "10");
/// let transport = ScriptedTransport::new().expect(second_page, Answer::echo());
/// let clerk = Client::new(transport.clone(), SecretKey::new("sk_test_abc")?);
/// let list = clerk.sessions().list("user_1").limit(10).offset(10);
/// assert!(pollster::block_on(list.send()).unwrap().is_empty());
/// transport.assert_done();
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub fn list_sessions_request(user_id: impl AsRef<str>) -> ExpectedRequest {
    ExpectedRequest::get("/v1/sessions").query("user_id", user_id).no_body()
}

/// The reading of a session: `GET /v1/sessions/{id}`.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{Answer, ScriptedTransport, get_session_request};
///
/// let transport = ScriptedTransport::new().expect(get_session_request("sess_1"), Answer::echo());
/// let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// let session = pollster::block_on(clerk.sessions().get("sess_1").send()).unwrap();
/// assert!(session.status().is_live());
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub fn get_session_request(id: impl AsRef<str>) -> ExpectedRequest {
    ExpectedRequest::get(format!("/v1/sessions/{}", id.as_ref())).no_body()
}

/// The end of a session: `POST /v1/sessions/{id}/revoke` without a body.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{Answer, ScriptedTransport, revoke_session_request};
///
/// let transport = ScriptedTransport::new().expect(revoke_session_request("sess_1"), Answer::echo());
/// let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// let session = pollster::block_on(clerk.sessions().revoke("sess_1").send()).unwrap();
/// assert_eq!(session.status().as_str(), "revoked");
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
/// ```
pub fn revoke_session_request(id: impl AsRef<str>) -> ExpectedRequest {
    ExpectedRequest::post(format!("/v1/sessions/{}/revoke", id.as_ref())).no_body()
}
