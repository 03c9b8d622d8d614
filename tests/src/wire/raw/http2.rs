//! HTTP/2 (RFC 9113), as much of it as takes to read the requests of the library and to write answers: no Huffman codes
//! and no dynamic table in what is written (RFC 7541), and the heads of requests are not decoded.

use std::{collections::BTreeMap, io};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::answer::{Answer, Stops};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types and flags of frames: RFC 9113 section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The largest payload that every peer takes (RFC 9113 section 4.2).
const LARGEST: usize = 16_384;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes: Vec<u8> = length.iter().skip(1).copied().chain([kind, flags]).collect();
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A length with a prefix of seven bits (RFC 7541 section 5.1).
fn length(into: &mut Vec<u8>, length: usize) {
    const PREFIX: usize = 127;
    let byte = |value: usize| u8::try_from(value & 0x7f).unwrap_or(0);
    if length < PREFIX {
        into.push(byte(length));
        return;
    }
    into.push(0x7f);
    let mut rest = length.saturating_sub(PREFIX);
    while rest >= 128 {
        into.push(byte(rest) | 0x80);
        rest >>= 7;
    }
    into.push(byte(rest));
}

fn text(into: &mut Vec<u8>, text: &str) {
    length(into, text.len());
    into.extend_from_slice(text.as_bytes());
}

/// The frame that the answer's head is.
pub(super) fn head(answer: &Answer, stream: u32) -> Vec<u8> {
    // `:status` is entry 8 of the static table; its value follows it (RFC 7541 section 6.2.2).
    let mut fields = vec![8];
    text(&mut fields, &answer.status.to_string());
    let size = answer.body.len().to_string();
    let headers = answer.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in headers.chain([("content-length", size.as_str())]) {
        fields.push(0);
        text(&mut fields, name);
        text(&mut fields, value);
    }
    let ends = if answer.body.is_empty() { END_STREAM } else { 0 };
    frame(HEADERS, END_HEADERS | ends, stream, &fields)
}

fn bytes(answer: &Answer, stream: u32) -> Vec<u8> {
    let mut bytes = head(answer, stream);
    let kept = match answer.stops {
        Stops::InHead(kept) => {
            bytes.truncate(kept);
            return bytes;
        }
        Stops::InBody(kept) => kept.min(answer.body.len()),
        Stops::Nowhere => answer.body.len(),
    };
    let body = answer.body.get(..kept).unwrap_or_default();
    let pieces = body.chunks(LARGEST).count();
    for (number, piece) in body.chunks(LARGEST).enumerate() {
        let is_last = number.saturating_add(1) == pieces && answer.stops == Stops::Nowhere;
        bytes.extend(frame(DATA, if is_last { END_STREAM } else { 0 }, stream, piece));
    }
    bytes
}

/// An answer that stops is followed by others: only its own stream waits. But where it stops in the middle of a
/// frame, nothing can follow.
pub(super) async fn serve<S>(stream: &mut S, answer: impl Fn(&[u8]) -> Answer + Send) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    if preface != *PREFACE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut bodies: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut stands_still = false;
    loop {
        stream.flush().await?;
        let Frame { kind, flags, stream: id, payload } = next(stream).await?;
        if stands_still {
            continue;
        }
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload)).await?,
            DATA if !payload.is_empty() => {
                let size = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
                stream.write_all(&frame(WINDOW_UPDATE, 0, 0, &size)).await?;
                bodies.entry(id).or_default().extend_from_slice(&payload);
            }
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            let answer = answer(&bodies.remove(&id).unwrap_or_default());
            stream.write_all(&bytes(&answer, id)).await?;
            stands_still = matches!(answer.stops, Stops::InHead(kept) if kept > 0);
        }
    }
}

async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Frame> {
    let mut length = [0; 4];
    stream.read_exact(length.get_mut(1..).unwrap_or_default()).await?;
    let (kind, flags) = (stream.read_u8().await?, stream.read_u8().await?);
    let id = stream.read_u32().await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    Ok(Frame { kind, flags, stream: id, payload })
}
