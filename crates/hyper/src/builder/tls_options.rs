//! The builder's options that need TLS: whom to trust, who we are, and the way through a proxy.

use super::HyperTransportBuilder;
use crate::tls::{Certificates, ClientIdentity, Proxy};

/// TLS and proxies: with the feature `aws-lc-rs` or `ring`.
impl HyperTransportBuilder {
    /// Trusts these certificates as roots, beside the system's. If the system's cannot be read, it
    /// trusts only these.
    pub fn add_root(mut self, roots: Certificates) -> Self {
        self.tls.added.extend(roots.into_vec());
        self
    }

    /// Trusts these certificates as roots, and those of [`add_root`](Self::add_root), but none of the system's.
    ///
    /// ```
    /// use clerk_actor_tokens_core::ConfigError;
    /// use clerk_actor_tokens_hyper::{Certificates, HyperTransport};
    ///
    /// fn transport(pinned_ca: &[u8]) -> Result<HyperTransport, ConfigError> {
    ///     HyperTransport::builder().only_roots(Certificates::from_pem(pinned_ca)?).build()
    /// }
    /// assert!(transport(b"").is_err());
    /// ```
    pub fn only_roots(mut self, roots: Certificates) -> Self {
        self.tls.only = true;
        self.add_root(roots)
    }

    /// Trusts Mozilla's root certificates, as they were when the crate `webpki-roots` was
    /// published, instead of the system's. It is for machines without any, such as a small
    /// container. Contradicts [`only_roots`](Self::only_roots).
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots(mut self) -> Self {
        self.tls.webpki = true;
        self
    }

    /// Proves this client's identity with a certificate, if a server asks for one. A proxy does not
    /// get it.
    pub fn client_identity(mut self, identity: ClientIdentity) -> Self {
        self.tls.identity = Some(identity);
        self
    }

    /// Reaches `https` servers through this proxy, by HTTP CONNECT (RFC 9110 section 9.3.6).
    /// `http://proxy:3128`, or `https://` for a proxy that itself speaks TLS. Credentials are in
    /// the URL (`http://user:password@proxy:3128`, percent-encoded where needed). They are sent as
    /// Basic (RFC 7617), and are in no error and no `Debug`.
    ///
    /// `http` requests never go through it, because core sends those only to this machine unless
    /// `danger_allow_http` is used. TLS is with the server, so the proxy sees no more than the
    /// server's name.
    ///
    /// A proxy that cannot reach the server is
    /// [`TransportErrorKind::Proxy`](clerk_actor_tokens_core::TransportErrorKind::Proxy), and one
    /// that wants other credentials is
    /// [`TransportErrorKind::ProxyAuth`](clerk_actor_tokens_core::TransportErrorKind::ProxyAuth).
    /// Nothing was executed in either case. hyper-util's tunnel does not report the proxy's status.
    /// A proxy that cannot be connected to is
    /// [`TransportErrorKind::Connect`](clerk_actor_tokens_core::TransportErrorKind::Connect), with
    /// "tunnel error" among the causes.
    ///
    /// ```
    /// use clerk_actor_tokens_hyper::HyperTransport;
    ///
    /// let transport = HyperTransport::builder().proxy("http://proxy.test:3128").build()?;
    /// # let _ = transport;
    /// assert!(HyperTransport::builder().proxy("socks5://proxy.test:1080").build().is_err());
    /// # Ok::<(), clerk_actor_tokens_core::ConfigError>(())
    /// ```
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.tls.proxy = Proxy::Url(url.into());
        self
    }

    /// Reaches `https` servers through the proxy that the environment names when the transport is
    /// built, as curl reads it: `HTTPS_PROXY` or else `ALL_PROXY`, also in lower case, except for
    /// the hosts in `NO_PROXY`. Without this call the environment is not read. The rest is as with
    /// [`proxy`](Self::proxy).
    pub fn proxy_from_env(mut self) -> Self {
        self.tls.proxy = Proxy::Environment;
        self
    }
}
