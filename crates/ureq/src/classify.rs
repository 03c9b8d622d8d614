//! Which kind of failure an error of ureq is, and what of it may be shown.

use clerk_actor_tokens_core::{SendState, TransportError, TransportErrorKind};
#[cfg(feature = "rustls")]
use clerk_actor_tokens_transport_kit::causes;
use clerk_actor_tokens_transport_kit::{BoxError, no_connection};
use ureq::{Error, Timeout};

/// Makes the error of an exchange that gave no head of a response.
pub(crate) fn without_head(error: Error, send_state: &SendState) -> TransportError {
    // Its thread has come back with it: the request is in no queue.
    no_connection(claim(&error), shown(error), send_state)
}

/// What the error proves if no byte of the request was sent.
fn claim(error: &Error) -> TransportErrorKind {
    match error {
        // A limit of ureq's own, with time left.
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => TransportErrorKind::Connect,
        Error::Timeout(_) => TransportErrorKind::TimeoutBeforeSend,
        Error::Tls(_) | Error::TlsRequired => TransportErrorKind::Tls,
        Error::ConnectProxyFailed(_) => TransportErrorKind::Proxy,
        Error::BadUri(_) | Error::Http(_) | Error::RequireHttpsOnly(_) | Error::InvalidProxyUrl => {
            TransportErrorKind::Blocked
        }
        error if is_tls_refusal(error) => TransportErrorKind::Tls,
        _ => TransportErrorKind::Connect,
    }
}

/// Returns what may be shown of the error: no URL, and no text of a peer's choice.
pub(crate) fn shown(error: Error) -> BoxError {
    match error {
        Error::Io(error) => error.into(),
        Error::BadUri(_) => "ureq cannot read the request's URL".into(),
        Error::RequireHttpsOnly(_) => "ureq is configured for https alone".into(),
        Error::ConnectProxyFailed(_) => "the proxy did not open a tunnel to the server".into(),
        Error::Protocol(_) => "the response breaks HTTP/1.1".into(),
        other => other.into(),
    }
}

/// Whether this error of a handshake is lasting: it names a certificate, a name or a protocol.
#[cfg(feature = "rustls")]
fn is_tls_refusal(error: &Error) -> bool {
    match error {
        Error::Rustls(_) => true,
        // The error of ureq does not name its source.
        Error::Io(error) => causes(error).any(|cause| cause.is::<rustls::Error>()),
        _ => false,
    }
}

#[cfg(not(feature = "rustls"))]
fn is_tls_refusal(_: &Error) -> bool {
    false
}
