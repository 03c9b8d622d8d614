//! The retry budget: how many retries calls to one place with one key may make before successes or time pay for more.
//!
//! Where a server fails every call, each call's own retries multiply what it has to bear. A bucket that all
//! calls to one place share keeps that multiple near one.

use std::time::Duration;

use crate::{config_error::ConfigError, time::Moment};

/// How many retries all calls of a client to one base URL with one key may make together. It is a
/// bucket of tokens (not of Clerk's). A retry takes one token, and successes and time give them
/// back.
///
/// Where the bucket is empty, a call fails with the error of its last attempt.
/// [`Error::is_out_of_retries`](crate::Error::is_out_of_retries) is true then.
///
/// ```
/// use clerk_actor_tokens_core::{transport_fn, Client, Response, RetryBudget, SecretKey};
/// use std::time::Duration;
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::default()) });
/// let clerk = Client::builder(transport, SecretKey::new("sk_test_abc")?)
///     .retry_budget(RetryBudget::new().tokens(20).token_every(Duration::from_secs(5)))
///     .build()?;
/// # let _ = clerk;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RetryBudget {
    /// `None`: no limit.
    tokens: Option<u32>,
    successes_per_token: u32,
    token_every: Duration,
}

impl RetryBudget {
    /// Makes the default budget: 10 tokens. Every 10 successes give one back, and so do every 10
    /// seconds.
    pub const fn new() -> Self {
        Self { tokens: Some(10), successes_per_token: 10, token_every: Duration::from_secs(10) }
    }

    /// Makes a budget without a limit. Each call's own policy still applies.
    pub const fn unlimited() -> Self {
        Self { tokens: None, ..Self::new() }
    }

    /// Sets how many tokens the bucket has. It is full at the start. With 0, no call is sent again.
    pub fn tokens(mut self, tokens: u32) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sets how many successes give a token back. Zero is refused when the client is built.
    pub fn successes_per_token(mut self, successes: u32) -> Self {
        self.successes_per_token = successes;
        self
    }

    /// Sets after how long time alone gives a token back. Zero is refused when the client is built.
    pub fn token_every(mut self, duration: Duration) -> Self {
        self.token_every = duration;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |setting, advice| Err(ConfigError::new(setting, "is zero", advice));
        if self.successes_per_token == 0 {
            return wrong("retry_budget.successes_per_token", "set at least 1");
        }
        if self.token_every.is_zero() {
            return wrong("retry_budget.token_every", "set a duration of more than zero");
        }
        Ok(())
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// A token, in the parts that are counted: whole numbers, so that ten tenths are one, and many enough for any share.
const TOKEN: u128 = 1_000_000_000_000;

/// The bucket of one place and key: see `limits.rs`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    parts: u128,
    /// Up to when time has paid.
    paid_until: Option<Moment>,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(budget: RetryBudget) -> Self {
        Self { parts: full(budget), paid_until: None }
    }

    /// Takes a token for a retry. `false` if there is none.
    pub(crate) fn take(&mut self, budget: RetryBudget, now: Moment) -> bool {
        if budget.tokens.is_none() {
            return true;
        }
        self.pay(budget, now);
        match self.parts.checked_sub(TOKEN) {
            Some(rest) => {
                self.parts = rest;
                true
            }
            None => false,
        }
    }

    /// Adds what a success gives back.
    pub(crate) fn succeed(&mut self, budget: RetryBudget, now: Moment) {
        self.pay(budget, now);
        let share = TOKEN.div_ceil(u128::from(budget.successes_per_token.max(1)));
        self.parts = self.parts.saturating_add(share).min(full(budget));
    }

    /// Whether it is as full as a new one.
    pub(crate) fn is_full(&mut self, budget: RetryBudget, now: Moment) -> bool {
        self.pay(budget, now);
        self.parts >= full(budget)
    }

    /// What time has given back since it last did. Only the time that came to whole parts counts as paid.
    fn pay(&mut self, budget: RetryBudget, now: Moment) {
        let since = *self.paid_until.get_or_insert(now);
        let every = budget.token_every.as_nanos().max(1);
        let passed = now.saturating_duration_since(since).as_nanos();
        let parts = passed.saturating_mul(TOKEN) / every;
        self.parts = self.parts.saturating_add(parts);
        if self.parts >= full(budget) {
            self.parts = full(budget);
            self.paid_until = Some(now);
            return;
        }
        let paid = parts.saturating_mul(every).div_ceil(TOKEN);
        let paid = Duration::from_nanos(u64::try_from(paid).unwrap_or(u64::MAX));
        self.paid_until = Some(since.saturating_add(paid));
    }
}

fn full(budget: RetryBudget) -> u128 {
    u128::from(budget.tokens.unwrap_or(0)).saturating_mul(TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bucket with its budget.
    struct Filled(RetryBudget, Bucket);

    impl Filled {
        fn new(budget: RetryBudget) -> Self {
            Self(budget, Bucket::new(budget))
        }

        fn left(&mut self, now: Moment) -> usize {
            (0..1000).take_while(|_| self.1.take(self.0, now)).count()
        }

        fn succeed(&mut self, now: Moment) {
            self.1.succeed(self.0, now);
        }
    }

    #[test]
    fn ten_retries_and_no_more() {
        let now = Moment::from_origin(Duration::from_secs(1_000));
        assert_eq!(Filled::new(RetryBudget::new()).left(now), 10);
        assert_eq!(Filled::new(RetryBudget::new().tokens(0)).left(now), 0);
        assert_eq!(Filled::new(RetryBudget::unlimited()).left(now), 1000);
    }

    #[test]
    fn ten_successes_give_one_back() {
        let now = Moment::from_origin(Duration::from_secs(1_000));
        for (successes, per_token, back) in [
            (9, 10, 0),
            (10, 10, 1),
            (19, 10, 1),
            (3, 3, 1),
            (2, 3, 0),
            (7, 1, 7),
            (600_000, 600_000, 1),
            (599_999, 600_000, 0),
        ] {
            let mut bucket = Filled::new(RetryBudget::new().successes_per_token(per_token));
            bucket.left(now);
            (0..successes).for_each(|_| bucket.succeed(now));
            assert_eq!(bucket.left(now), back, "{successes} successes, {per_token} a token");
        }
    }

    #[test]
    fn each_ten_seconds_give_one_back() {
        let now = Moment::from_origin(Duration::from_secs(1_000));
        let nanosecond = Duration::from_nanos(1);
        for tokens in 1..=10u32 {
            let mut bucket = Filled::new(RetryBudget::new());
            bucket.left(now);
            let paid = now.saturating_add(Duration::from_secs(10) * tokens);
            assert_eq!(
                bucket.left(now.saturating_add(Duration::from_secs(10) * tokens - nanosecond)),
                tokens as usize - 1
            );
            assert_eq!(bucket.left(paid), 1);
        }
    }

    #[test]
    fn it_never_holds_more_than_at_the_start() {
        let now = Moment::from_origin(Duration::from_secs(1_000));
        let mut bucket = Filled::new(RetryBudget::new());
        (0..1000).for_each(|_| bucket.succeed(now));
        assert_eq!(bucket.left(now.saturating_add(Duration::from_secs(3600))), 10);
    }

    proptest! {
        /// Also where it is asked at odd moments: no time is lost, none is paid twice.
        #[test]
        fn time_pays_what_it_has_passed(steps in proptest::collection::vec(0u64..20_000_000_000, 1..50)) {
            let start = Moment::from_origin(Duration::from_secs(1_000));
            let mut bucket = Filled::new(RetryBudget::new().tokens(1000));
            bucket.left(start);
            let (mut now, mut taken) = (start, 0);
            for step in &steps {
                now = now.saturating_add(Duration::from_nanos(*step));
                taken += bucket.left(now);
            }
            let passed: u64 = steps.iter().sum();
            prop_assert_eq!(taken as u64, passed / 10_000_000_000);
        }
    }
}
