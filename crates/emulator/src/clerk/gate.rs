//! What every request has to pass before it is routed: key, rate limit, API version, size. In that order.

use std::time::Duration;

use clerk_actor_tokens_core::Request;
use http::header::AUTHORIZATION;

use super::{
    errors::{AUTHORIZATION_INVALID, BODY_TOO_LARGE, KEY_INVALID, TOO_MANY_REQUESTS, VERSION_INVALID},
    refusal::Refusal,
};
use crate::settings::{BODY_LIMIT, Settings};

/// What a request without a version is taken for.
const OLDEST_VERSION: &str = "2021-02-05";

/// How many requests came since when (milliseconds since 1970): a fixed window that begins with its first request.
#[derive(Debug, Default)]
pub(super) struct RateWindow {
    began: Option<i64>,
    count: u32,
}

/// Lets a request pass that arrives at this moment (milliseconds since 1970), or says why not.
pub(super) fn pass(
    request: &Request,
    version: Option<&str>,
    now: i64,
    settings: &Settings,
    window: &mut RateWindow,
) -> Result<(), Refusal> {
    check_key(request, settings)?;
    window.count(settings.rate_limit, now)?;
    match version {
        Some(version) if settings.api_versions.iter().any(|known| known == version) => {}
        Some(version) => return Err(VERSION_INVALID.about(version).into()),
        None => return Err(VERSION_INVALID.about("given more than once").into()),
    }
    if request.body().len() > BODY_LIMIT { Err(BODY_TOO_LARGE.into()) } else { Ok(()) }
}

impl RateWindow {
    fn count(&mut self, limit: Option<(u32, Duration)>, now: i64) -> Result<(), Refusal> {
        let Some((limit, per)) = limit else { return Ok(()) };
        let per = i64::try_from(per.as_millis()).unwrap_or(i64::MAX);
        let began = match self.began {
            Some(began) if now < began.saturating_add(per) => began,
            _ => {
                *self = Self { began: Some(now), count: 0 };
                now
            }
        };
        if self.count >= limit {
            let left = began.saturating_add(per).saturating_sub(now);
            let retry_after = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            return Err(Refusal { retry_after: Some(retry_after), ..TOO_MANY_REQUESTS.into() });
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

/// `Authorization: Bearer <key>`; the scheme's case does not matter (RFC 9110 section 11.1).
fn check_key(request: &Request, settings: &Settings) -> Result<(), Refusal> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(AUTHORIZATION_INVALID.into()) };
    let Some((scheme, key)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Err(AUTHORIZATION_INVALID.into());
    };
    if !scheme.eq_ignore_ascii_case("bearer") || key.is_empty() || key.contains(' ') {
        return Err(AUTHORIZATION_INVALID.into());
    }
    if key == settings.key.expose() { Ok(()) } else { Err(KEY_INVALID.into()) }
}

/// The version that a request names, in its header or its query; the oldest if it names none. `None` if it names more
/// than one. What is no text is made one, and so names no version that is known.
pub(super) fn version(request: &Request) -> Option<String> {
    let in_headers = request.headers().get_all("clerk-api-version").iter().map(|value| value.as_bytes().to_vec());
    let query = request.uri().query().unwrap_or("");
    let in_query =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == "__clerk_api_version");
    let mut named = in_headers.chain(in_query.map(|(_, value)| percent_decoded(value)));
    match (named.next(), named.next()) {
        (None, _) => Some(OLDEST_VERSION.to_owned()),
        (Some(version), None) => Some(String::from_utf8_lossy(&version).into_owned()),
        (Some(_), Some(_)) => None,
    }
}

/// RFC 3986 section 2.1. A percent sign without two hexadecimal digits behind it is a percent sign.
fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match after {
            [high, low, after @ ..] if *first == b'%' => digit(high).zip(digit(low)).map(|pair| (pair, after)),
            _ => None,
        };
        match encoded {
            Some(((high, low), after)) => {
                decoded.push(high << 4 | low);
                rest = after;
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}
