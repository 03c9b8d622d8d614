//! What a transport carries: whole requests and whole responses.

use bytes::Bytes;

/// A complete request with an absolute URL.
///
/// Its `Debug` (from the `http` crate) prints the body: do not log it.
pub type Request = http::Request<Bytes>;

/// A complete response: status, headers and the whole body.
///
/// Its `Debug` (from the `http` crate) prints the body, which may hold a sign-in link: do not log it.
pub type Response = http::Response<Bytes>;
