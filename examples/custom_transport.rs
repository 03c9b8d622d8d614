//! A transport of one's own: a new connection for each request, over hyper's low-level client.
//!
//! It shows what a transport is responsible for: the deadline, the cap, and kinds that claim no more than is proved.
//!
//! ```text
//! cargo run --example custom_transport
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use clerk_actor_tokens::{
    Actor, CallContext, Client, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind,
    emulator::Emulator,
    http::{HeaderValue, Uri, header::HOST},
    hyper::TokioTimer,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout_at};

/// Plain HTTP/1.1, one connection a request.
struct OneShot;

impl OneShot {
    async fn connect(uri: &Uri) -> std::io::Result<TcpStream> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await
    }

    async fn exchange(stream: TcpStream, mut request: Request, cap: usize) -> Result<Response, TransportError> {
        // Once the request is handed over, nothing is proved any more: whatever fails is `Interrupted`.
        let interrupted = |error| TransportError::new(TransportErrorKind::Interrupted).with_source(error);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(interrupted)?;
        tokio::spawn(connection);

        // HTTP/1.1 wants the path alone in the request line, and the authority in `Host` (RFC 9112 section 3.2).
        let uri = std::mem::take(request.uri_mut());
        if let Some(host) = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
            request.headers_mut().insert(HOST, host);
        }
        *request.uri_mut() = uri.path_and_query().map(|path| Uri::from(path.clone())).unwrap_or_default();
        let response = sender.send_request(request.map(Full::new)).await.map_err(interrupted)?;

        // The head has arrived: a failure now must carry it, as a cut 200 and a cut 422 mean different things.
        let (head, body) = response.into_parts();
        match Limited::new(body, cap).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) => Err(TransportError::new(match error.is::<LengthLimitError>() {
                true => TransportErrorKind::BodyTooLarge,
                false => TransportErrorKind::Interrupted,
            })
            .with_source(error)
            .with_partial(Response::from_parts(head, Default::default()))),
        }
    }
}

#[async_trait]
impl HttpTransport for OneShot {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (deadline, cap) = match CallContext::of(&request) {
            Some(context) => (context.deadline().instant(), context.response_cap()),
            None => (self.timer().now() + Duration::from_secs(30), clerk_actor_tokens::DEFAULT_RESPONSE_CAP),
        };
        let stream = match timeout_at(deadline.into(), Self::connect(request.uri())).await {
            Ok(Ok(stream)) => stream,
            // No connection: proved that nothing was executed, so that a creation is tried again.
            Ok(Err(error)) => return Err(TransportError::new(TransportErrorKind::Connect).with_source(error)),
            Err(_) => return Err(TransportErrorKind::TimeoutUnsent.into()),
        };
        timeout_at(deadline.into(), Self::exchange(stream, request, cap))
            .await
            .unwrap_or_else(|_| Err(TransportErrorKind::Timeout.into()))
    }

    fn timer(&self) -> &dyn Timer {
        &TokioTimer
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clerk = Emulator::builder().real_time().build();
    let server = clerk.serve().await?;

    let client = Client::builder(OneShot, clerk.secret_key()).base_url(server.base_url()).build()?;
    let token = client.actor_tokens().create("user_customer", Actor::new("user_agent")).send().await?;
    println!("{} was made over a transport of our own", token.id());
    client.actor_tokens().revoke(token.id()).send().await?;
    println!("and revoked");

    // Nobody listens on the port any more.
    let base_url = server.base_url();
    server.shutdown().await;
    let refused = client.actor_tokens().create("user_customer", Actor::new("user_agent")).base_url(base_url);
    if let Err(error) = refused.send().await {
        println!("{error}");
        assert!(!error.is_ambiguous());
    }
    assert_eq!(clerk.creates().len(), 1);
    Ok(())
}
