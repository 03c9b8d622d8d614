//! TLS for the server: an authority made for one run, a certificate for one host, and what a handshake that fails says.
//!
//! The authority's key is dropped once it has signed the one certificate, so no other can be made in its name.

use std::{io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, pki_types::PrivatePkcs8KeyDer},
};

/// By what names of this machine the certificate is always for.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a server with TLS needs, and what its clients need.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) authority: Authority,
}

/// The certificate of the authority.
pub(super) struct Authority {
    pub(super) pem: String,
    pub(super) der: Vec<u8>,
}

/// A certificate for this machine and for these names, by an authority of its own. `protocols` are offered by ALPN
/// (RFC 7301).
pub(super) fn throw_away(names: &[String], protocols: &[&[u8]]) -> io::Result<Tls> {
    let authority = authority().map_err(io::Error::other)?;
    let mut all: Vec<String> = LOCAL.map(str::to_owned).to_vec();
    all.extend(names.iter().filter(|name| !LOCAL.contains(&name.as_str())).cloned());
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let leaf = CertificateParams::new(all).and_then(|params| params.signed_by(&key, &authority));
    let leaf = leaf.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

    // Its own provider, and none for the process: that is the application's to choose.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            let chain = vec![leaf.der().clone(), authority.der().clone()];
            let key = PrivatePkcs8KeyDer::from(key.serialize_der());
            config.with_no_client_auth().with_single_cert(chain, key.into())
        })
        .map_err(io::Error::other)?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let authority = Authority { pem: authority.pem(), der: authority.der().to_vec() };
    Ok(Tls { acceptor: Arc::new(config).into(), authority })
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "clerk-actor-tokens-emulator, one run only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}
