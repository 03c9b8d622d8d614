//! The frames of HTTP/2 (RFC 9113), as bytes and back: no Huffman codes and no dynamic table in what is written (RFC 7541).
//!
//! Responsible for the form of a frame. Not responsible for what a server says by it.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
    task::JoinHandle,
};

use super::answer::{Answer, Stops};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types and flags of frames: RFC 9113 section 6.
pub(in crate::wire) const DATA: u8 = 0;
pub(in crate::wire) const HEADERS: u8 = 1;
pub(in crate::wire) const RST_STREAM: u8 = 3;
pub(in crate::wire) const SETTINGS: u8 = 4;
pub(in crate::wire) const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(in crate::wire) const END_STREAM: u8 = 1;
pub(in crate::wire) const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// RFC 9113 section 6.5.2.
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// The largest payload that every peer takes (RFC 9113 section 4.2).
const LARGEST: usize = 16_384;

/// A frame that was read.
pub(in crate::wire) struct Frame {
    pub(in crate::wire) kind: u8,
    pub(in crate::wire) flags: u8,
    pub(in crate::wire) stream: u32,
    pub(in crate::wire) payload: Vec<u8>,
}

impl Frame {
    /// Whether a request is whole with it.
    pub(in crate::wire) fn ends_request(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    pub(in crate::wire) fn is_ack(&self) -> bool {
        matches!(self.kind, SETTINGS | PING) && self.flags & ACK != 0
    }

    /// The bytes that a server owes for this frame, whatever it does with the request: acknowledgements and window.
    pub(in crate::wire) fn owed(&self) -> Vec<u8> {
        match self.kind {
            SETTINGS if !self.is_ack() => frame(SETTINGS, ACK, 0, &[]),
            PING if !self.is_ack() => frame(PING, ACK, 0, &self.payload),
            DATA if !self.payload.is_empty() => {
                let size = u32::try_from(self.payload.len()).unwrap_or(0).to_be_bytes();
                frame(WINDOW_UPDATE, 0, 0, &size)
            }
            _ => Vec::new(),
        }
    }
}

pub(in crate::wire) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes: Vec<u8> = length.iter().skip(1).copied().chain([kind, flags]).collect();
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The settings of a server that takes so many streams at once.
pub(in crate::wire) fn settings(streams: Option<u32>) -> Vec<u8> {
    let payload = streams.map(|streams| [&MAX_CONCURRENT_STREAMS.to_be_bytes()[..], &streams.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, &payload.unwrap_or_default())
}

pub(in crate::wire) fn rst(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub(in crate::wire) fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
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
pub(in crate::wire) fn head(answer: &Answer, stream: u32) -> Vec<u8> {
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

/// The frames of an answer, as far as it does not stop.
pub(in crate::wire) fn answered(answer: &Answer, stream: u32) -> Vec<u8> {
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

/// Reads what a client begins with.
pub(in crate::wire) async fn preface<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    if preface == *PREFACE { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Reads the next frame. Dropped, it loses what it has read.
pub(in crate::wire) async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Frame> {
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

/// Reads all frames, for a server that also waits for other things. The channel ends with the connection.
///
/// The task returns the stream when the receiver is dropped. `None` where the connection has ended.
pub(in crate::wire) fn reading<S>(mut stream: S) -> (mpsc::UnboundedReceiver<Frame>, JoinHandle<Option<S>>)
where
    S: AsyncRead + Unpin + Send + 'static,
{
    let (give, frames) = mpsc::unbounded_channel();
    let reader = tokio::spawn(async move {
        loop {
            tokio::select! {
                frame = next(&mut stream) => {
                    let Ok(frame) = frame else { return None };
                    if give.send(frame).is_err() {
                        return Some(stream);
                    }
                }
                () = give.closed() => return Some(stream),
            }
        }
    });
    (frames, reader)
}
