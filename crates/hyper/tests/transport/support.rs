//! Servers of raw bytes on loopback, and requests to them. Servers stop when they are dropped.

use std::{
    error::Error,
    net::SocketAddr,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, Execution, HttpTransport, Idempotency, OperationInfo, Request, Response, Timer,
    TransportError, TransportErrorKind,
};
use clerk_actor_tokens_hyper::{HyperTransport, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Far longer than anything on loopback takes: a bound, never a measure.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// The deadline where a stall has to be sat through.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) const INFO: OperationInfo = OperationInfo::new("Test", "/test", Idempotency::NonIdempotent);

pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Runs `serve` for each connection, with the connection's number from 0.
    pub(crate) async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let accepting = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Frames that are written one by one would wait for each other's acknowledgements.
                let _ = stream.set_nodelay(true);
                serving.spawn(serve(counter.fetch_add(1, Ordering::SeqCst), stream));
            }
        });
        Self { address, connections, accepting }
    }

    /// Answers every request on every connection with these bytes.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer).await.unwrap();
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Reads one request with its body. `None` if the client closed instead.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
    }
}

/// Waits until the client has closed the connection.
pub(crate) async fn closed_by_client(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A request and the context that it is sent in.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) context: CallContext,
}

impl Exchange {
    pub(crate) fn with_response_cap(mut self, bytes: usize) -> Self {
        self.context = self.context.with_response_cap(bytes);
        self
    }

    pub(crate) fn with_fresh_connection(mut self) -> Self {
        self.context = self.context.with_fresh_connection();
        self
    }

    pub(crate) fn without_body(mut self) -> Self {
        *self.request.body_mut() = bytes::Bytes::new();
        self
    }
}

impl Deref for Exchange {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

impl DerefMut for Exchange {
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.request
    }
}

pub(crate) trait Exchanges {
    /// Sends, and asserts what must hold of every failure: what is claimed is proved.
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<Response, TransportError>>;
}

impl<T: HttpTransport> Exchanges for T {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<Response, TransportError>> {
        let Exchange { request, context } = exchange;
        Box::pin(async move {
            let result = self.send(request, context.clone()).await;
            if let Err(error) = &result {
                assert_proved(error, &context);
            }
            result
        })
    }
}

/// That a failure which claims that the request was not executed is proved, by the send state or by the peer's refusal.
#[track_caller]
pub(crate) fn assert_proved(error: &TransportError, context: &CallContext) {
    let is_refusal = matches!(error.kind(), TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection);
    if error.execution() == Execution::NotExecuted && !is_refusal {
        assert!(context.send_state().is_unsent(), "{:?}: {error:?}", context.send_state());
    }
}

/// A POST with a body, due within `LONG`.
pub(crate) fn post(url: &str) -> Exchange {
    post_within(url, LONG)
}

pub(crate) fn post_within(url: &str, timeout: Duration) -> Exchange {
    let request = http::Request::post(url).body("{\"user_id\":\"user_1\"}".into()).unwrap();
    Exchange { request, context: CallContext::new(&INFO, Deadline::after(TokioTimer.now(), timeout)) }
}

pub(crate) fn http_only() -> HyperTransport {
    HyperTransport::builder().http_only().build().unwrap()
}

/// Over plain connections, HTTP/2 alone.
pub(crate) fn http2() -> HyperTransport {
    HyperTransport::builder().http_only().http2_prior_knowledge().build().unwrap()
}

/// The texts of the causes, outermost first.
pub(crate) fn causes(error: &TransportError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    causes
}

#[track_caller]
pub(crate) fn assert_kind(error: &TransportError, kind: TransportErrorKind) {
    assert_eq!(error.kind(), kind, "{error:?}");
}
