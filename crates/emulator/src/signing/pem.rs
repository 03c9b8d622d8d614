//! PEM (RFC 7468), read and written.

use base64::{Engine as _, engine::general_purpose::STANDARD};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The algorithm of an RSA public key (RFC 3279 section 2.3.1): its object identifier and NULL, in DER.
const RSA: [u8; 15] = [0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// The label and the content of the first block.
pub(super) fn read(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (label, rest) = rest.split_once(DASHES)?;
    let (content, _) = rest.split_once(&format!("-----END {label}{DASHES}"))?;
    let content: String = content.split_ascii_whitespace().collect();
    Some((label, STANDARD.decode(content).ok()?))
}

/// A block with an RSA public key, which is given in the DER of PKCS#1.
pub(super) fn public_key(pkcs1: &[u8]) -> String {
    // A bit string begins with the number of its unused bits.
    let bits = der(BIT_STRING, &[&[0], pkcs1].concat());
    let content = STANDARD.encode(der(SEQUENCE, &[RSA.as_slice(), &bits].concat()));
    let mut block = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (index, letter) in content.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            block.push('\n');
        }
        block.push(letter);
    }
    block.push_str("\n-----END PUBLIC KEY-----\n");
    block
}

/// A tag, a length and a value (X.690 section 8.1).
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut written = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => written.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // At most eight of them.
            written.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0));
            written.extend(bytes);
        }
    }
    written.extend(value);
    written
}
