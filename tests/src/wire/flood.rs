//! Answers without end, written by a process of its own: what a client allocates can then be counted.
//!
//! The process serves one request of one connection and says how much it wrote and how that ended. It speaks blocking
//! I/O, and writes the same piece of memory again and again.

mod http2;
mod kind;

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

pub use self::kind::{Flood, WHOLE};
use self::kind::{Written, ended};
use super::BoxError;

/// How long a peer that says nothing is waited for: the process ends by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves one connection, and writes to `told`: first the port, and in the end how many bytes of body were written and
/// after what time it ended in which way.
///
/// # Errors
/// The machine gave no socket, or no request came.
pub fn serve(flood: Flood, told: &mut impl Write) -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(told, "{}", listener.local_addr()?.port())?;
    told.flush()?;
    let (stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let began = Instant::now();
    let Written { bytes, end } = if flood.is_http2() { http2::serve(flood, stream)? } else { http1(flood, stream)? };
    writeln!(told, "{bytes} after {:.1?} {end}", began.elapsed())?;
    Ok(())
}

fn http1(flood: Flood, mut stream: TcpStream) -> Result<Written, BoxError> {
    request(&stream)?;
    let (unit, before) = body(flood);
    let total = if flood.is_whole() { 200_000 } else { WHOLE };
    let framing = match flood {
        Flood::Chunked | Flood::Extensions => "transfer-encoding: chunked\r\n".to_owned(),
        Flood::UntilClosed => "connection: close\r\n".to_owned(),
        _ => format!("content-length: {total}\r\n"),
    };
    let coding = if matches!(flood, Flood::Gzip | Flood::SmallGzip) { "content-encoding: gzip\r\n" } else { "" };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{framing}{coding}\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&before)?;
    let (mut bytes, mut rest) = (before.len() as u64, total.saturating_sub(before.len() as u64));
    while rest > 0 {
        let piece = unit.get(..usize::try_from(rest)?.min(unit.len())).unwrap_or_default();
        match stream.write(piece) {
            Ok(written) => {
                bytes += written as u64;
                rest -= written as u64;
            }
            Err(error) => return Ok(Written { bytes, end: ended(&error) }),
        }
    }
    Ok(Written { bytes, end: "written whole" })
}

/// What is written again and again, and what comes before it.
fn body(flood: Flood) -> (Vec<u8>, Vec<u8>) {
    const PIECE: usize = 64 * 1024;
    match flood {
        Flood::Chunked => {
            let mut chunk = format!("{PIECE:x}\r\n").into_bytes();
            chunk.resize(chunk.len() + PIECE, b' ');
            chunk.extend_from_slice(b"\r\n");
            (chunk, Vec::new())
        }
        Flood::Extensions => (format!("1;{}\r\n \r\n", "x".repeat(PIECE / 2)).into_bytes(), Vec::new()),
        Flood::Gzip | Flood::SmallGzip => gzip(),
        _ => (vec![b' '; PIECE], Vec::new()),
    }
}

/// A gzip stream (RFC 1952) of zeros without end: 13 bytes that are 2,064 zeros, again and again, and what comes before.
///
/// One block of fixed codes (RFC 1951 section 3.2.6): a zero, then "258 bytes from one byte before" for ever. That takes
/// 13 bits each: the code 11000101 of 258, and 00000 of the distance.
fn gzip() -> (Vec<u8>, Vec<u8>) {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The last block, of fixed codes; the literal zero (00110000).
    let begin = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    let copy = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let bits: Vec<u8> = begin.into_iter().chain(copy.into_iter().cycle().take(13 * 16)).collect();
    let packed: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit)).collect();
    // From the second byte on, the same 13 bytes come again.
    let (first, rest) = packed.split_at(2);
    let unit = rest.get(..13).unwrap_or_default().repeat(4096);
    (unit, HEADER.into_iter().chain(first.iter().copied()).collect())
}

/// Reads one request with its body.
fn request(stream: &TcpStream) -> Result<(), BoxError> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err("no request came".into());
        }
        let line = line.trim_end().to_lowercase();
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse()?;
        }
        if line.is_empty() {
            break;
        }
    }
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bomb_is_made_of_the_same_thirteen_bytes() {
        let (unit, before) = gzip();
        assert_eq!(unit.len(), 13 * 4096);
        assert_eq!(before.len(), 12);
        // Not by chance the same byte: the pattern has thirteen of its own.
        assert!(
            unit.chunks_exact(13).all(|chunk| chunk == &unit[..13]) && unit[..13].windows(2).any(|it| it[0] != it[1])
        );
    }
}
