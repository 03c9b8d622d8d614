//! Requests by hand, for tests without a client.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use bytes::Bytes;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, CreateActorToken, Deadline, HttpTransport, Request, Response, TransportError,
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

pub(crate) fn get(path: &str) -> Request {
    let mut request = post(path, "");
    *request.method_mut() = http::Method::GET;
    request
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

/// A request and its context.
pub(crate) type Call = (Request, CallContext);

/// The context of a first attempt with this much time left.
pub(crate) fn context_within(clerk: &Emulator, limit: Duration) -> CallContext {
    CallContext::new(&CreateActorToken::INFO, Deadline::after(clerk.timer().now(), limit))
}

/// A good create, as the second attempt of a call with this much time left.
pub(crate) fn call_within(clerk: &Emulator, limit: Duration) -> Call {
    let request = create(json!({ "user_id": "user_1", "actor": { "sub": "user_agent" } }));
    (request, context_within(clerk, limit).with_attempt(2))
}

pub(crate) trait IntoCall {
    fn into_call(self, clerk: &Emulator) -> Call;
}

impl IntoCall for Call {
    fn into_call(self, _: &Emulator) -> Call {
        self
    }
}

impl IntoCall for Request {
    fn into_call(self, clerk: &Emulator) -> Call {
        (self, context_within(clerk, Duration::from_secs(30)))
    }
}

/// Waits until something is so that another thread makes so.
pub(crate) fn until(so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was so");
}

pub(crate) fn exchange(clerk: &Emulator, call: impl IntoCall) -> BoxFuture<'_, Result<Response, TransportError>> {
    let (request, context) = call.into_call(clerk);
    clerk.send(request, context)
}

pub(crate) fn send(clerk: &Emulator, call: impl IntoCall) -> Response {
    pollster::block_on(exchange(clerk, call)).unwrap()
}

pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}
