//! What one call may have that the client's other calls have not, and the headers that no call may have.

use std::{sync::Arc, time::Duration};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_ENCODING, AUTHORIZATION, USER_AGENT},
};

use crate::{
    auth::CredentialProvider, call::settings::Settings, invalid_request::InvalidRequest, reserved::is_reserved,
    retry::RetryPolicy, transport::message::Request, url::BaseUrl, version,
};

/// The options of one call. What is refused here is reported when the call is sent.
#[derive(Default, Clone)]
pub(crate) struct Options {
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) credentials: Option<Arc<dyn CredentialProvider>>,
    /// Whether retries are not counted against the retry budget.
    pub(crate) unbudgeted: bool,
    refused: Option<InvalidRequest>,
}

impl Options {
    pub(crate) fn header<N, V>(&mut self, name: N, value: V)
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        if let Err(refusal) = self.try_header(name, value) {
            self.refused.get_or_insert(refusal);
        }
    }

    fn try_header<N, V>(&mut self, name: N, value: V) -> Result<(), InvalidRequest>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let name = HeaderName::try_from(name).map_err(|_| InvalidRequest::new("header", "has an invalid name"))?;
        if is_reserved(&name) {
            let reason = if name == AUTHORIZATION {
                "is a header that the client sets from the credentials"
            } else {
                "is a header that only the client sets"
            };
            return Err(InvalidRequest::new(name.as_str().to_owned(), reason));
        }
        let value = HeaderValue::try_from(value).map_err(|_| {
            InvalidRequest::new(name.as_str().to_owned(), "has a character that is invalid in a header")
        })?;
        self.headers
            .try_append(name, value)
            .map(drop)
            .map_err(|_| InvalidRequest::new("header", "cannot be added: the request has too many headers"))
    }

    /// Checks what can be checked before a request is made.
    ///
    /// # Errors
    /// The first option that is refused.
    pub(crate) fn check(&self) -> Result<(), InvalidRequest> {
        if let Some(refusal) = &self.refused {
            return Err(refusal.clone());
        }
        self.timeout.map_or(Ok(()), check_timeout)?;
        self.retry.as_ref().map_or(Ok(()), RetryPolicy::check)
    }
}

/// Puts what the client and the call add onto the operation's request.
pub(crate) fn apply_headers(request: &mut Request, settings: &Settings, options: Option<&Options>) {
    let is_version = |pair: &str| pair.split('=').next() == Some(version::CLERK_API_VERSION_PARAMETER);
    let has_version_parameter = request.uri().query().is_some_and(|query| query.split('&').any(is_version));
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, settings.user_agent.clone());
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(version) = &settings.api_version {
        headers.insert(version::CLERK_API_VERSION, version.clone());
    }
    if let Some(options) = options {
        // `extend` replaces what has the same name, and keeps all values of a repeated one.
        headers.extend(options.headers.clone());
    }
    if has_version_parameter {
        headers.remove(version::CLERK_API_VERSION);
    }
    if let Some(options) = options {
        request.extensions_mut().extend(options.extensions.clone());
    }
}

fn check_timeout(timeout: Duration) -> Result<(), InvalidRequest> {
    if timeout.is_zero() { Err(InvalidRequest::new("timeout", "must be more than zero")) } else { Ok(()) }
}
