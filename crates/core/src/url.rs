//! Where the API is: a base URL that can only be a safe one.

use std::{
    env, fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    str::FromStr,
    sync::Arc,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{ACCEPT, CONTENT_TYPE},
    uri::{Authority, Scheme},
};

use crate::{
    invalid_request::InvalidRequest,
    transport::message::Request,
    version::{ApiVersion, CLERK_API_VERSION},
};

const ENVIRONMENT: &str = "CLERK_API_URL";

/// The base URL of Clerk's API.
///
/// `https` only, but for `http` to a host that was allowed by name
/// ([`danger_allow_http`](BaseUrlBuilder::danger_allow_http)) or to a literal loopback address (`127.0.0.0/8`, `[::1]`; the name `localhost` is not
/// one, as it can be made to resolve elsewhere). No user info, query or fragment. A URL without a path gets `/v1`
/// appended, as Clerk's own JavaScript client has it; a trailing slash is dropped.
///
/// ```
/// use clerk_actor_tokens_core::BaseUrl;
///
/// assert_eq!(BaseUrl::default().to_string(), "https://api.clerk.com/v1");
/// assert_eq!(BaseUrl::new("http://127.0.0.1:4010")?.to_string(), "http://127.0.0.1:4010/v1");
/// assert!(BaseUrl::new("http://api.clerk.com/v1").is_err());
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Shared: each call takes a clone of the URL.
    path: Arc<str>,
    /// The URL of [`ACTOR_TOKENS`] below this one, which most calls go to: made once, and shared.
    actor_tokens: Uri,
}

/// The path of a creation.
const ACTOR_TOKENS: &str = "/actor_tokens";

/// Room for every header of a call, those of the client and of a transport among them, so that the map never grows.
const ROOM_FOR_HEADERS: usize = 12;

/// Makes a [`BaseUrl`] with an exception from its rules: what [`BaseUrl::builder`] gives.
#[derive(Clone)]
#[must_use]
pub struct BaseUrlBuilder {
    url: String,
    http_host: Option<String>,
}

impl BaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `base_url`, with the rule that was broken.
    pub fn new(url: impl AsRef<str>) -> Result<Self, InvalidRequest> {
        parse(url.as_ref(), None)
    }

    /// The URL in the environment variable `CLERK_API_URL`; Clerk's production API if it is unset or empty.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `CLERK_API_URL`, with the rule that was broken.
    pub fn from_env() -> Result<Self, InvalidRequest> {
        match env::var(ENVIRONMENT) {
            Ok(url) if !url.is_empty() => {
                Self::new(url).map_err(|error| InvalidRequest::new(ENVIRONMENT, error.reason().to_owned()))
            }
            Ok(_) | Err(env::VarError::NotPresent) => Ok(Self::default()),
            Err(env::VarError::NotUnicode(_)) => Err(InvalidRequest::new(ENVIRONMENT, "is not Unicode")),
        }
    }

    /// Starts a URL that needs an exception: see [`BaseUrlBuilder::danger_allow_http`].
    pub fn builder(url: impl Into<String>) -> BaseUrlBuilder {
        BaseUrlBuilder { url: url.into(), http_host: None }
    }

    /// The scheme: `https`, or `http` where that was allowed.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A request to a path below this URL, with `Accept: application/json`, the default `Clerk-API-Version` and, if
    /// there is a body, `Content-Type: application/json`.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `path` if it does not begin with `/` or cannot stand in a URL.
    pub fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request, InvalidRequest> {
        let uri = self.join(path)?;
        let has_body = !body.is_empty();
        let mut request = Request::new(body);
        *request.headers_mut() = HeaderMap::with_capacity(ROOM_FOR_HEADERS);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CLERK_API_VERSION, ApiVersion::default().to_header());
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    fn join(&self, path: &str) -> Result<Uri, InvalidRequest> {
        if path == ACTOR_TOKENS {
            return Ok(self.actor_tokens.clone());
        }
        let invalid = |reason| InvalidRequest::new("path", reason);
        if !path.starts_with('/') {
            return Err(invalid("must begin with a slash"));
        }
        let before_query = path.split('?').next().unwrap_or(path);
        if path.contains(['#', '\\']) || has_dot_segment(before_query) {
            return Err(invalid("must have no fragment, backslash or dot segment"));
        }
        url_below(&self.scheme, &self.authority, &self.path, path)
            .ok_or_else(|| invalid("has a character that cannot stand in a URL"))
    }

    /// Whether a request goes to the place that this base URL names: the same scheme and authority.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        // Most often it is the URL that was made here, which needs no comparison letter by letter.
        let is_ours = |authority: &Authority| {
            std::ptr::eq(authority.as_str(), self.authority.as_str()) || *authority == self.authority
        };
        uri.scheme() == Some(&self.scheme) && uri.authority().is_some_and(is_ours)
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.scheme == Scheme::HTTP
    }
}

impl BaseUrlBuilder {
    /// Allows plain `http` to this one host, for test networks such as containers. A live key (`sk_live_...`) is never
    /// sent over `http`, whatever is allowed here.
    ///
    /// ```
    /// use clerk_actor_tokens_core::BaseUrl;
    /// let base = BaseUrl::builder("http://emulator:4010").danger_allow_http("emulator").build()?;
    /// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
    /// ```
    pub fn danger_allow_http(mut self, host: impl Into<String>) -> Self {
        self.http_host = Some(host.into());
        self
    }

    /// Reads the URL.
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `base_url`, with the rule that was broken.
    pub fn build(self) -> Result<BaseUrl, InvalidRequest> {
        parse(&self.url, self.http_host.as_deref())
    }
}

fn parse(url: &str, http_host: Option<&str>) -> Result<BaseUrl, InvalidRequest> {
    let invalid = |reason| InvalidRequest::new("base_url", reason);
    // http::Uri drops a fragment without a word, and takes a backslash.
    if url.contains('#') || url.contains('?') {
        return Err(invalid("must have no query and no fragment"));
    }
    if url.contains('\\') || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(invalid("must have no backslash and no white space"));
    }
    let uri: Uri = url.parse().map_err(|_| invalid("is not an absolute URL"))?;
    let parts = uri.into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Err(invalid("is not an absolute URL"));
    };
    if authority.as_str().contains('@') {
        return Err(invalid("must have no user info"));
    }
    check_authority(&authority).map_err(invalid)?;
    if scheme == Scheme::HTTP {
        let host = authority.host();
        if !is_loopback(host) && http_host.is_none_or(|allowed| !allowed.eq_ignore_ascii_case(host)) {
            return Err(invalid("must be https (http is for literal loopback addresses such as 127.0.0.1)"));
        }
    } else if scheme != Scheme::HTTPS {
        return Err(invalid("must be https"));
    }
    let path = parts.path_and_query.as_ref().map_or("", |path| path.path()).trim_end_matches('/');
    if has_dot_segment(path) {
        return Err(invalid("must have no dot segment in its path"));
    }
    let path: Arc<str> = if path.is_empty() { "/v1" } else { path }.into();
    // Hosts compare without case (RFC 9110 section 4.2.3); one spelling makes the comparison exact.
    let authority = authority.as_str().to_ascii_lowercase().parse().map_err(|_| invalid("has an invalid host"))?;
    let actor_tokens =
        url_below(&scheme, &authority, &path, ACTOR_TOKENS).ok_or_else(|| invalid("is not an absolute URL"))?;
    Ok(BaseUrl { scheme, authority, path, actor_tokens })
}

fn url_below(scheme: &Scheme, authority: &Authority, base_path: &str, path: &str) -> Option<Uri> {
    Uri::builder()
        .scheme(scheme.clone())
        .authority(authority.clone())
        .path_and_query(format!("{base_path}{path}"))
        .build()
        .ok()
}

/// Whether this is a host and perhaps a port, and nothing else: http's own reading takes more.
pub(crate) fn check_authority(authority: &Authority) -> Result<(), &'static str> {
    let host = authority.host();
    let is_ip6 = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|ip| matches!(ip.parse(), Ok(IpAddr::V6(_))));
    let is_name = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        && host.bytes().any(|b| b.is_ascii_alphanumeric());
    if !is_ip6 && !is_name {
        return Err("has an invalid host");
    }
    let behind_host = authority.as_str().strip_prefix(host).unwrap_or("");
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    if !behind_host.is_empty() && !behind_host.strip_prefix(':').is_some_and(is_port) {
        return Err("has an invalid port");
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Dot segments, plain or percent-encoded: an HTTP stack may resolve them and end at another endpoint.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        // Longer ones cannot come to two dots.
        if segment.len() > "%2e%2e".len() {
            return false;
        }
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        decoded == "." || decoded == ".."
    })
}

impl fmt::Debug for BaseUrlBuilder {
    /// Leaves the URL out: before it is read, it may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseUrlBuilder").finish_non_exhaustive()
    }
}

impl Default for BaseUrl {
    /// Clerk's production API, `https://api.clerk.com/v1`.
    fn default() -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static("api.clerk.com"),
            path: "/v1".into(),
            actor_tokens: Uri::from_static("https://api.clerk.com/v1/actor_tokens"),
        }
    }
}

impl Hash for BaseUrl {
    // By hand: `http` hashes a URL letter by letter. The authority is in lower case, so that its text compares like it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scheme.as_str().hash(state);
        self.authority.as_str().hash(state);
        self.path.hash(state);
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidRequest;

    fn from_str(url: &str) -> Result<Self, InvalidRequest> {
        Self::new(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_is_what_its_text_says() {
        assert_eq!(BaseUrl::default(), BaseUrl::new("https://api.clerk.com/v1").unwrap());
    }

    #[test]
    fn only_https_and_literal_loopback_are_taken() {
        let table = [
            ("https://api.clerk.com/v1", Some("https://api.clerk.com/v1")),
            ("https://API.Clerk.com", Some("https://api.clerk.com/v1")),
            ("https://api.clerk.com/", Some("https://api.clerk.com/v1")),
            ("https://api.clerk.com/v1/", Some("https://api.clerk.com/v1")),
            ("https://proxy.test:8443/clerk/v1", Some("https://proxy.test:8443/clerk/v1")),
            ("http://127.0.0.1:4010", Some("http://127.0.0.1:4010/v1")),
            ("http://127.9.9.9", Some("http://127.9.9.9/v1")),
            ("http://[::1]:80/v2", Some("http://[::1]:80/v2")),
            ("http://localhost", None),
            ("http://api.clerk.com/v1", None),
            ("http://127.0.0.1.evil.test", None),
            ("http://[::2]", None),
            ("ftp://api.clerk.com", None),
            ("https://user@api.clerk.com", None),
            ("https://user:pw@api.clerk.com", None),
            ("https://api.clerk.com?x=1", None),
            ("https://api.clerk.com/v1#x", None),
            ("https://api.clerk.com/v1/../v2", None),
            ("https://api.clerk.com/v1/%2E%2e/v2", None),
            ("https://api.clerk.com\\@evil.test", None),
            ("https://api.clerk.com:0", None),
            ("https://api.clerk.com:99999", None),
            ("https://api.clerk.com:", None),
            ("https://", None),
            ("api.clerk.com", None),
            ("/v1", None),
            ("", None),
            (" https://api.clerk.com", None),
        ];
        for (url, expected) in table {
            let got = BaseUrl::new(url).ok().map(|base| base.to_string());
            assert_eq!(got.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn danger_allow_http_is_for_one_host() {
        let allow = |url: &str| BaseUrl::builder(url).danger_allow_http("emulator").build();
        assert_eq!(allow("http://emulator:4010").unwrap().to_string(), "http://emulator:4010/v1");
        assert!(allow("http://emulator.evil.test").is_err());
        assert!(allow("http://other").is_err());
    }

    #[test]
    fn a_builder_does_not_show_what_is_not_read_yet() {
        let builder = BaseUrl::builder("https://user:CANARY@x.test/?ticket=CANARY");
        assert!(!format!("{builder:?} {builder:#?}").contains("CANARY"));
    }

    #[test]
    fn an_error_names_the_field_and_not_the_value() {
        let error = BaseUrl::new("https://user:CANARY@api.clerk.com").unwrap_err();
        assert_eq!(error.field(), "base_url");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_taken_is_safe(url in "\\PC{0,60}") {
            if let Ok(base) = BaseUrl::new(&url) {
                prop_assert!(!base.authority.as_str().contains('@'));
                prop_assert!(!base.is_plain_http() || is_loopback(base.authority.host()));
            }
        }

        #[test]
        fn a_taken_url_reads_back_as_itself(url in "https?://(127\\.0\\.0\\.[1-9]|[a-z]{1,8}\\.test)(:[1-9][0-9]{0,3})?(/[a-z0-9]{0,4}){0,3}") {
            if let Ok(base) = BaseUrl::new(&url) {
                prop_assert_eq!(BaseUrl::new(base.to_string()).unwrap(), base);
            }
        }

        #[test]
        fn no_path_leaves_the_origin_or_the_base_path(path in "\\PC{0,40}") {
            let base = BaseUrl::default();
            if let Ok(request) = base.request(Method::GET, &path, Bytes::new()) {
                prop_assert!(base.is_origin_of(request.uri()));
                prop_assert!(request.uri().path().starts_with("/v1/"));
            }
        }
    }
}
