//! Finds credentials in text, whatever they are wrapped in: what tests and logs print is searched with it.
//!
//! A credential is known by its shape: a secret key, a ticket (a JSON Web Token), a link that carries one. Any run of
//! twelve characters of a secret that was named counts too, so that a half of one does. Each is looked for as it is,
//! percent-encoded, in base64 (both alphabets, any alignment, padded or not), in hexadecimal and as a list of byte values, and
//! in two of these around each other.
//!
//! A text is searched line by line: what is wrapped over several lines is not put together again.

use std::{collections::HashSet, fmt};

/// How many characters must stand behind `sk_test_` and the like. Two and fewer are what documents write.
const AT_LEAST: usize = 3;
/// How many characters must stand behind `eyJ`, the beginning of every JSON Web Token.
const AT_LEAST_OF_TOKEN: usize = 8;
/// How many characters of a named secret tell of it.
const WINDOW: usize = 12;
/// How many encodings may lie around each other.
const DEPTH: usize = 2;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// `sk_test_...` or `sk_live_...`.
    Key,
    /// `eyJ...`, a JSON Web Token.
    Ticket,
    /// `ticket=...`, the query of a sign-in link.
    Link,
    /// A part of a secret that was named to the scanner.
    Named,
}

/// One layer around a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// `%73%6b...`, of all characters or of some (RFC 3986).
    Percent,
    /// Either alphabet of RFC 4648.
    Base64,
    /// Two digits a byte.
    Hex,
    /// `[115, 107, ...]`: what `Debug` makes of bytes.
    Decimals,
}

/// A credential in a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    line: usize,
    at: usize,
    what: What,
    inside: Vec<Encoding>,
}

impl Hit {
    /// The number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What was found.
    #[must_use]
    pub fn what(&self) -> What {
        self.what
    }

    /// What lies around it, the outermost first; empty if it is there as it is.
    #[must_use]
    pub fn inside(&self) -> &[Encoding] {
        &self.inside
    }

    /// The text before it in its line: enough to find the place. Of the first hit in a line, nothing of a credential
    /// is in there.
    #[must_use]
    pub fn before<'a>(&self, line: &'a str) -> &'a str {
        let mut end = self.at.min(line.len());
        while !line.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let before = line.get(..end).unwrap_or_default();
        let begin = before.char_indices().rev().nth(79).map_or(0, |(at, _)| at);
        before.get(begin..).unwrap_or_default()
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)?;
        match self.inside.is_empty() {
            true => Ok(()),
            false => write!(f, " in {:?}", self.inside),
        }
    }
}

/// What to look for.
#[derive(Default)]
pub struct Scanner {
    windows: HashSet<[u8; WINDOW]>,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("windows", &self.windows.len()).finish()
    }
}

impl Scanner {
    /// Looks for whatever has the shape of a credential.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for this secret too, in any part of twelve characters. Of a link, that is the ticket; of a key, what
    /// follows its prefix.
    pub fn name_secret(&mut self, secret: &str) {
        let secret = secret.rsplit("ticket=").next().unwrap_or(secret);
        let secret = secret.strip_prefix("sk_test_").or(secret.strip_prefix("sk_live_")).unwrap_or(secret);
        self.name_bytes(secret.as_bytes());
    }

    /// The same for a secret that is no text, such as the number in a private key.
    pub fn name_bytes(&mut self, secret: &[u8]) {
        self.windows.extend(secret.windows(WINDOW).filter_map(|window| window.first_chunk().copied()));
    }

    /// The credentials in a text, each once a place, in order.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let view = View { bytes: line.as_bytes().to_vec(), at: (0..line.len()).collect() };
            self.search(&view, &mut Vec::new(), number.saturating_add(1), &mut hits);
        }
        hits.sort();
        hits.dedup();
        hits
    }

    fn search(&self, view: &View, inside: &mut Vec<Encoding>, line: usize, hits: &mut Vec<Hit>) {
        for (at, rest) in suffixes(&view.bytes) {
            if let Some(what) = shape(rest).or_else(|| self.named(rest)) {
                let at = view.at.get(at).copied().unwrap_or_default();
                hits.push(Hit { line, at, what, inside: inside.clone() });
            }
        }
        if inside.len() >= DEPTH {
            return;
        }
        for (encoding, decoded) in decoded(view) {
            inside.push(encoding);
            self.search(&decoded, inside, line, hits);
            inside.pop();
        }
    }

    fn named(&self, text: &[u8]) -> Option<What> {
        if self.windows.is_empty() {
            return None;
        }
        let window: &[u8; WINDOW] = text.first_chunk()?;
        self.windows.contains(window).then_some(What::Named)
    }
}

/// A text, and where in the line each of its bytes comes from.
#[derive(Default)]
struct View {
    bytes: Vec<u8>,
    at: Vec<usize>,
}

impl View {
    fn push(&mut self, byte: u8, at: usize) {
        self.bytes.push(byte);
        self.at.push(at);
    }

    fn at(&self, index: usize) -> usize {
        self.at.get(index).copied().unwrap_or_default()
    }
}

fn suffixes(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (0..bytes.len()).filter_map(|at| Some((at, bytes.get(at..)?)))
}

/// The credential that begins here.
fn shape(text: &[u8]) -> Option<What> {
    let behind = |mark: &str| {
        let (head, tail) = text.split_at_checked(mark.len())?;
        head.eq_ignore_ascii_case(mark.as_bytes()).then_some(tail)
    };
    let run = |tail: &[u8]| tail.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    match text.first()?.to_ascii_lowercase() {
        b's' => ["sk_test_", "sk_live_"].into_iter().find_map(behind).filter(|tail| run(tail) >= AT_LEAST)?,
        b'e' if text.starts_with(b"eyJ") => {
            return behind("eyJ").filter(|tail| run(tail) >= AT_LEAST_OF_TOKEN).map(|_| What::Ticket);
        }
        b't' => return behind("ticket=").filter(|tail| run(tail) >= AT_LEAST).map(|_| What::Link),
        _ => return None,
    };
    Some(What::Key)
}

/// What this text holds in encoded form.
fn decoded(view: &View) -> Vec<(Encoding, View)> {
    let mut views = Vec::new();
    if view.bytes.contains(&b'%') {
        views.push((Encoding::Percent, percent_decoded(view)));
    }
    for (start, run) in runs(&view.bytes, 12, |byte| six_bits(byte).is_some()) {
        for skip in 0..4 {
            views.push((Encoding::Base64, base64_decoded(run, start, skip, view)));
        }
    }
    for (start, run) in runs(&view.bytes, 16, |byte| byte.is_ascii_hexdigit()) {
        for skip in 0..2 {
            views.push((Encoding::Hex, hex_decoded(run, start, skip, view)));
        }
    }
    for (start, run) in runs(&view.bytes, 20, |byte| byte.is_ascii_digit() || matches!(byte, b',' | b' ')) {
        views.push((Encoding::Decimals, decimals_decoded(run, start, view)));
    }
    views
}

/// The longest runs of at least `at_least` such bytes, and where each begins.
fn runs(bytes: &[u8], at_least: usize, is_part: fn(u8) -> bool) -> Vec<(usize, &[u8])> {
    let mut runs = Vec::new();
    let mut start = 0usize;
    for run in bytes.split(|byte| !is_part(*byte)) {
        if run.len() >= at_least {
            runs.push((start, run));
        }
        start = start.saturating_add(run.len()).saturating_add(1);
    }
    runs
}

fn percent_decoded(view: &View) -> View {
    let mut out = View::default();
    let mut next = 0;
    for (at, rest) in suffixes(&view.bytes) {
        if at < next {
            continue;
        }
        let (byte, length) = match rest {
            [b'%', high, low, ..] => hex_byte(*high, *low).map_or((b'%', 1), |byte| (byte, 3)),
            [byte, ..] => (*byte, 1),
            [] => break,
        };
        out.push(byte, view.at(at));
        next = at.saturating_add(length);
    }
    out
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4) | digit(low)?)
}

fn hex_decoded(run: &[u8], start: usize, skip: usize, view: &View) -> View {
    let mut out = View::default();
    for pair in run.get(skip..).unwrap_or_default().chunks_exact(2) {
        if let [high, low] = pair {
            out.push(hex_byte(*high, *low).unwrap_or_default(), view.at(start));
        }
    }
    out
}

fn six_bits(byte: u8) -> Option<u32> {
    let bits = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(bits))
}

/// From this character of the run on: for any text before the encoded one, one of four beginnings is the right one.
fn base64_decoded(run: &[u8], start: usize, skip: usize, view: &View) -> View {
    let mut out = View::default();
    for group in run.get(skip..).unwrap_or_default().chunks(4) {
        let bits = group.iter().filter_map(|byte| six_bits(*byte)).fold(0u32, |bits, six| (bits << 6) | six);
        let bits = bits << (6 * (4 - group.len().min(4)));
        for byte in bits.to_be_bytes().into_iter().skip(1).take(group.len().saturating_sub(1)) {
            out.push(byte, view.at(start));
        }
    }
    out
}

fn decimals_decoded(run: &[u8], start: usize, view: &View) -> View {
    let mut out = View::default();
    for number in run.split(|byte| matches!(byte, b',' | b' ')).filter(|number| !number.is_empty()) {
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        out.push(number.unwrap_or_default(), view.at(start));
    }
    out
}

#[cfg(test)]
mod tests;
