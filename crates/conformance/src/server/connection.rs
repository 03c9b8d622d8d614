//! One connection: its requests are read, and the script's acts done.
//!
//! The last byte of a request is looked at and left in the operating system's buffer until the server has answered. A
//! connection that is closed with bytes unread is reset (RFC 9293 section 3.6, RFC 2525 section 2.17): there is no other
//! way to do that with the standard library alone.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    request,
    script::{Act, LAST_RESORT, Reads, Seen, write},
    shared::Shared,
};
use crate::{lock::locked, peer::WARM_UP};

/// What a request that keeps the connection busy is answered with.
const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwarm-up";

/// How many bytes of a repetition are written at a time.
const LARGEST_WRITE: usize = 16 * 1024;

/// Whether the connection continues.
enum Then {
    ReadNext,
    End,
}

pub(super) fn serve(shared: &Shared, number: usize, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(LAST_RESORT));
    let _ = stream.set_write_timeout(Some(LAST_RESORT));
    let mut connection = Connection { shared, number, stream, owed: 0, head: Vec::new() };
    connection.serve();
    // The other handle would keep it open.
    shared.note(number, |met| met.stream = None);
}

struct Connection<'a> {
    shared: &'a Shared,
    number: usize,
    stream: TcpStream,
    /// How many bytes of the request are still in the operating system's buffer.
    owed: usize,
    /// The head of the request, as it came.
    head: Vec<u8>,
}

impl Connection<'_> {
    fn serve(&mut self) {
        let mut before = 0_usize;
        loop {
            let acts = match self.shared.reads {
                Reads::Nothing => (self.shared.script)(&Seen::nothing(self.number)),
                reads => match self.read(reads, before) {
                    Some(seen) if seen.request.header(WARM_UP).is_some() => vec![write(PLAIN)],
                    Some(seen) => (self.shared.script)(&seen),
                    None => return,
                },
            };
            match self.act(acts) {
                Ok(Then::ReadNext) if self.shared.reads != Reads::Nothing => before = before.saturating_add(1),
                Ok(_) => return,
                Err(_) => return self.left_by_client(),
            }
        }
    }

    /// Reads the next request. `None` if the client closed instead.
    fn read(&mut self, reads: Reads, before: usize) -> Option<Seen> {
        let mut bytes = Vec::new();
        let mut ahead = vec![0; 64 * 1024];
        loop {
            let peeked = match self.stream.peek(&mut ahead) {
                Ok(0) | Err(_) => {
                    self.shared.note(self.number, |met| met.raw.append(&mut bytes));
                    self.left_by_client();
                    return None;
                }
                Ok(peeked) => peeked,
            };
            let known = bytes.len();
            bytes.extend(ahead.iter().take(peeked));
            let Some(progress) = request::parse(&bytes) else {
                self.skip(peeked);
                continue;
            };
            let reads_head = reads == Reads::Head && progress.request.header(WARM_UP).is_none();
            let end = match progress.length {
                _ if reads_head => progress.head_length,
                Some(length) => length,
                None => {
                    self.skip(peeked);
                    continue;
                }
            };
            self.owed = 1;
            self.skip(end.saturating_sub(known).saturating_sub(1));
            bytes.truncate(progress.head_length);
            self.head = bytes;
            let seen = Seen { connection: self.number, before, request: progress.request };
            locked(&self.shared.state).seen.push(seen.clone());
            return Some(seen);
        }
    }

    /// Takes bytes out of the operating system's buffer that are known to be there.
    fn skip(&mut self, bytes: usize) {
        let _ = io::copy(&mut Read::take(&self.stream, bytes as u64), &mut io::sink());
    }

    fn act(&mut self, acts: Vec<Act>) -> io::Result<Then> {
        if !acts.iter().any(|act| matches!(act, Act::Reset)) {
            self.skip(self.owed);
        }
        self.owed = 0;
        for act in acts {
            match act {
                Act::Write(bytes) => self.stream.write_all(&bytes)?,
                Act::Repeat(bytes, times) => self.write_times(&bytes, times)?,
                Act::ReadRest => self.read_rest()?,
                Act::Pause(time) => thread::sleep(time),
                Act::Forever(bytes, pause) => self.write_forever(&bytes, pause)?,
                Act::HalfClose => self.stream.shutdown(Shutdown::Write)?,
                Act::Hold => {
                    self.hold();
                    return Ok(Then::End);
                }
                Act::Deaf => {
                    self.wait();
                    return Ok(Then::End);
                }
                // A reset differs by the byte that was left unread.
                Act::Close | Act::Reset => return Ok(Then::End),
            }
        }
        Ok(Then::ReadNext)
    }

    /// Reads to the end of the request and no further: the next one may be there already.
    fn read_rest(&mut self) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.head);
        let mut ahead = vec![0; 64 * 1024];
        loop {
            let known = bytes.len();
            if let Some(length) = request::parse(&bytes).and_then(|progress| progress.length) {
                return if length == known { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
            let peeked = match self.stream.peek(&mut ahead)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                peeked => peeked,
            };
            bytes.extend_from_slice(ahead.get(..peeked).unwrap_or_default());
            if let Some(length) = request::parse(&bytes).and_then(|progress| progress.length) {
                bytes.truncate(length);
            }
            self.skip(bytes.len().saturating_sub(known));
        }
    }

    /// Writes many repetitions at a time: each write costs the system far more than its bytes.
    fn write_times(&mut self, bytes: &[u8], times: usize) -> io::Result<()> {
        let at_a_time = (LARGEST_WRITE / bytes.len().max(1)).clamp(1, times.max(1));
        let many = bytes.repeat(at_a_time);
        for _ in 0..times / at_a_time {
            self.stream.write_all(&many)?;
        }
        self.stream.write_all(&bytes.repeat(times % at_a_time))
    }

    fn write_forever(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        let start = Instant::now();
        while start.elapsed() < LAST_RESORT {
            self.stream.write_all(bytes)?;
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
        Ok(())
    }

    /// Reads and forgets until the client closes.
    fn hold(&mut self) {
        self.shared.note(self.number, |met| met.is_held = true);
        let start = Instant::now();
        let mut buffer = [0; 4096];
        while start.elapsed() < LAST_RESORT {
            match self.stream.read(&mut buffer) {
                Ok(read @ 1..) => {
                    let received = buffer.iter().take(read);
                    self.shared.note(self.number, |met| met.raw.extend(received));
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                Ok(0) | Err(_) => {
                    self.left_by_client();
                    break;
                }
            }
        }
    }

    /// Reads nothing until the server stops.
    fn wait(&self) {
        let start = Instant::now();
        while start.elapsed() < LAST_RESORT && !self.shared.is_stopping() {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn left_by_client(&self) {
        self.shared.note(self.number, |met| met.is_closed_by_client = true);
    }
}
