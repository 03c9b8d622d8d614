//! The names of faults as text: calls, their arguments, and how durations and quoted texts are written in Rust.

use std::{str::Chars, time::Duration};

/// `name(argument, ...)`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
}

/// Reads `name(...)`, and any number of `.name(...)` behind it. `None` if it is not written like that.
pub(super) fn calls(text: &str) -> Option<Vec<Call>> {
    let mut rest = text.trim();
    let mut calls = Vec::new();
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let (arguments, after) = match after.strip_prefix('(') {
            Some(after) => arguments(after)?,
            None => (Vec::new(), after),
        };
        if name.is_empty() {
            return None;
        }
        calls.push(Call { name: name.to_owned(), arguments });
        match after.trim_start().strip_prefix('.') {
            Some(after) => rest = after,
            None => return after.trim().is_empty().then_some(calls),
        }
    }
}

/// The text up to the closing parenthesis, and what follows it.
fn arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let mut rest = text.trim_start();
    let mut found = Vec::new();
    if let Some(after) = rest.strip_prefix(')') {
        return Some((found, after));
    }
    loop {
        let (argument, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (bare, after) = rest.split_at_checked(rest.find([',', ')'])?)?;
                (bare.trim_end().to_owned(), after)
            }
        };
        found.push(argument);
        let after = after.trim_start();
        match after.strip_prefix(')') {
            Some(after) => return Some((found, after)),
            None => rest = after.strip_prefix(',')?.trim_start(),
        }
    }
}

/// The text up to the closing quote, with the escapes of Rust's `{:?}`, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut letters = text.chars();
    let mut found = String::new();
    loop {
        match letters.next()? {
            '"' => return Some((found, letters.as_str())),
            '\\' => found.push(escaped(&mut letters)?),
            letter => found.push(letter),
        }
    }
}

fn escaped(letters: &mut Chars<'_>) -> Option<char> {
    match letters.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        'u' => {
            let (code, after) = letters.as_str().strip_prefix('{')?.split_once('}')?;
            *letters = after.chars();
            char::from_u32(u32::from_str_radix(code, 16).ok()?)
        }
        letter @ ('\\' | '"' | '\'') => Some(letter),
        _ => None,
    }
}

const SECOND: u128 = 1_000_000_000;

/// The units of durations, in nanoseconds. The longer names come first.
const UNITS: [(&str, u128); 5] = [("ns", 1), ("us", 1000), ("µs", 1000), ("ms", 1_000_000), ("s", SECOND)];

/// A duration as `{:?}` writes it: `2s`, `1.5ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u128>().ok()).flatten();
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let nanos =
        digits(whole)?.checked_mul(unit)?.checked_add(digits(fraction)?.checked_mul(unit)?.checked_div(scale)?)?;
    let seconds = u64::try_from(nanos.checked_div(SECOND)?).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos.checked_rem(SECOND)?).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_is_read_as_it_is_written(seconds in any::<u64>(), nanos in 0u32..1_000_000_000) {
            for written in [Duration::new(seconds, nanos), Duration::new(0, nanos), Duration::new(seconds, 0)] {
                prop_assert_eq!(duration(&format!("{written:?}")), Some(written));
            }
        }

        #[test]
        fn a_quoted_text_is_read_as_it_is_written(words in prop::collection::vec(any::<String>(), 0..3)) {
            let written = format!("name({})", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "));
            let call = Call { name: "name".to_owned(), arguments: words };
            prop_assert_eq!(calls(&written), Some(vec![call]));
        }

        #[test]
        fn nothing_that_is_read_panics(text in any::<String>(), calls_like in r#"[a-z]{0,3}[(),."\\u{}0-9µs]{0,12}"#) {
            for text in [text, calls_like] {
                let _ = (calls(&text), duration(&text));
            }
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "",
            "(",
            ")",
            "a(",
            "a)",
            "a(\"",
            "a(\"\\",
            "a(1",
            "a(1,",
            "a.",
            "a()b",
            "a b",
            "a(\"x\" y)",
            "a(\\u{110000}).",
        ] {
            assert_eq!(calls(text), None, "{text}");
        }
        for text in ["", "s", "1", "-1s", "+1s", "1.s", ".5s", "1e3s", "1 s", "99999999999999999999999s", "1.2.3s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
