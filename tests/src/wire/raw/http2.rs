//! HTTP/2 (RFC 9113), as much of it as takes to read the requests of the library and to write answers. The heads of requests
//! are not decoded.

use std::{collections::BTreeMap, io};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::{
    answer::{Answer, Stops},
    frames::{self, DATA},
};

/// An answer that stops is followed by others: only its own stream waits. But where it stops in the middle of a
/// frame, nothing can follow.
pub(super) async fn serve<S>(stream: &mut S, answer: impl Fn(&[u8]) -> Answer + Send) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    frames::preface(stream).await?;
    stream.write_all(&frames::settings(None)).await?;
    let mut bodies: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut stands_still = false;
    loop {
        stream.flush().await?;
        let frame = frames::next(stream).await?;
        if stands_still {
            continue;
        }
        stream.write_all(&frame.owed()).await?;
        if frame.kind == DATA {
            bodies.entry(frame.stream).or_default().extend_from_slice(&frame.payload);
        }
        if frame.ends_request() {
            let answer = answer(&bodies.remove(&frame.stream).unwrap_or_default());
            stream.write_all(&frames::answered(&answer, frame.stream)).await?;
            stands_still = matches!(answer.stops, Stops::InHead(kept) if kept > 0);
        }
    }
}
