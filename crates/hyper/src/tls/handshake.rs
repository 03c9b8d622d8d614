//! What an error of a handshake says.

use std::error::Error as StdError;

use rustls::{InvalidMessage, pki_types::InvalidDnsNameError};

/// Whether this error of a handshake is lasting: it names a certificate, a name or a protocol. A handshake that was
/// cut off is an `io::Error` without a `rustls::Error` in it.
pub(crate) fn is_refusal(error: &(dyn StdError + 'static)) -> bool {
    error.is::<rustls::Error>() || error.is::<InvalidDnsNameError>()
}

/// Whether the peer answered in another protocol than TLS: its first bytes are no record (RFC 8446 section 5.1).
pub(crate) fn speaks_no_tls(error: &(dyn StdError + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)))
}
