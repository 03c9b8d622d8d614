//! The four ways to a server, and the server.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Once},
};

use clerk_actor_tokens_emulator::{Emulator, Served};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{self, ClientConfig, RootCertStore, pki_types::CertificateDer},
};

use crate::tee::{Log, Tee};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http1,
    Http2,
    Http1Tls,
    Http2Tls,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }
}

/// Any stream.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// A server on the runtime of the test.
pub(crate) struct Fixture {
    pub(crate) served: Served,
    pub(crate) clerk: Emulator,
    pub(crate) address: SocketAddr,
    pub(crate) way: Way,
}

impl Fixture {
    pub(crate) async fn new(way: Way) -> Self {
        let clerk = Emulator::builder().real_time().build();
        let server = if way.is_tls() { clerk.server().tls() } else { clerk.server() };
        let served = server.start().await.unwrap();
        let (_, address) = served.url().split_once("://").unwrap();
        Self { clerk, address: address.parse().unwrap(), served, way }
    }

    /// Connects, and keeps what arrives on the wire, and what reaches the protocol.
    pub(crate) async fn connect(&self, wire: &Log, protocol: &Log) -> io::Result<Box<dyn Io>> {
        let tcp = Tee::new(TcpStream::connect(self.address).await?, wire);
        if !self.way.is_tls() {
            return Ok(Box::new(Tee::new(tcp, protocol)));
        }
        self.handshake(tcp, protocol).await
    }

    /// TLS over whatever leads to the server.
    pub(crate) async fn handshake<S: Io + 'static>(&self, stream: S, protocol: &Log) -> io::Result<Box<dyn Io>> {
        self.handshake_as("127.0.0.1", stream, protocol).await
    }

    /// As [`handshake`](Self::handshake), with a server of this name.
    pub(crate) async fn handshake_as<S: Io + 'static>(
        &self,
        name: &'static str,
        stream: S,
        protocol: &Log,
    ) -> io::Result<Box<dyn Io>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.served.ca_der().unwrap().to_vec())).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![if self.way.is_http2() { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let connector = TlsConnector::from(Arc::new(config));
        let tls = connector.connect(name.try_into().unwrap(), stream).await?;
        assert_eq!(tls.get_ref().1.alpn_protocol().unwrap() == b"h2", self.way.is_http2());
        Ok(Box::new(Tee::new(tls, protocol)))
    }
}

/// A provider for the process would be an application's to choose: the emulator must not.
pub(crate) fn no_provider_was_installed() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| assert!(rustls::crypto::CryptoProvider::get_default().is_none()));
}
