//! What an error of a service proves, and that nothing of its request is sent later.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens_core::{
    CallContext, CreateActorToken, Deadline, HttpTransport as _, SystemTimer, Timer as _, TransportErrorKind,
    bytes::Bytes, http,
};
use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
use http_body_util::Full;

#[derive(Debug, Clone, Copy)]
struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service failed")
    }
}

impl std::error::Error for Failed {}

/// Fails, with the body taken or not.
#[derive(Clone, Copy)]
struct Failing {
    takes_the_body: bool,
}

impl tower::Service<http::Request<RequestBody>> for Failing {
    type Response = http::Response<Full<Bytes>>;
    type Error = Failed;
    type Future = Ready<Result<Self::Response, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<RequestBody>) -> Self::Future {
        if self.takes_the_body {
            let body = std::pin::Pin::new(request.body_mut());
            let mut task = Context::from_waker(std::task::Waker::noop());
            assert!(http_body::Body::poll_frame(body, &mut task).is_ready());
        }
        ready(Err(Failed))
    }
}

fn context() -> CallContext {
    CallContext::new(&CreateActorToken::INFO, Deadline::after(SystemTimer.now(), Duration::from_secs(30)))
}

fn request() -> http::Request<Bytes> {
    http::Request::post("http://127.0.0.1/v1/actor_tokens").body("{}".into()).unwrap()
}

#[test]
fn an_error_before_the_body_was_taken_is_proved_and_the_request_is_never_sent_later() {
    let context = context();
    let transport = TowerTransport::new(Failing { takes_the_body: false });
    let error = pollster::block_on(transport.send(request(), context.clone())).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    // A client below may still have it in a queue.
    assert!(context.send_state().is_unsent() && !context.send_state().begin());
}

#[test]
fn an_error_after_that_proves_nothing_whatever_is_claimed() {
    use TransportErrorKind::{Canceled, Connect, Refused, RefusedOnNewConnection};
    for claimed in [Connect, Refused, RefusedOnNewConnection, Canceled] {
        let transport = TowerTransport::new(Failing { takes_the_body: true })
            .claim(move |cause| cause.is::<Failed>().then_some(claimed));
        let error = pollster::block_on(transport.send(request(), context())).unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Interrupted, "{claimed:?}");
    }
}
