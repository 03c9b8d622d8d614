//! What one call may have that the client's other calls have not.

use std::{sync::Arc, time::Duration};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::{
    auth::CredentialProvider,
    client::builder::Settings,
    invalid_request::InvalidRequest,
    retry::{RetryPolicy, budget::Bucket, gate::Gate},
    transport::Request,
    url::BaseUrl,
    version,
};

/// Headers that belong to the client or to the transport: setting them would break authentication, framing or the rule
/// that no answer is decoded.
static RESERVED: [HeaderName; 9] =
    [AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE, TE, TRAILER, ACCEPT_ENCODING];

/// The first header of a request that only the client or the transport may set. The client's own `Accept-Encoding` is
/// there by then; `Authorization` is about to be replaced.
pub(crate) fn reserved(headers: &HeaderMap) -> Option<&'static HeaderName> {
    let set = |name: &&HeaderName| match **name {
        AUTHORIZATION => false,
        ACCEPT_ENCODING => headers.get_all(ACCEPT_ENCODING).iter().any(|value| value != "identity"),
        _ => headers.contains_key(*name),
    };
    RESERVED.iter().find(set)
}

/// The options of one call. What is refused here is told when the call is sent.
#[derive(Default)]
pub(crate) struct Options {
    headers: HeaderMap,
    extensions: Extensions,
    timeout: Option<Duration>,
    retry: Option<RetryPolicy>,
    base_url: Option<BaseUrl>,
    credentials: Option<Arc<dyn CredentialProvider>>,
    /// Whether retries are not counted against the client's budget.
    unbudgeted: bool,
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
        if RESERVED.contains(&name) {
            let reason = if name == AUTHORIZATION {
                "is a header that is set from the credentials"
            } else {
                "is a header that the client sets"
            };
            return Err(InvalidRequest::new(name.as_str().to_owned(), reason));
        }
        let value = HeaderValue::try_from(value).map_err(|_| {
            InvalidRequest::new(name.as_str().to_owned(), "has a character that cannot stand in a header")
        })?;
        self.headers
            .try_append(name, value)
            .map(drop)
            .map_err(|_| InvalidRequest::new("header", "is one of too many headers"))
    }

    pub(crate) fn extension<E: Clone + Send + Sync + 'static>(&mut self, extension: E) {
        self.extensions.insert(extension);
    }

    pub(crate) fn timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn retry(&mut self, policy: RetryPolicy) {
        self.retry = Some(policy);
    }

    pub(crate) fn unbudgeted(&mut self) {
        self.unbudgeted = true;
    }

    pub(crate) fn base_url(&mut self, base_url: BaseUrl) {
        self.base_url = Some(base_url);
    }

    pub(crate) fn credentials(&mut self, credentials: Arc<dyn CredentialProvider>) {
        self.credentials = Some(credentials);
    }

    /// The options on top of the client's settings.
    ///
    /// # Errors
    /// The first option that was refused.
    pub(crate) fn resolve(self, settings: &Settings) -> Result<CallConfig, InvalidRequest> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        let timeout = self.timeout.unwrap_or(settings.timeout);
        check_timeout(timeout)?;
        let retry = match self.retry {
            Some(policy) => policy.check().map(|()| policy)?,
            None => settings.retry.clone(),
        };
        // What Clerk asks of one key at one place says nothing about others.
        let is_elsewhere = self.credentials.is_some() || self.base_url.is_some();
        Ok(CallConfig {
            is_elsewhere,
            gate: if is_elsewhere { Arc::default() } else { Arc::clone(&settings.gate) },
            headers: self.headers,
            extensions: self.extensions,
            timeout,
            retry,
            bucket: (!self.unbudgeted).then(|| Arc::clone(&settings.bucket)),
            base_url: self.base_url.unwrap_or_else(|| settings.base_url.clone()),
            credentials: self.credentials.unwrap_or_else(|| Arc::clone(&settings.credentials)),
        })
    }
}

/// The settings of one call.
pub(crate) struct CallConfig {
    /// Whether this call has another base URL or other credentials than its client.
    is_elsewhere: bool,
    headers: HeaderMap,
    extensions: Extensions,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) gate: Arc<Gate>,
    pub(crate) bucket: Option<Arc<Bucket>>,
    pub(crate) base_url: BaseUrl,
    pub(crate) credentials: Arc<dyn CredentialProvider>,
}

impl CallConfig {
    /// The options of another call that goes to the same place with the same key.
    pub(crate) fn same_place(&self) -> Options {
        if !self.is_elsewhere {
            return Options::default();
        }
        Options {
            base_url: Some(self.base_url.clone()),
            credentials: Some(Arc::clone(&self.credentials)),
            ..Options::default()
        }
    }

    /// Puts what the client and the call add onto the operation's request.
    pub(crate) fn apply_headers(&mut self, request: &mut Request, settings: &Settings) {
        let is_version = |pair: &str| pair.split('=').next() == Some(version::CLERK_API_VERSION_PARAMETER);
        let has_version_parameter = request.uri().query().is_some_and(|query| query.split('&').any(is_version));
        let headers = request.headers_mut();
        headers.insert(http::header::USER_AGENT, settings.user_agent.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(version::CLERK_API_VERSION, settings.api_version.to_header());
        // `extend` replaces what has the same name, and keeps all values of a repeated one.
        headers.extend(std::mem::take(&mut self.headers));
        if has_version_parameter {
            headers.remove(version::CLERK_API_VERSION);
        }
        request.extensions_mut().extend(std::mem::take(&mut self.extensions));
    }
}

pub(crate) fn check_timeout(timeout: Duration) -> Result<(), InvalidRequest> {
    if timeout.is_zero() { Err(InvalidRequest::new("timeout", "must be more than zero")) } else { Ok(()) }
}
