//! A server of raw bytes: it reads whole requests of HTTP/1.1 or HTTP/2, and answers as the test says, down to the byte.
//!
//! It holds what a server library would not let one do: a head that stops in the middle, a body that stops behind any
//! byte. It serves one connection at a time per task, each request in turn, and stops when it is dropped. What Clerk
//! would answer is not known here.

mod answer;
pub(super) mod frames;
pub(super) mod http1;
mod http2;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

pub(super) use self::{
    answer::{Answer, Stops},
    http1::gone,
};
use super::{BoxError, protocol::Protocol};

/// How long the head of an answer is on the wire, in bytes.
pub(super) fn head_len(answer: &Answer, protocol: Protocol) -> usize {
    if protocol.is_http2() { frames::head(answer, 1).len() } else { http1::head(answer).len() }
}

/// Answers a request, given its body.
type Answers = dyn Fn(&[u8]) -> Answer + Send + Sync;

/// What a server has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// The server.
pub(super) struct Raw {
    protocol: Protocol,
    address: SocketAddr,
    authority: Option<String>,
    seen: Arc<Seen>,
    accepting: JoinHandle<()>,
}

impl Raw {
    pub(super) async fn start(
        protocol: Protocol,
        answers: impl Fn(&[u8]) -> Answer + Send + Sync + 'static,
    ) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (acceptor, authority) = match protocol.has_tls() {
            true => certified(protocol).map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
            false => (None, None),
        };
        let seen = Arc::new(Seen::default());
        let accepting = tokio::spawn(accept_all(listener, protocol, acceptor, Arc::clone(&seen), Arc::new(answers)));
        Ok(Self { protocol, address, authority, seen, accepting })
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}", self.protocol.scheme(), self.address)
    }

    /// Whom to trust, as PEM.
    pub(super) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub(super) fn certified(protocol: Protocol) -> Result<(TlsAcceptor, String), BoxError> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    config.alpn_protocols = vec![if protocol.is_http2() { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Ok((TlsAcceptor::from(Arc::new(config)), cert.pem()))
}

async fn accept_all(
    listener: TcpListener,
    protocol: Protocol,
    acceptor: Option<TlsAcceptor>,
    seen: Arc<Seen>,
    answers: Arc<Answers>,
) {
    let mut serving = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        while serving.try_join_next().is_some() {}
        let (acceptor, seen, answers) = (acceptor.clone(), Arc::clone(&seen), Arc::clone(&answers));
        serving.spawn(async move {
            // Without it an answer in several pieces is merely slower.
            let _ = stream.set_nodelay(true);
            // A client that goes away ends it: no client is left to answer.
            let _ = match acceptor {
                None => serve(stream, protocol, &seen, &*answers).await,
                Some(acceptor) => serve_tls(stream, &acceptor, protocol, &seen, &*answers).await,
            };
        });
    }
}

async fn serve_tls(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    protocol: Protocol,
    seen: &Seen,
    answers: &Answers,
) -> io::Result<()> {
    serve(acceptor.accept(stream).await?, protocol, seen, answers).await
}

async fn serve<S>(mut stream: S, protocol: Protocol, seen: &Seen, answers: &Answers) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let answer = |body: &[u8]| {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        answers(body)
    };
    match protocol.is_http2() {
        true => http2::serve(&mut stream, answer).await,
        false => http1::serve(&mut stream, answer).await,
    }
}
