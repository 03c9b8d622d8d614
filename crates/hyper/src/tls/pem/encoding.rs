//! What a text is written in, and what it is if it is no PEM text at all.

use std::borrow::Cow;

use super::problem::Problem;

/// The text in an encoding that has ASCII in it, with its lines as lines.
///
/// # Errors
/// [`Problem`] if this is no text that can be read.
pub(super) fn plain(text: &[u8]) -> Result<Cow<'_, [u8]>, Problem> {
    // A text ends so in a buffer, and in a file of DOS.
    let end = text.iter().rposition(|byte| !matches!(byte, 0 | 0x1a));
    let without_end = end.and_then(|end| text.get(..=end)).unwrap_or_default();
    let text = match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [1..=0xff, 0, 0, 0, ..] | [0, 0, 0, 1..=0xff, ..] => {
            return Err(Problem::new("is UTF-32", "save it as UTF-8"));
        }
        // With a byte order mark, or with the first character as ASCII.
        [0xff, 0xfe, rest @ ..] => Cow::Owned(of_utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(of_utf16(rest, u16::from_be_bytes)?),
        [1..=0xff, 0, ..] => Cow::Owned(of_utf16(text, u16::from_le_bytes)?),
        [0, 1..=0xff, ..] => Cow::Owned(of_utf16(text, u16::from_be_bytes)?),
        // A file that was joined to it as UTF-16 has one at every other place.
        _ if without_end.contains(&0) && has(without_end, DASHES) => return Err(TWO),
        _ => Cow::Borrowed(without_end),
    };
    Ok(with_lines(text))
}

const DASHES: &[u8] = b"-----";

/// What a shell makes that appends in another encoding than the file's.
const TWO: Problem =
    Problem::new("is in two encodings, or has bytes that are no text", "save each file as UTF-8, and join them then");

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn of_utf16(text: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Vec<u8>, Problem> {
    let broken = Problem::new("is UTF-16, and broken", "save it as UTF-8");
    let pairs = text.chunks_exact(2);
    let is_cut = !pairs.remainder().is_empty();
    let units: Vec<_> = pairs.map(|pair| unit(pair.try_into().unwrap_or_default())).collect();
    // Two hyphens of a file that is not UTF-16, or one in the other order of bytes.
    if units.iter().any(|unit| matches!(unit, 0x2d2d | 0x2d00)) || has(text, DASHES) {
        return Err(TWO);
    }
    match String::from_utf16(&units) {
        Ok(text) if !is_cut => Ok(text.into_bytes()),
        _ => Err(broken),
    }
}

/// A variable or a JSON text may have `\n` where a line ends, as two characters.
fn with_lines(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !has(&text, br"-----\n") && !has(&text, br"-----\r\n") {
        return text;
    }
    let mut lines = Vec::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(byte) = rest.first() {
        let end = [br"\r\n".as_slice(), br"\n"].into_iter().find(|end| rest.starts_with(end));
        lines.push(if end.is_some() { b'\n' } else { *byte });
        rest = rest.get(end.map_or(1, <[u8]>::len)..).unwrap_or_default();
    }
    Cow::Owned(lines)
}

/// What this is, which has no block.
pub(super) fn no_blocks(bytes: &[u8]) -> Problem {
    let is_object = |id: &[u8]| bytes.windows(id.len()).take(32).any(|window| window == id);
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match bytes {
        _ if text.iter().all(u8::is_ascii_whitespace) => Problem::new("is empty", "give the text of a file in PEM"),
        // The object id of signedData, 1.2.840.113549.1.7.2.
        [0x30, 0x80..=0xff, ..] if is_object(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]) => {
            Problem::new("is a PKCS #7 file (.p7b)", "convert it: openssl pkcs7 -inform DER -print_certs")
        }
        // Version 3 comes first (RFC 7292 section 4).
        [0x30, 0x80..=0xff, ..] if is_object(&[2, 1, 3, 0x30]) => {
            Problem::new("is a PKCS #12 file (.p12, .pfx)", "convert it: openssl pkcs12 -noenc")
        }
        [0x30, _, ..] if sequence_len(bytes) == Some(bytes.len()) => Problem::new(
            "is DER, and not PEM",
            "convert it: openssl x509 -inform DER, or openssl pkey -inform DER for a key",
        ),
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Problem::new(
            "is a Java key store",
            "convert it: keytool -exportcert -rfc, or keytool -importkeystore for a key",
        ),
        _ if bytes.starts_with(b"PuTTY-User-Key-File") => {
            Problem::new("is a key for PuTTY", "give a key that was issued for TLS, in PEM")
        }
        _ => Problem::new(
            "has no BEGIN line, and so is no PEM text",
            "give the text of a file in PEM (RFC 7468), not its path, and not encoded in base64 once more",
        ),
    }
}

/// How long the SEQUENCE is that this DER begins with, its head included (X.690 section 8.1.3).
pub(super) fn sequence_len(der: &[u8]) -> Option<usize> {
    let (0x30, rest) = der.split_first()? else { return None };
    let (first, rest) = rest.split_first()?;
    let (head, body) = match first {
        0..=0x7f => (2usize, usize::from(*first)),
        // Four bytes are 4 GiB; 0x80 alone has no length, which is no DER.
        0x81..=0x84 => {
            let len = usize::from(first & 0x7f);
            let bytes = rest.get(..len)?;
            (
                len.checked_add(2)?,
                bytes.iter().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?,
            )
        }
        _ => return None,
    };
    head.checked_add(body)
}
