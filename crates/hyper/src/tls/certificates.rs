//! Certificates and keys that a user brings.

use std::fmt;

use clerk_actor_tokens_core::ConfigError;
use rustls::{
    ClientConfig, ConfigBuilder,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// One or more certificates: roots to trust.
///
/// ```
/// use clerk_actor_tokens_core::ConfigError;
/// use clerk_actor_tokens_hyper::{Certificates, HyperTransport};
///
/// fn transport(company_ca: &[u8]) -> Result<HyperTransport, ConfigError> {
///     HyperTransport::builder().add_root(Certificates::from_pem(company_ca)?).build()
/// }
/// assert_eq!(transport(b"").unwrap_err().setting(), "certificates");
/// ```
#[derive(Clone)]
pub struct Certificates(Vec<CertificateDer<'static>>);

impl Certificates {
    /// Reads the certificates of this PEM text (RFC 7468). Other items in it are ignored.
    ///
    /// # Errors
    /// [`ConfigError`] if the text is malformed or holds no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        let refused = |problem| ConfigError::new("certificates", problem, "give certificates in PEM (RFC 7468)");
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| refused("is no well-formed PEM"))?;
        if certificates.is_empty() {
            return Err(refused("holds no certificate"));
        }
        Ok(Self(certificates))
    }

    /// Takes one certificate in DER (X.509, RFC 5280). It is parsed when the transport is built.
    #[must_use]
    pub fn from_der(der: impl Into<Vec<u8>>) -> Self {
        Self(vec![CertificateDer::from(der.into())])
    }

    pub(crate) fn into_vec(self) -> Vec<CertificateDer<'static>> {
        self.0
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.0.len())
    }
}

/// A certificate chain and its private key, with which this client proves its identity if a server
/// asks for it (RFC 8446 section 4.3.2).
///
/// ```
/// use clerk_actor_tokens_core::ConfigError;
/// use clerk_actor_tokens_hyper::{ClientIdentity, HyperTransport};
///
/// fn transport(chain: &[u8], key: &[u8]) -> Result<HyperTransport, ConfigError> {
///     HyperTransport::builder().client_identity(ClientIdentity::from_pem(chain, key)?).build()
/// }
/// assert_eq!(transport(b"no chain", b"no key").unwrap_err().setting(), "client_identity");
/// ```
pub struct ClientIdentity {
    chain: Certificates,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Reads the chain, with the client's own certificate first, and the key (PKCS#8, PKCS#1 or
    /// SEC1), both in PEM. They may be one text.
    ///
    /// # Errors
    /// [`ConfigError`] if a text is malformed, or holds no certificate or no key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        // The parser's own error may quote a line of the key: it is not passed on.
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            let problem = "has a private key that is no well-formed PEM";
            ConfigError::new("client_identity", problem, "give a key in PEM (PKCS#8, PKCS#1 or SEC1)")
        })?;
        Ok(Self { chain: Certificates::from_pem(chain)?, key })
    }

    pub(super) fn apply(
        &self,
        config: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, ConfigError> {
        config.with_client_auth_cert(self.chain.0.clone(), self.key.clone_key()).map_err(|error| {
            let advice = "give a certificate chain, and the key that its first certificate was issued for";
            ConfigError::new("client_identity", "has a certificate and private key that cannot be used", advice)
                .with_source(error)
        })
    }
}

impl Clone for ClientIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("chain", &self.chain).finish_non_exhaustive()
    }
}
