//! The system's roots, as this machine or its environment names them.

use std::{
    env,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use clerk_actor_tokens_core::ConfigError;
use rustls::{RootCertStore, pki_types::CertificateDer};

use crate::tls::certificates::Certificates;

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// Roots of the system, and what went wrong with finding them.
#[derive(Default)]
pub(super) struct Found {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) problem: Option<String>,
}

/// The system's roots, or those of the files that the environment names instead.
pub(super) fn roots() -> Result<Found, ConfigError> {
    let folders = env::var_os(FOLDERS);
    let folders: Vec<_> = folders.iter().flat_map(env::split_paths).filter(|it| !it.as_os_str().is_empty()).collect();
    if env::var_os(FILE).is_none() && folders.is_empty() {
        return Ok(Found::of(rustls_native_certs::load_native_certs()));
    }
    let mut found = of_file()?;
    for folder in folders {
        let of_folder = Found::of(rustls_native_certs::load_certs_from_paths(None, Some(&folder)));
        found.certificates.extend(of_folder.certificates);
        found.problem = found.problem.or(of_folder.problem);
    }
    Ok(found)
}

/// The roots of the file that the environment names. It is read as the user's are, as it is the user who has named it.
pub(super) fn of_file() -> Result<Found, ConfigError> {
    let Some(file) = env::var_os(FILE) else { return Ok(Found::default()) };
    if file.is_empty() {
        return Err(ConfigError::new(FILE, "is set, and empty", "unset the variable, or name a file in it"));
    }
    let path = Path::new(&file);
    let refused = |problem: String| {
        ConfigError::new(
            FILE,
            format!("names {}, which {problem}", path.display()),
            "correct the path, or unset the variable",
        )
    };
    let text = read(path).map_err(|error| refused(format!("cannot be read ({error})")))?;
    let text = text.ok_or_else(|| refused("is no file, or is too large for one of certificates".to_owned()))?;
    let certificates = Certificates::read(&text).map_err(|problem| problem.of_part(FILE, "file"))?.into_vec();
    for (certificate, number) in certificates.iter().zip(1..) {
        if let Err(error) = RootCertStore::empty().add(certificate.clone()) {
            let problem = format!("holds a root certificate that cannot be used, number {number} in its file");
            return Err(ConfigError::new(FILE, problem, "give X.509 certificates of authorities").with_source(error));
        }
    }
    Ok(Found { certificates, problem: None })
}

/// The roots of every authority that there is are a thousandth of it.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// The whole file. `None` where it is none, such as a pipe, of which no end may come, or too large.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST_FILE.saturating_add(1)).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= LARGEST_FILE).then_some(text))
}

impl Found {
    fn of(result: rustls_native_certs::CertificateResult) -> Self {
        Self { certificates: result.certs, problem: result.errors.first().map(ToString::to_string) }
    }
}
