//! When a call is sent again: the policy that a user sets, and the rules that no policy can loosen.

pub(crate) mod backoff;
pub(crate) mod budget;
#[cfg(flipped_rules)]
pub mod flip;
#[cfg(flipped_rules)]
mod flipped;
pub(crate) mod gate;
pub(crate) mod limits;
pub(crate) mod page;
pub(crate) mod retry_after;
pub(crate) mod rule;
pub(crate) mod rules;

use std::time::Duration;

use http::StatusCode;

use crate::{config_error::ConfigError, invalid_request::InvalidRequest, operation_info::Idempotency};

/// How often and how fast a call is sent again.
///
/// A policy does not decide whether a call *may* be sent again. A creation is repeated only where
/// it is proved that Clerk did not act on it. The one exception is
/// [`danger_retry_create_on`](Self::danger_retry_create_on), which names its risk.
///
/// ```
/// use clerk_actor_tokens_core::{Idempotency, RetryPolicy};
/// use std::time::Duration;
///
/// let patient = RetryPolicy::new()
///     .max_attempts(Idempotency::Idempotent, 6)
///     .backoff(Duration::from_millis(100), Duration::from_secs(10));
/// # let _ = patient;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    attempts_non_idempotent: u32,
    attempts_idempotent: u32,
    base: Duration,
    cap: Duration,
    attempt_timeout: Duration,
    danger_retry_create_on: Vec<StatusCode>,
}

impl RetryPolicy {
    /// Makes the default policy:
    ///
    /// - at most 3 attempts of a [non-idempotent](Idempotency::NonIdempotent) operation, and 4 of
    ///   an [idempotent](Idempotency::Idempotent) one;
    /// - a backoff with full jitter, from 200 ms doubling to 5 s;
    /// - 10 s for one attempt of an idempotent operation.
    pub fn new() -> Self {
        Self {
            attempts_non_idempotent: 3,
            attempts_idempotent: 4,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            danger_retry_create_on: Vec::new(),
        }
    }

    /// Makes a policy of one attempt.
    pub fn none() -> Self {
        Self::new().max_attempts(Idempotency::NonIdempotent, 1).max_attempts(Idempotency::Idempotent, 1)
    }

    /// Sets the most attempts of an operation of this sort, the first one included. Zero is refused
    /// when the client is built, or when the call is made.
    pub fn max_attempts(mut self, idempotency: Idempotency, attempts: u32) -> Self {
        match idempotency {
            Idempotency::NonIdempotent => self.attempts_non_idempotent = attempts,
            Idempotency::Idempotent => self.attempts_idempotent = attempts,
        }
        self
    }

    /// Sets the bounds of the backoff. `first` is the upper bound of the first wait, and doubles
    /// with each retry up to `most`. The wait itself is uniform between zero and the bound (full
    /// jitter).
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.base = first;
        self.cap = most;
        self
    }

    /// Sets how long one attempt of an [idempotent](Idempotency::Idempotent) operation may take. A
    /// [non-idempotent](Idempotency::NonIdempotent) operation has no such bound, because no attempt
    /// could follow one that is cut short. The bound would only turn late successes into lost
    /// tokens.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// **An unsafe retry.** Sends a creation again after one of these gateway statuses (500, 502,
    /// 503, 504, 520 to 530). Another status is refused when the client is built, or when the call
    /// is made.
    ///
    /// A gateway returns them also when Clerk has made the token behind it. Each retry may then
    /// mint another, and you cannot list or revoke the first. An error's
    /// [`execution`](crate::Error::execution) stays `Unknown`. A success can hide a lost token:
    /// only `send_with_response` shows it
    /// ([`ApiResponse::is_ambiguous`](crate::ApiResponse::is_ambiguous)).
    pub fn danger_retry_create_on(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.danger_retry_create_on = statuses.into_iter().collect();
        self
    }

    /// Checks it as an option of one call.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        self.check_setting().map_err(ConfigError::into_invalid_request)
    }

    /// Checks it as a setting of a client.
    pub(crate) fn check_setting(&self) -> Result<(), ConfigError> {
        let wrong = |setting, problem, advice| Err(ConfigError::new(setting, problem, advice));
        if self.attempts_non_idempotent == 0 || self.attempts_idempotent == 0 {
            return wrong("retry.max_attempts", "is zero", "set 1 for a call without a retry");
        }
        if self.attempt_timeout.is_zero() {
            return wrong("retry.attempt_timeout", "is zero", "set a duration of more than zero");
        }
        if !self.danger_retry_create_on.iter().all(|status| rules::may_opt_in(*status)) {
            let advice = "use only 500, 502, 503, 504 and 520 to 530";
            return wrong("retry.danger_retry_create_on", "names a status that is not a gateway's", advice);
        }
        Ok(())
    }

    pub(crate) fn attempts(&self, idempotency: Idempotency) -> u32 {
        match idempotency {
            Idempotency::NonIdempotent => self.attempts_non_idempotent,
            Idempotency::Idempotent => self.attempts_idempotent,
        }
    }

    pub(crate) fn timeout_of_attempt(&self, idempotency: Idempotency) -> Option<Duration> {
        match idempotency {
            Idempotency::NonIdempotent => None,
            Idempotency::Idempotent => Some(self.attempt_timeout),
        }
    }

    pub(crate) fn wait(&self, retry: u32, random: &mut fastrand::Rng) -> Duration {
        backoff::full_jitter(self.base, self.cap, retry, random)
    }

    pub(crate) fn is_opted_in(&self, status: Option<StatusCode>) -> bool {
        status.is_some_and(|status| self.danger_retry_create_on.contains(&status))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}
