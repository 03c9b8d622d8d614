//! A transport of one's own: a new connection for each request, over hyper's low-level client. The conformance kit holds it to
//! the contract, in the test below, which `tests/custom_transport.rs` runs.
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
    http::{self, HeaderValue, Uri, header::HOST},
    testing::emulator::{Emulator, fault},
    transport::{
        CallContext, Executor, HttpTransport, Request, Response, Timer, TransportError, TransportErrorKind,
        kit::{
            BoxError, GatedBody, Tls, TokioExecutor, TokioTimer, check_request, no_connection, read_response,
            require_tokio, until_deadline,
        },
    },
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Plain HTTP/1.1, one connection a request.
struct OneShot;

/// Connects, sends the request and waits for the head of the response.
async fn head(mut request: Request, context: &CallContext) -> Result<http::Response<Incoming>, TransportError> {
    let failed = |claim, cause: BoxError| no_connection(claim, cause, context.send_state());
    let url = std::mem::take(request.uri_mut());
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    // No connection: proved that nothing was executed, so that a creation is tried again.
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(80))).await;
    let stream = TokioIo::new(stream.map_err(|cause| failed(TransportErrorKind::Connect, cause.into()))?);
    let connected = hyper::client::conn::http1::handshake(stream).await;
    let (mut sender, connection) = connected.map_err(|cause| failed(TransportErrorKind::Connect, cause.into()))?;
    tokio::spawn(connection);
    // HTTP/1.1 wants the path alone in the request line, and the authority in `Host` (RFC 9112 section 3.2).
    if let Some(host) = url.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    *request.uri_mut() = url.path_and_query().map(|path| Uri::from(path.clone())).unwrap_or_default();
    // From the moment in which hyper takes the body nothing is proved.
    let sent = sender.send_request(request.map(|body| GatedBody::new(body, context.send_state().clone()))).await;
    sent.map_err(|cause| failed(TransportErrorKind::Canceled, cause.into()))
}

#[async_trait]
impl HttpTransport for OneShot {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        // From here until the body is taken nothing is sent: a failure that claims it is believed.
        context.send_state().hold();
        require_tokio("this transport")?;
        check_request(&request, Tls::Unavailable)?;
        let response = until_deadline(&context, &TokioTimer, head(request, &context)).await??;
        read_response(response, &context, &TokioTimer).await
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

#[cfg(test)]
mod tests {
    use clerk_actor_tokens::testing::conformance::Kit;

    #[test]
    fn it_conforms() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Kit::new(|| super::OneShot)
            .block_on(move |future| runtime.block_on(future))
            .test_name("custom_transport::tests::it_conforms")
            .require_proofs()
            .run()
            .assert();
    }
}
