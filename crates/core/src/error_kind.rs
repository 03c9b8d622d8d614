//! The kinds of failure, and what each proves.

/// What failed, in the terms of the caller.
///
/// | kind | what was seen | what it proves by itself |
/// | --- | --- | --- |
/// | [`InvalidRequest`](Self::InvalidRequest) | input refused on this side | not executed |
/// | [`Credential`](Self::Credential) | the credential provider returned no secret key | not executed |
/// | [`Blocked`](Self::Blocked) | a middleware or the client refused to send | nothing was sent by that attempt |
/// | [`Connect`](Self::Connect) | no connection | not executed |
/// | [`Tls`](Self::Tls) | the TLS handshake was refused | not executed |
/// | [`Proxy`](Self::Proxy) | the proxy refused | not executed |
/// | [`Refused`](Self::Refused) | the peer refused the request unprocessed | not executed |
/// | [`Timeout`](Self::Timeout) | the deadline passed | not executed if it was never sent, else nothing |
/// | [`Interrupted`](Self::Interrupted) | the connection broke after the request was sent | nothing |
/// | [`RateLimited`](Self::RateLimited) | 429, or held back on this side because of an earlier one | not executed |
/// | [`Api`](Self::Api) | another status | 400 401 402 403 404 405 409 410 413 415 421 422: not executed; others: nothing |
/// | [`UnexpectedRedirect`](Self::UnexpectedRedirect) | 3xx | 307 and 308: not executed; others: nothing |
/// | [`ResponseTruncated`](Self::ResponseTruncated) | a 2xx whose body was cut or stalled | executed |
/// | [`ResponseInvalid`](Self::ResponseInvalid) | a 2xx that cannot be read | executed; nothing if Clerk did not send it |
/// | [`ResponseMismatch`](Self::ResponseMismatch) | a 2xx that belongs to another request | nothing |
/// | [`NotKept`](Self::NotKept) | `keep` came after `close` | executed; the client revokes it |
///
/// [`Error::execution`](crate::Error::execution) is the join over all attempts: it can say more than the last kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Input that was refused before anything was sent. [`Error::invalid_request`](crate::Error::invalid_request)
    /// names the field. Correct it.
    InvalidRequest,
    /// The credential provider failed. Nothing was sent. The error's text has the innermost cause.
    Credential,
    /// A middleware, or the client itself (its send log, its checks, [`close`](crate::Client::close)), refused to send. The
    /// error's text has the innermost cause.
    Blocked,
    /// There was no connection. Nothing was sent. The error's text names the server and the innermost cause.
    Connect,
    /// The TLS handshake was refused for a lasting reason. Nothing was sent. Check the certificates, and whether a proxy
    /// intercepts TLS. A retry alone does not help.
    Tls,
    /// The proxy refused, or could not reach Clerk. Nothing was sent. The error's text has the innermost cause.
    Proxy,
    /// The peer refused the request unprocessed. Try again later.
    Refused,
    /// The deadline passed.
    Timeout,
    /// The connection broke off after the request was sent.
    Interrupted,
    /// Clerk asks to slow down (429). Where an earlier call with the same base URL and key received
    /// the 429, nothing was sent, and [`Error::status`](crate::Error::status) is `None`.
    /// [`Error::retry_after`](crate::Error::retry_after) says how long to wait.
    RateLimited,
    /// Clerk, or a server before it, returned an error status.
    Api,
    /// A redirect, which is never followed: it would carry the request and its key elsewhere. Check the base URL.
    UnexpectedRedirect,
    /// Clerk acted, and its response was cut or stalled. [`Error::salvaged_id`](crate::Error::salvaged_id) may name
    /// what was made.
    ResponseTruncated,
    /// The status was a success, and the response cannot be read as one of Clerk's.
    ResponseInvalid,
    /// The status was a success, and the response belongs to another request. It is withheld.
    ResponseMismatch,
    /// [`Held::keep`](crate::Held::keep) came after [`close`](crate::Client::close), which had begun to revoke what was held.
    /// [`Error::salvaged_id`](crate::Error::salvaged_id) is its id. Do not hand out the link.
    NotKept,
}
