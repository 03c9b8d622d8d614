//! The builder's options that need TLS: whom to trust, who we are, and the way through a proxy.

use http::{HeaderName, HeaderValue};

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

    /// Trusts whom the platform trusts, by its own verifier and rules: those of Windows, macOS and
    /// iOS. On Android it is refused, because its verifier has to be set up from Java. Elsewhere
    /// nothing changes: rustls verifies by the system's roots. Contradicts
    /// [`only_roots`](Self::only_roots).
    ///
    /// ```
    /// # fn main() -> Result<(), clerk_actor_tokens_core::ConfigError> {
    /// use clerk_actor_tokens_hyper::HyperTransport;
    ///
    /// let transport = HyperTransport::builder().platform_verifier().build()?;
    /// # drop(transport);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "platform-verifier")]
    pub fn platform_verifier(mut self) -> Self {
        self.tls.platform = true;
        self
    }

    /// Proves this client's identity with a certificate, if a server asks for one. A proxy does not
    /// get it.
    pub fn client_identity(mut self, identity: ClientIdentity) -> Self {
        self.tls.identity = Some(identity);
        self
    }

    /// Reaches `https` servers through this proxy: `[scheme://][user:password@]host[:port]`.
    ///
    /// | scheme | how the proxy is spoken to | port, where none is given |
    /// | --- | --- | --- |
    /// | `http` (default) | HTTP CONNECT (RFC 9110 section 9.3.6) | 1080 |
    /// | `https` | the same, over TLS | 443 |
    /// | `socks5` | SOCKS 5 (RFC 1928); this machine resolves the server's name | 1080 |
    /// | `socks5h` | the same; the proxy resolves the name | 1080 |
    ///
    /// The default scheme and ports are curl's. Reserved characters in user name and password are percent-encoded. They are
    /// sent as Basic (RFC 7617), or as RFC 1929 says, and are in no error and no `Debug`. A path, a query or a fragment is
    /// refused when the transport is built.
    ///
    /// `http` requests never go through it, because core sends those only to this machine unless `danger_allow_http` is
    /// used. TLS is with the server, so the proxy sees no more than the server's name. Bytes that an HTTP proxy sends before
    /// TLS begins end the attempt. To SOCKS only the credentials are offered where there are some, of 128 bytes at most.
    ///
    /// Nothing was executed when a proxy fails.
    ///
    /// | what it does | kind | sent again |
    /// | --- | --- | --- |
    /// | any 2xx to CONNECT | none: the tunnel is open | |
    /// | 429, 502, 503, 504 to CONNECT, or no HTTP response; a SOCKS proxy refuses | [`Proxy`](clerk_actor_tokens_core::TransportErrorKind::Proxy) | after a backoff |
    /// | 403, 407, any other status | [`ProxyRefused`](clerk_actor_tokens_core::TransportErrorKind::ProxyRefused) | no |
    /// | it cannot be connected to | [`Connect`](clerk_actor_tokens_core::TransportErrorKind::Connect) | after a backoff |
    ///
    /// [`Error::proxy_status`](clerk_actor_tokens_core::Error::proxy_status) returns the status.
    ///
    /// ```
    /// use clerk_actor_tokens_hyper::HyperTransport;
    ///
    /// let transport = HyperTransport::builder().proxy("http://proxy.test:3128").build()?;
    /// # let _ = transport;
    /// assert!(HyperTransport::builder().proxy("http://proxy.test:3128/path").build().is_err());
    /// # Ok::<(), clerk_actor_tokens_core::ConfigError>(())
    /// ```
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.tls.proxy = Proxy::Url(url.into());
        self
    }

    /// Adds a header to each CONNECT, for a proxy that asks for one. By default there are `Host`, a
    /// `User-Agent` that names this crate, and the URL's credentials. A `User-Agent` given here replaces that. Values are
    /// in no `Debug`. SOCKS has no headers.
    ///
    /// Building fails for `Host`, `Connection`, `Content-Length`, `Transfer-Encoding` and `Upgrade`, and for
    /// `Proxy-Authorization` beside credentials in the URL.
    pub fn proxy_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.tls.proxy_headers.append(name, value);
        self
    }

    /// Reaches `https` servers through the proxy that the environment names when the transport is built, as curl reads it:
    /// the first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that is not empty. Hosts in `no_proxy`, or
    /// else in `NO_PROXY`, are reached without it. Without this call the environment is not read. The rest is as with
    /// [`proxy`](Self::proxy).
    ///
    /// `NO_PROXY` has names, addresses and networks (`10.0.0.0/8`) between commas or blanks. A name has its subdomains with
    /// it. `*` alone means every host.
    ///
    /// Three things are not as in curl 7.88. A value that names no usable proxy is an error when the transport is built, also
    /// where the server is in `NO_PROXY`. SOCKS 4 is not spoken. And IPv6 addresses are compared as addresses.
    pub fn proxy_from_env(mut self) -> Self {
        self.tls.proxy = Proxy::Environment;
        self
    }
}
