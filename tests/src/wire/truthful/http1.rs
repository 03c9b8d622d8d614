//! HTTP/1.1: the connection is closed or reset before, within and behind the request and the response.

use std::{io, time::Duration};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::sleep,
};

use super::shared::{Shared, Socket};
use crate::wire::raw::{
    Answer,
    http1::{Whole, head, whole},
};

/// Where a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeRequest,
    WithinRequest,
    BehindRequest,
    BehindCommit,
    WithinHead,
    WithinBody,
    BehindResponse,
}

const PLACES: [Place; 7] = [
    Place::BeforeRequest,
    Place::WithinRequest,
    Place::BehindRequest,
    Place::BehindCommit,
    Place::WithinHead,
    Place::WithinBody,
    Place::BehindResponse,
];

impl Place {
    fn way(self, resets: bool) -> &'static str {
        match (self, resets) {
            (Self::BeforeRequest, false) => "closed before the request",
            (Self::BeforeRequest, true) => "reset before the request",
            (Self::WithinRequest, false) => "closed within the request",
            (Self::WithinRequest, true) => "reset within the request",
            (Self::BehindRequest, false) => "closed behind the request, not committed",
            (Self::BehindRequest, true) => "reset behind the request, not committed",
            (Self::BehindCommit, false) => "closed behind the request, committed",
            (Self::BehindCommit, true) => "reset behind the request, committed",
            (Self::WithinHead, false) => "closed within the head of the response",
            (Self::WithinHead, true) => "reset within the head of the response",
            (Self::WithinBody, false) => "closed within the body of the response",
            (Self::WithinBody, true) => "reset within the body of the response",
            (Self::BehindResponse, false) => "closed behind the response",
            (Self::BehindResponse, true) => "reset behind the response",
        }
    }
}

/// An idle connection is closed within this time.
const IDLE: Duration = Duration::from_millis(2);

/// More than the head of a request of the library's.
const HEAD: usize = 400;

pub(super) async fn serve<S: Socket>(mut stream: S, mut rng: Rng, shared: &Shared) -> io::Result<()> {
    let (place, resets) = (*rng.choice(&PLACES).unwrap_or(&Place::BeforeRequest), rng.bool());
    // Some connections answer nothing before they end.
    let answers = rng.usize(0..6);
    let mut read = Vec::new();
    for _ in 0..answers {
        let Some(body) = request(&mut stream, &mut read).await? else { return Ok(()) };
        if let Some(answer) = shared.ledger.commit(&body) {
            stream.write_all(&[head(&answer), answer.body].concat()).await?;
            stream.flush().await?;
        }
    }
    end(&mut stream, &mut read, place, &mut rng, shared).await?;
    shared.count(place.way(resets));
    if resets {
        stream.resets();
    } else {
        stream.shutdown().await?;
    }
    Ok(())
}

/// Does what precedes the end of the connection.
async fn end<S: Socket>(
    stream: &mut S,
    read: &mut Vec<u8>,
    place: Place,
    rng: &mut Rng,
    shared: &Shared,
) -> io::Result<()> {
    if place == Place::BeforeRequest {
        sleep(IDLE.mul_f64(rng.f64())).await;
        return Ok(());
    }
    if place == Place::WithinRequest {
        let kept = rng.usize(1..HEAD);
        while read.len() < kept && whole(read).is_none() {
            if stream.read_buf(read).await? == 0 {
                break;
            }
        }
        return Ok(());
    }
    let Some(body) = request(stream, read).await? else { return Ok(()) };
    if place == Place::BehindRequest {
        return Ok(());
    }
    let Some(answer) = shared.ledger.commit(&body) else { return Ok(()) };
    let bytes = written(&answer, place, rng);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// What is written of the answer.
fn written(answer: &Answer, place: Place, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = head(answer);
    match place {
        Place::WithinHead => bytes.truncate(rng.usize(1..bytes.len().max(2))),
        Place::WithinBody => bytes.extend(answer.body.iter().take(rng.usize(0..answer.body.len().max(1)))),
        Place::BehindResponse => bytes.extend_from_slice(&answer.body),
        _ => bytes.clear(),
    }
    bytes
}

/// The body of the next request. `None` if the client closed instead.
async fn request<S: Socket>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(Whole { begin, end }) = whole(read) {
            let body = read.get(begin..end).map(<[u8]>::to_vec);
            read.drain(..end);
            return Ok(body);
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}
