//! TLS by rustls: which crypto provider, and which of its errors are lasting.
//!
//! Not responsible for TCP or for time (`connect.rs`), for whom to trust (`roots.rs`), or for the way through a proxy (`proxy.rs`). Without a crypto
//! provider's feature, `no_tls.rs` takes this file's place.

mod certificates;
mod handshake;
mod options;
mod pem;
mod proxy;
mod roots;
mod stream;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::ConfigError;
use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, crypto::CryptoProvider};
use tower_service::Service;

use self::{
    proxy::{Route, TO_PROXIES},
    roots::{Trusted, TrustedBy},
};
use crate::{
    connecting::{BoxError, Connecting, Unavailable},
    settings::{Settings, Versions},
};

pub use self::certificates::{Certificates, ClientIdentity};
pub(crate) use self::{
    handshake::{is_refusal, speaks_no_tls},
    options::Options,
    proxy::Proxy,
    stream::{Stream, plain, socket},
};

/// Opens TLS connections for `https` and plain ones for `http`.
#[derive(Clone)]
pub(crate) struct Https(HttpsConnector<Route>);

impl Https {
    /// The inner error is no reason to refuse to build: without roots, what needs none still works.
    pub(crate) fn new(
        tcp: HttpConnector,
        options: &Options,
        settings: &Settings,
    ) -> Result<Result<Self, Unavailable>, ConfigError> {
        let via = options.proxy.via(&options.proxy_headers)?;
        let trusted = roots::trusted(options, &provider())?;
        let mut config = config(&trusted, options.identity.as_ref())?;
        // What this transport speaks (RFC 7301): a server that speaks nothing of it says so in the handshake.
        config.alpn_protocols = match settings.versions {
            Versions::Negotiated => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Versions::Http1 => vec![b"http/1.1".to_vec()],
            Versions::Http2 => vec![b"h2".to_vec()],
        };
        let route = match via {
            None => Route::direct(tcp),
            Some(via) => {
                // The client certificate is for the server.
                let mut to_proxy = self::config(&trusted, None)?;
                to_proxy.alpn_protocols = vec![TO_PROXIES.to_vec()];
                Route::by_proxy(via, tcp, to_proxy, settings.clone())
            }
        };
        // Last, so that every other mistake is reported first.
        if let Some(unavailable) = trusted.unavailable {
            return Ok(Err(unavailable));
        }
        Ok(Ok(Self(HttpsConnector::from((route, config)))))
    }

    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    pub(crate) fn call(&mut self, target: Uri) -> Connecting<Stream> {
        let connecting = self.0.call(target);
        Box::pin(async move { connecting.await.map(Stream::from) })
    }
}

fn config(trusted: &Trusted, identity: Option<&ClientIdentity>) -> Result<ClientConfig, ConfigError> {
    let versions =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(|error| {
            let problem = "has a crypto provider that supports no version of TLS";
            ConfigError::new("https", problem, "enable the feature `aws-lc-rs` or `ring`").with_source(error)
        })?;
    let versions = match &trusted.by {
        TrustedBy::Roots(roots) => versions.with_root_certificates(Arc::clone(roots)),
        #[cfg(feature = "platform-verifier")]
        TrustedBy::Platform(verifier) => {
            versions.dangerous().with_custom_certificate_verifier(Arc::clone(verifier) as Arc<_>)
        }
    };
    match identity {
        None => Ok(versions.with_no_client_auth()),
        Some(identity) => identity.apply(versions),
    }
}

/// The provider is handed over explicitly and never installed for the whole process: that is the application's to do.
#[cfg(feature = "aws-lc-rs")]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(feature = "aws-lc-rs"))]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
