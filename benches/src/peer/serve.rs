//! What the peer's process does.

use std::{
    convert::Infallible,
    io::{self, Read as _, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    rt::{Read, Write as Sends},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Failure, exchange,
    peer::{Seen, Serve, Target},
    protocol::Protocol,
};

/// How many connections may wait to be accepted: more than are opened at once.
const BACKLOG: u32 = 4_096;

/// Serves until standard input closes: prints where it listens, and at the end what it has seen.
///
/// # Errors
/// There is no free socket, or the output has no reader.
pub async fn serve(serve: Serve, output: &mut impl Write) -> Result<(), Failure> {
    let Serve { protocol, origins } = serve;
    let closed = closed_input();
    let (tls, certificate) = match protocol.has_tls() {
        true => tls(protocol).map(|(acceptor, certificate)| (Some(acceptor), Some(certificate)))?,
        false => (None, None),
    };
    let tally = Arc::new(Tally::new(protocol, tls));
    let mut addresses = Vec::new();
    for _ in 0..origins {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        addresses.push(listener.local_addr()?);
        tokio::spawn(accept(listener, Arc::clone(&tally)));
    }
    print(output, &Target { addresses, protocol, certificate })?;
    // The sender is dropped unused where its thread ends early: that is the end too.
    let _ = closed.await;
    print(output, &tally.seen())
}

fn print(output: &mut impl Write, said: &impl serde::Serialize) -> Result<(), Failure> {
    writeln!(output, "{}", serde_json::to_string(said)?)?;
    Ok(output.flush()?)
}

/// A certificate of its own for this run, which is its own root.
fn tls(protocol: Protocol) -> Result<(TlsAcceptor, String), Failure> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    config.alpn_protocols = protocol.alpn();
    Ok((Arc::new(config).into(), cert.pem()))
}

async fn accept(listener: TcpListener, tally: Arc<Tally>) -> Result<(), Failure> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tally.connections.fetch_add(1, Ordering::Relaxed);
        let tally = Arc::clone(&tally);
        tokio::spawn(async move {
            match &tally.tls {
                None => speak(&tally, socket).await,
                Some(tls) => {
                    // A client that goes away is no failure.
                    if let Ok(stream) = tls.accept(socket).await {
                        speak(&tally, stream).await;
                    }
                }
            }
        });
    }
}

/// Speaks with one client until it goes away, which is no failure.
async fn speak<S>(tally: &Arc<Tally>, stream: S)
where
    TokioIo<S>: Read + Sends + Unpin + Send + 'static,
{
    let answer = service_fn(|request| answer(Arc::clone(tally), request));
    let stream = TokioIo::new(stream);
    let _ = match tally.protocol.is_http2() {
        true => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, answer).await,
        false => http1::Builder::new().serve_connection(stream, answer).await,
    };
}

struct Tally {
    protocol: Protocol,
    tls: Option<TlsAcceptor>,
    request: String,
    answer: Bytes,
    connections: AtomicU64,
    created: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    fn new(protocol: Protocol, tls: Option<TlsAcceptor>) -> Self {
        Self {
            protocol,
            tls,
            request: exchange::request_body(),
            answer: exchange::answer_body().into(),
            connections: AtomicU64::new(0),
            created: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn seen(&self) -> Seen {
        Seen {
            connections: self.connections.load(Ordering::Relaxed),
            created: self.created.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

async fn answer(tally: Arc<Tally>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if !exchange::is_expected(&head) || body != tally.request {
        tally.refused.fetch_add(1, Ordering::Relaxed);
        let mut refusal = Response::new(Full::default());
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(refusal);
    }
    tally.created.fetch_add(1, Ordering::Relaxed);
    let mut answer = Response::new(Full::new(tally.answer.clone()));
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(answer)
}

/// Ready when standard input has ended. A thread waits for it: reading it is a call that blocks.
fn closed_input() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = sender.send(());
    });
    receiver
}
