//! What the builder's options for TLS set: whom to trust, who we are, and the way through a proxy.

use std::fmt;

use http::HeaderMap;
use rustls::pki_types::CertificateDer;

use super::{certificates::ClientIdentity, proxy::Proxy};

#[derive(Clone, Default)]
pub(crate) struct Options {
    /// Of `only_roots`: none but those that are added.
    pub(crate) only: bool,
    /// Of `webpki_roots`: Mozilla's instead of the platform's.
    pub(crate) webpki: bool,
    /// Of `platform_verifier`: the platform's own rules, not only its roots.
    pub(crate) platform: bool,
    pub(crate) added: Vec<CertificateDer<'static>>,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) proxy: Proxy,
    pub(crate) proxy_headers: HeaderMap,
}

impl Options {
    pub(crate) fn is_default(&self) -> bool {
        let Self { only, webpki, platform, added, identity, proxy, proxy_headers } = self;
        let has_no_proxy = matches!(proxy, Proxy::None) && proxy_headers.is_empty();
        !*only && !*webpki && !*platform && added.is_empty() && identity.is_none() && has_no_proxy
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("only", &self.only)
            .field("webpki", &self.webpki)
            .field("platform", &self.platform)
            .field("added", &self.added.len())
            .field("identity", &self.identity)
            .field("proxy", &self.proxy)
            .field("proxy_headers", &self.proxy_headers.len())
            .finish()
    }
}
