//! One character of a text, however the text spells it: as itself, percent-encoded, or escaped.
//!
//! Responsible for what a character means in a URL (RFC 3986 section 2.1), a JSON or Rust string (RFC 8259 section 7),
//! an HTML page, and in these around each other. Not responsible for what a credential looks like.

/// How many spellings may lie around each other: a URL in a URL in a JSON string is three.
const DEPTH: u32 = 4;
/// How many characters that show nothing are skipped before a character.
const SKIPPED: usize = 16;

/// The names that HTML has for the characters around credentials.
const ENTITIES: [(&str, char); 17] = [
    ("amp;", '&'),
    ("quot;", '"'),
    ("apos;", '\''),
    ("lt;", '<'),
    ("gt;", '>'),
    ("nbsp;", ' '),
    ("lowbar;", '_'),
    ("UnderBar;", '_'),
    ("equals;", '='),
    ("period;", '.'),
    ("colon;", ':'),
    ("sol;", '/'),
    ("commat;", '@'),
    ("percnt;", '%'),
    ("num;", '#'),
    ("bsol;", '\\'),
    ("plus;", '+'),
];

/// A character, and how the text spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelled {
    pub(super) char: char,
    /// How many bytes of the text it takes.
    pub(super) len: usize,
    /// How many times it is percent-encoded. A delimiter of a URL counts only where it is encoded no more often than
    /// the URL.
    pub(super) percents: u32,
}

/// Reads the first character. `None` at the end of the text.
pub(super) fn first(text: &str) -> Option<Spelled> {
    read(text, DEPTH)
}

/// Whether a terminal shows nothing for it, or shows other characters in another order.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn read(text: &str, depth: u32) -> Option<Spelled> {
    let mut spelled = literal(text)?;
    // Each turn takes one spelling off: `%255F` is `%5F` is `_`.
    for left in (0..depth).rev() {
        let Some(rest) = text.get(spelled.len..) else { break };
        let meaning = match spelled.char {
            '%' => percent(rest, left),
            '\\' => backslash(rest, left),
            '&' => entity(rest),
            _ => None,
        };
        let Some((char, len)) = meaning else { break };
        let percents = spelled.percents.saturating_add(u32::from(spelled.char == '%'));
        spelled = Spelled { char, len: spelled.len.saturating_add(len), percents };
    }
    Some(spelled)
}

/// The next character that a reader would see.
fn literal(text: &str) -> Option<Spelled> {
    let is_hidden = |c: char| is_invisible(c) || (c.is_control() && !c.is_whitespace());
    let spelled = |(at, char): (usize, char)| Spelled { char, len: at.saturating_add(char.len_utf8()), percents: 0 };
    let mut seen = text.char_indices();
    let begin = seen.clone().take(SKIPPED).find(|(_, c)| !is_hidden(*c));
    begin.or_else(|| seen.next()).map(spelled)
}

fn percent(rest: &str, depth: u32) -> Option<(char, usize)> {
    let (value, len) = hex(rest, 2, depth)?;
    Some((char::from(u8::try_from(value).ok()?), len))
}

/// What follows a backslash: a code, a letter, or a character that it only protects. Where another escape follows, the
/// string is in a string, and that escape is meant.
fn backslash(rest: &str, depth: u32) -> Option<(char, usize)> {
    let next = read(rest, depth)?;
    let literal = literal(rest)?;
    let is_spelled = literal.len < next.len;
    if literal.char == '\\' && is_spelled {
        return Some((next.char, next.len));
    }
    let tail = rest.get(next.len..).unwrap_or("");
    let code = |digits| hex(tail, digits, depth).and_then(|(code, len)| Some((char::from_u32(code)?, len)));
    let meaning = match next.char {
        'u' | 'U' => braced(tail).or_else(|| code(4)),
        'x' | 'X' => code(2),
        'n' => Some(('\n', 0)),
        'r' => Some(('\r', 0)),
        't' => Some(('\t', 0)),
        other => other.is_ascii_punctuation().then_some((other, 0)),
    };
    let (char, len) = meaning.or_else(|| is_spelled.then_some((next.char, 0)))?;
    Some((char, next.len.saturating_add(len)))
}

/// `{5f}`, as Rust's `Debug` and JavaScript write it.
fn braced(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix('{')?.split_once('}')?.0;
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 8)?;
    Some((char::from_u32(code)?, digits.len().saturating_add(2)))
}

/// What follows an ampersand: `#95;`, `#x5f;` or a name.
fn entity(rest: &str) -> Option<(char, usize)> {
    let Some(number) = rest.strip_prefix('#') else {
        let (name, char) = ENTITIES.into_iter().find(|(name, _)| rest.starts_with(name))?;
        return Some((char, name.len()));
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let count = digits.bytes().take(8).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let char = char::from_u32(u32::from_str_radix(digits.get(..count)?, radix).ok()?)?;
    let end = digits.get(count..).map_or(0, |tail| usize::from(tail.starts_with(';')));
    let before = rest.len().saturating_sub(digits.len());
    Some((char, before.saturating_add(count).saturating_add(end)))
}

fn hex(text: &str, digits: u32, depth: u32) -> Option<(u32, usize)> {
    let (mut value, mut len) = (0u32, 0usize);
    for _ in 0..digits {
        let digit = read(text.get(len..)?, depth)?;
        value = value.checked_mul(16)?.checked_add(digit.char.to_digit(16)?)?;
        len = len.saturating_add(digit.len);
    }
    Some((value, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_underscore_is_one_in_each_spelling() {
        let table: [(u32, &[&str]); 4] = [
            (
                0,
                &[
                    "_",
                    "\\u005f",
                    "\\u005F",
                    "\\\\u005f",
                    "\\x5f",
                    "\\u{5f}",
                    "\\_",
                    "\\\\_",
                    "&#95;",
                    "&#x5F;",
                    "&#95",
                    "&lowbar;",
                    "&amp;#95;",
                    "\u{200b}_",
                    "\0_",
                ],
            ),
            (1, &["%5F", "%5f", "%\u{ad}5F", "\\u00255f", "%5Cu005f", "&#37;5f"]),
            (2, &["%255F", "%25%35%46"]),
            (3, &["%25255f"]),
        ];
        for (percents, texts) in table {
            for text in texts {
                assert_eq!(first(text), Some(Spelled { char: '_', len: text.len(), percents }), "{text}");
            }
        }
    }

    #[test]
    fn what_spells_nothing_is_itself() {
        for text in ["%", "%5", "%zz", "\\", "\\q", "\\u00", "\\x5", "&", "&x", "&#", "&#;", "a", "\u{e9}", "% 5f"] {
            let spelled = first(text).unwrap();
            assert_eq!(Some(spelled.char), text.chars().next(), "{text}");
            assert_eq!(spelled.len, spelled.char.len_utf8(), "{text}");
        }
        assert_eq!(first(""), None);
    }

    proptest! {
        #[test]
        fn each_character_ends_at_a_border_and_is_not_empty(text in "[%\\\\&#;u2x5fF\u{200b}\u{e9}_{}]{1,40}") {
            let spelled = first(&text).unwrap();
            prop_assert!(spelled.len > 0 && text.is_char_boundary(spelled.len));
        }
    }
}
