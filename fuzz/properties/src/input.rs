//! Bytes read as an answer, or as lines: forms that a person can write into a corpus file and a fuzzer can change anywhere.

use clerk_actor_tokens_core::{
    Response,
    http::{HeaderName, HeaderValue, StatusCode},
};

/// How much of an input is looked at, in bytes. What core makes of a body beyond its own limits is for the tests of those.
pub const MOST: usize = 4 * 1024;

/// More than any answer has.
const MOST_HEADERS: usize = 64;

/// As much of the input as is looked at.
pub(crate) fn bounded(data: &[u8]) -> &[u8] {
    data.get(..MOST).unwrap_or(data)
}

/// An answer: a line with the status, lines `name: value`, an empty line, the body. What does not begin with a status and
/// the end of its line is a body alone, with `default` for its status.
pub(crate) fn answer(data: &[u8], default: StatusCode) -> Response {
    let data = bounded(data);
    let Some((status, mut rest)) = status_line(data) else {
        let mut answer = Response::new(data.to_vec().into());
        *answer.status_mut() = default;
        return answer;
    };
    let mut answer = Response::default();
    *answer.status_mut() = status;
    while let Some((line, behind)) = split_line(rest) {
        rest = behind;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = header(line).filter(|_| answer.headers().len() < MOST_HEADERS) {
            answer.headers_mut().append(name, value);
        }
    }
    *answer.body_mut() = rest.to_vec().into();
    answer
}

/// The first lines of a text, each without its end; missing ones are empty.
pub(crate) fn lines<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut lines = bounded(data).split(|byte| *byte == b'\n');
    std::array::from_fn(|_| lines.next().unwrap_or_default())
}

fn status_line(data: &[u8]) -> Option<(StatusCode, &[u8])> {
    let (line, rest) = split_line(data)?;
    Some((StatusCode::from_bytes(line).ok()?, rest))
}

fn split_line(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = data.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)?))
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
    Some((HeaderName::from_bytes(name).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        let read = answer(b"404\ncf-ray: 8a1b\nno header\nx: y\r\n\nbody\n\nmore", StatusCode::OK);
        assert_eq!((read.status(), read.headers().len()), (StatusCode::NOT_FOUND, 2));
        assert_eq!(read.headers()["cf-ray"], "8a1b");
        assert_eq!(read.body(), "body\n\nmore");
        for alone in ["", "{\"id\":1}", "4040\n\nbody", "body\n\nmore"] {
            let read = answer(alone.as_bytes(), StatusCode::OK);
            assert_eq!((read.status(), read.headers().len(), &read.body()[..]), (StatusCode::OK, 0, alone.as_bytes()));
        }
    }

    #[test]
    fn missing_lines_are_empty_and_what_is_too_long_is_cut() {
        assert_eq!(lines(b"a\nb\nc"), [b"a", b"b"]);
        assert_eq!(lines(b"a"), [&b"a"[..], b""]);
        assert_eq!(bounded(&vec![0; MOST + 1]).len(), MOST);
    }
}
