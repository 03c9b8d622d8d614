//! Which transport carries the calls of a room.

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens::transport::HttpTransport;
use clerk_actor_tokens_reqwest::ReqwestTransport;
use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
use clerk_actor_tokens_ureq::{
    UreqTransport,
    ureq::{
        Proxy,
        tls::{Certificate, RootCerts, TlsConfig},
    },
};
use hyper_util::{client::legacy, rt::TokioExecutor};

use super::{BoxError, protocol::Protocol};

/// A transport of the library's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// hyper's connections.
    Hyper,
    /// reqwest, configured for it.
    Reqwest,
    /// ureq.
    Ureq,
    /// tower, over hyper-util's client.
    Tower,
}

/// How a transport reaches the server.
#[derive(Debug)]
pub struct Reach<'a> {
    /// What it speaks.
    pub protocol: Protocol,
    /// Whom to trust alone, in PEM.
    pub authority: Option<&'a str>,
    /// The proxy, by its URL.
    pub proxy: Option<String>,
    /// How long it may connect.
    pub connect_timeout: Duration,
}

impl Over {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hyper, Self::Reqwest, Self::Ureq, Self::Tower];

    /// Whether it speaks this. TLS of a tower service is not this library's.
    #[must_use]
    pub fn speaks(self, protocol: Protocol) -> bool {
        match self {
            Self::Hyper | Self::Reqwest => true,
            Self::Ureq => !protocol.is_http2(),
            Self::Tower => !protocol.has_tls(),
        }
    }

    /// Makes one.
    ///
    /// # Errors
    /// Its client cannot be set up so.
    pub fn transport(self, reach: Reach<'_>) -> Result<Arc<dyn HttpTransport>, BoxError> {
        let Reach { protocol, authority, proxy, connect_timeout } = reach;
        Ok(match self {
            Self::Hyper => {
                let mut builder = protocol.transport(authority)?.connect_timeout(connect_timeout);
                if let Some(proxy) = proxy {
                    builder = builder.proxy(proxy);
                }
                Arc::new(builder.build()?)
            }
            Self::Reqwest => {
                use clerk_actor_tokens_reqwest::reqwest;

                let root = authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes())).transpose()?;
                let proxy = proxy.map(reqwest::Proxy::https).transpose()?;
                Arc::new(ReqwestTransport::from_builder(|builder| {
                    let builder = builder.connect_timeout(connect_timeout);
                    let builder =
                        if protocol.is_http2() { builder.http2_prior_knowledge() } else { builder.http1_only() };
                    let builder = match &root {
                        Some(root) => builder.tls_certs_only([root.clone()]),
                        None => builder,
                    };
                    match &proxy {
                        Some(proxy) => builder.proxy(proxy.clone()),
                        None => builder,
                    }
                })?)
            }
            Self::Ureq => {
                let root = authority.map(|pem| Certificate::from_pem(pem.as_bytes())).transpose()?;
                let proxy = proxy.as_deref().map(Proxy::new).transpose()?;
                Arc::new(UreqTransport::from_config(|config| {
                    let config = config.timeout_connect(Some(connect_timeout)).proxy(proxy.clone());
                    match &root {
                        Some(root) => config.tls_config(
                            TlsConfig::builder()
                                .root_certs(RootCerts::new_with_certs(std::slice::from_ref(root)))
                                .build(),
                        ),
                        None => config,
                    }
                }))
            }
            Self::Tower => {
                let client = |idle| {
                    let mut builder = legacy::Client::builder(TokioExecutor::new());
                    builder.http2_only(protocol.is_http2()).pool_max_idle_per_host(idle);
                    builder.build_http::<RequestBody>()
                };
                Arc::new(TowerTransport::on_tokio(client(usize::MAX)).fresh_service(client(0)))
            }
        })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hyper => "hyper",
            Self::Reqwest => "reqwest",
            Self::Ureq => "ureq",
            Self::Tower => "tower",
        })
    }
}
