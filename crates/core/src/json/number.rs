//! Numbers of foreign JSON: exactly, or as the text that they are.

use serde_json::{Number, Value};

/// The number, where `Number` holds exactly this one; else its text. Does not depend on how serde_json keeps numbers.
pub(super) fn value(text: &str) -> Value {
    exactly(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn exactly(text: &str) -> Option<Number> {
    // A whole number has no sign of its zero.
    if !text.starts_with("-0") {
        if let Ok(number) = text.parse::<i64>() {
            return Some(number.into());
        }
        if let Ok(number) = text.parse::<u64>() {
            return Some(number.into());
        }
    }
    let number = Number::from_f64(text.parse().ok()?)?;
    (Decimal::of(text)? == Decimal::of(&number.to_string())?).then_some(number)
}

/// The whole part, if that fits 64 bits.
pub(super) fn whole_part(text: &str) -> Option<i64> {
    if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if !text.contains(['e', 'E']) {
        return text.split_once('.').and_then(|(whole, _)| whole.parse().ok());
    }
    let number: f64 = text.parse().ok()?;
    // 2^63, which is the first that does not fit.
    const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    (-TOO_LARGE..TOO_LARGE).contains(&number).then_some(number as i64)
}

/// A decimal number in the one form that it has: no zero at either end of its digits.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    /// Of the last digit.
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let significant = all.trim_end_matches('0');
        let cut = i64::try_from(all.len().checked_sub(significant.len())?).ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(cut)?;
        let digits = significant.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { exponent };
        Some(Self { is_negative, digits, exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_a_number_where_it_is_kept_exactly() {
        let kept = ["0", "-0", "7", "-7", "1.5", "1.50", "1e3", "1E+3", "0.1", "18446744073709551615", "5e-324", "0e9"];
        for text in kept {
            assert!(value(text).is_number(), "{text}");
        }
        let lost = [
            "1e999",
            "1e-999",
            "18446744073709551616",
            "-9223372036854775809",
            "0.10000000000000001",
            "1e99999999999999999999",
        ];
        for text in lost {
            assert_eq!(value(text), Value::String(text.to_owned()));
        }
        assert_eq!(value("-0").to_string(), "-0.0", "zero keeps its sign");
    }

    #[test]
    fn the_whole_part_is_cut_and_not_rounded() {
        let table = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("1.9", Some(1)),
            ("-1.9", Some(-1)),
            ("1700000000000.999999", Some(1_700_000_000_000)),
            ("1.7e12", Some(1_700_000_000_000)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807.5", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("1e19", None),
            ("1e999", None),
            ("null", None),
            ("true", None),
            ("\"1\"", None),
            ("[1]", None),
        ];
        for (text, expected) in table {
            assert_eq!(whole_part(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_that_is_printed_is_read_back(number: f64, whole: i64, unsigned: u64) {
            prop_assume!(number.is_finite());
            let number = Number::from_f64(number).unwrap();
            prop_assert_eq!(value(&number.to_string()), Value::Number(number));
            prop_assert_eq!(value(&whole.to_string()), Value::from(whole));
            prop_assert_eq!(value(&unsigned.to_string()), Value::from(unsigned));
            prop_assert_eq!(whole_part(&whole.to_string()), Some(whole));
        }
    }
}
