//! The URL of a proxy: read whole, or refused with a reason. A part that is passed over could lead to another host.

use std::net::Ipv6Addr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// A proxy.
#[derive(Clone)]
pub(super) struct ProxyUrl {
    pub(super) speaks: Speaks,
    /// Scheme, host and port, where it is connected to.
    pub(super) address: Uri,
    pub(super) credentials: Option<Credentials>,
}

/// How a proxy is asked for a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// By HTTP CONNECT (RFC 9110 section 9.3.6).
    Http,
    /// By the same, over TLS.
    Https,
    /// By SOCKS 5 (RFC 1928). Whether the proxy finds the server's address.
    Socks5 { resolves: bool },
}

#[derive(Clone)]
pub(super) struct Credentials {
    user: Vec<u8>,
    password: Vec<u8>,
}

impl Credentials {
    /// As HTTP wants them (RFC 7617).
    pub(super) fn basic(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let mut value = HeaderValue::try_from(format!(
            "Basic {}",
            BASE64_STANDARD.encode([&self.user[..], b":", &self.password].concat())
        ))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// As SOCKS wants them (RFC 1929), if they leave room for the server's name in what hyper-util sends.
    pub(super) fn texts(&self) -> Option<(String, String)> {
        const MOST_FOR_SOCKS: usize = 128;
        let fit = self.user.len().saturating_add(self.password.len()) <= MOST_FOR_SOCKS;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().filter(|_| fit);
        Some((text(&self.user)?, text(&self.password)?))
    }
}

impl ProxyUrl {
    /// Reads `[scheme://][user[:password]@]host[:port][/]`. Scheme and ports are curl's where they are left out: `http`, 1080, and
    /// 443 for `https`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.starts_with(['"', '\'']) {
            return Err("is in quotes: remove them");
        }
        if text.trim().len() < text.len() {
            return Err("has white space around it: remove it");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a character that no URL has, such as a blank: percent-encode it");
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (speaks, name, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Speaks::Http, "http", 1080),
            "https" => (Speaks::Https, "https", 443),
            "socks5" => (Speaks::Socks5 { resolves: false }, "http", 1080),
            "socks5h" => (Speaks::Socks5 { resolves: true }, "http", 1080),
            _ => return Err("has an unsupported scheme: use http, https, socks5 or socks5h"),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(
                "has a path, a query, a fragment, a scheme without `://`, or credentials that are not percent-encoded",
            );
        }
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(parse_credentials(credentials)?), place),
            None => (None, rest),
        };
        if place.parse::<Ipv6Addr>().is_ok() || (!place.starts_with('[') && place.matches(':').count() > 1) {
            return Err("has more than one colon in its host: put an IPv6 address in brackets");
        }
        let (host, port) = split_port(place)?;
        let port = match port {
            None => default_port,
            Some(port) => parse_port(port).ok_or("has a port that is no number from 1 to 65535")?,
        };
        if !is_host(host) {
            return Err("has no host, or one with a character that no host has");
        }
        let address = Uri::builder().scheme(name).authority(format!("{host}:{port}")).path_and_query("/").build();
        let address = address.map_err(|_| "has a host that no URL has")?;
        if credentials.as_ref().is_some_and(|it| matches!(speaks, Speaks::Socks5 { .. }) && it.texts().is_none()) {
            return Err("has credentials for SOCKS 5 that are no UTF-8, or longer than 128 bytes together");
        }
        Ok(Self { speaks, address, credentials })
    }
}

fn parse_credentials(text: &str) -> Result<Credentials, &'static str> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let user = decoded(user)?;
    if user.contains(&b':') {
        return Err("has a colon in its user name, which Basic credentials cannot say");
    }
    Ok(Credentials { user, password: decoded(password)? })
}

fn decoded(text: &str) -> Result<Vec<u8>, &'static str> {
    if text.contains('@') {
        return Err("has an `@` in its credentials that is not percent-encoded");
    }
    let mut codes = text.split('%').skip(1);
    if !codes
        .all(|code| code.as_bytes().first_chunk().is_some_and(|code: &[u8; 2]| code.iter().all(u8::is_ascii_hexdigit)))
    {
        return Err("has a `%` in its credentials that begins no percent-encoded byte");
    }
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    if bytes.iter().any(u8::is_ascii_control) {
        return Err("has a control character in its credentials");
    }
    Ok(bytes)
}

/// The host, with the brackets of an IPv6 address, and the port.
fn split_port(place: &str) -> Result<(&str, Option<&str>), &'static str> {
    let after_host = match place.strip_prefix('[') {
        Some(rest) => rest.find(']').map(|end| end.saturating_add(2)).ok_or("has a `[` without a `]`")?,
        None => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at_checked(after_host).ok_or("has no host")?;
    match port.strip_prefix(':') {
        // `host:` has the scheme's port (RFC 3986 section 3.2.3).
        Some("") => Ok((host, None)),
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err("has something behind its host that is no port"),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(is_of_name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it is spoken to, where it is, user name and password.
    type Parsed = (Speaks, String, Option<(Vec<u8>, Vec<u8>)>);

    fn parsed(text: &str) -> Result<Parsed, &'static str> {
        let url = ProxyUrl::parse(text)?;
        Ok((url.speaks, url.address.authority().unwrap().to_string(), url.credentials.map(|it| (it.user, it.password))))
    }

    #[test]
    fn what_a_url_leaves_out_is_as_curl_has_it() {
        use Speaks::{Http, Https, Socks5};
        for (text, speaks, place) in [
            ("proxy.test:3128", Http, "proxy.test:3128"),
            ("proxy.test", Http, "proxy.test:1080"),
            ("proxy.test:", Http, "proxy.test:1080"),
            ("http://proxy.test", Http, "proxy.test:1080"),
            ("HTTP://proxy.test:3128/", Http, "proxy.test:3128"),
            ("https://proxy.test", Https, "proxy.test:443"),
            ("socks5://127.0.0.1", Socks5 { resolves: false }, "127.0.0.1:1080"),
            ("Socks5h://[::1]:9", Socks5 { resolves: true }, "[::1]:9"),
            ("[fe80::1]", Http, "[fe80::1]:1080"),
        ] {
            assert_eq!(parsed(text), Ok((speaks, place.to_owned(), None)), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_every_reserved_character_has_to_be_encoded() {
        let credentials =
            |text: &str| parsed(&format!("http://{text}@proxy.test:1")).map(|(_, _, credentials)| credentials.unwrap());
        for (text, user, password) in [
            ("user:pass", "user", "pass"),
            ("user", "user", ""),
            (":pass", "", "pass"),
            ("", "", ""),
            ("us%40er:p%3A%2F%25w", "us@er", "p:/%w"),
            ("u:p:q", "u", "p:q"),
            ("u:!$&'()*+,;=", "u", "!$&'()*+,;="),
            ("%c3%a9:%E2%82%AC", "\u{e9}", "\u{20ac}"),
        ] {
            assert_eq!(credentials(text), Ok((user.into(), password.into())), "{text}");
        }
        for reserved in "/?#[]@\\ \"<>^`{|}\t\u{e9}".chars() {
            let (raw, encoded) = (
                format!("u:a{reserved}b"),
                reserved.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect::<String>(),
            );
            if !"[]\"<>^`{|}".contains(reserved) {
                credentials(&raw).unwrap_err();
            }
            if reserved == '\t' {
                credentials(&format!("u:a{encoded}b")).unwrap_err();
            } else {
                let password = format!("a{reserved}b").into_bytes();
                assert_eq!(credentials(&format!("u:a{encoded}b")), Ok((b"u".to_vec(), password)));
            }
        }
        for wrong in ["u:%", "u:%4", "u:%4g", "u:%%40", "u%3Av:p", "u%0a:p", "u:p%00"] {
            credentials(wrong).unwrap_err();
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for text in [
            "",
            " ",
            "http://",
            "http:///",
            "http://user:pw@",
            "http://:3128",
            "http://127.0.0.1:45999#x@proxy.test:3128",
            "http://proxy.test:1/path",
            "http://proxy.test:1//",
            "http://proxy.test:1?query",
            "http://proxy.test:1#fragment",
            "http://proxy.test:1\\@other.test",
            "http://a@b@proxy.test",
            "http://proxy.test:0",
            "http://proxy.test:65536",
            "http://proxy.test:+80",
            "http://proxy.test:1:2",
            "http://[::1",
            "http://[::1]x",
            "http://[::1%25lo]:1",
            "http://[proxy.test]",
            "http://::1",
            "http://proxy test",
            "http://proxy.test ",
            "http://proxy.test\n",
            "http://prox\u{fd}.test",
            "http://proxy%2etest",
            "socks4://proxy.test",
            "socks4a://proxy.test",
            "socks://proxy.test",
            "ftp://proxy.test",
            "://proxy.test",
            "http:proxy.test",
        ] {
            assert!(ProxyUrl::parse(text).is_err(), "{text}");
        }
        for (user, password, fits) in [(128, 0, true), (64, 64, true), (64, 65, false), (0, 129, false)] {
            let url = format!("socks5://{}:{}@proxy.test", "u".repeat(user), "p".repeat(password));
            assert_eq!(ProxyUrl::parse(&url).is_ok(), fits, "{user} {password}");
        }
    }
}
