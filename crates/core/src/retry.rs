//! When a call is sent again: the policy that a user sets, and the rules that no policy can loosen.

pub(crate) mod after;
pub(crate) mod backoff;
pub(crate) mod budget;
#[cfg(flipped_rules)]
pub mod flip;
pub(crate) mod gate;
pub(crate) mod page;
pub(crate) mod rules;

use std::time::Duration;

use http::StatusCode;

use crate::{invalid_request::InvalidRequest, operation::Replay};

/// How often and how fast a call is sent again.
///
/// Whether it *may* be sent again is not for a policy to say: a creation is repeated only where Clerk is proved not to
/// have acted on it. The one exception is [`retry_create_on`](Self::retry_create_on), which says what it risks.
///
/// ```
/// use clerk_actor_tokens_core::{Replay, RetryPolicy};
/// use std::time::Duration;
///
/// let patient = RetryPolicy::new()
///     .max_attempts(Replay::Safe, 6)
///     .backoff(Duration::from_millis(100), Duration::from_secs(10));
/// # let _ = patient;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    attempts_never: u32,
    attempts_safe: u32,
    base: Duration,
    cap: Duration,
    attempt_timeout: Duration,
    retry_create_on: Vec<StatusCode>,
}

impl RetryPolicy {
    /// The defaults: at most 3 attempts of a [`Replay::Never`] operation and 4 of a [`Replay::Safe`] one, backoff with
    /// full jitter from 200 ms doubling to 5 s, 10 s for one attempt of a safe operation.
    pub fn new() -> Self {
        Self {
            attempts_never: 3,
            attempts_safe: 4,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            retry_create_on: Vec::new(),
        }
    }

    /// One attempt, whatever happens.
    pub fn none() -> Self {
        Self::new().max_attempts(Replay::Never, 1).max_attempts(Replay::Safe, 1)
    }

    /// The most attempts of an operation of this sort, the first one included. Zero is refused when the call is made.
    pub fn max_attempts(mut self, replay: Replay, attempts: u32) -> Self {
        match replay {
            Replay::Never => self.attempts_never = attempts,
            Replay::Safe => self.attempts_safe = attempts,
        }
        self
    }

    /// The first backoff's upper bound, which doubles with each retry, and the bound that it never exceeds. The wait
    /// itself is uniform between zero and the bound (full jitter).
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.base = first;
        self.cap = most;
        self
    }

    /// How long one attempt of a [`Replay::Safe`] operation may take. A [`Replay::Never`] operation has no such bound:
    /// cutting its attempt short cannot be followed by another, so it would only turn late successes into lost
    /// tokens.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// **A gamble.** Sends a creation again when it was answered with one of these gateway statuses (500, 502, 503,
    /// 504, 520 to 529). A gateway gives them also when Clerk has made the token behind it: each retry may then mint
    /// another, and nobody can list or revoke the first. An error's [`execution`](crate::Error::execution) stays `Unknown`;
    /// a success can hide a lost token, which only `send_with_response` tells
    /// ([`ApiResponse::is_ambiguous`](crate::ApiResponse::is_ambiguous)).
    /// Another status is refused when the call is made.
    pub fn retry_create_on(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.retry_create_on = statuses.into_iter().collect();
        self
    }

    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        let invalid = |field, reason| Err(InvalidRequest::new(field, reason));
        if self.attempts_never == 0 || self.attempts_safe == 0 {
            return invalid("retry.max_attempts", "must be at least 1");
        }
        if self.attempt_timeout.is_zero() {
            return invalid("retry.attempt_timeout", "must be more than zero");
        }
        if !self.retry_create_on.iter().all(|status| rules::may_opt_in(*status)) {
            return invalid("retry.retry_create_on", "may name 500, 502, 503, 504 and 520 to 529 alone");
        }
        Ok(())
    }

    pub(crate) fn attempts(&self, replay: Replay) -> u32 {
        match replay {
            Replay::Never => self.attempts_never,
            Replay::Safe => self.attempts_safe,
        }
    }

    pub(crate) fn timeout_of_attempt(&self, replay: Replay) -> Option<Duration> {
        match replay {
            Replay::Never => None,
            Replay::Safe => Some(self.attempt_timeout),
        }
    }

    pub(crate) fn wait(&self, retry: u32, random: &mut fastrand::Rng) -> Duration {
        backoff::full_jitter(self.base, self.cap, retry, random)
    }

    pub(crate) fn is_opted_in(&self, status: Option<StatusCode>) -> bool {
        status.is_some_and(|status| self.retry_create_on.contains(&status))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}
