//! HTTP/2 frames that the `h2` crate does not write as they are wanted here.

/// The length of a GOAWAY frame: a header of 9 bytes, a stream id and a code.
pub(super) const GOAWAY_LENGTH: usize = 17;

/// The first bytes of a client that speaks HTTP/2 unasked (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `NO_ERROR` (RFC 9113 section 7).
pub(super) const NO_ERROR: u32 = 0;

/// GOAWAY (RFC 9113 section 6.8): no stream above `last` was or will be processed. The `h2` crate writes one too, and
/// always names the last stream that it has accepted.
pub(super) fn goaway(last: u32, code: u32) -> [u8; GOAWAY_LENGTH] {
    let mut frame = [0; GOAWAY_LENGTH];
    // Length 8, type 7, no flags, stream 0 (section 4.1).
    let header = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    let bytes = header.into_iter().chain((last & 0x7fff_ffff).to_be_bytes()).chain(code.to_be_bytes());
    for (place, byte) in frame.iter_mut().zip(bytes) {
        *place = byte;
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goaway_frame_is_as_the_rfc_draws_it() {
        let frame = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 0x0b];
        assert_eq!(goaway(0x0102_0304, 11), frame);
        // The first bit is reserved, and unset (section 6.8).
        assert_eq!(goaway(u32::MAX, 0)[9..13], [0x7f, 0xff, 0xff, 0xff]);
    }
}
