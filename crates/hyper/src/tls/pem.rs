//! PEM (RFC 7468) as editors, Windows and OpenSSL write it: read whole, or refused with the line and what is wrong there.
//!
//! Of a text that is broken anywhere nothing is taken: a root that is left out in silence is a server that cannot be reached.
//! What the lines encode, rustls decodes. No problem quotes the text, which may be a key.
//!
//! Not responsible for what is done with a certificate or a key (`certificates.rs`).

mod encoding;
#[cfg(test)]
mod files;
mod lines;
mod problem;
#[cfg(test)]
mod two_roots;

pub(super) use self::problem::Problem;
use self::{
    lines::{Part, check_comment, parts},
    problem::WHOLE,
};

/// What a label says is in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    /// OpenSSL's own: a certificate, and behind it what it is trusted for and what not.
    TrustedCertificate,
    /// Certificates in an envelope (RFC 2315, RFC 5652).
    Pkcs7,
    /// Of a form that rustls reads, with the label that says which.
    Key(&'static str),
    EncryptedKey,
    OpensshKey,
    OtherKey,
    PublicKey,
    /// What is neither a certificate nor a key, such as parameters.
    Other,
}

impl Kind {
    fn of_label(label: &[u8]) -> Option<Self> {
        Some(match label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => Self::Certificate,
            b"TRUSTED CERTIFICATE" => Self::TrustedCertificate,
            b"PKCS7" | b"PKCS #7 SIGNED DATA" | b"CMS" => Self::Pkcs7,
            b"PRIVATE KEY" => Self::Key("PRIVATE KEY"),
            b"RSA PRIVATE KEY" => Self::Key("RSA PRIVATE KEY"),
            b"EC PRIVATE KEY" => Self::Key("EC PRIVATE KEY"),
            b"ENCRYPTED PRIVATE KEY" => Self::EncryptedKey,
            b"OPENSSH PRIVATE KEY" => Self::OpensshKey,
            b"DSA PRIVATE KEY" | b"ANY PRIVATE KEY" => Self::OtherKey,
            b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Self::PublicKey,
            b"CERTIFICATE REQUEST"
            | b"NEW CERTIFICATE REQUEST"
            | b"ATTRIBUTE CERTIFICATE"
            | b"X509 CRL"
            | b"CRL"
            | b"DH PARAMETERS"
            | b"X9.42 DH PARAMETERS"
            | b"DSA PARAMETERS"
            | b"EC PARAMETERS" => Self::Other,
            _ => return None,
        })
    }
}

/// One block of a PEM text.
pub(super) struct Block {
    pub(super) kind: Kind,
    /// Where it begins; the first line is 1.
    pub(super) line: usize,
    /// What is between its markers, without headers.
    base64: Vec<u8>,
}

impl Block {
    /// The block alone, under this label and as a strict reader wants it.
    pub(super) fn as_pem(&self, label: &str) -> Vec<u8> {
        let (begin, end) = (format!("-----BEGIN {label}-----\n"), format!("\n-----END {label}-----\n"));
        [begin.as_bytes(), &self.base64, end.as_bytes()].concat()
    }

    /// Checks that the block has one value, whole: a certificate and a key are each one SEQUENCE (X.690 section 8.9).
    pub(super) fn check_whole(&self, der: &[u8]) -> Result<(), Problem> {
        match encoding::sequence_len(der) == Some(der.len()) {
            true => Ok(()),
            false => Err(Problem::at(self.line, "a block that is cut, or has something behind its end", WHOLE)),
        }
    }

    pub(super) fn is_no_base64(&self) -> Problem {
        Problem::at(self.line, "a block that is no whole base64", WHOLE)
    }
}

/// All blocks of this text, at least one.
///
/// # Errors
/// [`Problem`] if this is no PEM text, or a block of it is not whole.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, Problem> {
    let text = encoding::plain(text)?;
    let (mut blocks, mut open) = (Vec::new(), None::<Open<'_>>);
    let mut stray = None;
    for (line, part) in parts(&text) {
        open = match (part?, open) {
            (Part::Text(text), None) => {
                stray = stray.or_else(|| check_comment(line, text).err());
                None
            }
            (Part::Text(text), Some(mut open)) => {
                open.add(line, text)?;
                Some(open)
            }
            (Part::Begin(label), None) => Some(Open::new(line, label)?),
            (Part::End(label), Some(open)) if open.label == label => {
                blocks.push(open.block);
                None
            }
            (Part::End(_), Some(_)) => {
                return Err(Problem::at(line, "an END line with another label than its BEGIN line", WHOLE));
            }
            (Part::End(_), None) => return Err(Problem::at(line, "an END line without a BEGIN line", WHOLE)),
            (Part::Begin(_), Some(open)) => return Err(open.has_no_end()),
        };
    }
    match open {
        Some(open) => Err(open.has_no_end()),
        None if blocks.is_empty() => Err(encoding::no_blocks(&text)),
        None => stray.map_or(Ok(blocks), Err),
    }
}

/// A block whose END line has not come.
struct Open<'a> {
    label: &'a [u8],
    block: Block,
    /// Whether headers may still come (RFC 1421 section 4.4): OpenSSL says in them that a key is encrypted.
    is_at_head: bool,
}

impl<'a> Open<'a> {
    fn new(line: usize, label: &'a [u8]) -> Result<Self, Problem> {
        let Some(kind) = Kind::of_label(label) else {
            let advice = "leave out what is neither a certificate nor a key";
            return Err(Problem::at(line, "a block of an unknown kind", advice));
        };
        Ok(Self { label, block: Block { kind, line, base64: Vec::new() }, is_at_head: true })
    }

    fn add(&mut self, line: usize, text: &[u8]) -> Result<(), Problem> {
        if self.is_at_head && text.contains(&b':') {
            let says_encrypted = || text.windows(b"ENCRYPTED".len()).any(|window| window == b"ENCRYPTED");
            if matches!(self.block.kind, Kind::Key(_)) && text.starts_with(b"Proc-Type:") && says_encrypted() {
                self.block.kind = Kind::EncryptedKey;
            }
            return Ok(());
        }
        self.is_at_head = false;
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ' | b'\t');
        if !text.iter().all(is_base64) {
            return Err(Problem::at(line, "what is no base64", WHOLE));
        }
        self.block.base64.extend(text);
        Ok(())
    }

    fn has_no_end(&self) -> Problem {
        Problem::at(self.block.line, "a block without its END line", WHOLE)
    }
}
