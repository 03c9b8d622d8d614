//! Which version of Clerk's API is spoken.

use std::{borrow::Cow, fmt, str::FromStr};

use http::{HeaderName, HeaderValue};

use crate::invalid_request::InvalidRequest;

/// The request header that names the version. Without it the server takes 2021-02-05.
pub(crate) const CLERK_API_VERSION: HeaderName = HeaderName::from_static("clerk-api-version");

/// The query parameter that may stand in its place. Never both.
pub(crate) const CLERK_API_VERSION_PARAMETER: &str = "__clerk_api_version";

const DEFAULT: &str = "2026-05-12";

/// A version of Clerk's API, a date such as `2026-05-12`, sent as the header `Clerk-API-Version`.
///
/// ```
/// use clerk_actor_tokens_core::ApiVersion;
/// assert_eq!(ApiVersion::default().as_str(), "2026-05-12");
/// assert!(ApiVersion::new("latest").is_err());
/// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiVersion(Cow<'static, str>);

impl ApiVersion {
    /// Reads a version: `YYYY-MM-DD`. Whether Clerk knows it is Clerk's to say (`api_version_invalid`).
    ///
    /// # Errors
    /// [`InvalidRequest`] for the field `api_version`.
    pub fn new(version: impl Into<String>) -> Result<Self, InvalidRequest> {
        let version = version.into();
        let is_date = version.len() == 10
            && version.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if is_date {
            Ok(Self(version.into()))
        } else {
            Err(InvalidRequest::new("api_version", "must be a date, YYYY-MM-DD"))
        }
    }

    /// Returns the version as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_header(&self) -> HeaderValue {
        match &self.0 {
            Cow::Borrowed(version) => HeaderValue::from_static(version),
            Cow::Owned(version) => HeaderValue::from_str(version).unwrap_or(HeaderValue::from_static(DEFAULT)),
        }
    }
}

impl Default for ApiVersion {
    /// The version that this library was written against, `2026-05-12`.
    fn default() -> Self {
        Self(Cow::Borrowed(DEFAULT))
    }
}

impl FromStr for ApiVersion {
    type Err = InvalidRequest;

    fn from_str(version: &str) -> Result<Self, InvalidRequest> {
        Self::new(version)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiVersion({})", self.0)
    }
}
