//! The rules of a base URL: which scheme, host and path it may have.

use std::net::IpAddr;

use http::{
    Uri,
    uri::{Authority, Scheme},
};

use crate::plain_http;

/// The last segment of the path. Clerk's JavaScript SDK appends it to `CLERK_API_URL`.
pub(super) const VERSION: &str = "/v1";

pub(super) const NOT_ABSOLUTE: &str = "is not an absolute URL: begin it with https://, as in https://api.clerk.com/v1";

const NOT_HTTPS: &str = "must be https: plain http is only for an address such as 127.0.0.1 (not localhost), and for the \
    hosts of danger_allow_http or CLERK_DANGER_ALLOW_HTTP";

/// The parts of a URL that keeps the rules.
pub(super) struct Parts {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Ends in the version, and without a slash.
    pub(super) path: String,
}

impl Parts {
    /// Reads a URL, with plain `http` allowed to these hosts.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub(super) fn read(url: &str, http_hosts: &[String]) -> Result<Self, &'static str> {
        // http::Uri drops a fragment without a word, and takes a backslash.
        if url.contains('#') || url.contains('?') {
            return Err("must have no query (?) and no fragment (#)");
        }
        if url.contains('\\') || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("must have no backslash, no white space and no line break");
        }
        let uri: Uri = url.parse().map_err(|_| NOT_ABSOLUTE)?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(NOT_ABSOLUTE) };
        if authority.as_str().contains('@') {
            return Err("must have no user info (user:password@)");
        }
        check_authority(&authority)?;
        if scheme == Scheme::HTTP {
            let host = authority.host();
            if !plain_http::is_loopback(host) && !plain_http::is_allowed(host, http_hosts) {
                return Err(NOT_HTTPS);
            }
        } else if scheme != Scheme::HTTPS {
            return Err("must begin with https://");
        }
        let path = parts.path_and_query.as_ref().map_or("", |path| path.path()).trim_end_matches('/');
        if has_dot_segment(path) {
            return Err("must have no dot segment (. or ..) in its path");
        }
        if path.ends_with("/actor_tokens") || (path.contains("/actor_tokens/") && path.ends_with("/revoke")) {
            return Err("ends in the path of a call: give what is before it, as in https://api.clerk.com/v1");
        }
        let path = if path.ends_with(VERSION) { path.to_owned() } else { format!("{path}{VERSION}") };
        // Hosts compare without case (RFC 9110 section 4.2.3); one spelling makes the comparison exact.
        let authority =
            authority.as_str().to_ascii_lowercase().parse().map_err(|_| "must have a host name or an IP address")?;
        Ok(Parts { scheme, authority, path })
    }
}

/// Whether this is a host and perhaps a port, and nothing else: http's own reading takes more.
pub(crate) fn check_authority(authority: &Authority) -> Result<(), &'static str> {
    let host = authority.host();
    let is_ip6 = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|ip| matches!(ip.parse(), Ok(IpAddr::V6(_))));
    if !is_ip6 && !plain_http::is_host_name(host) {
        return Err("must have a host name or an IP address");
    }
    let behind_host = authority.as_str().strip_prefix(host).unwrap_or("");
    // Digits alone (RFC 3986 section 3.2.3), and one spelling: Rust takes `+443` and `0443` for numbers too.
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port);
    if !behind_host.is_empty() && !behind_host.strip_prefix(':').is_some_and(is_port) {
        return Err("must have a port from 1 to 65535, or none");
    }
    Ok(())
}

/// Dot segments, plain or percent-encoded: an HTTP stack may resolve them and end at another endpoint.
pub(super) fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        // A longer one is not two dots.
        if segment.len() > "%2e%2e".len() {
            return false;
        }
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        decoded == "." || decoded == ".."
    })
}
