//! How the value of an option is read: times with their unit, a rate, an origin, a URL. What is wrong is refused with an example.

use std::time::Duration;

use clerk_actor_tokens_emulator::{Emulator, InvalidApplicationUrl};

/// A number has its unit, or could be one of two. What is less than a millisecond would be none.
pub(crate) fn time(text: &str) -> Result<Duration, &'static str> {
    let is_number = text.trim().bytes().all(|byte| byte.is_ascii_digit());
    let time = humantime::parse_duration(text).ok().filter(|time| !is_number && time.subsec_nanos() % 1_000_000 == 0);
    time.ok_or("it is whole milliseconds or more, with the unit, as 250ms, 30s or 1h")
}

/// A time that Clerk counts in seconds.
pub(crate) fn whole_seconds(text: &str) -> Result<Duration, &'static str> {
    let time = time(text).ok().filter(|time| time.subsec_nanos() == 0);
    time.ok_or("it is whole seconds or more, with the unit, as 30s or 1h")
}

pub(crate) fn rate(text: &str) -> Result<(u32, Duration), &'static str> {
    let parts = text.split_once('/').and_then(|(count, time)| Some((count.parse().ok()?, self::time(time).ok()?)));
    match parts {
        Some((count, per)) if !per.is_zero() => Ok((count, per)),
        _ => Err("it is a number of requests, a slash and a time, as 100/10s"),
    }
}

/// A host, or an origin.
pub(crate) fn origin(text: &str) -> Result<String, &'static str> {
    let (scheme, host) = text.split_once("://").unwrap_or(("https", text));
    let host = host.strip_suffix('/').unwrap_or(host).parse::<http::uri::Authority>();
    if ["http", "https"].contains(&scheme) && host.is_ok_and(|host| !host.as_str().contains('@')) {
        Ok(text.to_owned())
    } else {
        Err("it is a host, or http:// or https:// before a host")
    }
}

/// A URL that a browser can be sent to.
pub(crate) fn application_url(url: &str) -> Result<String, InvalidApplicationUrl> {
    Emulator::builder().try_application_url(url).map(|_| url.to_owned())
}
