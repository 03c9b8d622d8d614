//! An answer on a stream: the head, the pieces of the body as the client has room for them, and the end.

use std::{future::poll_fn, task::Poll};

use bytes::Bytes;
use h2::{SendStream, server};
use http::{HeaderValue, StatusCode, header};

use crate::serve::{
    connection::Connection,
    pieces::Pieces,
    serve_exchange::{Answer, End},
};

/// Where the answer of one stream goes.
pub(super) type Respond = server::SendResponse<Bytes>;

/// Why an answer is not whole.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client has reset the stream, or is gone.
    Gone,
    /// It was to be: its bytes have been written.
    Cut,
}

impl From<h2::Error> for Broken {
    fn from(_: h2::Error) -> Self {
        Self::Gone
    }
}

/// Sends an answer, to its end.
pub(super) async fn send(answer: Answer, respond: &mut Respond, connection: &Connection) -> Result<(), Broken> {
    let Answer { response, length, end, pacing, mut receipt } = answer;
    let (mut parts, data) = response.into_parts();
    finish_head(&mut parts, length);
    let head = http::Response::from_parts(parts, ());
    let mut pieces = Pieces::new(data, pacing);
    let is_bare = pieces.is_done() && end == End::Whole;
    if is_bare {
        receipt.take().into_iter().for_each(|receipt| connection.hand_over(receipt));
    }
    let mut stream = respond.send_response(head, is_bare)?;
    while !pieces.is_done() {
        poll_fn(|context| match pieces.poll_due(context) {
            Poll::Ready(()) => Poll::Ready(Ok(())),
            Poll::Pending => stream.poll_reset(context).map(|_| Err(Broken::Gone)),
        })
        .await?;
        let is_last = pieces.is_last();
        let mut piece = pieces.take();
        while !piece.is_empty() {
            let room = room_for(&mut stream, piece.len()).await?;
            let part = piece.split_to(room.min(piece.len()));
            let is_all = is_last && piece.is_empty();
            if is_all {
                // Before it is written: a client that reads the answer must find it delivered.
                receipt.take().into_iter().for_each(|receipt| connection.hand_over(receipt));
            }
            stream.send_data(part, is_all && end == End::Whole)?;
        }
    }
    match end {
        End::Whole => Ok(()),
        End::Cut => {
            let flushes = connection.flushes();
            poll_fn(|context| connection.poll_flushed(flushes, context)).await;
            Err(Broken::Cut)
        }
        End::Silence => {
            // An error is a connection that has gone.
            let _ = poll_fn(|context| stream.poll_reset(context)).await;
            Err(Broken::Gone)
        }
    }
}

/// Waits until the client has room for a part of this many bytes.
async fn room_for(stream: &mut SendStream<Bytes>, wanted: usize) -> Result<usize, Broken> {
    stream.reserve_capacity(wanted);
    loop {
        match stream.capacity() {
            0 => poll_fn(|context| stream.poll_capacity(context)).await.ok_or(Broken::Gone)??,
            room => return Ok(room),
        };
    }
}

/// What every answer over HTTP/1.1 has too.
fn finish_head(parts: &mut http::response::Parts, length: usize) {
    let headers = &mut parts.headers;
    if !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if !headers.contains_key(header::DATE) {
        let now = httpdate::fmt_http_date(std::time::SystemTime::now());
        if let Ok(now) = HeaderValue::from_str(&now) {
            headers.insert(header::DATE, now);
        }
    }
}
