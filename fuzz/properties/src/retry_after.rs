//! Retry-After: seconds are the number in the header; a date is the distance from the answer's own date.

use std::time::Duration;

use clerk_actor_tokens_core::{
    CreateActorToken, Error, Response,
    http::{
        HeaderValue, StatusCode,
        header::{DATE, RETRY_AFTER},
    },
};

use crate::{
    canary::Watch,
    input::{bounded, lines},
};

const EPOCH: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
/// The last second of the year 9999, the last that an HTTP date can write.
const LAST: u64 = 253_402_300_799;
/// The last second of 2069: RFC 850 dates have two digits for the year.
const LAST_OF_TWO_DIGITS: u64 = 3_155_759_999;

/// The first line is the value of `Retry-After`, the second that of `Date`; as numbers, the bytes are two moments too.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let [value, date] = lines(data);
    free_text(watch, value, date);
    dates_of_our_own(data);
}

/// What an answer with these two headers asks for. `None` also where a value cannot be a header's.
fn asked(value: &[u8], date: Option<&[u8]>) -> Option<Duration> {
    asked_of(StatusCode::TOO_MANY_REQUESTS, value, date)?.retry_after()
}

fn asked_of(status: StatusCode, value: &[u8], date: Option<&[u8]>) -> Option<Error> {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_bytes(value).ok()?);
    if let Some(date) = date {
        answer.headers_mut().insert(DATE, HeaderValue::from_bytes(date).ok()?);
    }
    Some(Error::from_response(&CreateActorToken::INFO, &answer))
}

fn free_text(watch: &Watch, value: &[u8], date: &[u8]) {
    let asks = asked(value, Some(date));
    let text = value.trim_ascii();
    if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        let number = text.iter().fold(0u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
        });
        if HeaderValue::from_bytes(value).is_ok() && HeaderValue::from_bytes(date).is_ok() {
            assert_eq!(asks, Some(Duration::from_secs(number)), "not the number in the header");
        }
        assert_eq!(asked(value, None), asked(value, Some(EPOCH.as_bytes())), "a number that depends on the date");
    } else if let Some(since_epoch) = asked(value, Some(EPOCH.as_bytes())) {
        is_a_date(text, since_epoch);
        assert_eq!(asked(value, Some(value)), Some(Duration::ZERO), "a date is some way from itself");
        assert!(asked(value, None).is_some_and(|asks| asks <= since_epoch), "longer than since 1970");
    } else {
        assert_eq!((asks, asked(value, None)), (None, None), "what is no date is a date to some");
    }
    for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND] {
        if let Some(error) = asked_of(status, value, Some(EPOCH.as_bytes())) {
            assert_eq!(error.retry_after(), asked(value, Some(EPOCH.as_bytes())), "{status}");
            watch.debug(&error);
            watch.display(&error);
        }
    }
}

/// A text that was read as this moment is this moment: in the preferred form, it is what we write.
#[track_caller]
fn is_a_date(text: &[u8], since_epoch: Duration) {
    assert_eq!(since_epoch.subsec_nanos(), 0);
    let seconds = since_epoch.as_secs();
    assert!(seconds <= LAST);
    assert!(text.iter().any(u8::is_ascii_alphabetic) && text.contains(&b':'), "a date without a name or a time");
    let [preferred, ..] = Date::at(seconds).forms();
    // RFC 9110 section 5.6.7; a leap second (:60) is written as the second after it.
    if text.len() == preferred.len()
        && text.ends_with(b" GMT")
        && seconds > 0
        && !text.windows(3).any(|part| part == b":60")
    {
        assert_eq!(String::from_utf8_lossy(text), preferred, "a date that is read as another");
    }
}

/// Two moments, written by ourselves in each of the three forms of an HTTP date.
fn dates_of_our_own(data: &[u8]) {
    let data = bounded(data);
    let number = |from: usize| data.iter().skip(from).take(5).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let (until, from) = (number(0) % (LAST + 1), number(5) % (LAST + 1));
    let near = until.saturating_add(number(10) % 1000).min(LAST);
    for (until, from) in [(until, from), (from, until), (near, until)] {
        let most = if until.max(from) <= LAST_OF_TWO_DIGITS { 3 } else { 1 };
        for form in Date::at(until).forms().iter().take(most) {
            for date in Date::at(from).forms().iter().take(most) {
                let asks = asked(form.as_bytes(), Some(date.as_bytes()));
                let expected = Duration::from_secs(until.saturating_sub(from));
                assert_eq!(asks, Some(expected), "Retry-After: {form}, Date: {date}");
            }
        }
    }
}

/// A moment in the proleptic Gregorian calendar, counted by ourselves.
struct Date {
    year: u64,
    month: usize,
    day: u64,
    weekday: usize,
    seconds: u64,
}

impl Date {
    fn at(since_epoch: u64) -> Self {
        let days = since_epoch / 86_400;
        // Whole cycles of 400 years (146,097 days) first, so that at most 400 years are counted.
        let (mut year, mut rest) = (1970 + days / 146_097 * 400, days % 146_097);
        while rest >= days_of(year) {
            rest -= days_of(year);
            year += 1;
        }
        let mut month = 0;
        for length in lengths(year) {
            if rest < length {
                break;
            }
            rest -= length;
            month += 1;
        }
        let weekday = usize::try_from((days + 4) % 7).unwrap_or(0); // 1970 began on a Thursday
        Self { year, month, day: rest + 1, weekday, seconds: since_epoch % 86_400 }
    }

    /// IMF-fixdate, RFC 850, asctime: the first is the preferred one.
    fn forms(&self) -> [String; 3] {
        const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let weekday = DAYS.get(self.weekday).copied().unwrap_or_default();
        let short: String = weekday.chars().take(3).collect();
        let month = MONTHS.get(self.month).copied().unwrap_or_default();
        let (day, year) = (self.day, self.year);
        let time = format!("{:02}:{:02}:{:02}", self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        [
            format!("{short}, {day:02} {month} {year} {time} GMT"),
            format!("{weekday}, {day:02}-{month}-{:02} {time} GMT", year % 100),
            format!("{short} {month} {day:2} {time} {year}"),
        ]
    }
}

fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn lengths(year: u64) -> [u64; 12] {
    [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_dates_are_those_of_the_calendar() {
        let table = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "Thursday, 01-Jan-70 00:00:00 GMT", "Thu Jan  1 00:00:00 1970"),
            (
                784_111_777,
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Sunday, 06-Nov-94 08:49:37 GMT",
                "Sun Nov  6 08:49:37 1994",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "Tuesday, 29-Feb-00 00:00:00 GMT",
                "Tue Feb 29 00:00:00 2000",
            ),
            (
                LAST_OF_TWO_DIGITS,
                "Tue, 31 Dec 2069 23:59:59 GMT",
                "Tuesday, 31-Dec-69 23:59:59 GMT",
                "Tue Dec 31 23:59:59 2069",
            ),
            (LAST, "Fri, 31 Dec 9999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "Fri Dec 31 23:59:59 9999"),
        ];
        for (seconds, preferred, rfc850, asctime) in table {
            assert_eq!(Date::at(seconds).forms(), [preferred, rfc850, asctime]);
        }
    }
}
