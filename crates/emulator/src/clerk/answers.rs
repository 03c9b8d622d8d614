//! Answers instead of Clerk's own: bare statuses, pages, redirects, with the headers that a fault asks for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clerk_actor_tokens_core::Response;
use http::{
    HeaderValue, StatusCode,
    header::{DATE, LOCATION, RETRY_AFTER},
};
use serde_json::json;

use super::errors::{self, finish, json_answer};
use crate::fault::{self, Answer, Page, RetryAfter, Skew};

/// The last moment that an HTTP date can name: 9999-12-31T23:59:59Z, in seconds since 1970.
const LAST: u64 = 253_402_300_799;

/// The answer that a fault describes, at this moment.
pub(crate) fn in_the_place_of_clerk(answer: &Answer, trace: &str, wall: SystemTime) -> Response {
    let status = answer.status;
    let mut response = match answer.page {
        Page::OfStatus if (520..=530).contains(&status.as_u16()) => html(status, trace),
        Page::OfStatus => errors::answer_of_status(status, trace),
        Page::Html => html(status, trace),
        Page::Empty => {
            let mut response = Response::default();
            *response.status_mut() = status;
            response
        }
        Page::Foreign => json_answer(status, &json!({ "ok": true }), trace),
    };
    let by_the_sender = match answer.date {
        Some(Skew::Ahead(by)) => wall.checked_add(by),
        Some(Skew::Behind(by)) => wall.checked_sub(by),
        None => Some(wall),
    };
    let headers = response.headers_mut();
    if let Some(location) = &answer.location {
        headers.insert(LOCATION, location.clone());
    }
    if answer.date.is_some() {
        headers.insert(DATE, http_date(by_the_sender));
    }
    let retry_after = answer.retry_after.as_ref().map(|after| match after {
        RetryAfter::Seconds(duration) => fault::retry_after(*duration),
        RetryAfter::Date(duration) => {
            // A date has whole seconds: the next one, lest it come too early.
            let almost = duration.saturating_add(Duration::from_nanos(999_999_999));
            http_date(by_the_sender.and_then(|now| now.checked_add(almost)))
        }
        RetryAfter::Text(text) => text.clone(),
    });
    if let Some(retry_after) = retry_after {
        headers.insert(RETRY_AFTER, retry_after);
    }
    response
}

/// The page of an edge, a gateway or a captive portal.
fn html(status: StatusCode, trace: &str) -> Response {
    let title = status.as_u16();
    let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>");
    finish(status, "text/html; charset=UTF-8", page.into(), trace)
}

fn http_date(moment: Option<SystemTime>) -> HeaderValue {
    // A date is of digits, letters and spaces.
    HeaderValue::from_str(&date(moment)).unwrap_or(HeaderValue::from_static(""))
}

/// RFC 9110 section 5.6.7, within what it can name. `None` is later than any clock goes.
pub(super) fn date(moment: Option<SystemTime>) -> String {
    let last = UNIX_EPOCH.checked_add(Duration::from_secs(LAST)).unwrap_or(UNIX_EPOCH);
    httpdate::fmt_http_date(moment.unwrap_or(last).clamp(UNIX_EPOCH, last))
}
