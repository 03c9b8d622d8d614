//! Certificates made for one test, and TLS servers that show them.
//!
//! Not responsible for what the servers say (`support.rs`, `h2_peer.rs`).

use std::sync::Arc;

use clerk_actor_tokens_hyper::{Certificates, ClientIdentity};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

pub(crate) fn provider() -> CryptoProvider {
    #[cfg(feature = "aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    return rustls::crypto::ring::default_provider();
}

pub(crate) static TLS_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub(crate) static TLS_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Somebody who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::of(name, KeyPair::generate().unwrap())
    }

    /// The one of this name that has this key, in PEM.
    pub(crate) fn from_key(name: &str, key: &str) -> Self {
        Self::of(name, KeyPair::from_pem(key).unwrap())
    }

    fn of(name: &str, key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn key_pem(&self) -> String {
        self.0.key().serialize_pem()
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(crate) fn as_root(&self) -> Certificates {
        Certificates::from_pem(self.pem().as_bytes()).unwrap()
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity { certificate: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }

    pub(crate) fn server(&self, name: &str) -> Identity {
        self.sign(&for_server(name))
    }

    pub(crate) fn client(&self, name: &str) -> Identity {
        self.sign(&for_client(name))
    }
}

pub(crate) fn for_server(name: &str) -> CertificateParams {
    params(name, ExtendedKeyUsagePurpose::ServerAuth)
}

pub(crate) fn for_client(name: &str) -> CertificateParams {
    params(name, ExtendedKeyUsagePurpose::ClientAuth)
}

fn params(name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![purpose];
    params
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: for_server(name).self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    pub(crate) fn of_client(&self) -> ClientIdentity {
        ClientIdentity::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// Makes TLS servers that show this certificate.
    pub(crate) fn acceptor(&self) -> Acceptor<'_> {
        Acceptor { identity: self, versions: rustls::ALL_VERSIONS, alpn: &[], clients: None }
    }
}

pub(crate) struct Acceptor<'a> {
    identity: &'a Identity,
    versions: &'static [&'static SupportedProtocolVersion],
    alpn: &'a [&'a str],
    clients: Option<(&'a Authority, bool)>,
}

impl<'a> Acceptor<'a> {
    pub(crate) fn versions(mut self, versions: &'static [&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions;
        self
    }

    /// Speaks these protocols (RFC 7301).
    pub(crate) fn alpn(mut self, alpn: &'a [&'a str]) -> Self {
        self.alpn = alpn;
        self
    }

    /// Demands a certificate that this authority signed.
    pub(crate) fn demand(mut self, clients: &'a Authority) -> Self {
        self.clients = Some((clients, true));
        self
    }

    /// Asks for such a certificate, and does without.
    pub(crate) fn ask(mut self, clients: &'a Authority) -> Self {
        self.clients = Some((clients, false));
        self
    }

    pub(crate) fn build(self) -> TlsAcceptor {
        let provider = Arc::new(provider());
        let versions =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(self.versions).unwrap();
        let clients = match self.clients {
            None => versions.with_no_client_auth(),
            Some((authority, demanded)) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if demanded { verifier } else { verifier.allow_unauthenticated() };
                versions.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.identity.key.as_bytes()).unwrap();
        let mut config = clients.with_single_cert(vec![self.identity.der()], key).unwrap();
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
