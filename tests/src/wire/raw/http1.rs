//! HTTP/1.1, as much of it as takes to read a request of the library's and to write an answer.

use std::{fmt::Write as _, io};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::answer::{Answer, Stops};

/// Far more than any request of the library's.
const LONGEST: usize = 64 * 1024;

pub(in crate::wire) fn head(answer: &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Status\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        // Writing to a String does not fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

pub(super) async fn serve<S>(stream: &mut S, answer: impl Fn(&[u8]) -> Answer + Send) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut read = Vec::new();
    while let Some(body) = request(stream, &mut read).await? {
        let answer = answer(&body);
        let mut bytes = head(&answer);
        match answer.stops {
            Stops::Nowhere => bytes.extend_from_slice(&answer.body),
            Stops::InHead(kept) => bytes.truncate(kept),
            Stops::InBody(kept) => bytes.extend(answer.body.iter().take(kept)),
        }
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        if answer.stops != Stops::Nowhere {
            gone(stream).await;
            return Ok(());
        }
    }
    Ok(())
}

/// The body of the next request. `None` if the client closed instead.
async fn request<S: AsyncRead + Unpin>(stream: &mut S, read: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(Whole { begin, end }) = whole(read) {
            let body = read.get(begin..end).map(<[u8]>::to_vec);
            read.drain(..end);
            return Ok(body);
        }
        if read.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

/// Where the body of a request begins and ends.
pub(in crate::wire) struct Whole {
    pub(in crate::wire) begin: usize,
    pub(in crate::wire) end: usize,
}

/// Returns where the body of the first request is, once all of it has been read.
pub(in crate::wire) fn whole(read: &[u8]) -> Option<Whole> {
    let end = b"\r\n\r\n";
    let place = read.windows(end.len()).position(|window| window == end)?;
    let head = String::from_utf8_lossy(read.get(..place).unwrap_or_default()).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let begin = place.saturating_add(end.len());
    let end = begin.saturating_add(length);
    (end <= read.len()).then_some(Whole { begin, end })
}

/// Waits until the client has gone.
pub(in crate::wire) async fn gone<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut piece = [0; 1024];
    while let Ok(1..) = stream.read(&mut piece).await {}
}
