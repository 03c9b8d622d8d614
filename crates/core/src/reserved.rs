//! The headers that no call may have, as only the client or the transport may set them.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

/// Whether a header belongs to the client or to the transport: setting it would break authentication, framing or the
/// rule that no response is decoded.
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        *name,
        AUTHORIZATION
            | HOST
            | CONTENT_LENGTH
            | TRANSFER_ENCODING
            | CONNECTION
            | UPGRADE
            | TE
            | TRAILER
            | ACCEPT_ENCODING
    )
}

/// Returns the first header of a request that only the client or the transport may set. The client's own `Accept-Encoding`
/// is there by then; `Authorization` is about to be replaced.
pub(crate) fn reserved(headers: &HeaderMap) -> Option<&HeaderName> {
    let is_foreign = |(name, value): &(&HeaderName, &HeaderValue)| match **name {
        AUTHORIZATION => false,
        ACCEPT_ENCODING => *value != "identity",
        ref name => is_reserved(name),
    };
    headers.iter().find(is_foreign).map(|(name, _)| name)
}
