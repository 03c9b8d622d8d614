//! How late things ended, in percentiles.

use std::{fmt, time::Duration};

/// How long after its deadline each call ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Lateness(Vec<Duration>);

impl Lateness {
    pub(super) fn add(&mut self, late: Duration) {
        self.0.push(late);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest lateness that so many of a hundred do not exceed.
    pub(super) fn percentile(&self, of_hundred: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_mul(of_hundred).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }

    pub(super) fn most(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |late: Duration| late.as_secs_f64() * 1000.0;
        let (half, nearly_all) = (ms(self.percentile(50)), ms(self.percentile(99)));
        write!(f, "behind the deadline: p50 {half:.1} ms, p99 {nearly_all:.1} ms, most {:.1} ms", ms(self.most()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() {
        let mut lateness = Lateness::default();
        (1..=200).rev().for_each(|ms| lateness.add(Duration::from_millis(ms)));
        assert_eq!(lateness.percentile(50), Duration::from_millis(100));
        assert_eq!(lateness.percentile(99), Duration::from_millis(198));
        assert_eq!(lateness.most(), Duration::from_millis(200));
        assert_eq!(Lateness::default().percentile(99), Duration::ZERO);
    }
}
