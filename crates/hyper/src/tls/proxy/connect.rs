//! A tunnel by HTTP CONNECT (RFC 9110 section 9.3.6).

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header::HOST, uri::Authority};
use hyper::{
    client::conn::http1::Connection,
    rt::{Read, Write},
};

use crate::{
    connecting::{BoxError, ProxyFailed},
    settings::Settings,
};

/// Asks the proxy behind this stream for a tunnel to this place. Gives the stream back, from which nothing was read behind the
/// head of the response.
pub(super) async fn tunnel<S>(
    stream: S,
    place: &Authority,
    headers: HeaderMap,
    settings: &Settings,
) -> Result<S, ProxyFailed>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let request = request(place, headers).map_err(ProxyFailed::Broke)?;
    let (mut sender, connection) = settings.http1().handshake(stream).await.map_err(broke)?;
    let mut connection = Driven { connection, has_ended: false };
    let response = connection.beside(pin!(sender.send_request(request))).await.map_err(broke)?;
    if !response.status().is_success() {
        return Err(ProxyFailed::Responded(response.status()));
    }
    let parts = connection.connection.into_parts();
    match parts.read_buf.is_empty() {
        true => Ok(parts.io),
        false => Err(ProxyFailed::SpokeFirst),
    }
}

fn broke(error: hyper::Error) -> ProxyFailed {
    ProxyFailed::Broke(error.into())
}

/// The target is the authority alone (RFC 9112 section 3.2.3).
fn request(place: &Authority, headers: HeaderMap) -> Result<Request<String>, BoxError> {
    let mut request = Request::new(String::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from(place.clone());
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, HeaderValue::from_str(place.as_str())?);
    Ok(request)
}

/// A connection that is driven while something of it is waited for. Dropped, it is gone.
struct Driven<S: Read + Write> {
    connection: Connection<S, String>,
    has_ended: bool,
}

impl<S: Read + Write + Unpin + Send + 'static> Driven<S> {
    async fn beside<F: Future>(&mut self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|context| {
            // How it ended, what waits for it knows. Where it opens a tunnel, it has ended too.
            self.has_ended = self.has_ended || self.connection.poll_without_shutdown(context).is_ready();
            future.as_mut().poll(context)
        })
        .await
    }
}
