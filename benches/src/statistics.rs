//! The middle of many samples, and how far they spread.

use std::fmt;

/// The median of some samples, and their quartiles.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    /// A quarter of the samples are below it.
    pub low: f64,
    /// The middle one.
    pub median: f64,
    /// A quarter of the samples are above it.
    pub high: f64,
}

impl Spread {
    /// Returns the spread of these samples. Without any, it is 0.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters: usize| {
            // The nearest sample; between two, the upper one.
            let last = sorted.len().saturating_sub(1);
            sorted.get((last * quarters + 2) / 4).copied().unwrap_or_default()
        };
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// `1.23 (1.20 to 1.27)`, with the decimals that are asked for.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2);
        let Self { low, median, high } = self;
        write!(f, "{median:.decimals$} ({low:.decimals$} to {high:.decimals$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quartiles_are_samples_and_the_median_is_the_middle_one() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(spread, Spread { low: 2.0, median: 3.0, high: 4.0 });
        assert_eq!(spread.to_string(), "3.00 (2.00 to 4.00)");
        assert_eq!(Spread::of([7.0]), Spread { low: 7.0, median: 7.0, high: 7.0 });
        assert_eq!(Spread::of([]), Spread::default());
    }
}
