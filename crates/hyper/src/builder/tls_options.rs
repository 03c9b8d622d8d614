//! The builder's options that need TLS: whom to trust, who we are, and the way through a proxy.

use super::HyperTransportBuilder;
use crate::tls::{Certificates, ClientIdentity, Proxy};

/// TLS and proxies: with the feature `aws-lc-rs` or `ring`.
impl HyperTransportBuilder {
    /// Trusts these certificates as roots too, beside the system's; alone, where the system's cannot be read.
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

    /// Trusts Mozilla's root certificates, as they were when the crate `webpki-roots` was published, instead of
    /// the system's: for machines that have none, such as a bare container. Contradicts [`only_roots`](Self::only_roots).
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots(mut self) -> Self {
        self.tls.webpki = true;
        self
    }

    /// Proves this client's identity with a certificate where a server asks for one. Proxies are not shown it.
    pub fn client_identity(mut self, identity: ClientIdentity) -> Self {
        self.tls.identity = Some(identity);
        self
    }

    /// Reaches `https` servers through this proxy, by HTTP CONNECT (RFC 9110 section 9.3.6). `http://proxy:3128`, or
    /// `https://` for a proxy that is spoken to over TLS itself. Credentials stand in the URL
    /// (`http://user:password@proxy:3128`, percent-encoded where needed) and go out as Basic (RFC 7617); they are in no
    /// error and no `Debug`.
    ///
    /// `http` requests never go through it: unless `danger_allow_http` is used, core sends those to this machine alone.
    /// TLS is with the server, so the proxy sees no more than the server's name.
    ///
    /// A proxy that cannot reach the server is
    /// [`TransportErrorKind::Proxy`](clerk_actor_tokens_core::TransportErrorKind::Proxy), one that wants other credentials
    /// [`TransportErrorKind::ProxyAuth`](clerk_actor_tokens_core::TransportErrorKind::ProxyAuth); nothing was executed in
    /// either case. hyper-util's tunnel does not tell the proxy's status; a proxy that cannot be connected to is
    /// [`TransportErrorKind::Connect`](clerk_actor_tokens_core::TransportErrorKind::Connect), with "tunnel error" among the
    /// causes.
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

    /// Reaches `https` servers through the proxy that the environment names when the transport is built, as curl reads
    /// it: `HTTPS_PROXY` or else `ALL_PROXY`, also in lower case, but for the hosts in `NO_PROXY`. Nothing is read if
    /// this is not called. The rest is as with [`proxy`](Self::proxy).
    pub fn proxy_from_env(mut self) -> Self {
        self.tls.proxy = Proxy::Environment;
        self
    }
}
