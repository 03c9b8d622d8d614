//! HTTP/2: requests are refused or reset, and connections go away, between any two frames.
//!
//! A `GOAWAY` names the true last stream: none above it is ever committed (RFC 9113 section 6.8). A stream that is refused is
//! never committed either (section 8.7).

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    io::{AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::mpsc,
    time::timeout,
};

use super::shared::{Shared, Socket};
use crate::wire::raw::{
    Answer, Stops,
    frames::{self, DATA, Frame, HEADERS, RST_STREAM},
};

// Error codes: RFC 9113 section 7.
const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;
/// Those that prove nothing, when a stream is reset: with NO_ERROR and an undefined one.
const PROVES_NOTHING: [u32; 8] = [0, 1, 2, 5, 8, 11, 13, 0xdead];

/// A `GOAWAY` with this last stream says that another one follows.
const LAST: u32 = u32::MAX >> 1;

/// If no frame comes for this long, the server answers what it has.
const PAUSE: Duration = Duration::from_millis(1);

const ACTS_EVERY: [u8; 3] = [2, 4, 100];

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// GOAWAY with the last stream that was seen: those up to it are answered.
    Leaves,
    /// GOAWAY with the last stream that was acted on: those above it are not.
    LeavesBelow,
    /// GOAWAY with an error code. What is open is not answered.
    Fails,
    /// GOAWAY that still takes any stream, some frames, then as `Leaves`.
    Graceful,
    Closes,
    Resets,
}

const ENDS: [End; 6] = [End::Leaves, End::LeavesBelow, End::Fails, End::Graceful, End::Closes, End::Resets];

impl End {
    fn way(self) -> &'static str {
        match self {
            Self::Leaves => "GOAWAY, the rest answered",
            Self::LeavesBelow => "GOAWAY below what had arrived",
            Self::Fails => "GOAWAY with an error code",
            Self::Graceful => "GOAWAY twice, graceful",
            Self::Closes => "closed",
            Self::Resets => "reset",
        }
    }
}

/// Serves one connection.
pub(super) async fn serve<S: Socket>(mut stream: S, mut rng: Rng, shared: &Shared) -> io::Result<()> {
    frames::preface(&mut stream).await?;
    let (read, write) = tokio::io::split(stream);
    // The reading half has to come back: a reset needs the whole stream.
    let (mut arriving, reader) = frames::reading(read);
    let mut connection = Connection {
        write,
        acts_every: *rng.choice(&ACTS_EVERY).unwrap_or(&1),
        rng,
        shared,
        open: BTreeMap::new(),
        whole: VecDeque::new(),
        seen: 0,
        acted: 0,
        takes: LAST,
    };
    let ended = connection.live(&mut arriving).await;
    drop(arriving);
    let (Ok(Some(read)), write) = (reader.await, connection.write) else { return Ok(()) };
    let mut stream: S = ReadHalf::unsplit(read, write);
    match ended {
        Ok(Some(End::Resets)) => {
            stream.resets();
            Ok(())
        }
        _ => stream.shutdown().await,
    }
}

struct Connection<'a, S> {
    write: WriteHalf<S>,
    rng: Rng,
    /// While frames come, it acts after one of so many. The others wait, and some are never answered.
    acts_every: u8,
    shared: &'a Shared,
    /// Requests of which the head has arrived.
    open: BTreeMap<u32, Vec<u8>>,
    /// Requests that are whole, and not acted on.
    whole: VecDeque<(u32, Vec<u8>)>,
    /// The last stream that has begun.
    seen: u32,
    /// The last stream that was acted on.
    acted: u32,
    /// The last stream that may be acted on.
    takes: u32,
}

impl<S: Socket> Connection<'_, S> {
    /// Serves until the connection ends. Returns how, unless the client has ended it.
    async fn live(&mut self, arriving: &mut mpsc::UnboundedReceiver<Frame>) -> io::Result<Option<End>> {
        let end = *self.rng.choice(&ENDS).unwrap_or(&End::Closes);
        let frames = match self.rng.u8(..4) {
            0 => self.rng.usize(0..8),
            1 => self.rng.usize(0..60),
            _ => self.rng.usize(60..900),
        };
        let limit = [None, Some(1), Some(10), Some(100)].get(self.rng.usize(..4)).copied().flatten();
        self.send(&frames::settings(limit)).await?;
        if !self.serve(arriving, frames).await? {
            return Ok(None);
        }
        self.shared.count(end.way());
        match end {
            End::Leaves => self.leave(self.seen, NO_ERROR).await?,
            End::LeavesBelow => {
                let code = if self.rng.bool() { NO_ERROR } else { self.code() };
                self.leave(self.acted, code).await?;
            }
            End::Graceful => {
                self.send(&frames::goaway(LAST, NO_ERROR)).await?;
                let more = self.rng.usize(0..40);
                if !self.serve(arriving, more).await? {
                    return Ok(None);
                }
                self.leave(self.seen, NO_ERROR).await?;
            }
            End::Fails => {
                let (last, code) = (if self.rng.bool() { self.seen } else { self.acted }, self.code());
                self.takes = last;
                self.send(&frames::goaway(last, code)).await?;
                self.commit_in_silence();
                return Ok(Some(End::Fails));
            }
            End::Closes | End::Resets => {
                self.commit_in_silence();
                return Ok(Some(end));
            }
        }
        // What was begun below the last stream may still arrive.
        while !self.open.is_empty() || !self.whole.is_empty() {
            if !self.serve(arriving, 1).await? {
                return Ok(None);
            }
        }
        Ok(Some(end))
    }

    fn code(&mut self) -> u32 {
        *self.rng.choice(PROVES_NOTHING.iter().skip(1)).unwrap_or(&2)
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write.write_all(bytes).await?;
        self.write.flush().await
    }

    /// Takes so many frames, and acts on requests meanwhile. `false` if the client has ended the connection.
    async fn serve(&mut self, arriving: &mut mpsc::UnboundedReceiver<Frame>, frames: usize) -> io::Result<bool> {
        let mut left = frames;
        while left > 0 {
            match timeout(PAUSE, arriving.recv()).await {
                Ok(None) => return Ok(false),
                Ok(Some(frame)) => {
                    left = left.saturating_sub(1);
                    self.take(frame).await?;
                    if self.rng.u8(..self.acts_every) == 0 {
                        self.act().await?;
                    }
                }
                // Where all is acted on, it waits for the client.
                Err(_) if self.whole.is_empty() => match arriving.recv().await {
                    Some(frame) => {
                        left = left.saturating_sub(1);
                        self.take(frame).await?;
                    }
                    None => return Ok(false),
                },
                Err(_) => {
                    self.act().await?;
                    // A connection that takes few streams moves on, too.
                    left = left.saturating_sub(1);
                }
            }
        }
        Ok(true)
    }

    async fn take(&mut self, frame: Frame) -> io::Result<()> {
        self.send(&frame.owed()).await?;
        let stream = frame.stream;
        match frame.kind {
            HEADERS => {
                self.seen = self.seen.max(stream);
                if stream > self.takes {
                    return Ok(());
                }
                if self.rng.u8(..32) == 0 {
                    self.shared.count("REFUSED_STREAM before the body");
                    return self.send(&frames::rst(stream, REFUSED_STREAM)).await;
                }
                self.open.insert(stream, Vec::new());
            }
            DATA => {
                if let Some(body) = self.open.get_mut(&stream) {
                    body.extend_from_slice(&frame.payload);
                }
            }
            RST_STREAM => {
                self.open.remove(&stream);
                self.whole.retain(|(waiting, _)| *waiting != stream);
            }
            _ => {}
        }
        if frame.ends_request() {
            self.whole.extend(self.open.remove_entry(&stream));
        }
        Ok(())
    }

    /// Acts on one of the requests that are whole.
    async fn act(&mut self) -> io::Result<()> {
        let place = self.rng.usize(..self.whole.len().max(1));
        let Some((stream, body)) = self.whole.remove(place) else { return Ok(()) };
        self.acted = self.acted.max(stream);
        let (way, bytes) = match self.rng.u8(..20) {
            0 => ("REFUSED_STREAM", frames::rst(stream, REFUSED_STREAM)),
            1 => ("RST_STREAM, not committed", self.rst(stream)),
            2 => {
                self.shared.ledger.commit(&body);
                ("RST_STREAM, committed", self.rst(stream))
            }
            3 => {
                let Some(answer) = self.shared.ledger.commit(&body) else { return Ok(()) };
                let stops = Stops::InBody(self.rng.usize(..answer.body.len().max(1)));
                let begun = frames::answered(&Answer { stops, ..answer }, stream);
                ("RST_STREAM within the response", [begun, self.rst(stream)].concat())
            }
            _ => {
                let Some(answer) = self.shared.ledger.commit(&body) else { return Ok(()) };
                ("answered", frames::answered(&answer, stream))
            }
        };
        self.shared.count(way);
        self.send(&bytes).await
    }

    fn rst(&mut self, stream: u32) -> Vec<u8> {
        frames::rst(stream, *self.rng.choice(&PROVES_NOTHING).unwrap_or(&NO_ERROR))
    }

    /// Takes none above the last stream from here on, and says so.
    async fn leave(&mut self, last: u32, code: u32) -> io::Result<()> {
        self.takes = last;
        self.open.retain(|stream, _| *stream <= last);
        self.whole.retain(|(stream, _)| *stream <= last);
        self.send(&frames::goaway(last, code)).await
    }

    /// Acts on some of what has arrived, and says nothing of it.
    fn commit_in_silence(&mut self) {
        for (stream, body) in std::mem::take(&mut self.whole) {
            if stream <= self.takes && self.rng.bool() {
                self.shared.count("committed in silence");
                self.shared.ledger.commit(&body);
            }
        }
    }
}
