//! What an HTTP/2 peer says when it does not process a request, in the words of the crate h2. The clients over hyper have it among
//! the causes of their errors.
//!
//! Read in the source of h2 0.4.20:
//!
//! - A reset from the remote with the reason `REFUSED_STREAM` (RFC 9113 section 8.7): `Error::is_remote` is true only for
//!   what a frame of the peer said, and a reset reaches the stream that the frame names alone
//!   (`recv_reset` in `proto/streams/streams.rs`).
//! - A `GOAWAY` from the remote: it reaches the streams above its last stream id (`recv_go_away`, there) and requests that
//!   come too late to be given a stream; those below see the end of the connection instead, as an I/O error. With one
//!   exception: hyper looks once more at the connection between the head of a request and its body
//!   (`ClientTask::poll` in `proto/h2/client.rs`), and passes on a `GOAWAY` of any stream id that arrived in between.
//!   So it proves nothing for a request that is complete without a body. One with a body was not complete, and hyper does
//!   not send the rest.

use std::{error::Error as StdError, fmt};

use crate::{causes, read::BoxError};

/// The peer's own word, over HTTP/2, that it did not process the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http2Refusal {
    /// Whether the peer closes the connection, and with an error code. On a connection that has never answered, the next one would
    /// most likely end in the same way:
    /// [`RefusedOnNewConnection`](clerk_actor_tokens_core::TransportErrorKind::RefusedOnNewConnection).
    pub closes_with_error: bool,
}

/// Looks for a refusal among the causes of a failed exchange. `has_body` says whether the request has one: a `GOAWAY` proves
/// nothing for a request without.
///
/// ```
/// use clerk_actor_tokens_transport_kit::http2_refusal;
///
/// let error = h2::Error::from(h2::Reason::REFUSED_STREAM); // said by this side, and not by a peer
/// assert!(http2_refusal(&error, true).is_none());
/// ```
#[must_use]
pub fn http2_refusal(error: &(dyn StdError + 'static), has_body: bool) -> Option<Http2Refusal> {
    let peer = causes(error).find_map(|cause| cause.downcast_ref::<h2::Error>())?;
    let reason = peer.reason().filter(|_| peer.is_remote())?;
    if peer.is_reset() && reason == h2::Reason::REFUSED_STREAM {
        return Some(Http2Refusal { closes_with_error: false });
    }
    (peer.is_go_away() && has_body).then_some(Http2Refusal { closes_with_error: reason != h2::Reason::NO_ERROR })
}

/// Returns the error as it may be shown. What a peer says when it goes away is text of its own choice. It may quote a header
/// or a link, and h2's error shows it. So the code alone replaces such an error.
#[must_use]
pub fn without_goaway_text(error: BoxError) -> BoxError {
    let went_away = causes(error.as_ref())
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .find(|cause| cause.is_go_away())
        .map(|cause| WentAway { by_peer: cause.is_remote(), reason: cause.reason() });
    went_away.map_or(error, Into::into)
}

/// The connection was given up by one of its ends (HTTP/2 `GOAWAY`, RFC 9113 section 6.8).
#[derive(Debug)]
struct WentAway {
    by_peer: bool,
    reason: Option<h2::Reason>,
}

impl fmt::Display for WentAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.by_peer { "the peer went away (GOAWAY)" } else { "the connection was given up (GOAWAY)" })?;
        match self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl StdError for WentAway {}
