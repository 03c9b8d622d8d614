//! Whom to trust: the system's roots, the platform's own verifier, Mozilla's roots, or the user's.
//!
//! Not responsible for reading PEM (`pem.rs`).

use std::{env, ffi::OsString, fs, sync::Arc};

use clerk_actor_tokens_core::ConfigError;
use rustls::{RootCertStore, crypto::CryptoProvider, pki_types::CertificateDer};

use super::{certificates::Certificates, options::Options};
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
        let found = system()?;
        // A system's store may hold one that rustls cannot read; the others are used.
        roots.add_parsable_certificates(found.certificates);
        problem = found.problem;
    }
    let unavailable = roots.is_empty().then(|| no_roots(problem));
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
    let of_file = if has_verifier { Found::default() } else { of_file(variable(FILE))? };
    let is_parsable = |root: &CertificateDer<'static>| RootCertStore::empty().add(root.clone()).is_ok();
    let extra = of_file.certificates.into_iter().filter(is_parsable).chain(options.added.iter().cloned());
    Ok(match Verifier::new_with_extra_roots(extra, Arc::clone(provider)) {
        Ok(verifier) => Trusted { by: TrustedBy::Platform(Arc::new(verifier)), unavailable: None },
        Err(error) => {
            let unavailable = Some(no_roots(Some(error.to_string())));
            Trusted { by: TrustedBy::Roots(Arc::new(added)), unavailable }
        }
    })
}

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// Roots of the system, and what went wrong with finding them.
#[derive(Default)]
struct Found {
    certificates: Vec<CertificateDer<'static>>,
    problem: Option<String>,
}

/// The system's roots, or those of the files that the environment names instead.
fn system() -> Result<Found, ConfigError> {
    let (file, folders) = (variable(FILE), variable(FOLDERS));
    let folders: Vec<_> = folders.iter().flat_map(env::split_paths).filter(|it| !it.as_os_str().is_empty()).collect();
    if file.is_none() && folders.is_empty() {
        return Ok(Found::of(rustls_native_certs::load_native_certs()));
    }
    let mut found = of_file(file)?;
    for folder in folders {
        let of_folder = Found::of(rustls_native_certs::load_certs_from_paths(None, Some(&folder)));
        found.certificates.extend(of_folder.certificates);
        found.problem = found.problem.or(of_folder.problem);
    }
    Ok(found)
}

/// An empty variable is as one that is not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The roots of the file that the environment names. It is read as the user's are, as it is the user who has named it.
fn of_file(file: Option<OsString>) -> Result<Found, ConfigError> {
    let Some(file) = file else { return Ok(Found::default()) };
    match fs::read(file) {
        Ok(text) => {
            let certificates = Certificates::read(&text).map_err(|problem| problem.of_part(FILE, "file"))?.into_vec();
            Ok(Found { certificates, problem: None })
        }
        Err(error) => {
            let problem = format!("names a file that cannot be read ({error})");
            Err(ConfigError::new(FILE, problem, "correct the path, or unset the variable"))
        }
    }
}

impl Found {
    fn of(result: rustls_native_certs::CertificateResult) -> Self {
        Self { certificates: result.certs, problem: result.errors.first().map(ToString::to_string) }
    }
}

fn no_roots(problem: Option<String>) -> Unavailable {
    let (reason, advice) = match cfg!(feature = "webpki-roots") {
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
