//! HTTP/1.1: one exchange after the other on a connection. It has no streams, so what HTTP/2 says of one stream is a
//! reset of the connection here, which proves nothing.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::{
    connection::{Connection, Parting, Socket},
    reply::{Dropped, Reply},
    serve_exchange::{Ending, Gone, Peer, serve_exchange},
    state::ServerState,
};
use crate::fault::Wire;

pub(super) async fn serve(connection: &Arc<Connection>, state: &ServerState) -> Parting {
    let socket = TokioIo::new(Socket::settling(Arc::clone(connection)));
    let service = service_fn(|request| answer(request, state, Arc::clone(connection)));
    let http = http1::Builder::new().half_close(true).serve_connection(socket, service);
    // An error is a client that went away or spoke no HTTP (hyper answers that), or a fault: no client is left to answer.
    tokio::select! {
        _ = http => Parting::Gentle,
        () = state.idle(connection) => Parting::Sudden,
    }
}

async fn answer(
    request: http::Request<Incoming>,
    state: &ServerState,
    connection: Arc<Connection>,
) -> Result<http::Response<Reply>, Dropped> {
    let busy = connection.busy();
    let (parts, body) = request.into_parts();
    match serve_exchange(&state.answering, parts, &mut Caller { body, connection: &connection }).await {
        Ending::Answer(answer) => Ok(Reply::of(answer, connection, busy)),
        Ending::Gone | Ending::Break(Wire::End) => Err(Dropped),
        Ending::Break(Wire::HalfEnd) => {
            connection.end().await;
            connection.drain().await;
            Err(Dropped)
        }
        Ending::Break(_) => {
            connection.reset();
            Err(Dropped)
        }
    }
}

/// The client of one exchange.
struct Caller<'a> {
    body: Incoming,
    connection: &'a Connection,
}

impl Peer for Caller<'_> {
    async fn next(&mut self) -> Option<Result<Bytes, Gone>> {
        loop {
            match self.body.frame().await?.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => return Some(Ok(data)),
                // Trailers.
                Ok(Err(_)) => {}
                Err(_) => return Some(Err(Gone)),
            }
        }
    }

    async fn gone(&mut self) {
        self.connection.gone().await;
    }

    fn committing(&mut self) {}
}
