//! One exchange over a connection: the request is moved, and the head of the response comes back, or the request itself.
//!
//! Not responsible for the deadline (`transport.rs`) or for what errors prove (`classify.rs`).

use clerk_actor_tokens_transport_kit::GatedBody;
use http::{
    HeaderMap, HeaderValue, Request, Response, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    uri::Scheme,
};
use hyper::{body::Incoming, client::conn::TrySendError};

use crate::pool::Lease;

/// What became of a request.
pub(crate) enum Moved {
    Answered(Response<Incoming>),
    /// It came back: the connection had not taken it.
    GivenBack(Box<Request<GatedBody>>, hyper::Error),
    Failed(hyper::Error),
}

/// Moves the request to the connection, and waits for the head of the response. Where this is dropped, the connection has to
/// be dropped too: an exchange is on it.
pub(crate) async fn send(lease: &mut Lease, mut request: Request<GatedBody>, url: &Uri) -> Moved {
    let sent = match lease {
        Lease::Http1(connection) => {
            in_origin_form(&mut request, url);
            connection.sender.try_send_request(request).await
        }
        Lease::Http2(stream) => {
            request.headers_mut().remove(HOST);
            request.uri_mut().clone_from(url);
            stream.begin();
            stream.sender().try_send_request(request).await
        }
    };
    match sent {
        Ok(response) => {
            lease.answered();
            Moved::Answered(response)
        }
        Err(error) => {
            // The stream has ended by itself. Whether its connection has, it knows.
            if let Lease::Http2(stream) = lease {
                stream.end();
            }
            given_back(error)
        }
    }
}

fn given_back(mut error: TrySendError<Request<GatedBody>>) -> Moved {
    match error.take_message() {
        Some(request) => Moved::GivenBack(Box::new(request), error.into_error()),
        None => Moved::Failed(error.into_error()),
    }
}

/// HTTP/1.1 wants path and query in the request line, and the authority in `Host` (RFC 9112 sections 3.2.1 and 3.2).
fn in_origin_form(request: &mut Request<GatedBody>, url: &Uri) {
    let path = url.path_and_query().cloned().map(Uri::from);
    *request.uri_mut() = path.unwrap_or_default();
    if let Some(host) = host_of(url) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
}

/// Host and port, without the scheme's own port.
fn host_of(url: &Uri) -> Option<HeaderValue> {
    let own = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = url.host()?;
    match url.port_u16().filter(|port| *port != own) {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
        None => HeaderValue::from_str(host).ok(),
    }
}

/// Whether an HTTP/1.1 connection ends with this response (RFC 9112 section 9.6).
pub(crate) fn is_last(version: Version, headers: &HeaderMap) -> bool {
    let says_close = |value: &HeaderValue| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    };
    version == Version::HTTP_10 || headers.get_all(CONNECTION).iter().any(says_close)
}

/// Whether an HTTP/1.1 response is framed in two ways at once. Which of them a proxy on the way has believed is not known: what
/// it takes for the rest of this response would be the beginning of the next (RFC 9112 section 6.3).
pub(crate) fn is_framed_twice(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH)
}
