//! Whom to trust: the system's roots, the platform's own verifier, Mozilla's roots, or the user's.
//!
//! Not responsible for finding the system's (`roots/system.rs`), or for reading PEM (`pem.rs`).

mod system;

use std::sync::Arc;

use clerk_actor_tokens_core::ConfigError;
use rustls::{RootCertStore, crypto::CryptoProvider};

#[cfg(feature = "platform-verifier")]
use self::system::Found;
use super::options::Options;
use crate::connecting::Unavailable;

/// Whom a connection trusts.
pub(super) struct Trusted {
    pub(super) by: TrustedBy,
    /// Why it trusts no server at all.
    pub(super) unavailable: Option<Unavailable>,
}

pub(super) enum TrustedBy {
    Roots(Arc<RootCertStore>),
    #[cfg(feature = "platform-verifier")]
    Platform(Arc<rustls_platform_verifier::Verifier>),
}

/// Whom these options trust.
///
/// # Errors
/// [`ConfigError`] if options contradict each other, or a certificate of the user's or of `SSL_CERT_FILE` cannot be used.
#[cfg_attr(not(feature = "platform-verifier"), allow(unused_variables, reason = "the verifier's"))]
pub(super) fn trusted(options: &Options, provider: &Arc<CryptoProvider>) -> Result<Trusted, ConfigError> {
    check(options)?;
    let mut roots = RootCertStore::empty();
    for (certificate, number) in options.added.iter().zip(1..) {
        roots.add(certificate.clone()).map_err(|error| {
            let problem =
                format!("holds a root certificate that cannot be used, number {number} of those that were added");
            ConfigError::new("certificates", problem, "give X.509 certificates of authorities").with_source(error)
        })?;
    }
    #[cfg(feature = "platform-verifier")]
    if options.platform {
        return platform(options, roots, provider);
    }
    #[cfg(feature = "webpki-roots")]
    if options.webpki {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let mut problem = None;
    if !options.only && !options.webpki {
        let found = system::roots()?;
        // A system's store may hold one that rustls cannot read; the others are used.
        roots.add_parsable_certificates(found.certificates);
        problem = found.problem;
    }
    let unavailable = roots.is_empty().then(|| no_roots(options, problem));
    Ok(Trusted { by: TrustedBy::Roots(Arc::new(roots)), unavailable })
}

fn check(options: &Options) -> Result<(), ConfigError> {
    let chosen =
        [("only_roots", options.only), ("webpki_roots", options.webpki), ("platform_verifier", options.platform)];
    let mut chosen = chosen.into_iter().filter(|(_, is_chosen)| *is_chosen).map(|(name, _)| name);
    match (chosen.next(), chosen.next()) {
        (Some(one), Some(other)) => {
            Err(ConfigError::new(one, format!("is set together with {other}"), "leave one of the two out"))
        }
        _ => Ok(()),
    }
}

#[cfg(all(feature = "platform-verifier", target_os = "android"))]
fn platform(_: &Options, _: RootCertStore, _: &Arc<CryptoProvider>) -> Result<Trusted, ConfigError> {
    // It takes no further roots, and panics unless the application has set it up from Java.
    Err(ConfigError::new("platform_verifier", "is set on Android", "leave it out, and add the roots to trust"))
}

#[cfg(all(feature = "platform-verifier", not(target_os = "android")))]
fn platform(options: &Options, added: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Trusted, ConfigError> {
    use rustls_platform_verifier::Verifier;

    // Where the platform has no verifier, that crate reads the file which the environment names, and may pass over a root.
    let has_verifier = cfg!(any(windows, target_vendor = "apple"));
    let of_file = if has_verifier { Found::default() } else { system::of_file()? };
    let extra = of_file.certificates.into_iter().chain(options.added.iter().cloned());
    Ok(match Verifier::new_with_extra_roots(extra, Arc::clone(provider)) {
        Ok(verifier) => Trusted { by: TrustedBy::Platform(Arc::new(verifier)), unavailable: None },
        Err(error) => {
            let unavailable = Some(no_roots(options, Some(error.to_string())));
            Trusted { by: TrustedBy::Roots(Arc::new(added)), unavailable }
        }
    })
}

fn no_roots(options: &Options, problem: Option<String>) -> Unavailable {
    let (reason, advice) = match cfg!(feature = "webpki-roots") {
        _ if options.platform => (
            "no root certificate was found on this machine: install ca-certificates, or leave platform_verifier() out",
            "Install the system's root certificates (most Linux systems: the package ca-certificates), or call webpki_roots() \
             (feature webpki-roots) instead of platform_verifier().",
        ),
        true => (
            "no root certificate was found on this machine: install ca-certificates, or call webpki_roots()",
            "Install the system's root certificates (most Linux systems: the package ca-certificates), or call \
             webpki_roots() on the transport's builder.",
        ),
        false => (
            "no root certificate was found on this machine: install ca-certificates, or turn on the feature webpki-roots",
            "Install the system's root certificates (most Linux systems: the package ca-certificates), or turn on the \
             feature webpki-roots and call webpki_roots() on the transport's builder.",
        ),
    };
    Unavailable { reason, detail: problem, advice }
}
