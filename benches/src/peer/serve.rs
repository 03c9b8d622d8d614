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
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    Failure, exchange,
    peer::{Protocol, Seen},
};

/// Serves until standard input closes: prints where it listens, and at the end what it has seen.
///
/// # Errors
/// There is no free socket, or the output has no reader.
pub async fn serve(protocol: Protocol, output: &mut impl Write) -> Result<(), Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(output, "{}", listener.local_addr()?)?;
    output.flush()?;

    let tally = Arc::new(Tally::new());
    let mut closed = closed_input();
    loop {
        let (socket, _) = tokio::select! {
            _ = &mut closed => break,
            accepted = listener.accept() => accepted?,
        };
        socket.set_nodelay(true)?;
        tally.connections.fetch_add(1, Ordering::Relaxed);
        let tally = Arc::clone(&tally);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(Arc::clone(&tally), request));
            let socket = TokioIo::new(socket);
            // A client that goes away is no failure.
            let _ = match protocol.http2 {
                true => http2::Builder::new(TokioExecutor::new()).serve_connection(socket, answer).await,
                false => http1::Builder::new().serve_connection(socket, answer).await,
            };
        });
    }
    writeln!(output, "{}", tally.seen().line())?;
    Ok(())
}

struct Tally {
    request: String,
    answer: Bytes,
    connections: AtomicU64,
    created: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    fn new() -> Self {
        Self {
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
