//! Faults that are answers instead of Clerk's: error statuses, redirects, pages of an edge or of a captive portal.
//!
//! Each can come before the commit, or after it: a gateway that fails does not know what happened behind it.
#![allow(clippy::panic, reason = "a test that asks for an impossible answer must fail at its own line")]

use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::{Action, Answer, Answering, Fault, Page, RetryAfter, Skew};

#[track_caller]
fn answer(name: &str, status: u16, page: Page) -> Fault<Answering> {
    match StatusCode::from_u16(status) {
        Ok(status) if !status.is_informational() => {
            Fault::new(Action::Answer(Answer { status, page, location: None, retry_after: None, date: None }))
        }
        _ => panic!("fault::{name}({status}): a final status is 200 to 999"),
    }
}

#[track_caller]
pub(super) fn header(text: &str) -> HeaderValue {
    match HeaderValue::from_str(text) {
        Ok(value) => value,
        Err(_) => panic!("a header cannot hold {text:?}"),
    }
}

/// The answer has this status: in Clerk's error form, or in HTML for 520 to 530, which are the edge's and not Clerk's.
///
/// After the commit this is what a gateway does. A definite rejection (such as 422 or 429) after a commit is a server
/// that lies about itself: it can be queued, and the [`catalogue`](super::catalogue) leaves it out.
///
/// ```
/// use std::time::Duration;
/// use clerk_actor_tokens_core::Actor;
/// use clerk_actor_tokens_emulator::{Emulator, fault};
///
/// # pollster::block_on(async {
/// let clerk = Emulator::new();
/// clerk.next_create().before_commit(fault::status(429).retry_after(Duration::from_secs(2)));
/// clerk.client().actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
/// assert_eq!(clerk.requests().len(), 2);
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # }).unwrap();
/// ```
///
/// # Panics
/// If `status` is not 200 to 999: such an answer cannot be sent.
#[track_caller]
pub fn status(status: u16) -> Fault<Answering> {
    answer("status", status, Page::OfStatus)
}

/// The answer is an HTML page with this status: an edge or a gateway with 502, 503 or 504, a captive portal with 200.
///
/// # Panics
/// As [`status`].
#[track_caller]
pub fn html(status: u16) -> Fault<Answering> {
    answer("html", status, Page::Html)
}

/// The answer has this status and no body: a 200 that says nothing, or 204.
///
/// # Panics
/// As [`status`].
#[track_caller]
pub fn empty(status: u16) -> Fault<Answering> {
    answer("empty", status, Page::Empty)
}

/// The answer is 200 with JSON that is no object of Clerk's: it has no `object`.
pub fn not_clerk() -> Fault<Answering> {
    answer("not_clerk", 200, Page::Foreign)
}

/// The answer redirects to `location` with this status.
///
/// # Panics
/// If `status` is not 300 to 399, or `location` cannot stand in a header.
#[track_caller]
pub fn redirect(status: u16, location: &str) -> Fault<Answering> {
    assert!((300..400).contains(&status), "fault::redirect({status}): a redirect is 300 to 399");
    answer("redirect", status, Page::Empty).with(|answer| answer.location = Some(header(location)))
}

impl Fault<Answering> {
    /// Every fault of this kind is an answer.
    fn with(mut self, set: impl FnOnce(&mut Answer)) -> Self {
        if let Action::Answer(answer) = &mut self.action {
            set(answer);
        }
        self
    }

    /// Adds `Retry-After` in seconds, rounded up (RFC 9110 section 10.2.3).
    pub fn retry_after(self, duration: Duration) -> Self {
        self.with(|answer| answer.retry_after = Some(RetryAfter::Seconds(duration)))
    }

    /// Adds `Retry-After` as a date so long after the sender's clock, rounded up to whole seconds. The sender's clock is
    /// the emulator's, unless it is [ahead](Self::clock_ahead) or [behind](Self::clock_behind). The answer has no `Date`
    /// of its own unless it is [dated](Self::dated).
    pub fn retry_after_date(self, duration: Duration) -> Self {
        self.with(|answer| answer.retry_after = Some(RetryAfter::Date(duration)))
    }

    /// Adds this text as `Retry-After`.
    ///
    /// # Panics
    /// If it cannot stand in a header.
    #[track_caller]
    pub fn retry_after_text(self, text: &str) -> Self {
        let text = header(text);
        self.with(|answer| answer.retry_after = Some(RetryAfter::Text(text)))
    }

    /// Adds `Date`, by the emulator's clock.
    pub fn dated(self) -> Self {
        self.clock_ahead(Duration::ZERO)
    }

    /// Adds `Date`, by a clock that is ahead of the emulator's. A date in `Retry-After` goes by the same clock.
    pub fn clock_ahead(self, by: Duration) -> Self {
        self.with(|answer| answer.date = Some(Skew::Ahead(by)))
    }

    /// Adds `Date`, by a clock that is behind the emulator's. A date in `Retry-After` goes by the same clock.
    pub fn clock_behind(self, by: Duration) -> Self {
        self.with(|answer| answer.date = Some(Skew::Behind(by)))
    }
}

/// A `Retry-After` header: whole seconds, rounded up.
pub(crate) fn retry_after(duration: Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)))
}
