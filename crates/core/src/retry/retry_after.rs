//! `Retry-After` (RFC 9110 section 10.2.3): seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName,
    header::{DATE, RETRY_AFTER},
};

/// How long the response asks to wait. A date counts from the response's own `Date`, so that a
/// wrong clock on this side does not matter. `wall` is used where there is none. `None` if absent
/// or unreadable.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can hold is a very long time, not nothing.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = self::text(headers, DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(wall);
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    fn of(value: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers, UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn each_form_is_read() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let table = [
            ("0", None, seconds(0)),
            ("7", None, seconds(7)),
            (" 7 ", None, seconds(7)),
            ("86400", None, seconds(86_400)),
            ("99999999999999999999999", None, seconds(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", None, seconds(10)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, seconds(0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None, seconds(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some("Sun, 06 Nov 1994 08:49:44 GMT"), seconds(3)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some("rubbish"), seconds(10)),
            ("", None, None),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
        ];
        for (value, date, expected) in table {
            assert_eq!(of(value, date), expected, "{value} {date:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), UNIX_EPOCH), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut headers = HeaderMap::new();
                headers.insert(RETRY_AFTER, value);
                let _ = retry_after(&headers, UNIX_EPOCH);
            }
        }
    }
}
