//! HTTP/1.1: one exchange after the other on a connection. It has no streams, so what HTTP/2 says of one stream is a
//! reset of the connection here, which proves nothing.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::{
    accept::{Parting, Site},
    line::{Line, Socket},
    reply::{Dropped, Reply},
    visit::{Ending, Gone, Peer, visit},
};
use crate::fault::Wire;

pub(super) async fn serve(line: &Arc<Line>, site: &Site) -> Parting {
    let socket = TokioIo::new(Socket::settling(Arc::clone(line)));
    let service = service_fn(|request| answer(request, site, Arc::clone(line)));
    let connection = http1::Builder::new().half_close(true).serve_connection(socket, service);
    // An error is a client that went away or spoke no HTTP (hyper answers that), or a fault: nobody to tell.
    tokio::select! {
        _ = connection => Parting::Gentle,
        () = site.idle(line) => Parting::Sudden,
    }
}

async fn answer(
    request: http::Request<Incoming>,
    site: &Site,
    line: Arc<Line>,
) -> Result<http::Response<Reply>, Dropped> {
    let busy = line.busy();
    let (parts, body) = request.into_parts();
    match visit(site.inner(), parts, &mut Caller { body, line: &line }).await {
        Ending::Answer(answer) => Ok(Reply::of(answer, line, busy)),
        Ending::Gone | Ending::Break(Wire::End) => Err(Dropped),
        Ending::Break(Wire::HalfEnd) => {
            line.end().await;
            line.drain().await;
            Err(Dropped)
        }
        Ending::Break(_) => {
            line.reset();
            Err(Dropped)
        }
    }
}

/// The client of one exchange.
struct Caller<'a> {
    body: Incoming,
    line: &'a Line,
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
        self.line.gone().await;
    }

    fn committing(&mut self) {}
}
