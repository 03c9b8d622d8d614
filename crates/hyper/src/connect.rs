//! Opening a connection: DNS, TCP and TLS, all of it within one limit.
//!
//! Not responsible for the pool (hyper-util's client) or for the deadline of a call (`transport.rs`).

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use crate::{
    BoxError, BuildError,
    classify::{ConnectTimedOut, Unavailable},
    tls::{self, Https, Stream},
};

/// Idle time after which TCP probes the peer. Shorter than the minutes after which a NAT forgets a silent connection,
/// for calls whose deadline is that long.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

#[derive(Clone)]
pub(crate) struct Connector {
    schemes: Schemes,
    limit: Duration,
}

#[derive(Clone)]
enum Schemes {
    HttpAndHttps(Https),
    Http(HttpConnector, Unavailable),
}

impl Connector {
    pub(crate) fn new(limit: Duration, http_only: bool) -> Result<Self, BuildError> {
        // Happy eyeballs (RFC 8305) is on by default. Its own connect timeout covers TCP alone and stays off.
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        tcp.set_keepalive_interval(Some(TCP_KEEPALIVE));
        let schemes = if http_only {
            Schemes::Http(tcp, Unavailable { reason: HTTP_ONLY, detail: None })
        } else {
            match Https::new(tcp.clone())? {
                Ok(https) => Schemes::HttpAndHttps(https),
                Err(unavailable) => Schemes::Http(tcp, unavailable),
            }
        };
        Ok(Self { schemes, limit })
    }
}

const HTTP_ONLY: &str = match cfg!(any(feature = "aws-lc-rs", feature = "ring")) {
    true => "this transport was built with http_only()",
    false => {
        "this transport was built with http_only(); \
         https needs the feature `aws-lc-rs` or `ring` of clerk-actor-tokens-hyper"
    }
};

impl Schemes {
    async fn connect(self, target: Uri) -> Result<Stream, BoxError> {
        match self {
            Self::HttpAndHttps(https) => https.connect(target).await,
            Self::Http(_, unavailable) if target.scheme() == Some(&Scheme::HTTPS) => Err(unavailable.into()),
            Self::Http(mut tcp, _) => {
                poll_fn(|cx| tcp.poll_ready(cx)).await?;
                Ok(tls::plain(tcp.call(target).await?))
            }
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The readiness that counts is the inner connector's: it is awaited within the limit.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let limit = self.limit;
        let connecting = self.schemes.clone().connect(target);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(result) => result,
                Err(_) => Err(ConnectTimedOut(limit).into()),
            }
        })
    }
}
