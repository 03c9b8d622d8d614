//! How long to wait before the next attempt: full jitter under an exponential cap.

use std::time::Duration;

/// The wait before retry number `retry` (counted from 0): uniform between nothing and `base * 2^retry`, at most `cap`.
pub(crate) fn full_jitter(base: Duration, cap: Duration, retry: u32, random: &mut fastrand::Rng) -> Duration {
    let doubled = 2u32.checked_pow(retry).and_then(|factor| base.checked_mul(factor)).unwrap_or(cap);
    let most = u64::try_from(doubled.min(cap).as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random.u64(0..=most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_never_longer_than_the_doubled_base_or_the_cap(
            base in 0u64..=u64::MAX, cap in 0u64..=u64::MAX, retry in 0u32.., seed in 0u64..
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let wait = full_jitter(base, cap, retry, &mut fastrand::Rng::with_seed(seed));
            prop_assert!(wait <= cap);
            prop_assert!(retry > 0 || wait <= base);
        }
    }

    #[test]
    fn it_uses_the_whole_range() {
        let mut random = fastrand::Rng::with_seed(1);
        let (base, cap) = (Duration::from_millis(200), Duration::from_secs(5));
        let waits: Vec<_> = (0..1000).map(|_| full_jitter(base, cap, 2, &mut random)).collect();
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(80)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(720)));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(800)));
    }
}
