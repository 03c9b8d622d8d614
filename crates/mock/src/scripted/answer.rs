//! What a script answers.

use std::fmt;

use clerk_actor_tokens_core::{Response, Sanitized, TransportError, TransportErrorKind};

use crate::{
    captured::CapturedRequest,
    responses::{self, ActorTokenResponse, ClerkErrorResponse, SessionResponse, SessionsResponse},
};

/// The answer to one request: a response, a transport failure, or something that looks at the request first.
///
/// A [`Response`], the builders of [`responses`], a [`TransportErrorKind`] and a [`TransportError`] become one by
/// `into()`, so a script takes them as they are.
///
/// ```
/// use clerk_actor_tokens_core::{TransportError, TransportErrorKind};
/// use clerk_actor_tokens_mock::{Answer, responses};
///
/// let answers: [Answer; 4] = [
///     responses::html(520).into(),
///     responses::actor_token().user_id("user_1").into(),
///     TransportErrorKind::Connect.into(),
///     TransportError::new(TransportErrorKind::Interrupted).with_source("reset").into(),
/// ];
/// # let _ = answers;
/// ```
#[must_use]
pub struct Answer(pub(super) Kind);

pub(super) type AnswerFn = dyn FnOnce(&CapturedRequest) -> Result<Response, TransportError> + Send;

pub(super) enum Kind {
    Response(Response),
    Failure(TransportError),
    Function(&'static str, Box<AnswerFn>),
    Never,
}

impl Answer {
    /// The success that fits the request; anything else than these is answered with 404:
    ///
    /// - a create with a token for the user and the actor that it asked for. The token's id is
    ///   [`SAMPLE_ID`](responses::SAMPLE_ID);
    /// - a revoke with the revoked token of that id;
    /// - a list of sessions with an empty page;
    /// - the reading of a session with an active session of that id, and its end with the revoked one.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, SecretKey};
    /// use clerk_actor_tokens_mock::{Answer, ScriptedTransport, revoke_request};
    ///
    /// let transport = ScriptedTransport::new().expect(revoke_request("act_1"), Answer::echo());
    /// let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
    /// let revocation = pollster::block_on(clerk.actor_tokens().revoke("act_1").send()).unwrap();
    /// assert_eq!(revocation.token().unwrap().id().as_str(), "act_1");
    /// # Ok::<(), clerk_actor_tokens_core::InvalidKey>(())
    /// ```
    pub fn echo() -> Self {
        Self(Kind::Function("echo", Box::new(|request| Ok(responses::echo(request)))))
    }

    /// Whatever a function makes of the request. An error of its that says that nothing was sent leaves the request held.
    ///
    /// ```
    /// use clerk_actor_tokens_mock::{Answer, responses};
    /// let answer = Answer::from_fn(|request| {
    ///     assert!(request.header("user-agent").is_some());
    ///     Ok(responses::rate_limited(7).build())
    /// });
    /// # let _ = answer;
    /// ```
    pub fn from_fn(answer: impl FnOnce(&CapturedRequest) -> Result<Response, TransportError> + Send + 'static) -> Self {
        Self(Kind::Function("function", Box::new(answer)))
    }

    /// No answer: the exchange waits until its future is dropped, also after the deadline.
    pub fn never() -> Self {
        Self(Kind::Never)
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self(Kind::Response(response))
    }
}

macro_rules! from_built {
    ($($response:ty),+) => {$(
        impl From<$response> for Answer {
            fn from(response: $response) -> Self {
                response.build().into()
            }
        }
    )+};
}
from_built!(ActorTokenResponse, ClerkErrorResponse, SessionResponse, SessionsResponse);

impl From<TransportErrorKind> for Answer {
    fn from(kind: TransportErrorKind) -> Self {
        Self(Kind::Failure(kind.into()))
    }
}

impl From<TransportError> for Answer {
    fn from(error: TransportError) -> Self {
        Self(Kind::Failure(error))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Response(response) => write!(f, "Answer({})", response.status()),
            Kind::Failure(error) => write!(f, "Answer({error:?})"),
            Kind::Function(name, _) => write!(f, "Answer({})", Sanitized::new(name)),
            Kind::Never => f.write_str("Answer(never)"),
        }
    }
}
