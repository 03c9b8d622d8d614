//! Why an operation of the control plane did not succeed.

use std::{error::Error as StdError, fmt, iter};

use clerk_actor_tokens_core::{InvalidRequest, Sanitized, TransportError};
use http::StatusCode;

use super::operations::Operation;

/// Why an operation of the control plane did not succeed: which operation, and what was answered. Shows no key, link or
/// ticket.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, Request, Response, CallContext, transport_fn};
/// use clerk_actor_tokens_emulator::control_client::ControlClient;
///
/// # pollster::block_on(async {
/// let transport = transport_fn(|_: Request, _: CallContext| async {
///     let mut refused = Response::new(r#"{"error":"no snapshot has the id 7"}"#.into());
///     *refused.status_mut() = http::StatusCode::NOT_FOUND;
///     Ok(refused)
/// });
/// let emulator = ControlClient::new(transport, &BaseUrl::new("http://127.0.0.1:4010")?);
/// let error = emulator.clear_faults().await.unwrap_err();
/// assert_eq!((error.operation(), error.status().unwrap().as_u16()), ("clearFaults", 404));
/// assert_eq!(error.refusal(), Some("no snapshot has the id 7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct ControlError {
    operation: &'static str,
    why: Why,
}

enum Why {
    /// No answer came.
    Transport(TransportError),
    /// The control plane refused it.
    Refused(StatusCode, String),
    /// The answer is not one of a control plane.
    NotThere(StatusCode),
    /// The answer of 200 is not as described. The text may hold what came.
    Unreadable(String),
    /// An argument cannot be sent.
    Invalid(InvalidRequest),
    NoUrl,
}

impl ControlError {
    fn new(operation: &'static Operation, why: Why) -> Self {
        Self { operation: operation.info.name(), why }
    }

    pub(super) fn transport(operation: &'static Operation, error: TransportError) -> Self {
        Self::new(operation, Why::Transport(error))
    }

    pub(super) fn refused(operation: &'static Operation, status: StatusCode, why: String) -> Self {
        Self::new(operation, Why::Refused(status, why))
    }

    pub(super) fn not_there(operation: &'static Operation, status: StatusCode) -> Self {
        Self::new(operation, Why::NotThere(status))
    }

    pub(super) fn unreadable(operation: &'static Operation, error: &serde_json::Error) -> Self {
        Self::new(operation, Why::Unreadable(error.to_string()))
    }

    pub(super) fn invalid(operation: &'static Operation, error: InvalidRequest) -> Self {
        Self::new(operation, Why::Invalid(error))
    }

    pub(super) fn no_url(operation: &'static Operation) -> Self {
        Self::new(operation, Why::NoUrl)
    }

    /// Returns which operation it was, by its `operationId` in the OpenAPI file.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the status of an answer that was not 200.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.why {
            Why::Refused(status, _) | Why::NotThere(status) => Some(status),
            Why::Transport(_) | Why::Unreadable(_) | Why::Invalid(_) | Why::NoUrl => None,
        }
    }

    /// Returns why the control plane refused it: the member `error` of its answer. Such a request changed nothing.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match &self.why {
            Why::Refused(_, why) => Some(why),
            _ => None,
        }
    }

    /// Returns why no answer came, if none did.
    #[must_use]
    pub fn transport_error(&self) -> Option<&TransportError> {
        match &self.why {
            Why::Transport(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match &self.why {
            Why::Transport(error) => {
                write!(f, "no answer came: {error}")?;
                let causes = iter::successors(error.source(), |error: &&(dyn StdError + 'static)| (**error).source());
                causes.take(32).last().map_or(Ok(()), |cause| write!(f, ": {}", Sanitized::new(&cause.to_string())))
            }
            Why::Refused(status, why) => {
                write!(f, "the emulator answered {}: {}", status.as_u16(), Sanitized::new(why))
            }
            Why::NotThere(status) => write!(
                f,
                "the answer of {} is not one of a control plane: the command serves it on a loopback address, and on any \
                 other with --control-host",
                status.as_u16()
            ),
            Why::Unreadable(why) => write!(
                f,
                "the answer cannot be read: {}: are the server and this client of the same version?",
                Sanitized::new(why)
            ),
            Why::Invalid(error) => write!(f, "{error}"),
            Why::NoUrl => f.write_str("its path and query are no URL"),
        }
    }
}

impl fmt::Debug for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlError({self})")
    }
}

impl StdError for ControlError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.why {
            Why::Transport(error) => Some(error),
            Why::Invalid(error) => Some(error),
            Why::Refused(..) | Why::NotThere(_) | Why::Unreadable(_) | Why::NoUrl => None,
        }
    }
}
