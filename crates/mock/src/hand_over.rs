//! Saying whether a request was handed over, as a real transport does: what a failure proves depends on it.
//!
//! Responsible for the [`SendState`](clerk_actor_tokens_core::SendState) of the doubles. A double holds the request first.
//! It begins before it answers, and before a failure behind which the request may have been sent. A failure that says
//! that nothing was sent leaves the request held.

use clerk_actor_tokens_core::{CallContext, Execution, Response, TransportError, TransportErrorKind};

/// Ends an exchange with this outcome, unless its caller left before the request was handed over.
pub(crate) fn conclude(
    context: &CallContext,
    outcome: Result<Response, TransportError>,
) -> Result<Response, TransportError> {
    context.send_state().hold();
    match &outcome {
        Err(error) if is_unsent(error) => {}
        _ => begin(context)?,
    }
    outcome
}

/// Hands the request over.
///
/// # Errors
/// The send was cancelled.
pub(crate) fn begin(context: &CallContext) -> Result<(), TransportError> {
    context.send_state().hold();
    match context.send_state().begin() {
        true => Ok(()),
        false => Err(TransportError::blocked("the send was cancelled before the request was handed over")),
    }
}

/// Whether an error says that this side sent nothing. The peer's refusal is an answer to what was sent.
fn is_unsent(error: &TransportError) -> bool {
    error.execution() == Execution::NotExecuted && error.partial().is_none() && !is_refusal(error.kind())
}

/// Whether the peer says that it did not process the request: that needs no proof by the send state.
pub(crate) fn is_refusal(kind: TransportErrorKind) -> bool {
    matches!(kind, TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    #[cfg(feature = "mockall")]
    use crate::MockHttpTransport;
    use crate::{Answer, CapturingTransport, FailingTransport, NeverTransport, ScriptedTransport};
    use clerk_actor_tokens_core::{Deadline, HttpTransport, Idempotency, OperationInfo, Request, SystemTimer, Timer};
    use std::{
        task::{Context, Waker},
        time::Duration,
    };

    static INFO: OperationInfo = OperationInfo::new("Sample", "/sample", Idempotency::NonIdempotent);

    /// A context whose deadline does not pass during a test.
    pub(crate) fn context() -> CallContext {
        CallContext::new(&INFO, Deadline::after(SystemTimer.now(), Duration::from_secs(600)))
    }

    fn state_of(context: &CallContext) -> String {
        format!("{:?}", context.send_state())
    }

    /// Each double that ends with this outcome.
    fn doubles(
        outcome: impl Fn() -> Result<Response, TransportError> + Send + Sync + Clone + 'static,
    ) -> Vec<Box<dyn HttpTransport>> {
        let answer = || match outcome() {
            Ok(response) => Answer::from(response),
            Err(error) => error.into(),
        };
        let any = || crate::ExpectedRequest::get("/");
        let function = outcome.clone();
        let mut doubles: Vec<Box<dyn HttpTransport>> = vec![
            Box::new(ScriptedTransport::new().expect(any(), answer())),
            Box::new(ScriptedTransport::new().expect(any(), Answer::from_fn(move |_| function()))),
            Box::new(CapturingTransport::new(ScriptedTransport::new().expect(any(), answer()))),
        ];
        #[cfg(feature = "mockall")]
        {
            let mut mock = MockHttpTransport::new();
            let mocked = outcome.clone();
            mock.expect_send().returning(move |_| mocked());
            doubles.push(Box::new(mock));
        }
        doubles.push(match outcome() {
            Ok(response) => Box::new(CapturingTransport::answering(response)),
            Err(error) => Box::new(FailingTransport::always(error.kind())),
        });
        doubles
    }

    #[test]
    fn a_double_begins_before_what_may_have_been_sent_and_else_holds() {
        use TransportErrorKind as K;
        let table: [(Option<K>, &str); 16] = [
            (None, "SendState(begun)"),
            (Some(K::Connect), "SendState(held)"),
            (Some(K::Tls), "SendState(held)"),
            (Some(K::Proxy), "SendState(held)"),
            (Some(K::ProxyRefused), "SendState(held)"),
            (Some(K::Canceled), "SendState(held)"),
            (Some(K::TimeoutBeforeSend), "SendState(held)"),
            (Some(K::RateLimited), "SendState(held)"),
            (Some(K::Credential), "SendState(held)"),
            (Some(K::Blocked), "SendState(held)"),
            (Some(K::Refused), "SendState(begun)"),
            (Some(K::RefusedOnNewConnection), "SendState(begun)"),
            (Some(K::Timeout), "SendState(begun)"),
            (Some(K::Interrupted), "SendState(begun)"),
            (Some(K::BodyTooLarge), "SendState(begun)"),
            (Some(K::Other), "SendState(begun)"),
        ];
        for (kind, state) in table {
            for double in doubles(move || kind.map_or_else(|| Ok(Response::default()), |kind| Err(kind.into()))) {
                let context = context();
                let sent = pollster::block_on(double.send(Request::default(), context.clone()));
                assert_eq!((sent.err().map(|error| error.kind()), state_of(&context).as_str()), (kind, state));
            }
        }
    }

    #[test]
    fn a_head_that_had_arrived_was_sent_for() {
        let context = context();
        let error = TransportError::new(TransportErrorKind::Connect).with_partial(Response::default());
        assert!(conclude(&context, Err(error)).is_err());
        assert_eq!(state_of(&context), "SendState(begun)");
    }

    #[test]
    fn a_double_answers_nothing_behind_a_send_that_was_cancelled() {
        for double in doubles(|| Ok(Response::default())) {
            let context = context();
            context.send_state().hold();
            assert!(context.send_state().cancel());
            let error = pollster::block_on(double.send(Request::default(), context)).unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Blocked);
        }
    }

    #[test]
    fn what_never_answers_has_the_request() {
        let scripted = ScriptedTransport::new().expect(crate::ExpectedRequest::get("/"), Answer::never());
        let doubles: [Box<dyn HttpTransport>; 2] = [Box::new(NeverTransport::new()), Box::new(scripted)];
        for double in doubles {
            let context = context();
            let mut exchange = double.send(Request::default(), context.clone());
            assert_eq!(state_of(&context), "SendState(silent)");
            assert!(exchange.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert_eq!(state_of(&context), "SendState(begun)");
        }
    }
}
