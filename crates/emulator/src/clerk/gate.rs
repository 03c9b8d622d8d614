//! What every request has to pass before it is routed: key, rate limit, API version, size. In that order.

use std::time::Duration;

use clerk_actor_tokens_core::Request;
use http::header::AUTHORIZATION;

use super::{
    errors::{AUTHORIZATION_INVALID, BODY_TOO_LARGE, KEY_INVALID, TOO_MANY_REQUESTS, VERSION_INVALID},
    query,
    refusal::Refusal,
};
use crate::settings::{BODY_LIMIT, Settings};

/// What a request without a version is taken for.
const OLDEST_VERSION: &str = "2021-02-05";

/// The parameter of the query that names a version.
pub(super) const VERSION_PARAMETER: &str = "__clerk_api_version";

/// How many requests came since when (milliseconds since 1970): a fixed window that begins with its first request.
#[derive(Debug, Default, Clone)]
pub(super) struct RateWindow {
    began: Option<i64>,
    count: u32,
}

/// Lets a request pass that arrives at this moment (milliseconds since 1970), or says why not. Without a window it does
/// not count.
pub(super) fn pass(
    request: &Request,
    version: Option<&str>,
    now: i64,
    settings: &Settings,
    window: Option<&mut RateWindow>,
) -> Result<(), Refusal> {
    check_key(request, settings)?;
    if let Some(window) = window {
        window.count(settings.rate_limit, now)?;
    }
    match version {
        Some(version) if settings.api_versions.iter().any(|known| known == version) => {}
        Some(version) => return Err(VERSION_INVALID.about(version).into()),
        None => return Err(VERSION_INVALID.about("given more than once").into()),
    }
    check_size(request)
}

pub(super) fn check_size(request: &Request) -> Result<(), Refusal> {
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
    let headers = request.headers().get_all("clerk-api-version").iter();
    let in_headers = headers.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let in_query = query::pairs(request.uri().query().unwrap_or("")).filter(|(name, _)| name == VERSION_PARAMETER);
    let mut named = in_headers.chain(in_query.map(|(_, value)| value));
    match (named.next(), named.next()) {
        (None, _) => Some(OLDEST_VERSION.to_owned()),
        (Some(version), None) => Some(version),
        (Some(_), Some(_)) => None,
    }
}
