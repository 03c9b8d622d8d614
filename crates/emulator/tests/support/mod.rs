//! Requests by hand, for tests that no client stands in front of.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use bytes::Bytes;
use clerk_actor_tokens_core::{
    CallContext, CreateActorToken, Deadline, HttpTransport, Operation as _, Request, Response,
};
use clerk_actor_tokens_emulator::Emulator;
use serde_json::{Value, json};

pub(crate) const KEY: &str = "Bearer sk_test_emulator";

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request {
    let mut request = Request::new(body.into());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("https://api.clerk.com{path}").parse().unwrap();
    with_header(with_header(request, "authorization", KEY), "content-type", "application/json")
}

pub(crate) fn create(body: Value) -> Request {
    post("/v1/actor_tokens", body.to_string())
}

pub(crate) fn revoke(id: &str) -> Request {
    post(&format!("/v1/actor_tokens/{id}/revoke"), "")
}

pub(crate) fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

pub(crate) fn without_header(mut request: Request, name: &str) -> Request {
    request.headers_mut().remove(name);
    request
}

/// A good create, as the second attempt of a call with this much time left.
pub(crate) fn call_within(clerk: &Emulator, limit: Duration) -> Request {
    let mut request = create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } }));
    let deadline = Deadline::after(clerk.timer().now(), limit);
    request.extensions_mut().insert(CallContext::new(&CreateActorToken::INFO, deadline).with_attempt(2));
    request
}

pub(crate) fn send(clerk: &Emulator, request: Request) -> Response {
    pollster::block_on(clerk.send(request)).unwrap()
}

pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}
