//! A position in foreign JSON, and the steps that move it: over space, a string, any value.
//!
//! What a value is, serde_json says. No step recurses.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

/// Why a step was not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end first.
    Cut,
    /// What follows is no JSON, or a string that holds what is no character.
    Broken,
}

#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    /// The same, where all of it is text, as it nearly always is: looked at once, and not string by string.
    text: Option<&'a str>,
    /// Whether a control character is among them, which only space between values may be.
    has_control: bool,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, text: std::str::from_utf8(bytes).ok(), has_control: has_control(bytes), at: 0 }
    }

    /// How many bytes are behind.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no space.
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.advance(1),
                Some(byte) => return Ok(*byte),
                None => return Err(Stop::Cut),
            }
        }
    }

    /// Steps over this byte, if it is the next.
    pub(super) fn take(&mut self, byte: u8) -> Result<bool, Stop> {
        let is_next = self.peek()? == byte;
        self.advance(usize::from(is_next));
        Ok(is_next)
    }

    pub(super) fn require(&mut self, byte: u8) -> Result<(), Stop> {
        if self.take(byte)? { Ok(()) } else { Err(Stop::Broken) }
    }

    /// Steps over a string, and gives what it says.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Stop> {
        self.peek()?;
        match self.plain_text() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.step().map(|(Text(text), _)| text),
        }
    }

    /// Steps over a whole string without an escape, as nearly all strings are.
    fn plain_text(&mut self) -> Option<&'a str> {
        let inside = self.rest().strip_prefix(b"\"")?;
        let len = memchr::memchr2(b'"', b'\\', inside)?;
        let (text, behind) = inside.split_at_checked(len)?;
        if behind.first() != Some(&b'"') || (self.has_control && has_control(text)) {
            return None;
        }
        let begin = self.at.saturating_add(1);
        let text = match self.text {
            Some(all) => all.get(begin..begin.saturating_add(len))?,
            None => std::str::from_utf8(text).ok()?,
        };
        self.advance(len.saturating_add(2));
        Some(text)
    }

    /// Steps over a whole number that something follows.
    fn plain_number(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let len = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, behind) = rest.split_at_checked(len)?;
        let is_plain = match digits {
            [b'0', _, ..] => false,
            _ => matches!(behind.first(), Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')),
        };
        self.advance(if is_plain { len } else { 0 });
        is_plain.then_some(digits)
    }

    /// Steps over any value, and gives it as it is written, with what it says where that is a string without an escape. What
    /// other strings say, and how large its numbers are, does not matter.
    pub(super) fn skip(&mut self) -> Result<(&'a [u8], Option<&'a str>), Stop> {
        let first = self.peek()?;
        match first {
            b'"' => {
                let rest = self.rest();
                if let Some(text) = self.plain_text() {
                    return Ok((rest.get(..text.len().saturating_add(2)).unwrap_or(rest), Some(text)));
                }
            }
            b'0'..=b'9' => {
                if let Some(number) = self.plain_number() {
                    return Ok((number, None));
                }
            }
            _ => {}
        }
        let is_cut = match first {
            // serde_json takes a byte for each bracket that is open: only for what is whole.
            b'[' | b'{' => !has_end(self.rest()),
            // The end of a number or a word is where something else begins. Here that may not have arrived. A string has its
            // quote.
            _ => self.rest().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')),
        };
        if is_cut {
            return Err(Stop::Cut);
        }
        self.step::<IgnoredAny>().map(|(_, skipped)| (skipped, None))
    }

    fn step<T: Deserialize<'a>>(&mut self) -> Result<(T, &'a [u8]), Stop> {
        let rest = self.rest();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                let len = values.byte_offset();
                self.advance(len);
                Ok((value, rest.get(..len).unwrap_or(rest)))
            }
            Some(Err(error)) if !error.is_eof() => Err(Stop::Broken),
            Some(Err(_)) | None => Err(Stop::Cut),
        }
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }
}

/// Whether a control character is among these bytes, which is no JSON in a string (RFC 8259 section 7). Eight bytes at a time:
/// in a word from which 0x20 is taken of each byte, the high bit of a byte is set anew where the byte was less.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let mut words = bytes.chunks_exact(8);
    let mut less = 0u64;
    for word in words.by_ref() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        less |= word.wrapping_sub(SPACES) & !word & HIGH_BITS;
    }
    less != 0 || words.remainder().iter().any(|byte| *byte < b' ')
}

/// Whether as many brackets are closed as these bytes open at their beginning, by counting those outside strings.
fn has_end(bytes: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut at = 0usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => match string_end(bytes, at) {
                Some(end) => at = end,
                None => return false,
            },
            _ => {}
        }
        if depth == 0 {
            return true;
        }
        at = at.saturating_add(1);
    }
    false
}

/// Where the string ends that begins here: at its closing quote, which no backslash escapes.
fn string_end(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin.saturating_add(1);
    loop {
        at = at.saturating_add(memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?);
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at = at.saturating_add(2);
    }
}

/// A string, copied only where it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A fast look is only worth having where it sees what a slow one does.
        #[test]
        fn what_is_stepped_over_fast_is_what_serde_json_steps_over(
            json in prop_oneof![
                "\\PC{0,40}".prop_map(|text| serde_json::to_string(&text).unwrap().into_bytes()),
                proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| [b"\"", &bytes[..], b"\""].concat()),
                "-?[0-9.eE+-]{1,12}".prop_map(String::into_bytes),
            ],
            behind in prop_oneof![Just(","), Just("}"), Just(" "), Just("x"), Just("")],
        ) {
            let bytes = [&json[..], behind.as_bytes()].concat();
            let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter::<IgnoredAny>();
            let slow = matches!(values.next(), Some(Ok(_))).then(|| values.byte_offset());
            let mut scan = Scan::new(&bytes);
            // What may go on is not known to have ended.
            let is_open = behind.is_empty() && json.first() != Some(&b'"');
            if let Ok((value, text)) = scan.skip() {
                prop_assert_eq!(Some(scan.at()), slow);
                prop_assert!(text.is_none_or(|text| value == [b"\"", text.as_bytes(), b"\""].concat()));
            } else {
                prop_assert!(slow.is_none() || is_open || behind == "x", "{:?}", String::from_utf8_lossy(&bytes));
            }
        }

        #[test]
        fn a_control_character_is_seen_wherever_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(has_control(&bytes), bytes.iter().any(|byte| *byte < 0x20));
        }
    }

    /// What the price of a call rests on: of most strings and numbers serde_json is not asked.
    #[test]
    fn a_plain_string_and_a_plain_number_are_stepped_over_at_once() {
        // A control character elsewhere does not matter.
        for (json, text) in [("\"abc\",", Some("abc")), ("\"abc\"\n", Some("abc")), ("\"\"", Some(""))] {
            assert_eq!(Scan::new(json.as_bytes()).plain_text(), text, "{json}");
        }
        for json in ["\"a\\nb\"", "\"a\nb\"", "\"abc", "abc"] {
            assert_eq!(Scan::new(json.as_bytes()).plain_text(), None, "{json}");
        }
        for (json, number) in
            [("12,", Some("12")), ("0}", Some("0")), ("7]", Some("7")), ("9 ", Some("9")), ("01,", None)]
        {
            assert_eq!(Scan::new(json.as_bytes()).plain_number(), number.map(str::as_bytes), "{json}");
        }
        for json in ["12", "1.5,", "1e5,", "12x"] {
            let mut scan = Scan::new(json.as_bytes());
            assert_eq!((scan.plain_number(), scan.at()), (None, 0), "{json}");
        }
    }

    fn any_value() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("false".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?([eE][+-]?[0-9]{1,2})?",
            r#"[a-z\]\[{}"\\ ]{0,6}"#.prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            let list =
                proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(" , ")));
            let object = proptest::collection::vec(inner, 0..4).prop_map(|values| {
                let members: Vec<_> = values.iter().map(|value| format!(r#""k]}}": {value}"#)).collect();
                format!("{{{}}}", members.join(","))
            });
            prop_oneof![list, object]
        })
    }

    proptest! {
        /// An answer that was cut within a value is not taken for a broken one, at any byte.
        #[test]
        fn a_value_that_was_cut_is_cut_and_a_whole_one_ends_where_it_ends(json in any_value()) {
            let whole = format!("{json},");
            for arrived in 0..=whole.len() {
                let mut scan = Scan::new(&whole.as_bytes()[..arrived]);
                // Of a number or a word it is not known that it has ended before something else has begun.
                let has_ended = arrived > json.len() || (arrived == json.len() && json.ends_with(['"', ']', '}']));
                let skipped = scan.skip().map(|(skipped, _)| skipped);
                prop_assert_eq!(skipped, if has_ended { Ok(json.as_bytes()) } else { Err(Stop::Cut) }, "{} bytes", arrived);
                prop_assert_eq!(scan.at(), if has_ended { json.len() } else { 0 });
                // What a bracket opens is only looked at when it is whole.
                if json.starts_with(['[', '{']) {
                    prop_assert_eq!(has_end(&whole.as_bytes()[..arrived]), has_ended);
                }
            }
        }
    }

    #[test]
    fn what_is_no_json_is_broken_wherever_it_is_cut() {
        for json in ["\"a\u{1}b\"", "\"\\x\"", "nul,", "[1,}]", "-,", "01,", "+1,", "}", "{\"a\" 1}"] {
            assert_eq!(Scan::new(json.as_bytes()).skip().err(), Some(Stop::Broken), "{json}");
        }
        for (json, stop) in [
            ("\"abc", Stop::Cut),
            ("\"a\\", Stop::Cut),
            ("\"a\u{1}", Stop::Broken),
            ("1", Stop::Broken),
            ("\"\\ud800\"", Stop::Broken),
        ] {
            assert_eq!(Scan::new(json.as_bytes()).text().err(), Some(stop), "{json}");
        }
    }

    /// What a string says is given with it where that costs nothing.
    #[test]
    fn only_a_string_without_an_escape_is_skipped_with_what_it_says() {
        for (json, text) in [(r#" "abc" "#, Some("abc")), (r#""a\nb""#, None), ("12,", None), ("[\"a\"]", None)] {
            assert_eq!(
                Scan::new(json.as_bytes()).skip().unwrap(),
                (json.trim_matches([' ', ',']).as_bytes(), text),
                "{json}"
            );
        }
    }

    /// Each byte at each place of a word and behind the last one, among bytes just above and far above a control character.
    #[test]
    fn a_control_character_is_seen_at_each_place_among_any_bytes() {
        for fill in [b' ', b'a', 0x7f, 0x80, 0xff] {
            for (at, byte) in (0..20).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut bytes = [fill; 20];
                bytes[at] = byte;
                assert_eq!(has_control(&bytes), byte < 0x20, "{byte} at {at} among {fill}");
                // Two of them do not undo each other.
                bytes[(at + 8) % 20] = byte;
                assert_eq!(has_control(&bytes), byte < 0x20, "{byte} twice at {at} among {fill}");
            }
        }
    }
}
