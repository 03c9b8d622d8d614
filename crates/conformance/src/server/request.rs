//! Finding the end of an HTTP/1.1 request in bytes (RFC 9112 sections 3, 6 and 7.1).

/// A request as its bytes said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadRequest {
    pub(crate) method: String,
    /// The request target: path and query.
    pub(crate) target: String,
    /// Names in lower case, in the order in which they came.
    headers: Vec<(String, Vec<u8>)>,
    /// Without the framing.
    pub(crate) body: Vec<u8>,
}

impl ReadRequest {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.header_values(name).next()
    }

    /// All values of a header.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_slice())
    }
}

/// A request of which the head is there.
pub(super) struct Progress {
    pub(super) request: ReadRequest,
    pub(super) head_length: usize,
    /// How long the whole is, once it is there.
    pub(super) length: Option<usize>,
}

/// Reads the beginning of `bytes`. `None` until a whole head is there.
pub(super) fn parse(bytes: &[u8]) -> Option<Progress> {
    let (head, body) = split(bytes, b"\r\n\r\n")?;
    let head_length = bytes.len().saturating_sub(body.len());
    let mut lines = Lines(Some(head));
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = ReadRequest {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: lines.filter_map(header).collect(),
        body: Vec::new(),
    };
    let is_chunked =
        request.header_values("transfer-encoding").any(|value| value.trim_ascii().eq_ignore_ascii_case(b"chunked"));
    let whole = if is_chunked {
        chunked(body)
    } else {
        let length = request.header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let length = length.unwrap_or(0);
        body.get(..length).map(|body| (body.to_vec(), length))
    };
    let length = whole.map(|(body, length)| {
        request.body = body;
        head_length.saturating_add(length)
    });
    Some(Progress { request, head_length, length })
}

fn header(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let (name, value) = split(line, b":")?;
    Some((String::from_utf8_lossy(name).to_ascii_lowercase(), value.trim_ascii().to_vec()))
}

/// The content of a chunked body, and how long it is as it was sent. `None` until all of it is there.
fn chunked(mut bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let whole = bytes.len();
    let mut content = Vec::new();
    loop {
        let (line, rest) = split(bytes, b"\r\n")?;
        let digits = String::from_utf8_lossy(line.split(|byte| *byte == b';').next().unwrap_or_default()).into_owned();
        // An invalid size ends the body: what follows is the client's fault, and shows in the content.
        let size = usize::from_str_radix(digits.trim(), 16).unwrap_or(0);
        if size == 0 {
            // Trailers, up to an empty line.
            let mut trailers = rest;
            loop {
                let (line, rest) = split(trailers, b"\r\n")?;
                if line.is_empty() {
                    return Some((content, whole.saturating_sub(rest.len())));
                }
                trailers = rest;
            }
        }
        content.extend_from_slice(rest.get(..size)?);
        bytes = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

/// The parts before and behind the first `separator`.
fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((bytes.get(..at)?, bytes.get(at.checked_add(separator.len())?..)?))
}

struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = self.0?;
        match split(bytes, b"\r\n") {
            Some((line, rest)) => {
                self.0 = Some(rest);
                Some(line)
            }
            None => self.0.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Option<(ReadRequest, usize)> {
        let progress = parse(bytes)?;
        progress.length.map(|length| (progress.request, length))
    }

    #[test]
    fn the_end_of_a_request_is_found_in_either_framing_and_no_byte_sooner() {
        for (bytes, body) in [
            (&b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"[..], &b""[..]),
            (b"POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabc", b"abc"),
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
                b"abc0123456789",
            ),
            (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-trailer: 1\r\n\r\n", b""),
        ] {
            for cut in 0..bytes.len() {
                assert_eq!(whole(&bytes[..cut]), None, "{cut}");
            }
            let (request, length) = whole(&[bytes, b"more"].concat()).unwrap();
            assert_eq!((request.body.as_slice(), length), (body, bytes.len()));
        }
    }

    #[test]
    fn every_value_of_a_header_is_kept_byte_for_byte() {
        let (request, _) = whole(b"GET /a?b HTTP/1.1\r\nX-A: one\r\nx-a:\xff\xfe \r\n\r\n").unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/a?b"));
        assert_eq!(request.header_values("x-a").collect::<Vec<_>>(), [&b"one"[..], b"\xff\xfe"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), chunked in any::<bool>()) {
            let head: &[u8] = if chunked { b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" } else { b"" };
            let _ = parse(&[head, &bytes].concat());
        }
    }
}
