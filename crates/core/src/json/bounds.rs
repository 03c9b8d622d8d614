//! How much of foreign JSON is kept: so many levels, so many values. The same bounds hold for an actor that is sent.

use serde_json::{Map, Value};

use crate::json::{members::Json, scan::Scan};

/// As deep as serde_json reads. Clerk's own responses have three levels.
const MOST_LEVELS: usize = 127;

/// So many values and keys, at most, are kept of one body. Clerk's responses have fewer than a hundred.
const MOST_VALUES: usize = 4096;

/// Why a value is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMuch {
    Levels,
    Values,
    /// It holds a string that holds what is no character.
    NoText,
}

impl TooMuch {
    /// What is wrong with the field, behind its name.
    pub(crate) fn problem(self) -> &'static str {
        match self {
            Self::Levels => "is nested more than 127 levels deep",
            Self::Values => "holds more than 4096 values and keys",
            Self::NoText => "has a string with an invalid escape or an invalid UTF-8 byte",
        }
    }
}

/// What may yet be kept of one body. A value takes hundreds of times the memory of the two bytes that it is written in.
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) fn of_a_body() -> Self {
        Self(MOST_VALUES)
    }

    pub(crate) fn spend(&mut self, values: usize) -> Result<(), TooMuch> {
        self.0 = self.0.checked_sub(values).ok_or(TooMuch::Values)?;
        Ok(())
    }

    /// Whether this value can be kept, by looking at each string and bracket once, without recursion.
    pub(crate) fn check(&mut self, value: Json<'_>) -> Result<(), TooMuch> {
        let mut scan = Scan::new(value.as_bytes());
        let mut depth = 0usize;
        let mut is_between = true;
        while let Ok(byte) = scan.peek() {
            match byte {
                b'"' => {
                    self.spend(1)?;
                    scan.text().map_err(|_| TooMuch::NoText)?;
                    continue;
                }
                b'[' | b'{' => {
                    self.spend(1)?;
                    depth = depth.saturating_add(1);
                    if depth > MOST_LEVELS {
                        return Err(TooMuch::Levels);
                    }
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' | b':' => {}
                _ if is_between => self.spend(1)?,
                _ => {}
            }
            // Of a number or a word, the first byte counts.
            is_between = matches!(byte, b'[' | b']' | b'{' | b'}' | b',' | b':');
            scan.advance(1);
        }
        Ok(())
    }
}

/// Whether an object that an application built is within the same bounds.
pub(crate) fn check_map(map: &Map<String, Value>) -> Result<(), TooMuch> {
    measure_map(map, MOST_LEVELS, &mut Budget::of_a_body())
}

fn measure_map(map: &Map<String, Value>, levels: usize, budget: &mut Budget) -> Result<(), TooMuch> {
    budget.spend(1)?;
    let levels = levels.checked_sub(1).ok_or(TooMuch::Levels)?;
    budget.spend(map.len())?;
    map.values().try_for_each(|value| measure(value, levels, budget))
}

fn measure(value: &Value, levels: usize, budget: &mut Budget) -> Result<(), TooMuch> {
    match value {
        Value::Array(list) => {
            budget.spend(1)?;
            let levels = levels.checked_sub(1).ok_or(TooMuch::Levels)?;
            list.iter().try_for_each(|value| measure(value, levels, budget))
        }
        Value::Object(map) => measure_map(map, levels, budget),
        _ => budget.spend(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &str) -> Result<(), TooMuch> {
        Budget::of_a_body().check(Json::whole_object(object.as_bytes()).unwrap())
    }

    #[test]
    fn a_number_or_a_word_is_one_value_however_long_it_is() {
        for value in ["1", "-1234567890.5e+10", "true", "null", "\"a text, with: {brackets]\"", "\"\\u00e9\\n\""] {
            let values = |count| format!("{{\"a\":[{}]}}", vec![value; count].join(","));
            // The object, its key and the array count too.
            assert_eq!(check(&values(MOST_VALUES - 3)), Ok(()), "{value}");
            assert_eq!(check(&values(MOST_VALUES - 2)), Err(TooMuch::Values), "{value}");
        }
    }

    #[test]
    fn what_is_too_much_is_said_in_words() {
        let deep = |levels| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check(&deep(MOST_LEVELS - 1)), Ok(()));
        assert_eq!(check(&deep(MOST_LEVELS)), Err(TooMuch::Levels));
        assert_eq!(check("{\"a\":\"\\ud800\"}"), Err(TooMuch::NoText));
        for (too_much, word) in
            [(TooMuch::Levels, "127 levels"), (TooMuch::Values, "4096 values"), (TooMuch::NoText, "invalid escape")]
        {
            assert!(too_much.problem().contains(word));
        }
    }
}
