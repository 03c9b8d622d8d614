//! The way to a server: straight, or through a proxy by HTTP CONNECT.
//!
//! Responsible for which way is taken, and for saying that it was the proxy that failed. The tunnel and the rules of
//! `NO_PROXY` are hyper-util's.

use std::{
    env,
    error::Error as StdError,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::ConfigError;
use http::{
    Uri,
    uri::{Authority, Scheme},
};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::connecting::{BoxError, Connecting, ProxyFailed};

/// A connection to the server or to a proxy, which may itself be spoken to over TLS.
pub(super) type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

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

impl Proxy {
    /// A value that names no usable proxy is refused here: the matcher would go straight to the server instead.
    pub(super) fn matcher(&self) -> Result<Option<Matcher>, ConfigError> {
        match self {
            Self::None => Ok(None),
            Self::Url(url) => {
                let matcher = Matcher::builder().https(url.as_str()).build();
                if !is_usable(&matcher) {
                    return Err(not_a_proxy("proxy"));
                }
                Ok(Some(matcher))
            }
            Self::Environment => {
                let (https, all) = (named("HTTPS_PROXY", "https_proxy"), named("ALL_PROXY", "all_proxy"));
                if https.trim().is_empty() && all.trim().is_empty() {
                    return Ok(None);
                }
                let no = named("NO_PROXY", "no_proxy");
                // Not `Matcher::from_env`, which goes straight where `REQUEST_METHOD` is set (CGI): what a request can
                // set there is `HTTP_PROXY`, which is not read here.
                let matcher = || Matcher::builder().https(https.as_str()).all(all.as_str());
                if !is_usable(&matcher().build()) {
                    return Err(not_a_proxy("HTTPS_PROXY or ALL_PROXY"));
                }
                // The matcher's `*` means every name, and no address.
                if no.split(',').any(|host| host.trim() == "*") {
                    return Ok(None);
                }
                Ok(Some(matcher().no(no).build()))
            }
        }
    }
}

fn not_a_proxy(setting: &'static str) -> ConfigError {
    let problem = "is not an http:// or https:// URL with a host";
    ConfigError::new(setting, problem, "give a URL such as http://proxy:3128")
}

/// The value of the first of these that is set.
fn named(upper: &str, lower: &str) -> String {
    let value = env::var_os(upper).or_else(|| env::var_os(lower));
    value.map_or_else(String::new, |value| value.to_string_lossy().into_owned())
}

fn is_usable(matcher: &Matcher) -> bool {
    let intercept = matcher.intercept(&Uri::from_static("https://api.clerk.com/"));
    intercept.is_some_and(|intercept| speaks_connect(&intercept))
}

fn speaks_connect(intercept: &Intercept) -> bool {
    let uri = intercept.uri();
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some_and(is_host_and_port)
}

/// `Uri` takes a port that is no 16-bit number, and then has none: the scheme's would be used.
fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host);
    !host.is_empty() && port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some())
}

/// Opens the connection over which the server is spoken to.
#[derive(Clone)]
pub(super) struct Route {
    tcp: HttpConnector,
    proxy: Option<ByProxy>,
}

#[derive(Clone)]
struct ByProxy {
    matcher: Arc<Matcher>,
    connector: HttpsConnector<HttpConnector>,
}

impl Route {
    pub(super) fn direct(tcp: HttpConnector) -> Self {
        Self { tcp, proxy: None }
    }

    /// `config` is for proxies that are spoken to over TLS.
    pub(super) fn by_proxy(matcher: Matcher, tcp: HttpConnector, config: ClientConfig) -> Self {
        let connector = HttpsConnector::from((tcp.clone(), config));
        Self { tcp, proxy: Some(ByProxy { matcher: Arc::new(matcher), connector }) }
    }

    /// The tunnel that leads to this target, if one does.
    fn tunnel(&self, target: &Uri) -> Option<Tunnel<HttpsConnector<HttpConnector>>> {
        let proxy = self.proxy.as_ref().filter(|_| target.scheme() == Some(&Scheme::HTTPS))?;
        let intercept = proxy.matcher.intercept(target)?;
        let tunnel = Tunnel::new(intercept.uri().clone(), proxy.connector.clone());
        Some(match intercept.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        })
    }
}

impl Service<Uri> for Route {
    type Response = Hop;
    type Error = BoxError;
    type Future = Connecting<Hop>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        match self.tunnel(&target) {
            None => {
                let connecting = self.tcp.call(target);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Some(mut tunnel) => Box::pin(async move {
                poll_fn(|context| tunnel.poll_ready(context)).await.map_err(failed)?;
                tunnel.call(target).await.map_err(failed)
            }),
        }
    }
}

/// hyper-util's `TunnelError` has no public name: which of its cases this is, only its words say. Were they to change, a
/// 407 would count as a proxy's failure like any other, which proves the same and is tried again.
fn failed(error: impl StdError + Send + Sync + 'static) -> BoxError {
    let words = error.to_string();
    if words.ends_with("failed to create underlying connection") {
        // DNS, TCP or TLS on the way to the proxy: no other failure than on the way to a server.
        return error.into();
    }
    ProxyFailed { wants_credentials: words.ends_with("proxy authorization required"), source: error.into() }.into()
}
