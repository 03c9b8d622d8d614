//! Opening a connection: DNS, TCP, proxy and TLS, all of it within one limit.
//!
//! Not responsible for the pool (`pool.rs`) or for the deadline of a call (`transport.rs`).

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens_core::ConfigError;
use http::{Uri, uri::Scheme};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use tower_service::Service;

use crate::{
    connecting::{BoxError, ConnectTimedOut, Connecting, Unavailable},
    connection::{
        open::{Connected, Open, open},
        socket::Socket,
    },
    settings::Settings,
    tls::{self, Https, Stream},
};

/// Idle time after which TCP probes the peer. Shorter than the minutes after which a NAT forgets a silent connection,
/// for calls whose deadline is that long.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Opens connections over this connector, within the limit. `socket` finds the socket of a stream.
pub(crate) fn opens<C>(
    connector: C,
    limit: Duration,
    settings: &Settings,
    socket: fn(&C::Response) -> Option<Socket>,
) -> Open
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Read + Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    let settings = settings.clone();
    Arc::new(move |target, events| {
        let (mut connector, settings) = (connector.clone(), settings.clone());
        // In a box: it has some 16 kB, which are moved into each future around it.
        let connecting = Box::pin(async move {
            poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
            let stream = connector.call(target).await.map_err(Into::into)?;
            let socket = socket(&stream);
            open(Connected { stream, socket }, &settings, events).await
        });
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(opened) => opened,
                Err(_) => Err(ConnectTimedOut(limit).into()),
            }
        })
    })
}

/// This crate's own connector.
#[derive(Clone)]
pub(crate) enum Connector {
    HttpAndHttps(Https),
    Http(HttpConnector, Unavailable),
}

impl Connector {
    pub(crate) fn http_only() -> Self {
        let advice = "Build the transport without http_only(), or use a base URL with http.";
        Self::Http(tcp(), Unavailable { reason: HTTP_ONLY, detail: None, advice })
    }

    pub(crate) fn new(options: &tls::Options, settings: &Settings) -> Result<Self, ConfigError> {
        Ok(match Https::new(tcp(), options, settings)? {
            Ok(https) => Self::HttpAndHttps(https),
            Err(unavailable) => Self::Http(tcp(), unavailable),
        })
    }
}

fn tcp() -> HttpConnector {
    // Happy eyeballs (RFC 8305) is on by default. Its own connect timeout covers TCP alone and stays off.
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_keepalive_interval(Some(TCP_KEEPALIVE));
    tcp
}

const HTTP_ONLY: &str = match cfg!(any(feature = "aws-lc-rs", feature = "ring")) {
    true => "this transport was built with http_only()",
    false => {
        "this transport was built with http_only(); \
         https needs the feature `aws-lc-rs` or `ring` of clerk-actor-tokens-hyper"
    }
};

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::HttpAndHttps(https) => https.poll_ready(context),
            Self::Http(tcp, _) => tcp.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        match self {
            Self::HttpAndHttps(https) => https.call(target),
            Self::Http(_, unavailable) if target.scheme() == Some(&Scheme::HTTPS) => {
                let unavailable = unavailable.clone();
                Box::pin(async move { Err(unavailable.into()) })
            }
            Self::Http(tcp, _) => {
                let connecting = tcp.call(target);
                Box::pin(async move { Ok(tls::plain(connecting.await?)) })
            }
        }
    }
}
