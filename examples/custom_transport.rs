//! A transport of one's own: a new connection for each request, over hyper's low-level client.
//!
//! It shows what a transport is responsible for: the deadline, the cap, and kinds that claim no more than is proved.
//!
//! ```text
//! cargo run --example custom_transport
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, sync::Arc, time::Duration};

use clerk_actor_tokens::{
    Actor, Client, async_trait,
    bytes::BytesMut,
    http::{self, HeaderValue, Uri, header::HOST},
    hyper::{TokioExecutor, TokioTimer},
    testing::emulator::{Emulator, fault},
    transport::{CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// Plain HTTP/1.1, one connection a request.
struct OneShot;

/// What bounds an exchange.
#[derive(Clone, Copy)]
struct Bounds {
    deadline: Instant,
    cap: usize,
}

async fn connect(uri: &Uri) -> std::io::Result<TcpStream> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await
}

/// Sends the request and waits for the head of the response. From here on nothing is proved: whatever fails is
/// `Interrupted`, or `Timeout`.
async fn head(
    stream: TcpStream,
    mut request: Request,
    bounds: Bounds,
) -> Result<http::Response<Incoming>, TransportError> {
    let interrupted = |error| TransportError::new(TransportErrorKind::Interrupted).with_source(error);
    let exchange = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(interrupted)?;
        tokio::spawn(connection);
        // HTTP/1.1 wants the path alone in the request line, and the authority in `Host` (RFC 9112 section 3.2).
        let uri = std::mem::take(request.uri_mut());
        if let Some(host) = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
            request.headers_mut().insert(HOST, host);
        }
        *request.uri_mut() = uri.path_and_query().map(|path| Uri::from(path.clone())).unwrap_or_default();
        sender.send_request(request.map(Full::new)).await.map_err(interrupted)
    };
    timeout_at(bounds.deadline, exchange).await.unwrap_or_else(|_| Err(TransportErrorKind::Timeout.into()))
}

/// Reads the body. The head has arrived: whatever fails now carries it, and the bytes so far, because a cut 200 and a
/// cut 422 mean different things, and the id of a token may be among those bytes.
async fn body(response: http::Response<Incoming>, bounds: Bounds) -> Result<Response, TransportError> {
    let (head, mut body) = response.into_parts();
    let mut read = BytesMut::new();
    let failed = loop {
        match timeout_at(bounds.deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let data = frame.into_data().unwrap_or_default();
                let room = bounds.cap.saturating_sub(read.len());
                read.extend(data.iter().take(room));
                if data.len() > room {
                    break TransportError::new(TransportErrorKind::BodyTooLarge);
                }
            }
            Ok(Some(Err(error))) => break TransportError::new(TransportErrorKind::Interrupted).with_source(error),
            Ok(None) => return Ok(Response::from_parts(head, read.freeze())),
            Err(_) => break TransportError::new(TransportErrorKind::Timeout),
        }
    };
    Err(failed.with_partial(Response::from_parts(head, read.freeze())))
}

#[async_trait]
impl HttpTransport for OneShot {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        // What is left of the call's time, on this transport's clock.
        let left = context.deadline().remaining(TokioTimer.now());
        let bounds = Bounds { deadline: Instant::now() + left, cap: context.response_cap() };
        // From here until `begin` nothing is sent: a failure that claims it is believed.
        context.send_state().hold();
        let stream = match timeout_at(bounds.deadline, connect(request.uri())).await {
            Ok(Ok(stream)) => stream,
            // No connection: proved that nothing was executed, so that a creation is tried again.
            Ok(Err(error)) => return Err(TransportError::new(TransportErrorKind::Connect).with_source(error)),
            Err(_) => return Err(TransportErrorKind::TimeoutBeforeSend.into()),
        };
        // The caller may have left meanwhile.
        if !context.send_state().begin() {
            return Err(TransportError::blocked("the caller no longer waits for this request"));
        }
        body(head(stream, request, bounds).await?, bounds).await
    }

    fn timer(&self) -> &dyn Timer {
        &TokioTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(TokioExecutor::new()))
    }

    /// Each step above ends at the deadline.
    fn keeps_deadlines(&self) -> bool {
        true
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

    // Clerk acts, and its answer breaks off, or stops: the id had arrived, and whose it is.
    for fault in [fault::cut_at(200), fault::stall_at(200)] {
        clerk.next_create().after_commit(fault);
        let cut = client.actor_tokens().create("user_customer", Actor::new("user_agent"));
        if let Err(error) = cut.timeout(Duration::from_millis(500)).send().await {
            println!("{error}");
            assert!(error.salvaged_id().is_some());
        }
    }

    // No server listens on the port now.
    let base_url = server.base_url();
    server.shutdown().await;
    let refused = client.actor_tokens().create("user_customer", Actor::new("user_agent")).base_url(base_url);
    if let Err(error) = refused.send().await {
        println!("{error}");
        assert!(!error.is_ambiguous());
    }
    assert_eq!(clerk.creates().len(), 3);
    Ok(())
}
