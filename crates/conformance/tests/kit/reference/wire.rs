//! Reading one answer in HTTP/1.1 (RFC 9112), strictly.

use std::{
    error::Error,
    fmt,
    io::{self, Read},
    net::TcpStream,
    time::Instant,
};

use clerk_actor_tokens_core::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use clerk_actor_tokens_core::{Response, TransportError, TransportErrorKind};

use super::{Flaw, remaining};

/// The largest head that is read.
const LARGEST_HEAD: usize = 256 * 1024;

/// What came is no HTTP.
#[derive(Debug)]
pub(crate) struct NotHttp;

impl fmt::Display for NotHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is no HTTP")
    }
}

impl Error for NotHttp {}

/// Why reading stopped.
enum Stop {
    /// The connection ended.
    End,
    /// It broke, or time ran out.
    Io(io::Error),
    NotHttp,
    TooLarge,
}

impl From<Stop> for TransportError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::End => TransportError::new(TransportErrorKind::Interrupted).with_source("the connection ended"),
            Stop::Io(error) => broke(error),
            Stop::NotHttp => TransportError::new(TransportErrorKind::Interrupted).with_source(NotHttp),
            Stop::TooLarge => TransportError::new(TransportErrorKind::BodyTooLarge),
        }
    }
}

/// The error of a connection that had the request.
pub(super) fn broke(error: io::Error) -> TransportError {
    let is_late = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    let kind = if is_late { TransportErrorKind::Timeout } else { TransportErrorKind::Interrupted };
    TransportError::new(kind).with_source(error)
}

pub(super) struct Reader<'a> {
    stream: &'a TcpStream,
    /// What was read and not yet used.
    buffer: Vec<u8>,
    deadline: Instant,
    /// How long a read may take, if each has its own time.
    flaw: Option<Flaw>,
    whole: std::time::Duration,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: &'a TcpStream, buffer: Vec<u8>, deadline: Instant, flaw: Option<Flaw>) -> Self {
        Self { stream, buffer, deadline, flaw, whole: remaining(deadline) }
    }

    pub(super) fn left_over(self) -> Vec<u8> {
        self.buffer
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn fill(&mut self) -> Result<(), Stop> {
        let limit = if self.has(Flaw::TimePerRead) {
            self.whole
        } else if Instant::now() >= self.deadline {
            return Err(Stop::Io(io::ErrorKind::TimedOut.into()));
        } else {
            remaining(self.deadline)
        };
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.set_read_timeout(Some(limit)).and_then(|()| self.stream.read(&mut bytes));
        match read.map_err(Stop::Io)? {
            0 => Err(Stop::End),
            read => {
                self.buffer.extend(&bytes[..read]);
                Ok(())
            }
        }
    }

    /// The text before the next `separator`, up to a limit.
    fn until(&mut self, separator: &[u8], most: usize) -> Result<Vec<u8>, Stop> {
        let mut from = 0;
        loop {
            let found = self.buffer[from..].windows(separator.len()).position(|window| window == separator);
            if let Some(at) = found {
                let rest = self.buffer.split_off(from + at + separator.len());
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(line.len() - separator.len());
                return Ok(line);
            }
            if self.buffer.len() > most {
                return Err(Stop::NotHttp);
            }
            from = self.buffer.len().saturating_sub(separator.len());
            self.fill()?;
        }
    }

    /// Moves at most so many bytes into the body. An error if that would be larger than the cap.
    fn take(&mut self, most: usize, body: &mut Vec<u8>, cap: usize) -> Result<usize, Stop> {
        if self.buffer.is_empty() && most > 0 {
            self.fill()?;
        }
        let taken = most.min(self.buffer.len());
        let room = cap - body.len();
        body.extend(self.buffer.drain(..taken).take(room));
        if taken > room { Err(Stop::TooLarge) } else { Ok(taken) }
    }
}

struct Head {
    status: StatusCode,
    headers: HeaderMap,
    is_old: bool,
}

fn head(reader: &mut Reader<'_>) -> Result<Head, Stop> {
    let bytes = reader.until(b"\r\n\r\n", LARGEST_HEAD)?;
    let parsed = parse(&bytes).ok_or(Stop::NotHttp);
    assert!(parsed.is_ok() || !reader.has(Flaw::PanicsOnGarbage), "what is this?");
    parsed
}

fn parse(bytes: &[u8]) -> Option<Head> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next()?;
    let rest = first.strip_prefix(b"HTTP/1.")?;
    let is_old = match rest.first()? {
        b'0' => true,
        b'1' => false,
        _ => return None,
    };
    let rest = rest.get(1..)?.strip_prefix(b" ")?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    if rest.get(3).is_some_and(|byte| *byte != b' ') {
        return None;
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?;
        headers.append(HeaderName::from_bytes(&line[..at]).ok()?, value);
    }
    Some(Head { status, headers, is_old })
}

enum Framing {
    None,
    Length(usize),
    Chunked,
    End,
}

fn framing(head: &Head) -> Result<Framing, Stop> {
    if matches!(head.status.as_u16(), 204 | 304) {
        return Ok(Framing::None);
    }
    let mut lengths: Vec<_> = head.headers.get_all("content-length").iter().collect();
    lengths.dedup();
    let codings: Vec<_> = head.headers.get_all("transfer-encoding").iter().collect();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(Framing::End),
        ([], [coding]) if *coding == "chunked" => Ok(Framing::Chunked),
        ([length], []) => {
            let length = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            length.and_then(|text| text.parse().ok()).map(Framing::Length).ok_or(Stop::NotHttp)
        }
        _ => Err(Stop::NotHttp),
    }
}

/// Reads a whole answer, and whether another may follow on the connection.
pub(super) fn answer(reader: &mut Reader<'_>, cap: usize) -> Result<(Response, bool), TransportError> {
    let head = loop {
        let head = head(reader)?;
        if reader.has(Flaw::InterimIsFinal) || !head.status.is_informational() {
            break head;
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Stop::NotHttp.into());
        }
    };
    let framing = match framing(&head)? {
        _ if head.status.is_informational() => Framing::None,
        framing => framing,
    };
    let says_close = head.headers.get("connection").is_some_and(|value| value == "close");
    let is_kept = !matches!(framing, Framing::End) && !says_close && !head.is_old;
    let mut body = Vec::new();
    let read = read_body(reader, framing, cap, &mut body);
    let mut response = Response::new(body.into());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    match read {
        Ok(()) => Ok((response, is_kept)),
        Err(stop) => Err(TransportError::from(stop).with_partial(response)),
    }
}

fn read_body(reader: &mut Reader<'_>, framing: Framing, cap: usize, body: &mut Vec<u8>) -> Result<(), Stop> {
    let read = match framing {
        Framing::None => Ok(()),
        Framing::Length(length) if length > cap && reader.has(Flaw::RefusesAnnounced) => Err(Stop::TooLarge),
        Framing::Length(length) => read_exactly(reader, length, body, cap),
        Framing::Chunked => read_chunks(reader, body, cap),
        Framing::End if reader.has(Flaw::NeedsLength) => Err(Stop::NotHttp),
        Framing::End => loop {
            match reader.take(usize::MAX, body, cap) {
                Ok(_) => {}
                Err(Stop::End) => break Ok(()),
                Err(stop) => break Err(stop),
            }
        },
    };
    match read {
        Err(Stop::End) if reader.has(Flaw::EndIsEnd) => Ok(()),
        Err(Stop::NotHttp) if reader.has(Flaw::BrokenChunkIsEnd) => Ok(()),
        read => read,
    }
}

fn read_exactly(reader: &mut Reader<'_>, mut length: usize, body: &mut Vec<u8>, cap: usize) -> Result<(), Stop> {
    while length > 0 {
        length -= reader.take(length, body, cap)?;
    }
    Ok(())
}

fn read_chunks(reader: &mut Reader<'_>, body: &mut Vec<u8>, cap: usize) -> Result<(), Stop> {
    loop {
        let line = String::from_utf8(reader.until(b"\r\n", LARGEST_HEAD)?).map_err(|_| Stop::NotHttp)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| Stop::NotHttp)?;
        if size == 0 {
            while !reader.until(b"\r\n", LARGEST_HEAD)?.is_empty() {}
            return Ok(());
        }
        read_exactly(reader, size, body, cap)?;
        if !reader.until(b"\r\n", 2)?.is_empty() {
            return Err(Stop::NotHttp);
        }
    }
}
