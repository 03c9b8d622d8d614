//! Certificates and keys that a user brings.

use std::fmt;

use clerk_actor_tokens_core::ConfigError;
use rustls::{
    ClientConfig, ConfigBuilder,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::pem::{self, Block, Kind, Problem};

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
    /// Reads the certificates of this PEM text (RFC 7468). Keys, parameters and comments in it are passed over.
    ///
    /// It is read as editors, Windows and OpenSSL write it: with a byte order mark, as UTF-16, with any line ends, with `\n`
    /// as two characters, or in one line.
    ///
    /// # Errors
    /// [`ConfigError`] if a certificate is not whole, if a block has no end, if there is no certificate, or if one is in another
    /// form: OpenSSL's `TRUSTED CERTIFICATE`, PKCS #7, PKCS #12, DER. It names the form or the line, and what to do.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        Self::read(pem).map_err(|problem| problem.of("certificates"))
    }

    pub(super) fn read(pem: &[u8]) -> Result<Self, Problem> {
        let blocks = pem::blocks(pem)?;
        let certificates =
            blocks.iter().filter_map(|block| certificate(block).transpose()).collect::<Result<Vec<_>, _>>()?;
        let is_key = |block: &Block| {
            !matches!(block.kind, Kind::Certificate | Kind::TrustedCertificate | Kind::Pkcs7 | Kind::Other)
        };
        match certificates.is_empty() {
            true if blocks.iter().any(is_key) => {
                Err(Problem::new("has a key where certificates are needed", "give certificates in PEM (RFC 7468)"))
            }
            true => Err(Problem::new("has no certificate", "give certificates in PEM (RFC 7468)")),
            false => Ok(Self(certificates)),
        }
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

/// The certificate of this block, if it has one.
fn certificate(block: &Block) -> Result<Option<CertificateDer<'static>>, Problem> {
    match block.kind {
        Kind::Certificate => {
            let der = CertificateDer::from_pem_slice(&block.as_pem("CERTIFICATE")).map_err(|_| block.is_no_base64())?;
            block.check_whole(&der)?;
            Ok(Some(der))
        }
        // It may say that the certificate is not to be trusted.
        Kind::TrustedCertificate => {
            let advice = "write it without: openssl x509 -in FILE, if it is to be trusted";
            Err(Problem::at(block.line, "a TRUSTED CERTIFICATE, which has OpenSSL's own rules of trust in it", advice))
        }
        Kind::Pkcs7 => {
            let advice = "convert it: openssl pkcs7 -print_certs -in FILE";
            Err(Problem::at(block.line, "certificates in a PKCS #7 envelope", advice))
        }
        Kind::Key(_) | Kind::EncryptedKey | Kind::OpensshKey | Kind::OtherKey | Kind::PublicKey | Kind::Other => {
            Ok(None)
        }
    }
}

/// The private key of this block, if it has one.
fn private_key(block: &Block) -> Result<Option<PrivateKeyDer<'static>>, Problem> {
    match block.kind {
        Kind::Key(label) => {
            // The parser's own error may quote a line of the key: it is not passed on.
            let der = PrivateKeyDer::from_pem_slice(&block.as_pem(label)).map_err(|_| block.is_no_base64())?;
            block.check_whole(der.secret_der())?;
            Ok(Some(der))
        }
        Kind::EncryptedKey => {
            let advice = "decrypt it, and keep the file from others: openssl pkey -in FILE";
            Err(Problem::at(block.line, "a private key that is encrypted", advice))
        }
        Kind::OpensshKey => {
            let advice = "convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY";
            Err(Problem::at(block.line, "a private key in OpenSSH's own form", advice))
        }
        Kind::OtherKey => Err(Problem::at(
            block.line,
            "a private key of a form that is not read",
            "give a key in PEM: PKCS#8, PKCS#1 or SEC1",
        )),
        Kind::Certificate | Kind::TrustedCertificate | Kind::Pkcs7 | Kind::PublicKey | Kind::Other => Ok(None),
    }
}

fn only_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Problem> {
    let advice = "give the private key of the first certificate, in PEM: PKCS#8, PKCS#1 or SEC1";
    let blocks = pem::blocks(pem)?;
    let keys = blocks.iter().filter_map(|block| private_key(block).transpose()).collect::<Result<Vec<_>, _>>()?;
    match <[_; 1]>::try_from(keys) {
        Ok([key]) => Ok(key),
        Err(keys) if !keys.is_empty() => Err(Problem::new("has more than one private key", advice)),
        Err(_) if blocks.iter().any(|block| block.kind == Kind::PublicKey) => {
            Err(Problem::new("has a public key where the private one is needed", advice))
        }
        Err(_) => Err(Problem::new("has no private key", advice)),
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
    /// SEC1), both in PEM as [`Certificates::from_pem`] reads it. They may be one text.
    ///
    /// # Errors
    /// [`ConfigError`] as of [`Certificates::from_pem`], or if the text of the key has no private key, more than one, one
    /// that is encrypted, or one in another form. It never quotes the text.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let key = only_key(key).map_err(|problem| problem.of_part("client_identity", "key"))?;
        let chain = Certificates::read(chain).map_err(|problem| problem.of_part("client_identity", "chain"))?;
        Ok(Self { chain, key })
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
