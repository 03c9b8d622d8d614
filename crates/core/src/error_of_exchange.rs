//! The error of an exchange that failed: what the response, the transport and the operation say, in one value.

use std::{borrow::Cow, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Uri, header::LOCATION};

use crate::{
    classify::{self, Classified, Exchanged, classify_error},
    error::{Error, Inner, api},
    error_kind::ErrorKind,
    execution::Execution,
    invalid_request::InvalidRequest,
    operation::{ParseProblem, Salvage},
    operation_info::{Idempotency, OperationInfo},
    retry::{
        retry_after,
        rule::Failure,
        rules::{failure_of_status, rule},
    },
    transport::{error::TransportError, message::Response},
    url::check_authority,
};

/// Up to this length, in bytes, a body is copied into an error. It may be a slice of a transport's
/// read buffer, which is larger, and which an error should not keep.
const COPIED: usize = 16 * 1024;

/// Puts everything that is known into an error. The attempts and the join over them are the caller's to add.
pub(crate) fn error_of_exchange(
    info: &'static OperationInfo,
    exchanged: Exchanged,
    classified: Classified,
    cap: usize,
    wall: SystemTime,
) -> Inner {
    let rule = classified.rule();
    let mut inner = Inner::new(info, classified.kind(), rule.execution);
    inner.is_over_cap = classify::is_over_cap(&exchanged, cap);
    let response = match exchanged {
        Ok(response) => Some(response),
        Err(error) => {
            inner.retry_after = error.retry_after();
            inner.advice = error.advice();
            inner.transport = Some(error.kind());
            inner.proxy_status = error.proxy_status();
            let (_, source, partial) = error.into_parts();
            inner.source = source;
            partial
        }
    };
    if let Some(response) = response {
        let (head, mut body) = response.into_parts();
        // A transport that keeps no cap must not make an error large either.
        body.truncate(cap);
        inner.status = Some(head.status);
        inner.api = if head.status.is_success() {
            api::Envelope { trace_id: api::trace_id(&head.headers).map(str::to_owned), ..api::Envelope::default() }
        } else {
            api::read(&head.headers, &body)
        };
        // What belongs to another request is that request's: a cookie is as much a credential as a link.
        if classified.failure != Failure::ResponseMismatch {
            inner.retry_after = retry_after::retry_after(&head.headers, wall);
            inner.redirect_origin = head.status.is_redirection().then(|| location_origin(&head.headers)).flatten();
            inner.body = Some(if body.len() <= COPIED { Bytes::copy_from_slice(&body) } else { body });
            inner.headers = head.headers;
        }
    }
    inner.salvage = classified.salvage;
    match classified.problem {
        Some(ParseProblem::Unusable { detail, raw_id }) => {
            inner.detail = Some(detail);
            inner.raw_id = raw_id.map(|id| id.escape_debug().to_string());
        }
        Some(ParseProblem::NotClerk { detail }) => inner.detail = Some(detail),
        Some(ParseProblem::Mismatch { field }) => {
            inner.detail = Some(Cow::Owned(format!("`{field}` does not match the request")));
        }
        Some(ParseProblem::Status) | None => {}
    }
    inner
}

/// Scheme, host and port of `Location`, without user info. The rest of it may hold a credential. `None` for a relative one,
/// which http would take for a host, and for one whose host or port is none.
fn location_origin(headers: &HeaderMap) -> Option<String> {
    let location: Uri = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    let scheme = location.scheme_str()?;
    let host_and_port = location.authority()?.as_str().rsplit('@').next()?;
    let host_and_port = host_and_port.strip_suffix(':').unwrap_or(host_and_port);
    check_authority(&host_and_port.parse().ok()?).ok()?;
    Some(format!("{scheme}://{host_and_port}"))
}

/// The operation of an error that no call made: it has a name for people, and no path.
const NO_CALL: &OperationInfo = &OperationInfo::new("InvalidRequest", "", Idempotency::Idempotent);

/// Errors made without a call, for test doubles.
impl Error {
    /// Makes the error of a call from this response. A 2xx becomes one that cannot be used.
    #[must_use]
    pub fn from_response(info: &'static OperationInfo, response: &Response) -> Self {
        let failure = match response.status() {
            status if status.is_success() => Failure::ResponseInvalid,
            status => failure_of_status(status),
        };
        error_of_exchange(
            info,
            Ok(response.clone()),
            Classified::without_detail(failure),
            usize::MAX,
            SystemTime::now(),
        )
        .into()
    }

    /// Makes the error of a call from this failure of the transport.
    #[must_use]
    pub fn from_transport(info: &'static OperationInfo, failed: TransportError) -> Self {
        let classified = classify_error(|_| Ok(Salvage::None), &failed);
        error_of_exchange(info, Err(failed), classified, usize::MAX, SystemTime::now()).into()
    }

    /// The error of something that was held, and that `close` has begun to revoke.
    pub(crate) fn not_kept(info: &'static OperationInfo, id: Option<&str>) -> Self {
        let mut inner = Inner::new(info, ErrorKind::NotKept, Execution::Executed);
        inner.salvage = id.map_or(Salvage::None, |id| Salvage::Confirmed(id.to_owned()));
        inner.into()
    }

    /// Makes the error of a call from input that it refuses.
    #[must_use]
    pub fn from_invalid_request(info: &'static OperationInfo, refused: InvalidRequest) -> Self {
        let rule = rule(Failure::InvalidRequest);
        let kind = rule.kind.unwrap_or(ErrorKind::InvalidRequest);
        let mut inner = Inner::new(info, kind, rule.execution);
        inner.invalid = Some(refused);
        inner.into()
    }
}

impl From<InvalidRequest> for Error {
    /// Makes an error from input that was refused before there was a call, so that `?` works in a
    /// function that returns `Error`. Its operation is named `InvalidRequest`, and has an empty
    /// path. Nothing was sent.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{ActorTokenId, Client, Error};
    ///
    /// async fn revoke_stored(clerk: &Client, stored: &str) -> Result<(), Error> {
    ///     let id = ActorTokenId::new(stored)?;
    ///     clerk.actor_tokens().revoke(&id).send().await?;
    ///     Ok(())
    /// }
    ///
    /// let error = Error::from(ActorTokenId::new("../users").unwrap_err());
    /// assert_eq!(error.invalid_request().map(|refused| refused.field()), Some("actor_token_id"));
    /// # let _ = revoke_stored;
    /// ```
    fn from(refused: InvalidRequest) -> Self {
        Self::from_invalid_request(NO_CALL, refused)
    }
}
