//! HTTP/2 frames, as RFC 9113 section 4.1 draws them.

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl Frame {
    /// The code, if it resets this stream.
    pub(crate) fn reset_of(&self, stream: u32) -> Option<u32> {
        (self.kind == RST_STREAM && self.stream == stream).then(|| number(&self.payload))
    }

    /// The last stream and the code, if it is a GOAWAY.
    pub(crate) fn goaway(&self) -> Option<(u32, u32)> {
        (self.kind == GOAWAY).then(|| (number(&self.payload[..4]), number(&self.payload[4..8])))
    }
}

/// All frames that came whole.
pub(crate) fn read(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while bytes.len() >= 9 {
        let length = number(&bytes[..3]) as usize;
        if bytes.len() < 9 + length {
            break;
        }
        frames.push(Frame { kind: bytes[3], stream: number(&bytes[5..9]), payload: bytes[9..9 + length].to_vec() });
        bytes = &bytes[9 + length..];
    }
    frames
}

/// Whether a head came on this stream.
pub(crate) fn has_head(bytes: &[u8], stream: u32) -> bool {
    read(bytes).iter().any(|frame| frame.kind == HEADERS && frame.stream == stream)
}

/// What came of a body on this stream.
pub(crate) fn body_of(bytes: &[u8], stream: u32) -> Vec<u8> {
    let data = read(bytes).into_iter().filter(|frame| frame.kind == DATA && frame.stream == stream);
    data.flat_map(|frame| frame.payload).collect()
}
