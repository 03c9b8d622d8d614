//! The gzip format (RFC 1952) around blocks that are stored rather than compressed (RFC 1951 section 3.2.4).
//!
//! A whole compressor would be a dependency for one fault. Any decoder takes this, and nothing that is no decoder does.

/// A magic number, the method `deflate`, no flags, no time, no extra flags, an unknown operating system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The longest stored block.
const BLOCK: usize = 65_535;

/// The polynomial of CRC-32, its bits reversed (RFC 1952 section 8).
const POLYNOMIAL: u32 = 0xedb8_8320;

pub(super) fn compressed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::from(HEADER);
    let mut blocks = data.chunks(BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(data).to_le_bytes());
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
    !data.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value that every catalogue of CRCs gives for CRC-32.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_blocks_hold_the_data() {
        for length in [1, BLOCK, BLOCK + 1] {
            let data = vec![b'x'; length];
            let out = compressed(&data);
            let blocks = length.div_ceil(BLOCK);
            assert_eq!(out.len(), 10 + 5 * blocks + length + 8);
            assert_eq!(out[10], u8::from(blocks == 1));
            assert_eq!(out[11..13], u16::try_from(length.min(BLOCK)).unwrap().to_le_bytes());
            assert_eq!(&out[15..15 + length.min(BLOCK)], &data[..length.min(BLOCK)]);
        }
    }
}
