//! TLS by rustls: which crypto provider, which root certificates, and which of its errors are lasting.
//!
//! Not responsible for TCP or for time (`connect.rs`). Without a crypto provider's feature, `no_tls.rs` takes this
//! file's place.

use std::{error::Error as StdError, future::poll_fn, sync::Arc};

use http::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, crypto::CryptoProvider, pki_types::InvalidDnsNameError};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{BoxError, BuildError, classify::Unavailable};

/// A connection, with TLS or without.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What a connection without TLS is as a [`Stream`].
pub(crate) fn plain(tcp: TokioIo<TcpStream>) -> Stream {
    MaybeHttpsStream::Http(tcp)
}

/// Opens TLS connections for `https` and plain ones for `http`.
#[derive(Clone)]
pub(crate) struct Https(HttpsConnector<HttpConnector>);

impl Https {
    /// With the system's root certificates. Where there are none, nothing that needs them can work; all else can, so
    /// that is no reason to refuse to build.
    pub(crate) fn new(tcp: HttpConnector) -> Result<Result<Self, Unavailable>, BuildError> {
        let versions = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| BuildError::new("the TLS crypto provider supports no TLS version").with_source(error))?;
        let mut config = match versions.with_native_roots() {
            Ok(roots) => roots.with_no_client_auth(),
            Err(error) => {
                return Ok(Err(Unavailable {
                    reason: "no root certificate was found on this machine",
                    detail: Some(error.to_string()),
                }));
            }
        };
        // What this transport speaks (RFC 7301): a server that speaks only HTTP/2 says so in the handshake.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Ok(Self(HttpsConnector::from((tcp, config)))))
    }

    pub(crate) async fn connect(mut self, target: Uri) -> Result<Stream, BoxError> {
        poll_fn(|cx| self.0.poll_ready(cx)).await?;
        self.0.call(target).await
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
