//! The connection over which a server is spoken to: straight, or through a proxy.

use std::{
    future::{Ready, poll_fn, ready},
    io,
    sync::Arc,
    task::{Context, Poll},
};

use clerk_actor_tokens_transport_kit::causes;
use http::{
    Uri,
    uri::{Authority, Scheme},
};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::SocksV5},
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tower_service::Service;

use super::{
    Via,
    connect::tunnel,
    url::{ProxyUrl, Speaks},
};
use crate::{
    connecting::{BoxError, Connecting, ProxyFailed, ProxyUnreached},
    settings::Settings,
    tls::handshake::speaks_no_tls,
};

/// A connection to the server or to a proxy, which may itself be spoken to over TLS.
pub(crate) type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What is spoken to a proxy over TLS (RFC 7301).
pub(crate) const TO_PROXIES: &[u8] = b"http/1.1";

/// Opens the connection over which the server is spoken to.
#[derive(Clone)]
pub(crate) struct Route {
    tcp: HttpConnector,
    proxy: Option<Arc<ByProxy>>,
}

struct ByProxy {
    via: Via,
    connector: HttpsConnector<HttpConnector>,
    settings: Settings,
}

impl Route {
    pub(crate) fn direct(tcp: HttpConnector) -> Self {
        Self { tcp, proxy: None }
    }

    /// `config` is for proxies that are spoken to over TLS.
    pub(crate) fn by_proxy(via: Via, tcp: HttpConnector, config: ClientConfig, settings: Settings) -> Self {
        let connector = HttpsConnector::from((tcp.clone(), config));
        Self { tcp, proxy: Some(Arc::new(ByProxy { via, connector, settings })) }
    }

    /// The proxy that leads to this target, if one does.
    fn proxy_to(&self, target: &Uri) -> Option<Arc<ByProxy>> {
        let proxy = self.proxy.as_ref()?;
        proxy.via.to(target).map(|_| Arc::clone(proxy))
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
        match self.proxy_to(&target) {
            None => {
                let connecting = self.tcp.call(target);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Some(proxy) => Box::pin(async move { proxy.open(target).await }),
        }
    }
}

impl ByProxy {
    async fn open(&self, target: Uri) -> Result<Hop, BoxError> {
        let Via { url, headers, .. } = &self.via;
        match url.speaks {
            Speaks::Http | Speaks::Https => {
                let hop = self.hop().await?;
                let place = place(&target)?;
                Ok(tunnel(hop, &place, headers.clone(), &self.settings).await?)
            }
            Speaks::Socks5 { resolves } => {
                // Before the proxy is connected to: the name may have no address.
                let target = if resolves { target } else { resolved(&target).await? };
                let hop = self.hop().await?;
                Ok(by_socks(hop, url, target).await.map_err(ProxyFailed::Broke)?)
            }
        }
    }

    /// A connection to the proxy.
    async fn hop(&self) -> Result<Hop, ProxyUnreached> {
        let address = &self.via.url.address;
        let mut connector = self.connector.clone();
        let hop = match poll_fn(|context| connector.poll_ready(context)).await {
            Ok(()) => connector.call(address.clone()).await,
            Err(cause) => Err(cause),
        };
        hop.map_err(|cause| {
            let speaks_no_tls = causes(cause.as_ref()).any(speaks_no_tls);
            let proxy = address.authority().map(ToString::to_string).unwrap_or_default();
            ProxyUnreached { proxy, speaks_no_tls, cause }
        })
    }
}

/// Host and port, also where the port is that of `https`.
fn place(target: &Uri) -> Result<Authority, BoxError> {
    let host = target.host().unwrap_or_default();
    Ok(Authority::try_from(format!("{host}:{}", target.port_u16().unwrap_or(443)))?)
}

/// The same server by its first address.
async fn resolved(target: &Uri) -> Result<Uri, BoxError> {
    let place = place(target)?;
    let mut addresses = lookup_host(place.as_str()).await?;
    let address = addresses.next().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
    Ok(Uri::builder().scheme(Scheme::HTTPS).authority(address.to_string()).path_and_query("/").build()?)
}

/// The handshake is hyper-util's.
async fn by_socks(hop: Hop, url: &ProxyUrl, target: Uri) -> Result<Hop, BoxError> {
    let mut socks = SocksV5::new(url.address.clone(), Opened(Some(hop)));
    if let Some((user, password)) = url.credentials.as_ref().and_then(|credentials| credentials.texts()) {
        socks = socks.with_auth(user, password);
    }
    Ok(socks.call(target).await?)
}

/// A connector that has its one connection already.
struct Opened(Option<Hop>);

impl Service<Uri> for Opened {
    type Response = Hop;
    type Error = io::Error;
    type Future = Ready<Result<Hop, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)))
    }
}
