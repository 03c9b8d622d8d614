//! A transport that keeps what was sent, for a test that looks at the requests afterwards.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{Executor, HttpTransport, Request, Response, Timer, TransportError, transport_fn};

use crate::{captured::CapturedRequest, lock::locked, responses};

/// Records every request, then answers it or passes it on.
///
/// Clones are handles of one record. Its clock is that of the transport inside.
///
/// ```
/// use clerk_actor_tokens_core::{HttpTransport, Request};
/// use clerk_actor_tokens_mock::{CapturingTransport, responses};
///
/// let transport = CapturingTransport::answering(responses::clerk_error(404, "resource_not_found"));
/// let response = pollster::block_on(transport.send(Request::default())).unwrap();
/// assert_eq!(response.status(), 404);
/// assert_eq!(transport.requests().len(), 1);
/// ```
#[derive(Clone)]
pub struct CapturingTransport {
    inner: Arc<dyn HttpTransport>,
    requests: Arc<Mutex<Vec<CapturedRequest>>>,
}

impl CapturingTransport {
    /// Records what is sent through another transport.
    #[must_use]
    pub fn new(inner: impl HttpTransport) -> Self {
        Self { inner: Arc::new(inner), requests: Arc::default() }
    }

    /// Gives every request the same answer.
    #[must_use]
    pub fn answering(response: impl Into<Response>) -> Self {
        let response = response.into();
        Self::new(transport_fn(move |_| std::future::ready(Ok(response.clone()))))
    }

    /// Gives every request the answer that fits it: see [`Answer::echo`](crate::Answer::echo).
    #[must_use]
    pub fn echoing() -> Self {
        Self::new(transport_fn(|request| std::future::ready(Ok(responses::echo(&CapturedRequest::new(request))))))
    }

    /// What was sent so far, oldest first. A request counts when its future is first polled.
    #[must_use]
    pub fn requests(&self) -> Vec<CapturedRequest> {
        locked(&self.requests).clone()
    }

    /// The one request that was sent.
    ///
    /// # Panics
    /// If none or more than one was.
    #[must_use]
    #[track_caller]
    #[allow(clippy::panic, reason = "a wrong number of requests fails the test")]
    pub fn only_request(&self) -> CapturedRequest {
        match self.requests().as_slice() {
            [request] => request.clone(),
            requests => panic!("expected one request, got {}: {requests:#?}", requests.len()),
        }
    }
}

#[async_trait]
impl HttpTransport for CapturingTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        locked(&self.requests).push(CapturedRequest::new(request.clone()));
        self.inner.send(request).await
    }

    fn timer(&self) -> &dyn Timer {
        self.inner.timer()
    }

    fn executor(&self) -> Option<&dyn Executor> {
        self.inner.executor()
    }
}

impl fmt::Debug for CapturingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapturingTransport").field("requests", &self.requests()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailingTransport, ManualTimer, WithTimer};
    use clerk_actor_tokens_core::{CallContext, Deadline, Idempotency, OperationInfo, TransportErrorKind};
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        time::{Duration, Instant},
    };

    const INFO: OperationInfo = OperationInfo::new("Sample", "/sample", Idempotency::Idempotent);

    fn request(path: &str, attempt: u32) -> Request {
        let mut request = http::Request::post(format!("https://api.clerk.com{path}"))
            .header("authorization", "Bearer sk_test_CANARY")
            .header("x-a", "1")
            .body(r#"{"user_id":"user_1","note":"sk_live_CANARY"}"#.into())
            .unwrap();
        let context = CallContext::new(&INFO, Deadline::at(Instant::now())).with_attempt(attempt);
        request.extensions_mut().insert(context);
        request
    }

    #[test]
    fn it_keeps_what_was_sent_in_order_with_the_attempt() {
        let transport = CapturingTransport::echoing();
        let handle = transport.clone();
        pollster::block_on(async {
            transport.send(request("/v1/a", 1)).await.unwrap();
            transport.send(request("/v1/b", 2)).await.unwrap();
        });
        let requests = handle.requests();
        let seen: Vec<_> = requests.iter().map(|seen| (seen.path(), seen.attempt(), seen.header("x-a"))).collect();
        assert_eq!(seen, [("/v1/a", Some(1), Some("1")), ("/v1/b", Some(2), Some("1"))]);
        assert_eq!(requests[0].context().unwrap().operation(), &INFO);
        assert_eq!(requests[0].json().unwrap()["user_id"], "user_1");
    }

    #[test]
    fn the_transport_inside_gets_the_whole_request_key_and_context_included() {
        let inner = transport_fn(|request: Request| async move {
            assert_eq!(request.headers()["authorization"], "Bearer sk_test_CANARY");
            assert_eq!(CallContext::of(&request).map(CallContext::attempt), Some(3));
            Ok(Response::default())
        });
        pollster::block_on(CapturingTransport::new(inner).send(request("/", 3))).unwrap();
    }

    #[test]
    fn a_request_that_fails_is_kept_too() {
        let transport = CapturingTransport::new(FailingTransport::always(TransportErrorKind::Interrupted));
        assert!(pollster::block_on(transport.send(request("/", 1))).is_err());
        assert_eq!(transport.only_request().path(), "/");
    }

    #[test]
    fn only_request_fails_on_none_and_on_two_and_shows_no_secret() {
        let transport = CapturingTransport::answering(responses::actor_token());
        let message = |transport: &CapturingTransport| {
            let panic = catch_unwind(AssertUnwindSafe(|| transport.only_request())).unwrap_err();
            panic.downcast_ref::<String>().unwrap().clone()
        };
        assert!(message(&transport).contains("got 0"));
        for _ in 0..2 {
            pollster::block_on(transport.send(request("/v1/x", 1))).unwrap();
        }
        let message = message(&transport);
        assert!(message.contains("got 2") && message.contains("/v1/x"), "{message}");
        assert!(!format!("{message}{transport:?}").contains("CANARY"));
    }

    #[test]
    fn the_clock_is_that_of_the_transport_inside() {
        let timer = ManualTimer::new();
        let transport = CapturingTransport::new(WithTimer::new(CapturingTransport::echoing(), timer.clone()));
        let before = transport.timer().now();
        timer.advance(Duration::from_secs(5));
        assert_eq!(transport.timer().now() - before, Duration::from_secs(5));
    }
}
