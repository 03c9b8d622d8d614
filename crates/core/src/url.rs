//! Where the API is: a base URL that can only be a safe one.

mod parts;

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{ACCEPT, CONTENT_TYPE},
    uri::{Authority, Scheme},
};

use self::parts::Parts;
pub(crate) use self::parts::check_authority;
use crate::{
    auth::SecretKey,
    config_error::ConfigError,
    environment::{self, Lookup, NotUnicode},
    invalid_request::InvalidRequest,
    plain_http,
    transport::message::Request,
    version::{ApiVersion, CLERK_API_VERSION},
};

/// The base URL of Clerk's API.
///
/// - Scheme: `https`. Plain `http` is only for a literal loopback address (`127.0.0.0/8`, `[::1]`), or for a host that
///   [`danger_allow_http`](BaseUrlBuilder::danger_allow_http) or [the environment](Self::from_env) allows by name. The name
///   `localhost` is no exception, because it can be made to resolve elsewhere.
/// - Path: a path that ends in `/v1` is kept. Any other path, and none, gets `/v1` appended, as Clerk's JavaScript SDK does.
///   A trailing slash is dropped.
/// - User info, a query and a fragment are refused.
///
/// ```
/// use clerk_actor_tokens_core::BaseUrl;
///
/// assert_eq!(BaseUrl::default().to_string(), "https://api.clerk.com/v1");
/// assert_eq!(BaseUrl::new("http://127.0.0.1:4010")?.to_string(), "http://127.0.0.1:4010/v1");
/// assert_eq!(BaseUrl::new("https://gateway.test/clerk")?.to_string(), "https://gateway.test/clerk/v1");
/// assert!(BaseUrl::new("http://api.clerk.com/v1").is_err());
/// # Ok::<(), clerk_actor_tokens_core::ConfigError>(())
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

/// The builder's name of it.
const FIELD: &str = "base_url";

/// The path of a creation.
const ACTOR_TOKENS: &str = "/actor_tokens";

/// Room for every header of a call, those of the client and of a transport among them, so that the map never grows.
const ROOM_FOR_HEADERS: usize = 12;

/// Makes a [`BaseUrl`] with an exception from its rules: what [`BaseUrl::builder`] gives.
#[derive(Clone)]
#[must_use]
pub struct BaseUrlBuilder {
    url: String,
    http_hosts: Vec<String>,
}

impl BaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`ConfigError`] for the setting `base_url`, with the rule that was broken.
    pub fn new(url: impl AsRef<str>) -> Result<Self, ConfigError> {
        parse(url.as_ref(), &[]).map_err(|reason| ConfigError::refused(FIELD, reason))
    }

    /// Reads the URL from the environment variable `CLERK_API_URL`. Returns Clerk's production API if the variable is unset
    /// or empty.
    ///
    /// `CLERK_DANGER_ALLOW_HTTP` may name hosts to which plain `http` is allowed, for the network of a compose file: host
    /// names without a port, separated by commas. With `CLERK_DANGER_ALLOW_HTTP=emulator`, `http://emulator:4010` is
    /// accepted. A live key is refused there: see [`check_key`](Self::check_key).
    ///
    /// # Errors
    /// [`ConfigError`] for the setting `CLERK_API_URL` or `CLERK_DANGER_ALLOW_HTTP`, with the rule that was broken.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(&environment::of_process)
    }

    fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let read = |name| match environment::text_unless_empty(lookup, name) {
            Ok(text) => Ok(text),
            Err(NotUnicode) => Err(ConfigError::refused(name, "is not Unicode")),
        };
        let http_hosts = match read(environment::DANGER_ALLOW_HTTP)? {
            Some(list) => plain_http::host_names(&list)
                .map_err(|problem| ConfigError::refused(environment::DANGER_ALLOW_HTTP, problem))?,
            None => Vec::new(),
        };
        match read(environment::API_URL)? {
            Some(url) => parse(&url, &http_hosts).map_err(|reason| ConfigError::refused(environment::API_URL, reason)),
            None => Ok(Self::default()),
        }
    }

    /// Checks that this key may be sent to this URL: a live key (`sk_live_...`) is never sent over plain `http`.
    ///
    /// Each attempt of a call checks the same, and ends as [`Blocked`](crate::ErrorKind::Blocked). Call this where your
    /// program starts, so that it fails there.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{BaseUrl, SecretKey};
    ///
    /// let local = BaseUrl::new("http://127.0.0.1:4010")?;
    /// assert!(local.check_key(&SecretKey::new("sk_test_abc")?).is_ok());
    /// assert!(local.check_key(&SecretKey::new("sk_live_abc")?).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] for the setting `base_url`.
    pub fn check_key(&self, key: &SecretKey) -> Result<(), ConfigError> {
        if key.is_live() && self.scheme == Scheme::HTTP {
            let reason = "is plain http, and a live key is never sent over plain http: use https, or a test key";
            return Err(ConfigError::refused(FIELD, reason));
        }
        Ok(())
    }

    /// Starts a URL that needs an exception: see [`BaseUrlBuilder::danger_allow_http`].
    pub fn builder(url: impl Into<String>) -> BaseUrlBuilder {
        BaseUrlBuilder { url: url.into(), http_hosts: Vec::new() }
    }

    /// Returns the scheme: `https`, or `http` where that was allowed.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns host and port.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Makes a request to a path below this URL. It has `Accept: application/json` and the default
    /// `Clerk-API-Version`. If there is a body, it also has `Content-Type: application/json`.
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
        if path.contains(['#', '\\']) || parts::has_dot_segment(before_query) {
            return Err(invalid("must have no fragment (#), backslash or dot segment (. or ..)"));
        }
        url_below(&self.scheme, &self.authority, &self.path, path)
            .ok_or_else(|| invalid("has a character that a URL cannot contain: percent-encode it"))
    }

    /// The path of the base URL, such as `/v1`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether a request goes to the place that this base URL names: the same scheme and authority.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        // Most often it is the URL that was made here, which needs no comparison letter by letter.
        let is_ours = |authority: &Authority| {
            std::ptr::eq(authority.as_str(), self.authority.as_str()) || *authority == self.authority
        };
        uri.scheme() == Some(&self.scheme) && uri.authority().is_some_and(is_ours)
    }
}

impl BaseUrlBuilder {
    /// Allows plain `http` to this host, for test networks such as containers: its name, without a port. A live key
    /// (`sk_live_...`) is never sent over `http`, whatever is allowed here.
    ///
    /// ```
    /// use clerk_actor_tokens_core::BaseUrl;
    /// let base = BaseUrl::builder("http://emulator:4010").danger_allow_http("emulator").build()?;
    /// # Ok::<(), clerk_actor_tokens_core::ConfigError>(())
    /// ```
    pub fn danger_allow_http(mut self, host: impl Into<String>) -> Self {
        self.http_hosts.push(host.into());
        self
    }

    /// Reads the URL.
    ///
    /// # Errors
    /// [`ConfigError`] for the setting `base_url` or `danger_allow_http`, with the rule that was broken.
    pub fn build(self) -> Result<BaseUrl, ConfigError> {
        for host in &self.http_hosts {
            plain_http::check_host_name(host).map_err(|reason| ConfigError::refused("danger_allow_http", reason))?;
        }
        parse(&self.url, &self.http_hosts).map_err(|reason| ConfigError::refused(FIELD, reason))
    }
}

/// Reads a URL, with plain `http` allowed to these hosts.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence.
fn parse(url: &str, http_hosts: &[String]) -> Result<BaseUrl, &'static str> {
    let Parts { scheme, authority, path } = Parts::read(url, http_hosts)?;
    let actor_tokens = url_below(&scheme, &authority, &path, ACTOR_TOKENS).ok_or(parts::NOT_ABSOLUTE)?;
    Ok(BaseUrl { scheme, authority, path: path.into(), actor_tokens })
}

fn url_below(scheme: &Scheme, authority: &Authority, base_path: &str, path: &str) -> Option<Uri> {
    Uri::builder()
        .scheme(scheme.clone())
        .authority(authority.clone())
        .path_and_query(format!("{base_path}{path}"))
        .build()
        .ok()
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
            path: parts::VERSION.into(),
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
    type Err = ConfigError;

    fn from_str(url: &str) -> Result<Self, ConfigError> {
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
    use crate::environment::fake;
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
            ("http://[::1]:80/v2", Some("http://[::1]:80/v2/v1")),
            ("https://h/clerk//", Some("https://h/clerk/v1")),
            ("https://h/clerkv1", Some("https://h/clerkv1/v1")),
            ("https://h/V1", Some("https://h/V1/v1")),
            ("https://h/v1/clerk", Some("https://h/v1/clerk/v1")),
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
            ("https://api.clerk.com:+443", None),
            ("https://api.clerk.com:0443", None),
            ("http://127.0.0.1:+4010", None),
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
    fn the_environment_gives_a_url_that_ends_in_v1() {
        let table = [
            (None, "https://api.clerk.com/v1"),
            (Some(""), "https://api.clerk.com/v1"),
            (Some("https://h"), "https://h/v1"),
            (Some("https://h/"), "https://h/v1"),
            (Some("https://h/v1"), "https://h/v1"),
            (Some("https://h/v1/"), "https://h/v1"),
            (Some("https://h/clerk"), "https://h/clerk/v1"),
            (Some("https://h/clerk/v1"), "https://h/clerk/v1"),
        ];
        for (url, expected) in table {
            let variables: Vec<_> = url.map(|url| ("CLERK_API_URL", url)).into_iter().collect();
            let from_env = BaseUrl::from_lookup(&fake::variables(&variables)).unwrap();
            assert_eq!(from_env.to_string(), expected, "{url:?}");
            if let Some(url) = url.filter(|url| !url.is_empty()) {
                assert_eq!(BaseUrl::new(url).unwrap(), from_env, "the same rule holds for a URL of your own");
            }
        }
    }

    #[test]
    fn the_environment_allows_http_to_the_hosts_that_it_names() {
        let unset = "CLERK_API_URL";
        let table = [
            ("http://emulator:4010", "emulator", Ok("http://emulator:4010/v1")),
            ("http://Emulator:4010/v1", "other,emulator", Ok("http://emulator:4010/v1")),
            ("https://h", "emulator", Ok("https://h/v1")),
            ("", "emulator", Ok("https://api.clerk.com/v1")),
            ("http://127.0.0.1:4010", "", Ok("http://127.0.0.1:4010/v1")),
            ("http://emulator:4010", "", Err(unset)),
            ("http://emulator.evil.test", "emulator", Err(unset)),
            ("http://other", "emulator", Err(unset)),
            ("http://emulator:4010", "emulator:4010", Err("CLERK_DANGER_ALLOW_HTTP")),
            ("http://emulator:4010", "http://emulator", Err("CLERK_DANGER_ALLOW_HTTP")),
            ("http://emulator:4010", "emulator,", Err("CLERK_DANGER_ALLOW_HTTP")),
            ("", "CANARY/CANARY", Err("CLERK_DANGER_ALLOW_HTTP")),
        ];
        for (url, allowed, expected) in table {
            let variables = [("CLERK_API_URL", url), ("CLERK_DANGER_ALLOW_HTTP", allowed)];
            match (BaseUrl::from_lookup(&fake::variables(&variables)), expected) {
                (Ok(base), expected) => assert_eq!(Ok(base.to_string().as_str()), expected),
                (Err(error), Err(field)) => {
                    assert_eq!(error.setting(), field, "{url} {allowed}");
                    assert!(!error.to_string().contains("CANARY"));
                }
                (Err(error), Ok(_)) => panic!("{url} {allowed}: {error}"),
            }
        }
    }

    #[test]
    fn the_builder_allows_http_to_the_hosts_that_it_names() {
        let allow = |url: &str| BaseUrl::builder(url).danger_allow_http("emulator").danger_allow_http("b").build();
        assert_eq!(allow("http://emulator:4010").unwrap().to_string(), "http://emulator:4010/v1");
        assert_eq!(allow("http://b").unwrap().to_string(), "http://b/v1");
        assert_eq!(allow("http://emulator.evil.test").unwrap_err().setting(), "base_url");
        assert_eq!(allow("http://other").unwrap_err().setting(), "base_url");
        for not_a_name in ["emulator:4010", "http://emulator", "", "a,b"] {
            let refused = BaseUrl::builder("http://emulator:4010").danger_allow_http(not_a_name).build();
            assert_eq!(refused.unwrap_err().setting(), "danger_allow_http", "{not_a_name}");
        }
    }

    #[test]
    fn the_path_of_a_call_is_no_base() {
        for url in [
            "https://x.test/v1/actor_tokens",
            "https://x.test/actor_tokens/",
            "https://x.test/v1/actor_tokens/act_1/revoke",
        ] {
            assert!(BaseUrl::new(url).unwrap_err().to_string().contains("the path of a call"), "{url}");
        }
        assert!(BaseUrl::new("https://x.test/actor_tokens/v1").is_ok());
    }

    #[test]
    fn a_live_key_is_refused_for_plain_http_alone() {
        let (live, test) = (SecretKey::new("sk_live_a").unwrap(), SecretKey::new("sk_test_a").unwrap());
        let allowed = [("CLERK_API_URL", "http://emulator:4010"), ("CLERK_DANGER_ALLOW_HTTP", "emulator")];
        for plain in [BaseUrl::new("http://127.0.0.1"), BaseUrl::from_lookup(&fake::variables(&allowed))] {
            let plain = plain.unwrap();
            assert_eq!(plain.check_key(&live).unwrap_err().setting(), "base_url");
            assert!(plain.check_key(&test).is_ok());
        }
        assert!(BaseUrl::default().check_key(&live).is_ok());
    }

    #[test]
    fn a_builder_does_not_show_what_is_not_read_yet() {
        let builder = BaseUrl::builder("https://user:CANARY@x.test/?ticket=CANARY");
        assert!(!format!("{builder:?} {builder:#?}").contains("CANARY"));
    }

    #[test]
    fn an_error_names_the_field_and_not_the_value() {
        let error = BaseUrl::new("https://user:CANARY@api.clerk.com").unwrap_err();
        assert_eq!(error.setting(), "base_url");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_taken_is_safe(url in "\\PC{0,60}") {
            if let Ok(base) = BaseUrl::new(&url) {
                prop_assert!(!base.authority.as_str().contains('@'));
                prop_assert!(base.scheme == Scheme::HTTPS || plain_http::is_loopback(base.authority.host()));
                prop_assert!(base.path.ends_with("/v1"));
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
