//! Which proxy leads to a server, if one does.
//!
//! Not responsible for reading the environment (`proxy/environment.rs`), for what a proxy's URL is (`proxy/url.rs`), or for
//! asking a proxy for a tunnel (`proxy/connect.rs`, `proxy/route.rs`).

#[cfg(all(test, unix))]
mod as_curl;
mod connect;
mod environment;
mod no_proxy;
mod route;
mod url;

use std::{env, ffi::OsString, fmt};

use clerk_actor_tokens_core::ConfigError;
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING, UPGRADE, USER_AGENT},
    uri::Scheme,
};

use self::{
    environment::{Environment, Variable},
    no_proxy::NoProxy,
    url::ProxyUrl,
};

pub(super) use self::route::{Hop, Route, TO_PROXIES};

/// Which proxy was asked for.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    #[default]
    None,
    Url(String),
    Environment,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Url(_) => "Url(..)",
            Self::Environment => "Environment",
        })
    }
}

/// A proxy, what it is sent, and the hosts that are reached without it.
pub(super) struct Via {
    url: ProxyUrl,
    headers: HeaderMap,
    no_proxy: NoProxy,
}

/// What frames a request, or is set from the URL.
const RESERVED: [HeaderName; 5] = [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

const AGENT: HeaderValue = HeaderValue::from_static(concat!("clerk-actor-tokens-hyper/", env!("CARGO_PKG_VERSION")));

impl Proxy {
    /// The proxy that was asked for, with these headers.
    ///
    /// # Errors
    /// [`ConfigError`] with the setting or the variable that cannot be used.
    pub(super) fn via(&self, headers: &HeaderMap) -> Result<Option<Via>, ConfigError> {
        let (setting, url, no_proxy) = match self {
            Self::None if headers.is_empty() => return Ok(None),
            Self::None => {
                let problem = "is set, and no proxy is";
                return Err(ConfigError::new("proxy_header", problem, "call proxy() or proxy_from_env() too"));
            }
            Self::Url(url) => ("proxy", url.clone(), NoProxy::default()),
            Self::Environment => match of_environment(|name| env::var_os(name))? {
                Some((variable, no_proxy)) => (variable.name, variable.value, no_proxy),
                None => return Ok(None),
            },
        };
        let url = read_url(setting, &url)?;
        let headers = with_defaults(&url, headers)?;
        Ok(Some(Via { url, headers, no_proxy }))
    }
}

impl Via {
    /// The proxy, if it is the way to this server.
    fn to(&self, server: &Uri) -> Option<&ProxyUrl> {
        let is_excepted = server.host().is_none_or(|host| self.no_proxy.has(host));
        (server.scheme() == Some(&Scheme::HTTPS) && !is_excepted).then_some(&self.url)
    }
}

fn of_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<(Variable, NoProxy)>, ConfigError> {
    let Environment { proxy, no_proxy } = Environment::read(variable)
        .map_err(|name| ConfigError::new(name, "is no UTF-8", "correct the variable, or unset it"))?;
    Ok(proxy.map(|proxy| (proxy, no_proxy)))
}

fn read_url(setting: &'static str, url: &str) -> Result<ProxyUrl, ConfigError> {
    let advice = "give a URL such as http://proxy:3128";
    ProxyUrl::parse(url).map_err(|problem| ConfigError::new(setting, problem, advice))
}

/// The headers of a CONNECT, but for `Host`.
fn with_defaults(url: &ProxyUrl, given: &HeaderMap) -> Result<HeaderMap, ConfigError> {
    let refused = |problem, advice| ConfigError::new("proxy_header", problem, advice);
    let mut headers = given.clone();
    if RESERVED.iter().any(|name| headers.contains_key(name)) {
        return Err(refused("sets a header that the transport sets itself", "leave the header out"));
    }
    headers.entry(USER_AGENT).or_insert(AGENT);
    if let Some(credentials) = &url.credentials {
        if headers.contains_key(PROXY_AUTHORIZATION) {
            return Err(refused(
                "sets Proxy-Authorization, and the proxy's URL has credentials",
                "leave one of the two out",
            ));
        }
        let basic =
            credentials.basic().map_err(|_| refused("has credentials that are too long", "give shorter ones"))?;
        headers.insert(PROXY_AUTHORIZATION, basic);
    }
    Ok(headers)
}
