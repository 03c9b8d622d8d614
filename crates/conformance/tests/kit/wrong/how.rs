//! What the wrong transports do.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use clerk_actor_tokens_core::http::{HeaderMap, HeaderValue, Uri};
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
    TransportErrorKind, bytes::Bytes,
};

use super::Sent;
use crate::reference::Reference;

pub(super) fn status_is_error(response: Response) -> Sent {
    match response.status().is_server_error() {
        true => Err(TransportError::new(TransportErrorKind::Interrupted).with_partial(response)),
        false => Ok(response),
    }
}

pub(super) async fn follow(inner: &Reference, request: Request, context: CallContext) -> Sent {
    let response = inner.send(request.clone(), context.clone()).await?;
    let location = response.headers().get("location").and_then(|location| location.to_str().ok());
    let Some(location) = location.filter(|_| response.status().is_redirection()) else { return Ok(response) };
    let authority = request.uri().authority().unwrap();
    let url = if location.starts_with("http") { location.to_owned() } else { format!("http://{authority}{location}") };
    let Ok(url) = url.parse() else { return Ok(response) };
    let mut again = request;
    *again.uri_mut() = url;
    inner.send(again, context).await
}

/// Connects to where a redirect leads, and is content with the redirect where somebody listens.
pub(super) async fn look_ahead(inner: &Reference, request: Request, context: CallContext) -> Sent {
    let response = inner.send(request, context).await?;
    let location = response.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
    let Ok(url) = location.parse::<Uri>() else { return Ok(response) };
    match url.authority().and_then(|authority| authority.as_str().parse().ok()) {
        Some(address) if TcpStream::connect::<SocketAddr>(address).is_err() => Err(TransportErrorKind::Connect.into()),
        _ => Ok(response),
    }
}

pub(super) fn headers(mut response: Response, change: fn(&HeaderMap) -> HeaderMap) -> Response {
    *response.headers_mut() = change(response.headers());
    response
}

pub(super) fn joined(headers: &HeaderMap) -> HeaderMap {
    let join = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    headers.keys().map(|name| (name.clone(), HeaderValue::from_bytes(&join(name)).unwrap())).collect()
}

pub(super) fn utf8(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    kept.clear();
    for (name, value) in headers {
        if value.to_str().is_ok() {
            kept.append(name, value.clone());
        }
    }
    kept
}

pub(super) fn firsts(headers: &HeaderMap) -> HeaderMap {
    headers.keys().map(|name| (name.clone(), headers[name].clone())).collect()
}

pub(super) fn lossy(body: Bytes) -> Bytes {
    String::from_utf8_lossy(&body).into_owned().into()
}

pub(super) fn decoded(mut response: Response) -> Response {
    if response.headers_mut().remove("content-encoding").is_some() {
        *response.body_mut() = Bytes::from_static(b"hello");
    }
    response
}

pub(super) fn set_url(request: &mut Request, url: &str) {
    *request.uri_mut() = url.parse::<Uri>().unwrap();
}

pub(super) fn decode(request: &mut Request) {
    let url = request.uri().to_string().replace("%7E", "~");
    set_url(request, &url);
}

pub(super) fn remove_dots(request: &mut Request) {
    let url = request.uri().to_string().replace("/./", "/");
    set_url(request, &url);
}

pub(super) fn in_the_clear(request: &mut Request) {
    let url = request.uri().to_string().replace("https://", "http://");
    set_url(request, &url);
}

pub(super) fn is_late(context: &CallContext) -> bool {
    context.deadline().has_passed(SystemTimer.now())
}

pub(super) fn rebound(context: &mut CallContext, timeout: Duration) {
    *context = context.clone().with_deadline(Deadline::after(SystemTimer.now(), timeout));
}

pub(super) fn recapped(context: &mut CallContext, cap: fn(usize) -> usize) {
    *context = context.clone().with_response_cap(cap(context.response_cap()));
}

/// The same, but for the send state, which is another.
pub(super) fn apart(context: &CallContext) -> CallContext {
    let apart = CallContext::new(context.operation(), context.deadline())
        .with_attempt(context.attempt())
        .with_response_cap(context.response_cap());
    if context.wants_fresh_connection() { apart.with_fresh_connection() } else { apart }
}

pub(super) async fn cut_afterwards(inner: &Reference, request: Request, mut context: CallContext) -> Sent {
    let cap = context.response_cap();
    recapped(&mut context, |_| usize::MAX);
    let mut response = inner.send(request, context).await?;
    if response.body().len() <= cap {
        return Ok(response);
    }
    response.body_mut().truncate(cap);
    Err(TransportError::new(TransportErrorKind::BodyTooLarge).with_partial(response))
}

pub(super) fn renamed(sent: Sent, from: TransportErrorKind, to: TransportErrorKind) -> Sent {
    sent.map_err(|error| match error.partial().cloned() {
        _ if error.kind() != from => error,
        Some(partial) => TransportError::new(to).with_partial(partial),
        None => to.into(),
    })
}

pub(super) fn partial(sent: Sent, change: fn(&mut Response)) -> Sent {
    sent.map_err(|error| match error.partial().cloned() {
        Some(mut partial) => {
            change(&mut partial);
            error.with_partial(partial)
        }
        None => error,
    })
}

pub(super) fn detached(inner: Reference, request: Request, context: CallContext) -> BoxFuture<'static, Sent> {
    let slot = Arc::new(std::sync::Mutex::new((None, None::<std::task::Waker>)));
    let filled = Arc::clone(&slot);
    std::thread::spawn(move || {
        let sent = pollster::block_on(inner.send(request, context));
        let waker = {
            let mut slot = filled.lock().unwrap();
            slot.0 = Some(sent);
            slot.1.take()
        };
        waker.into_iter().for_each(std::task::Waker::wake);
    });
    Box::pin(std::future::poll_fn(move |context| {
        let mut slot = slot.lock().unwrap();
        slot.1 = Some(context.waker().clone());
        slot.0.take().map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    }))
}

pub(super) fn showing(
    inner: &Reference,
    request: Request,
    context: CallContext,
    text: fn(&Request) -> String,
) -> BoxFuture<'_, Sent> {
    Box::pin(async move {
        let text = text(&request);
        inner.send(request, context).await.map_err(|error| error.with_source(text))
    })
}

pub(super) fn again(
    inner: &Reference,
    request: Request,
    context: CallContext,
    when: fn(&Sent) -> bool,
) -> BoxFuture<'_, Sent> {
    Box::pin(async move {
        match inner.send(request.clone(), context.clone()).await {
            sent if when(&sent) => inner.send(request, context).await,
            sent => sent,
        }
    })
}
