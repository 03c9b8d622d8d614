//! Mocks made by `mockall`, for tests that set expectations in its language.

use std::sync::Arc;

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    ActorToken, ActorTokenId, ActorTokensApi, ApiResponse, CallContext, CreateActorToken, EndError, EndImpersonation,
    Ended, Error, Executor, Held, HttpTransport, Request, Response, Revocation, SystemTimer, ThreadExecutor, Timer,
    TransportError,
};
use mockall::mock;

use crate::{captured::CapturedRequest, hand_over::conclude};

/// What `mockall` mocks in place of [`HttpTransport`]: it prints the arguments of an unexpected call, and
/// the `Debug` of `http::Request` prints the body.
#[async_trait]
pub(crate) trait Exchange: Send + Sync {
    async fn send(&self, request: CapturedRequest) -> Result<Response, TransportError>;
}

mock! {
    /// A `mockall` mock of [`HttpTransport`]: set expectations with `expect_send()`.
    ///
    /// Its closures get the request as a [`CapturedRequest`], which `mockall` can print without showing a secret. The
    /// clock is the system's; for another one, wrap it: [`WithTimer`](crate::WithTimer).
    ///
    /// The mock keeps the [`SendState`](clerk_actor_tokens_core::SendState): a closure that returns an error which says
    /// that nothing was sent leaves the request held.
    ///
    /// Of a request that fits no expectation, `mockall` says `No matching expectation found` and prints the request,
    /// not what differs. [`ScriptedTransport`](crate::ScriptedTransport) says what differs, and from which line of the
    /// test.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{
    ///     CallContext, CreateActorToken, Deadline, HttpTransport, Operation, Request, SystemTimer, Timer,
    /// };
    /// use clerk_actor_tokens_mock::{MockHttpTransport, responses};
    /// use std::time::Duration;
    ///
    /// let mut transport = MockHttpTransport::new();
    /// transport
    ///     .expect_send()
    ///     .withf(|request| request.path() == "/")
    ///     .times(1)
    ///     .returning(|_| Ok(responses::rate_limited(7).build()));
    ///
    /// let deadline = Deadline::after(SystemTimer.now(), Duration::from_secs(30));
    /// let context = CallContext::new(&CreateActorToken::INFO, deadline);
    /// let response = pollster::block_on(transport.send(Request::default(), context)).unwrap();
    /// assert_eq!(response.status(), 429);
    /// ```
    #[derive(Debug)]
    pub HttpTransport {}

    #[async_trait]
    impl Exchange for HttpTransport {
        async fn send(&self, request: CapturedRequest) -> Result<Response, TransportError>;
    }
}

#[async_trait]
impl HttpTransport for MockHttpTransport {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        context.send_state().hold();
        let request = CapturedRequest::new(request).with_context(context.clone());
        let outcome = Exchange::send(self, request).await;
        conclude(&context, outcome)
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(ThreadExecutor))
    }
}

mock! {
    /// A `mockall` mock of [`ActorTokensApi`], for code that takes the API as a trait and never sees HTTP: set
    /// expectations with `expect_create()`, `expect_hold()`, `expect_revoke()` and `expect_end()`, or with
    /// `expect_create_with_response()` and `expect_revoke_with_response()`. What `hold` returns is made by [`Held::of`],
    /// and what `end` returns by [`Ended::new`] or [`EndError::new`].
    ///
    /// A token to return is made by
    /// [`to_actor_token`](crate::responses::ActorTokenResponse::to_actor_token), a token with its response by
    /// [`ApiResponse::from_response`], an error by [`Error::from_response`] or [`Error::from_transport`].
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Actor, ActorTokenId, ActorTokensApi, CreateActorToken, Error, Operation, RevokeActorToken};
    /// use clerk_actor_tokens_mock::{MockActorTokensApi, responses};
    ///
    /// let mut clerk = MockActorTokensApi::new();
    /// clerk
    ///     .expect_create()
    ///     .withf(|create| create.user_id() == "user_1")
    ///     .returning(|_| Ok(responses::actor_token().user_id("user_1").to_actor_token()));
    /// clerk.expect_revoke().returning(|_| {
    ///     Err(Error::from_response(&RevokeActorToken::INFO, &responses::cannot_be_revoked("accepted").build()))
    /// });
    ///
    /// pollster::block_on(async {
    ///     let token = clerk.create(CreateActorToken::new("user_1", Actor::new("user_agent"))).await?;
    ///     assert_eq!(token.user_id(), "user_1");
    ///     assert!(clerk.revoke(token.id().clone()).await.is_err());
    ///     Ok::<(), Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// The end of a link that was used:
    ///
    /// ```
    /// use clerk_actor_tokens_core::{ActorTokensApi, EndImpersonation, Ended, EndedSession, SessionEnd};
    /// use clerk_actor_tokens_mock::{MockActorTokensApi, responses};
    /// use std::time::SystemTime;
    ///
    /// let mut clerk = MockActorTokensApi::new();
    /// clerk.expect_end().withf(|end| end.user_id() == "user_1").returning(|_| {
    ///     let session = responses::session().id("sess_1").to_session();
    ///     Ok(Ended::new([EndedSession::new(session.id().clone(), SessionEnd::Revoked)], SystemTime::UNIX_EPOCH))
    /// });
    ///
    /// let ended = pollster::block_on(clerk.end(EndImpersonation::of("user_1").by("user_agent")))?;
    /// assert_eq!(ended.sessions().len(), 1);
    /// # Ok::<(), clerk_actor_tokens_core::EndError>(())
    /// ```
    #[derive(Debug)]
    pub ActorTokensApi {}

    #[async_trait]
    impl ActorTokensApi for ActorTokensApi {
        async fn create(&self, create: CreateActorToken) -> Result<ActorToken, Error>;
        async fn hold(&self, create: CreateActorToken) -> Result<Held<ActorToken>, Error>;
        async fn revoke(&self, id: ActorTokenId) -> Result<Revocation, Error>;
        async fn end(&self, end: EndImpersonation) -> Result<Ended, EndError>;
        async fn create_with_response(&self, create: CreateActorToken) -> Result<ApiResponse<ActorToken>, Error>;
        async fn revoke_with_response(&self, id: ActorTokenId) -> Result<ApiResponse<Revocation>, Error>;
    }
}

#[cfg(test)]
mod tests {
    use crate::{ManualTimer, MockActorTokensApi, MockHttpTransport, WithTimer, hand_over::tests::context, responses};
    use clerk_actor_tokens_core::{
        Actor, ActorTokensApi, ApiResponse, CreateActorToken, EndError, EndImpersonation, Ended, EndedSession, Error,
        HttpTransport, ListSessions, Request, Response, Revocation, SessionEnd, SessionId, Timer,
    };
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::Arc,
        time::{Duration, SystemTime},
    };

    fn request() -> Request {
        http::Request::post("https://api.clerk.com/v1/actor_tokens?ticket=CANARY")
            .header("authorization", "Bearer sk_test_CANARY")
            .body(r#"{"user_id":"user_1","actor":{"key":"sk_live_CANARY"}}"#.into())
            .unwrap()
    }

    #[test]
    fn it_answers_as_expected_through_any_pointer() {
        let mut mock = MockHttpTransport::new();
        mock.expect_send()
            .withf(|request| request.json().unwrap()["user_id"] == "user_1")
            .times(2)
            .returning(|_| Ok(responses::actor_token().build()));
        let transport: Arc<dyn HttpTransport> = Arc::new(mock);
        for _ in 0..2 {
            assert_eq!(pollster::block_on(transport.send(request(), context())).unwrap().status(), 200);
        }
    }

    #[test]
    fn a_call_that_nobody_expected_fails_and_prints_no_secret() {
        for with_expectation in [false, true] {
            let mut mock = MockHttpTransport::new();
            if with_expectation {
                mock.expect_send().withf(|_| false).times(0..).returning(|_| Ok(Response::default()));
            }
            let sent = AssertUnwindSafe(|| pollster::block_on(HttpTransport::send(&mock, request(), context())));
            let panic = catch_unwind(sent).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains("/v1/actor_tokens") && message.contains("user_1"), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
        }
    }

    #[test]
    fn it_can_be_given_a_clock() {
        let timer = ManualTimer::new();
        let transport = WithTimer::new(MockHttpTransport::new(), timer.clone());
        timer.advance(Duration::from_secs(9));
        assert_eq!(transport.timer().now(), timer.now());
        assert!(!format!("{transport:?}").is_empty());
    }

    #[test]
    fn a_value_is_mocked_with_its_response_too() {
        let mut mock = MockActorTokensApi::new();
        mock.expect_create_with_response().times(1).returning(|_| {
            let answer = responses::actor_token();
            Ok(ApiResponse::from_response(answer.to_actor_token(), &answer.header("clerk-trace-id", "7c1a").build()))
        });
        mock.expect_revoke_with_response().times(1).returning(|_| {
            let answer = responses::cannot_be_revoked("revoked").build();
            Ok(ApiResponse::from_response(Revocation::AlreadyRevoked, &answer))
        });
        let clerk: Box<dyn ActorTokensApi> = Box::new(mock);
        let create = CreateActorToken::new("user_1", Actor::new("user_agent"));
        let created = pollster::block_on(clerk.create_with_response(create)).unwrap();
        assert_eq!((created.status().as_u16(), created.trace_id()), (200, Some("7c1a")));
        let revoked = pollster::block_on(clerk.revoke_with_response(created.value().id().clone())).unwrap();
        assert_eq!((revoked.status().as_u16(), revoked.into_value()), (400, Revocation::AlreadyRevoked));
    }

    #[test]
    fn an_end_is_mocked_with_what_was_ended_and_with_why_not_all_was() {
        let ended = || {
            let session = EndedSession::new(SessionId::new("sess_1").unwrap(), SessionEnd::Revoked);
            Ended::new([session], SystemTime::UNIX_EPOCH)
        };
        let mut mock = MockActorTokensApi::new();
        mock.expect_end().withf(|end| end.user_id() == "user_1").times(1).returning(move |_| Ok(ended()));
        mock.expect_end().withf(|end| end.user_id() == "user_2").times(1).returning(move |_| {
            let error = Error::from_response(&ListSessions::INFO, &responses::rate_limited(7).build());
            Err(EndError::new(error, ended()))
        });
        let clerk: Box<dyn ActorTokensApi> = Box::new(mock);
        let end = |user: &str| pollster::block_on(clerk.end(EndImpersonation::of(user).any_actor()));
        assert_eq!(end("user_1").unwrap(), ended());
        let error = end("user_2").unwrap_err();
        assert_eq!(error.ended(), &ended());
        assert_eq!(error.error().and_then(Error::status).map(|status| status.as_u16()), Some(429));
    }

    #[test]
    fn an_end_that_nobody_expected_fails_and_prints_no_secret() {
        let mock = MockActorTokensApi::new();
        let end = EndImpersonation::of("user_1").by("sk_live_CANARY").stamp("attempt", "CANARY");
        let panic = catch_unwind(AssertUnwindSafe(|| pollster::block_on(mock.end(end)))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("user_1") && !message.contains("CANARY"), "{message}");
    }

    #[test]
    fn a_create_that_nobody_expected_fails_and_prints_no_secret() {
        let mock = MockActorTokensApi::new();
        let create = CreateActorToken::new("user_1", Actor::new("user_agent").with("key", "sk_live_CANARY"));
        let panic = catch_unwind(AssertUnwindSafe(|| pollster::block_on(mock.create(create)))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("user_1") && !message.contains("CANARY"), "{message}");
    }
}
