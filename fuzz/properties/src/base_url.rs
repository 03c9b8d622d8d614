//! Base URLs: what is taken is `https`, or `http` to a literal loopback address; it is what was written, and no path leads a
//! request away from it.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use clerk_actor_tokens_core::{BaseUrl, http::Method};

use crate::{canary::Watch, input::lines};

/// The first line is a URL, the second a path below it.
pub fn check(data: &[u8]) {
    let watch = &Watch::over(data);
    let [url, path] = lines(data);
    let (url, path) = (String::from_utf8_lossy(url), String::from_utf8_lossy(path));
    match BaseUrl::new(&url) {
        Ok(base) => {
            is_what_was_written(&base, &url);
            is_safe(&base);
            reads_back_as_itself(&base);
            no_path_leads_away(watch, &base, &path);
        }
        Err(refused) => {
            assert!(!is_plain(&url), "a plain URL is refused");
            tells_nothing_of(watch, &refused, refused.setting(), "base_url");
        }
    }
    http_is_allowed_by_name_alone(&url);
    no_path_leads_away(watch, &BaseUrl::default(), &path);
}

/// Scheme, authority and path, taken apart by hand.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, behind) = url.split_once("://")?;
    let (authority, path) = behind.split_at_checked(behind.find('/').unwrap_or(behind.len()))?;
    Some((scheme, authority, path))
}

fn is_what_was_written(base: &BaseUrl, url: &str) {
    let (scheme, authority, path) = parts(url).expect("what is taken has a scheme and an authority");
    // Schemes and hosts compare without case (RFC 9110 section 4.2.3).
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let path = path.trim_end_matches('/');
    let version = if path.ends_with("/v1") { "" } else { "/v1" };
    assert_eq!(base.to_string(), format!("{scheme}://{authority}{path}{version}"));
    assert_eq!(base.scheme().as_str(), scheme);
    assert_eq!(base.authority().as_str(), authority);
}

fn is_safe(base: &BaseUrl) {
    let text = base.to_string();
    let (scheme, authority, path) = parts(&text).expect("it has a scheme and an authority");
    assert!(scheme == "https" || (scheme == "http" && is_loopback(authority)), "neither https nor loopback");
    assert!(!authority.contains('@'), "user info");
    assert!(!text.contains(['?', '#', '\\']) && !text.contains(|c: char| c.is_whitespace() || c.is_control()));
    assert!(!has_dot_segment(path), "a dot segment");
    let (host, port) = host_and_port(authority);
    assert!(!host.is_empty());
    assert!(port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0)), "no port that can be connected to");
}

fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_loopback(authority: &str) -> bool {
    let (host, _) = host_and_port(authority);
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(ip) => ip.parse() == Ok(Ipv6Addr::LOCALHOST),
        None => host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.octets()[0] == 127),
    }
}

fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | ".."))
}

fn reads_back_as_itself(base: &BaseUrl) {
    assert_eq!(BaseUrl::new(base.to_string()).ok().as_ref(), Some(base));
    assert_eq!(base.to_string().parse().ok().as_ref(), Some(base));
}

/// Every request stays at the origin and below the path; what is not asked for is not there.
#[track_caller]
fn no_path_leads_away(watch: &Watch, base: &BaseUrl, path: &str) {
    let request = match base.request(Method::GET, path, Default::default()) {
        Ok(request) => request,
        Err(refused) => return tells_nothing_of(watch, &refused, refused.field(), "path"),
    };
    let uri = request.uri();
    assert_eq!((uri.scheme(), uri.authority()), (Some(base.scheme()), Some(base.authority())));
    let text = uri.to_string();
    assert_eq!(text, format!("{base}{path}"), "another URL than base and path");
    assert!(path.starts_with('/') && !text.contains('#'));
    assert!(!has_dot_segment(uri.path()), "a dot segment");
    assert_eq!(uri.query(), path.split_once('?').map(|(_, query)| query));
}

/// The words of a refusal have no part of what was refused.
#[track_caller]
fn tells_nothing_of(watch: &Watch, refused: &(impl fmt::Display + fmt::Debug), names: &str, field: &str) {
    assert_eq!(names, field);
    watch.debug(refused);
    watch.display(refused);
    let is_ours = |c: char| c.is_ascii_alphanumeric() || " .,`_():/?#@-".contains(c);
    assert!(refused.to_string().chars().all(is_ours), "a foreign text in a refusal");
}

/// Allowing `http` to one host allows it to no other, and loosens nothing else.
fn http_is_allowed_by_name_alone(url: &str) {
    let allowed = BaseUrl::builder(url).danger_allow_http("emulator").build();
    let Ok(base) = allowed else {
        assert!(BaseUrl::new(url).is_err(), "an exception makes a URL worse");
        return;
    };
    if BaseUrl::new(url).ok().as_ref() != Some(&base) {
        assert_eq!((base.scheme().as_str(), base.authority().host()), ("http", "emulator"));
    }
}

/// Whether a URL is of the simplest sort, which must be taken.
fn is_plain(url: &str) -> bool {
    let Some(("https", host, path)) = parts(url) else { return false };
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    url.len() < 1000 && host.split('.').all(is_word) && (path.is_empty() || path.split('/').skip(1).all(is_word))
}
