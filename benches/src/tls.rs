//! The configuration of TLS of the hand-written loops: the peer's certificate is the only root.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{Failure, peer::Target};

/// A configuration with which a client trusts this peer. In the clear it trusts no certificate.
pub(crate) fn config(peer: &Target) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(certificate) = &peer.certificate {
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes())?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = peer.protocol.alpn();
    Ok(config)
}
