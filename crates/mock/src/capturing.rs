//! A transport that keeps what was sent, for a test that looks at the requests afterwards.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError, transport_fn,
};

use crate::{captured::CapturedRequest, hand_over::conclude, lock::locked, responses};

/// Records every request, then answers it or passes it on.
///
/// Clones are handles of one record. Its clock is that of the transport inside.
///
/// ```
/// use clerk_actor_tokens_core::{Client, SecretKey};
/// use clerk_actor_tokens_mock::{CapturingTransport, responses};
///
/// let transport = CapturingTransport::answering(responses::clerk_error(404, "resource_not_found"));
/// let clerk = Client::new(transport.clone(), SecretKey::new("sk_test_abc")?);
/// let error = pollster::block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap_err();
/// assert!(error.is_not_found());
/// assert_eq!(transport.only_request().path(), "/v1/actor_tokens/act_1/revoke");
/// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
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
        Self::new(transport_fn(move |_, context| std::future::ready(conclude(&context, Ok(response.clone())))))
    }

    /// Gives every request the answer that fits it: see [`Answer::echo`](crate::Answer::echo).
    #[must_use]
    pub fn echoing() -> Self {
        Self::new(transport_fn(|request, context| {
            let response = responses::echo(&CapturedRequest::new(request));
            std::future::ready(conclude(&context, Ok(response)))
        }))
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
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        let captured = CapturedRequest::new(request.clone()).with_context(context.clone());
        locked(&self.requests).push(captured);
        (*self.inner).send(request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        self.inner.timer()
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        self.inner.executor()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
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
    use crate::{FailingTransport, ManualTimer, WithTimer, hand_over::tests::context};
    use clerk_actor_tokens_core::TransportErrorKind;
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        time::Duration,
    };

    fn request(path: &str) -> Request {
        http::Request::post(format!("https://api.clerk.com{path}"))
            .header("authorization", "Bearer sk_test_CANARY")
            .header("x-a", "1")
            .body(r#"{"user_id":"user_1","note":"sk_live_CANARY"}"#.into())
            .unwrap()
    }

    #[test]
    fn it_keeps_what_was_sent_in_order_with_the_attempt() {
        let transport = CapturingTransport::echoing();
        let handle = transport.clone();
        pollster::block_on(async {
            transport.send(request("/v1/a"), context()).await.unwrap();
            transport.send(request("/v1/b"), context().with_attempt(2)).await.unwrap();
        });
        let requests = handle.requests();
        let seen: Vec<_> = requests.iter().map(|seen| (seen.path(), seen.attempt(), seen.header("x-a"))).collect();
        assert_eq!(seen, [("/v1/a", Some(1), Some("1")), ("/v1/b", Some(2), Some("1"))]);
        assert_eq!(requests[0].context().unwrap().operation(), context().operation());
        assert_eq!(requests[0].json().unwrap()["user_id"], "user_1");
    }

    #[test]
    fn the_transport_inside_gets_the_whole_request_key_and_context_included() {
        let inner = transport_fn(|request: Request, context: CallContext| async move {
            assert_eq!(request.headers()["authorization"], "Bearer sk_test_CANARY");
            assert_eq!(context.attempt(), 3);
            Ok(Response::default())
        });
        pollster::block_on(CapturingTransport::new(inner).send(request("/"), context().with_attempt(3))).unwrap();
    }

    #[test]
    fn a_request_that_fails_is_kept_too() {
        let transport = CapturingTransport::new(FailingTransport::always(TransportErrorKind::Interrupted));
        assert!(pollster::block_on(transport.send(request("/"), context())).is_err());
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
            pollster::block_on(transport.send(request("/v1/x"), context())).unwrap();
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
        assert_eq!(transport.timer().now().saturating_duration_since(before), Duration::from_secs(5));
    }
}
