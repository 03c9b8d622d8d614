//! The flood over HTTP/2 (RFC 9113): a server that only writes, within the client's windows or not.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

use super::kind::{Flood, WHOLE, Written, ended};
use crate::wire::BoxError;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
/// RFC 9113 section 6.5.2.
const INITIAL_WINDOW_SIZE: u16 = 4;
/// The window of a connection, and of a stream unless the client says otherwise (RFC 9113 section 6.9.2).
const WINDOW: i64 = 65_535;
const LARGEST: usize = 16_384;

/// The client's side of one HTTP/2 connection with one stream, as far as a server that only writes has to know it.
struct Client {
    stream: TcpStream,
    /// How much may be written: on the connection, on the stream.
    windows: (i64, i64),
    is_asked: bool,
    is_over: bool,
}

pub(super) fn serve(flood: Flood, stream: TcpStream) -> Result<Written, BoxError> {
    stream.set_nodelay(true)?;
    let mut client = Client { stream, windows: (WINDOW, WINDOW), is_asked: false, is_over: false };
    client.stream.read_exact(&mut [0; 24])?;
    client.write(SETTINGS, 0, 0, &[])?;
    while !client.is_asked {
        client.read()?;
    }
    // `:status` 200 is entry 8 of the static table (RFC 7541 appendix A). No length is announced.
    client.write(HEADERS, 4, 1, &[0x88])?;
    let piece = if flood == Flood::Http2Empty { Vec::new() } else { vec![b' '; LARGEST] };
    let size = piece.len() as i64;
    let mut bytes = 0;
    while bytes < WHOLE {
        let is_bounded = flood == Flood::Http2;
        while is_bounded && !client.is_over && (client.windows.0 < size || client.windows.1 < size) {
            if let Err(error) = client.read() {
                return Ok(Written { bytes, end: ended(&error) });
            }
        }
        if client.is_over {
            return Ok(Written { bytes, end: "reset by the client" });
        }
        if let Err(error) = client.write(DATA, 0, 1, &piece) {
            return Ok(Written { bytes, end: ended(&error) });
        }
        client.windows = (client.windows.0 - size, client.windows.1 - size);
        // An empty frame is nine bytes too.
        bytes += piece.len().max(9) as u64;
    }
    Ok(Written { bytes, end: "written whole" })
}

impl Client {
    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
        let mut frame = [0; 9 + LARGEST];
        let header = length.into_iter().skip(1).chain([kind, flags]).chain(stream.to_be_bytes());
        let bytes = header.chain(payload.iter().copied());
        frame.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        self.stream.write_all(frame.get(..9 + payload.len()).unwrap_or_default())
    }

    /// Reads one frame.
    fn read(&mut self) -> io::Result<()> {
        let mut header = [0; 9];
        self.stream.read_exact(&mut header)?;
        let [a, b, c, kind, flags, s, t, u, v] = header;
        let length = u32::from_be_bytes([0, a, b, c]);
        let id = u32::from_be_bytes([s, t, u, v]);
        let mut payload = vec![0; usize::try_from(length).unwrap_or(LARGEST).min(LARGEST)];
        self.stream.read_exact(&mut payload)?;
        match (kind, payload.as_slice()) {
            (SETTINGS, settings) if flags & ACK == 0 => {
                for setting in settings.chunks_exact(6) {
                    if let [x, y, a, b, c, d] = *setting {
                        let value = i64::from(u32::from_be_bytes([a, b, c, d]));
                        if u16::from_be_bytes([x, y]) == INITIAL_WINDOW_SIZE {
                            self.windows.1 += value - WINDOW;
                        }
                    }
                }
                self.write(SETTINGS, ACK, 0, &[])?;
            }
            (WINDOW_UPDATE, &[a, b, c, d]) => {
                let more = i64::from(u32::from_be_bytes([a, b, c, d]));
                let window = if id == 0 { &mut self.windows.0 } else { &mut self.windows.1 };
                *window += more;
            }
            (RST_STREAM | GOAWAY, _) => self.is_over = true,
            (HEADERS | DATA, _) => self.is_asked |= flags & 1 != 0,
            _ => {}
        }
        Ok(())
    }
}
