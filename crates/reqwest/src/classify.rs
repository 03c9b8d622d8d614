//! Which kind of failure an error of reqwest is, and what of it may be shown.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::{SendState, TransportError, TransportErrorKind, bytes::Bytes};
use clerk_actor_tokens_transport_kit::{BoxError, causes, http2_refusal, no_connection, no_head, without_goaway_text};
use http_body::{Body, Frame, SizeHint};

/// Makes the error of an exchange that gave no head of a response.
///
/// Of a client of this crate's own, a request without a connection is in no queue. Another may have followed a redirect while the
/// first request still was.
pub(crate) fn without_head(
    error: reqwest::Error,
    has_body: bool,
    send_state: &SendState,
    is_own_client: bool,
) -> TransportError {
    let claim = claim(&error, has_body);
    match is_own_client && error.is_connect() {
        true => no_connection(claim, shown(error), send_state),
        false => no_head(claim, shown(error), send_state),
    }
}

/// Returns the error without its URL, which may be that of a redirect, and without a text of the peer's choice.
pub(crate) fn shown(error: reqwest::Error) -> BoxError {
    without_goaway_text(error.without_url().into())
}

/// What the error proves if the body was not taken.
fn claim(error: &reqwest::Error, has_body: bool) -> TransportErrorKind {
    if http2_refusal(error, has_body).is_some() {
        // Whether the connection was new is not known: the kind that says less.
        return TransportErrorKind::Refused;
    }
    if error.is_connect() {
        return if causes(error).any(is_tls_refusal) { TransportErrorKind::Tls } else { TransportErrorKind::Connect };
    }
    if error.is_builder() {
        return TransportErrorKind::Blocked;
    }
    // A time limit of the client's own.
    if error.is_timeout() {
        return TransportErrorKind::TimeoutBeforeSend;
    }
    TransportErrorKind::Canceled
}

/// Whether this error of a handshake is lasting: it names a certificate, a name or a protocol.
#[cfg(feature = "rustls")]
fn is_tls_refusal(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<rustls::Error>()
}

#[cfg(not(feature = "rustls"))]
fn is_tls_refusal(_: &(dyn StdError + 'static)) -> bool {
    false
}

/// The body of a response, whose errors may be shown.
pub(crate) struct ShownBody(pub(crate) reqwest::Body);

impl Body for ShownBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(task).map_err(shown)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
