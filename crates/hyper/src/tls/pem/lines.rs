//! The lines of a PEM text, taken apart: what marks the ends of a block, and what is beside that.
//!
//! Lines are lost on the way through variables and forms, and files are joined without one between them: a marker counts
//! wherever it is.

use super::problem::Problem;

const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A part of a line, without the space around it. It is never shown: it may be of a key.
pub(super) enum Part<'a> {
    /// `-----BEGIN <label>-----`.
    Begin(&'a [u8]),
    /// `-----END <label>-----`.
    End(&'a [u8]),
    Text(&'a [u8]),
}

/// The parts of this text, with the numbers of their lines, from 1.
pub(super) fn parts(text: &[u8]) -> impl Iterator<Item = (usize, Result<Part<'_>, Problem>)> {
    let lines = text.split(|byte| *byte == b'\n').flat_map(|line| {
        // A line ends with CR, LF or both.
        line.strip_suffix(b"\r").unwrap_or(line).split(|byte| *byte == b'\r')
    });
    lines.zip(1..).flat_map(|(line, number)| {
        // Each of several files that were joined may have begun with one.
        let mut rest = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (part, behind) = first(rest, number);
            rest = if part.is_ok() { behind } else { &[] };
            Some((number, part))
        })
    })
}

/// The first part of what is left of a line, and what is behind it.
fn first(rest: &[u8], line: usize) -> (Result<Part<'_>, Problem>, &[u8]) {
    match marker_at(rest) {
        Some(0) => match marker(rest) {
            Some((part, behind)) => (Ok(part), behind),
            None => (Err(no_marker(line)), &[]),
        },
        at => {
            let (text, behind) = rest.split_at_checked(at.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            let text = text.trim_ascii();
            match is_nearly_a_marker(text) || (!behind.is_empty() && text.ends_with(b"-")) {
                true => (Err(no_marker(line)), &[]),
                false => (Ok(Part::Text(text)), behind),
            }
        }
    }
}

/// Where the next marker begins.
fn marker_at(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|at| {
        let behind = text.get(*at..).and_then(|text| text.strip_prefix(DASHES)).unwrap_or_default();
        behind.starts_with(b"BEGIN ") || behind.starts_with(b"END ")
    })
}

/// The marker that this begins with, if it is one to its end.
fn marker(text: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let words = text.strip_prefix(DASHES)?;
    let (words, behind) = words.split_at_checked(words.iter().position(|byte| *byte == b'-')?)?;
    let behind = behind.strip_prefix(DASHES)?;
    if behind.first() == Some(&b'-') && marker_at(behind) != Some(0) {
        return None;
    }
    let part = match words.strip_prefix(b"BEGIN ") {
        Some(label) => Part::Begin(label.trim_ascii()),
        None => Part::End(words.strip_prefix(b"END ")?.trim_ascii()),
    };
    Some((part, behind))
}

/// Whether this was meant as a marker: an editor has made other dashes of its hyphens, some are gone, or the
/// file is cut.
fn is_nearly_a_marker(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let is_dash =
        |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}');
    let words = text.trim_start_matches(is_dash);
    let word = words.split_whitespace().next().unwrap_or_default();
    let is_cut =
        text.starts_with("-----") && !word.is_empty() && ["BEGIN", "END"].iter().any(|it| it.starts_with(word));
    words.len() < text.len() && (is_cut || ["begin", "end"].iter().any(|it| word.eq_ignore_ascii_case(it)))
}

/// Checks what is between two blocks: a comment, and nothing of a block whose markers cannot be read.
pub(super) fn check_comment(line: usize, text: &[u8]) -> Result<(), Problem> {
    let problem = |has| {
        Err(Problem::at(
            line,
            has,
            "copy the file again, whole and unchanged; a comment needs blanks between its words",
        ))
    };
    if text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return problem("bytes that are no text");
    }
    if is_marker_in_disguise(text) || is_bare_base64(text) {
        return problem("what belongs into a block, outside of one");
    }
    Ok(())
}

/// Whether its capitals are those of a marker, whatever is between them: `BEGIN_CERTIFICATE`, `BEGIN%20CERTIFICATE`.
fn is_marker_in_disguise(text: &[u8]) -> bool {
    let capitals: Vec<u8> = text.iter().copied().filter(u8::is_ascii_uppercase).collect();
    let ends = ["BEGIN", "END"];
    let labels = ["CERTIFICATE", "XCERTIFICATE", "TRUSTEDCERTIFICATE", "PRIVATEKEY", "RSAPRIVATEKEY", "ECPRIVATEKEY"];
    let has = |marker: &[u8]| capitals.windows(marker.len()).any(|window| window == marker);
    ends.iter().any(|end| labels.iter().any(|label| has(&[end.as_bytes(), label.as_bytes()].concat())))
}

/// How long a line of base64 is at least taken for one. PEM's have 64 characters (RFC 7468 section 2), or 76.
const BASE64_LINE: usize = 40;

/// Whether it is one run of base64, perhaps quoted or indented. Digits of a fingerprint are none.
fn is_bare_base64(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let Some(first) = text.iter().position(is_base64) else { return false };
    let last = text.iter().rposition(is_base64).unwrap_or(first);
    let run = text.get(first..=last).unwrap_or_default();
    run.len() >= BASE64_LINE && run.iter().all(is_base64) && !run.iter().all(u8::is_ascii_hexdigit)
}

fn no_marker(line: usize) -> Problem {
    let advice =
        "write five hyphens, BEGIN or END, the label in capitals, and five hyphens, as in -----BEGIN CERTIFICATE-----";
    Problem::at(line, "what is nearly a BEGIN or END line, and is none", advice)
}
