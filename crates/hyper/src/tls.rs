//! TLS by rustls: which crypto provider, which root certificates, and which of its errors are lasting.
//!
//! Not responsible for TCP or for time (`connect.rs`), or for the way through a proxy (`proxy.rs`). Without a crypto
//! provider's feature, `no_tls.rs` takes this file's place.

mod certificates;
mod options;
mod proxy;

use std::{
    error::Error as StdError,
    sync::Arc,
    task::{Context, Poll},
};

use clerk_actor_tokens_core::ConfigError;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider, pki_types::InvalidDnsNameError};
use tokio::net::TcpStream;
use tower_service::Service;

use self::proxy::{Hop, Route, TO_PROXIES};
use crate::{
    connecting::{BoxError, Connecting, Unavailable},
    connection::socket::Socket,
    settings::{Settings, Versions},
};

pub use self::certificates::{Certificates, ClientIdentity};
pub(crate) use self::{options::Options, proxy::Proxy};

/// A connection to the server, with TLS or without.
pub(crate) type Stream = MaybeHttpsStream<Hop>;

/// What a connection without TLS is as a [`Stream`].
pub(crate) fn plain(tcp: TokioIo<TcpStream>) -> Stream {
    MaybeHttpsStream::Http(MaybeHttpsStream::Http(tcp))
}

/// The socket of a connection.
pub(crate) fn socket(stream: &Stream) -> Option<Socket> {
    let hop = match stream {
        MaybeHttpsStream::Http(hop) => hop,
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner(),
    };
    let tcp = match hop {
        MaybeHttpsStream::Http(tcp) => tcp,
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner(),
    };
    Socket::of(tcp.inner())
}

/// Opens TLS connections for `https` and plain ones for `http`.
#[derive(Clone)]
pub(crate) struct Https(HttpsConnector<Route>);

impl Https {
    /// Where there are no root certificates, nothing that needs them can work; all else can, so that is no reason to
    /// refuse to build.
    pub(crate) fn new(
        tcp: HttpConnector,
        options: &Options,
        settings: &Settings,
    ) -> Result<Result<Self, Unavailable>, ConfigError> {
        let via = options.proxy.via(&options.proxy_headers)?;
        let (roots, problem) = roots(options)?;
        let roots = Arc::new(roots);
        let mut config = config(&roots, options.identity.as_ref())?;
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
                let mut to_proxy = self::config(&roots, None)?;
                to_proxy.alpn_protocols = vec![TO_PROXIES.to_vec()];
                Route::by_proxy(via, tcp, to_proxy, settings.clone())
            }
        };
        // Last, so that every other mistake is reported first.
        if roots.is_empty() {
            let reason = "no root certificate was found on this machine";
            return Ok(Err(Unavailable { reason, detail: problem, advice: NO_ROOTS }));
        }
        Ok(Ok(Self(HttpsConnector::from((route, config)))))
    }

    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    pub(crate) fn call(&mut self, target: Uri) -> Connecting<Stream> {
        self.0.call(target)
    }
}

const NO_ROOTS: &str = match cfg!(feature = "webpki-roots") {
    true => {
        "Install the system's root certificates (most Linux systems: the package ca-certificates), or call webpki_roots() on \
         the transport's builder."
    }
    false => {
        "Install the system's root certificates (most Linux systems: the package ca-certificates), or turn on the feature \
         webpki-roots and call webpki_roots() on the transport's builder."
    }
};

/// Whom to trust, and what went wrong with finding out.
fn roots(options: &Options) -> Result<(RootCertStore, Option<String>), ConfigError> {
    let mut roots = RootCertStore::empty();
    let mut problem = None;
    match (options.only, options.webpki) {
        (false, false) => {
            let found = rustls_native_certs::load_native_certs();
            // A system's store may hold one that rustls cannot read; the others are used.
            roots.add_parsable_certificates(found.certs);
            problem = found.errors.first().map(ToString::to_string);
        }
        #[cfg(feature = "webpki-roots")]
        (false, true) => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        // There is no such option then.
        #[cfg(not(feature = "webpki-roots"))]
        (false, true) => {}
        (true, false) => {}
        (true, true) => {
            return Err(ConfigError::new(
                "only_roots",
                "is set together with webpki_roots",
                "leave one of the two out",
            ));
        }
    }
    for certificate in &options.added {
        roots.add(certificate.clone()).map_err(|error| {
            let problem = "holds a root certificate that cannot be used";
            ConfigError::new("certificates", problem, "give X.509 certificates of authorities").with_source(error)
        })?;
    }
    Ok((roots, problem))
}

fn config(roots: &Arc<RootCertStore>, identity: Option<&ClientIdentity>) -> Result<ClientConfig, ConfigError> {
    let versions = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            let problem = "has a crypto provider that supports no version of TLS";
            ConfigError::new("https", problem, "enable the feature `aws-lc-rs` or `ring`").with_source(error)
        })?
        .with_root_certificates(Arc::clone(roots));
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

/// Whether this error of a handshake is lasting: it names a certificate, a name or a protocol. A handshake that was
/// cut off is an `io::Error` without a `rustls::Error` in it.
pub(crate) fn is_refusal(error: &(dyn StdError + 'static)) -> bool {
    error.is::<rustls::Error>() || error.is::<InvalidDnsNameError>()
}
