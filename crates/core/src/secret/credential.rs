//! What a credential looks like in a text, and where it ends.
//!
//! Responsible for the marks that begin one: of a secret key, a ticket, a link, an `Authorization` header, the user info
//! of a URL. A mark counts in each spelling that a server's echo gives it. Not responsible for what is printed instead.
//!
//! A run ends late where that costs little: what follows a key to the next white space is worth less than a part of it.

use super::spelling::{Spelled, first};

/// A credential: the mark that stays visible, and how many bytes of the text the two of them take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) mark: &'static str,
    pub(super) len: usize,
}

const KEYS: [&str; 2] = ["sk_test_", "sk_live_"];
const TICKET: &str = "eyJ";
/// How many characters must follow `eyJ`.
const TICKET_LEN: usize = 8;
/// The query parameter of a sign-in link.
const LINK: &str = "ticket=";
/// The schemes of an `Authorization` header (RFC 6750, RFC 7617), and whether what follows must have a capital or a digit
/// to count: "Basic authentication failed" is no credential.
const SCHEMES: [(&str, bool); 2] = [("Bearer", false), ("Basic", true)];
/// The mark before the user info of a URL (RFC 3986 section 3.2.1), which ends at an `@`.
const AUTHORITY: &str = "://";
/// How far behind the path of a URL an `@` is looked for, in bytes, and how long an id or a word can be.
const WINDOW: usize = 2048;

/// Finds the credential that begins at this byte.
pub(super) fn at(text: &str, begin: usize) -> Option<Found> {
    let rest = text.get(begin..)?;
    let initial = first(rest)?.char.to_ascii_lowercase();
    match initial {
        's' => KEYS.into_iter().find_map(|mark| key(rest, mark)),
        'e' => ticket(text, begin, rest),
        't' => link(rest),
        'b' => SCHEMES.into_iter().find_map(|(scheme, is_strict)| header(rest, scheme, is_strict)),
        ':' => user_info(rest),
        _ => None,
    }
}

/// A mark as the text spells it.
struct Mark {
    len: usize,
    /// How many times its delimiters are percent-encoded, at least: what ends the value is encoded no more often.
    percents: u32,
    is_exact: bool,
}

fn mark(text: &str, expected: &str) -> Option<Mark> {
    let mut mark = Mark { len: 0, percents: u32::MAX, is_exact: true };
    for expected in expected.chars() {
        let spelled = first(text.get(mark.len..)?)?;
        if !spelled.char.eq_ignore_ascii_case(&expected) {
            return None;
        }
        mark.len = mark.len.saturating_add(spelled.len);
        if !expected.is_ascii_alphanumeric() {
            mark.percents = mark.percents.min(spelled.percents);
        }
        mark.is_exact &= spelled.char == expected;
    }
    Some(mark)
}

/// How many bytes stand before the first character that ends a run.
fn run(text: &str, is_end: impl Fn(Spelled) -> bool) -> usize {
    let mut len = 0usize;
    while let Some(spelled) = text.get(len..).and_then(first) {
        if is_end(spelled) {
            break;
        }
        len = len.saturating_add(spelled.len);
    }
    len
}

/// How many bytes stand before white space or a quote that the text has as it is.
fn word(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(text.len())
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '%' | '~')
}

fn key(text: &str, name: &'static str) -> Option<Found> {
    let mark = mark(text, name)?;
    let run = word(text.get(mark.len..)?);
    (run > 0).then_some(Found { mark: name, len: mark.len.saturating_add(run) })
}

/// A JSON Web Token. In other letter case it is worthless, and mostly a word: "Eyjafjallajokull". So then it needs the dot
/// of a token.
fn ticket(text: &str, begin: usize, rest: &str) -> Option<Found> {
    let mark = mark(rest, TICKET)?;
    let tail = rest.get(mark.len..)?;
    if mark.is_exact {
        let len = run(tail, |spelled| !is_token_char(spelled.char));
        let found = Found { mark: TICKET, len: mark.len.saturating_add(len) };
        return (len >= TICKET_LEN && !is_in_an_id(text, begin)).then_some(found);
    }
    let head =
        run(tail.get(..tail.floor_boundary(WINDOW))?, |spelled| spelled.char == '.' || !is_token_char(spelled.char));
    let dot = first(tail.get(head..)?).filter(|spelled| spelled.char == '.')?;
    let behind = tail.get(head.saturating_add(dot.len)..)?;
    first(behind).filter(|spelled| spelled.char.is_ascii_alphanumeric())?;
    let len = run(tail, |spelled| !is_token_char(spelled.char));
    (len >= TICKET_LEN).then_some(Found { mark: TICKET, len: mark.len.saturating_add(len) })
}

/// Whether this place is inside an id as Clerk writes them: a short name in lower case, `_`, and 27 base62 characters.
/// Some ids hold `eyJ`. A token has a dot behind its first part, and an id has none.
fn is_in_an_id(text: &str, at: usize) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let (before, behind) = (text.as_bytes().get(..at), text.as_bytes().get(at..));
    let (Some(before), Some(behind)) = (before, behind) else { return false };
    let ahead = before.iter().rev().take(WINDOW).take_while(|byte| is_part(**byte)).count();
    let count = behind.iter().take(WINDOW).take_while(|byte| is_part(**byte)).count();
    let (start, end) = (at.saturating_sub(ahead), at.saturating_add(count));
    let Some((name, random)) = text.get(start..end).and_then(|id| id.split_once('_')) else { return false };
    let is_id = (2..=8).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase())
        && random.len() == 27
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let next = text.get(end..).and_then(first);
    let is_dot = next.filter(|next| next.char == '.').and_then(|dot| text.get(end.saturating_add(dot.len)..));
    let goes_on = is_dot.and_then(first).is_some_and(|next| is_token_char(next.char));
    is_id && !goes_on
}

fn link(text: &str) -> Option<Found> {
    let mark = mark(text, LINK)?;
    let is_end = |spelled: Spelled| {
        let is_delimiter = matches!(spelled.char, '&' | '#' | '<' | '>') || is_quote(spelled.char);
        (is_delimiter || spelled.char.is_whitespace()) && spelled.percents <= mark.percents
    };
    let run = run(text.get(mark.len..)?, is_end);
    (run > 0).then_some(Found { mark: LINK, len: mark.len.saturating_add(run) })
}

fn header(text: &str, scheme: &'static str, is_strict: bool) -> Option<Found> {
    let mark = mark(text, scheme)?;
    let tail = text.get(mark.len..)?;
    let space = run(tail, |spelled| !(spelled.char.is_whitespace() || matches!(spelled.char, '+' | ':' | '=')));
    let value = tail.get(space..).filter(|_| space > 0)?;
    let is_spaced = first(tail).is_some_and(|spelled| spelled.char.is_whitespace());
    first(value).filter(|spelled| is_token_char(spelled.char))?;
    let len = word(value);
    let looks_like_one = value.get(..len)?.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
    let end = mark.len.saturating_add(space).saturating_add(len);
    (looks_like_one || (is_spaced && !is_strict)).then_some(Found { mark: scheme, len: end })
}

/// The user info ends at the last `@` before the path. Where what should be the port is no number, it is a password with
/// a slash in it, and ends at the last `@` of the word.
fn user_info(text: &str) -> Option<Found> {
    let mark = mark(text, AUTHORITY)?;
    let tail = text.get(mark.len..)?;
    let counts = |spelled: Spelled| spelled.percents <= mark.percents;
    let is_space = |spelled: Spelled| spelled.char.is_whitespace() && counts(spelled);
    let is_path = |spelled: Spelled| matches!(spelled.char, '/' | '?' | '#') && counts(spelled);
    let authority = tail.get(..run(tail, |spelled| is_space(spelled) || is_path(spelled)))?;
    let has_path = tail.get(authority.len()..).and_then(first).is_some_and(is_path);
    let end = last_at(authority, mark.percents).or_else(|| {
        let colon = run(authority, |spelled| spelled.char == ':' && counts(spelled));
        let port = authority.get(colon..)?;
        let port = port.get(first(port)?.len..).filter(|port| !port.is_empty())?;
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port || !has_path {
            return None;
        }
        let near = tail.get(..tail.floor_boundary(WINDOW))?;
        last_at(near.get(..run(near, |spelled| is_space(spelled) || is_quote(spelled.char)))?, mark.percents)
    })?;
    Some(Found { mark: AUTHORITY, len: mark.len.saturating_add(end) })
}

/// Where the last `@` begins that is percent-encoded this often at most.
fn last_at(text: &str, percents: u32) -> Option<usize> {
    let (mut len, mut last) = (0usize, None);
    while let Some(spelled) = text.get(len..).and_then(first) {
        if spelled.char == '@' && spelled.percents <= percents {
            last = Some(len);
        }
        len = len.saturating_add(spelled.len);
    }
    last
}

/// The last border of a character up to there.
trait FloorBoundary {
    fn floor_boundary(&self, at: usize) -> usize;
}

impl FloorBoundary for str {
    fn floor_boundary(&self, at: usize) -> usize {
        let at = at.min(self.len());
        (0..=at).rev().find(|at| self.is_char_boundary(*at)).unwrap_or(0)
    }
}
