//! An HTTP/2 server of raw frames (RFC 9113), written by hand: it can say what no well-behaved server says.
//!
//! It knows no HPACK: the heads of requests are passed over, and the heads that it sends are indexed fields and literals.

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::Server;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
const PING: u8 = 6;

const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;

/// The error codes (RFC 9113 section 7), and an undefined one.
pub(crate) const CODES: [u32; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xdead];
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const REFUSED_STREAM: u32 = 7;

/// The largest stream id: a GOAWAY with it says that streams will follow that have not been opened yet.
pub(crate) const LAST: u32 = u32::MAX >> 1;

/// `:status 200` of HPACK's static table (RFC 7541 appendix A).
pub(crate) const STATUS_200: &[u8] = &[0x88];

pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn ends_request(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// One connection.
pub(crate) struct Peer<S = TcpStream> {
    stream: S,
}

/// What a request was: its stream, and what came with it in the clear.
pub(crate) struct Received {
    pub(crate) id: u32,
    pub(crate) body: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Reads the client's preface and sends this side's settings. `None` if the client closed instead.
    pub(crate) async fn accept(stream: S) -> Option<Self> {
        Self::accept_with(stream, &[]).await
    }

    pub(crate) async fn accept_with(mut stream: S, settings: &[(u16, u32)]) -> Option<Self> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.ok()?;
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut peer = Self { stream };
        peer.send(self::settings(settings)).await;
        Some(peer)
    }

    /// A peer whose client's preface was read, and that has said nothing.
    #[cfg(feature = "connector")]
    pub(crate) fn over(stream: S) -> Self {
        Self { stream }
    }

    /// The next frame. Settings and pings are acknowledged on the way; the acknowledgement of settings is a frame.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).await.ok()?;
            match (head[3], head[4] & ACK) {
                (SETTINGS, 0) => self.send(frame(SETTINGS, ACK, 0, [])).await,
                (PING, 0) => self.send(frame(PING, ACK, 0, payload)).await,
                (PING, _) => {}
                (kind, _) => return Some(Frame { kind, flags: head[4], stream, payload }),
            }
        }
    }

    /// The next request, once all of it is here. Requests that come in between each other's frames are not looked for.
    pub(crate) async fn request(&mut self) -> Option<Received> {
        let mut body = Vec::new();
        loop {
            let frame = self.next().await?;
            if frame.kind == DATA {
                body.extend_from_slice(&frame.payload);
            }
            if frame.ends_request() {
                return Some(Received { id: frame.stream, body });
            }
        }
    }

    /// Writes these bytes. The client may have gone: that is for the test to notice.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.sent(bytes).await;
    }

    /// Whether they could be written.
    pub(crate) async fn sent(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    pub(crate) async fn answer(&mut self, id: u32, body: &str) {
        self.send([headers(id, STATUS_200, 0), frame(DATA, END_STREAM, id, body)].concat()).await;
    }

    /// Reads on until the client has closed the connection.
    pub(crate) async fn closed_by_client(&mut self) {
        while self.next().await.is_some() {}
    }

    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A head that is whole, `flags` beside.
pub(crate) fn headers(stream: u32, block: &[u8], flags: u8) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, block)
}

/// A field that is in no table, and does not enter one (RFC 7541 section 6.2.2).
pub(crate) fn literal(name: &str, value: &[u8]) -> Vec<u8> {
    [&[0][..], &length(name.len()), name.as_bytes(), &length(value.len()), value].concat()
}

/// A string's length (RFC 7541 section 5.1), without Huffman.
fn length(mut length: usize) -> Vec<u8> {
    if length < 127 {
        return vec![u8::try_from(length).unwrap()];
    }
    let mut bytes = vec![127];
    length -= 127;
    while length >= 128 {
        bytes.push(u8::try_from(length % 128).unwrap() | 128);
        length /= 128;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes
}

/// `:status`, as a literal.
pub(crate) fn status(status: u16) -> Vec<u8> {
    [&[8, 3][..], status.to_string().as_bytes()].concat()
}

pub(crate) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload = settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, payload.collect::<Vec<_>>())
}

pub(crate) fn rst(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, code.to_be_bytes())
}

pub(crate) fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, [last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// A server over TCP that answers every request on every connection with `hello`, each before it reads the next.
pub(crate) async fn answering() -> Server {
    Server::start(|_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
        }
    })
    .await
}
