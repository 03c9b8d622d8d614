//! What an exchange came to: a value, or a failure of one row of the rules, and the error that says so.
//!
//! The one place where a transport's result, Clerk's status and what the operation's `parse` found are put together.

use std::{borrow::Cow, time::SystemTime};

use bytes::Bytes;
use http::{
    HeaderMap, StatusCode, Uri,
    header::{CONTENT_ENCODING, LOCATION},
};

use crate::{
    error::{Error, Inner, api},
    execution::Execution,
    invalid_request::InvalidRequest,
    operation::{Operation, OperationInfo, ParseError, ParseProblem},
    retry::{
        after,
        rules::{Failure, Rule, failure_of_status, failure_of_transport, rule},
    },
    transport::{Response, TransportError, TransportErrorKind},
    url::check_authority,
};

/// What came back from the transport, through whatever middleware there is.
pub(crate) type Exchanged = Result<Response, TransportError>;

/// A failure, and what the operation found in the answer.
#[derive(Debug)]
pub(crate) struct Classified {
    pub(crate) failure: Failure,
    problem: Option<ParseProblem>,
    salvaged_id: Option<String>,
}

impl Classified {
    pub(crate) fn rule(&self) -> &'static Rule {
        rule(self.failure)
    }

    /// Whether a 2xx answer turned out not to be Clerk's answer to this request.
    pub(crate) fn is_mismatched_response(&self) -> bool {
        matches!(self.failure, Failure::ResponseNotClerk | Failure::ResponseMismatch)
    }

    /// What a 2xx comes to in which an operation found this.
    fn of(problem: ParseProblem) -> Self {
        let failure = match problem {
            ParseProblem::Status | ParseProblem::Unusable { .. } => Failure::ResponseInvalid,
            ParseProblem::NotClerk { .. } => Failure::ResponseNotClerk,
            ParseProblem::Mismatch { .. } => Failure::ResponseMismatch,
        };
        Self { failure, problem: Some(problem), salvaged_id: None }
    }

    pub(crate) fn without_detail(failure: Failure) -> Self {
        Self { failure, problem: None, salvaged_id: None }
    }
}

/// What the head of an exchange proves, before anybody reads the body: what the guard goes by.
pub(crate) fn proof(exchanged: &Exchanged) -> Execution {
    match exchanged {
        Ok(response) => proof_of_status(response.status()),
        Err(error) => match error.partial() {
            Some(partial) => proof_of_status(partial.status()),
            None => rule(failure_of_transport(error.kind())).execution,
        },
    }
}

fn proof_of_status(status: StatusCode) -> Execution {
    if status.is_success() { Execution::Executed } else { rule(failure_of_status(status)).execution }
}

/// The status of the answer, also of one that was cut short.
pub(crate) fn status_of(exchanged: &Exchanged) -> Option<StatusCode> {
    match exchanged {
        Ok(response) => Some(response.status()),
        Err(error) => error.partial().map(Response::status),
    }
}

/// The headers of the answer, also of one that was cut short.
pub(crate) fn headers_of(exchanged: &Exchanged) -> Option<&HeaderMap> {
    match exchanged {
        Ok(response) => Some(response.headers()),
        Err(error) => error.partial().map(Response::headers),
    }
}

/// The body of a 2xx, as far as it arrived.
pub(crate) fn success_body(exchanged: &Exchanged) -> Option<&Bytes> {
    let response = exchanged.as_ref().map_or_else(TransportError::partial, Some)?;
    response.status().is_success().then(|| response.body())
}

/// Cuts the body to one byte more than the cap, which shows that it was longer: a transport, or a middleware, that keeps no
/// cap must not make the core read it all.
pub(crate) fn bound(exchanged: &mut Exchanged, cap: usize) {
    let response = match exchanged {
        Ok(response) => Some(response),
        Err(error) => error.partial_mut(),
    };
    if let Some(response) = response {
        response.body_mut().truncate(cap.saturating_add(1));
    }
}

/// Judges an exchange.
pub(crate) fn classify<O: Operation>(
    operation: &O,
    cap: usize,
    exchanged: &Exchanged,
) -> Result<O::Output, Classified> {
    match exchanged {
        Ok(response) => classify_response(operation, cap, response),
        Err(error) => Err(classify_error(|body| operation.salvage(body), error)),
    }
}

fn classify_response<O: Operation>(operation: &O, cap: usize, response: &Response) -> Result<O::Output, Classified> {
    let body = response.body().get(..cap).unwrap_or(response.body());
    let salvage = || operation.salvage(body);
    if !response.status().is_success() {
        // Judged by the status, whatever parse makes of the body, unless that is a success.
        return operation.parse(response).map_err(|ParseError(problem)| Classified {
            failure: failure_of_status(response.status()),
            problem: Some(problem),
            salvaged_id: None,
        });
    }
    if is_encoded(response) {
        // Whatever is in there, it says nothing of whose it is.
        let detail = "the body is compressed, which was not asked for";
        let salvaged_id = salvage().unwrap_or(None);
        return Err(Classified { salvaged_id, ..Classified::of(ParseProblem::unusable(detail)) });
    }
    if response.body().len() > cap {
        return Err(unusable(ParseProblem::unusable("the body is larger than the cap"), salvage));
    }
    operation.parse(response).map_err(|ParseError(problem)| match problem {
        ParseProblem::Status | ParseProblem::Unusable { .. } => unusable(problem, salvage),
        ParseProblem::NotClerk { .. } | ParseProblem::Mismatch { .. } => Classified::of(problem),
    })
}

/// A 2xx that cannot be read: whose it is may be seen all the same.
fn unusable(problem: ParseProblem, salvage: impl FnOnce() -> Result<Option<String>, ParseError>) -> Classified {
    match salvage() {
        Ok(salvaged_id) => Classified { salvaged_id, ..Classified::of(problem) },
        Err(ParseError(problem)) => Classified::of(problem),
    }
}

fn is_encoded(response: &Response) -> bool {
    let is_identity = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    !response.headers().get_all(CONTENT_ENCODING).iter().all(is_identity)
}

fn classify_error(
    salvage: impl FnOnce(&[u8]) -> Result<Option<String>, ParseError>,
    error: &TransportError,
) -> Classified {
    let Some(partial) = error.partial() else {
        return Classified::without_detail(failure_of_transport(error.kind()));
    };
    if !partial.status().is_success() {
        return Classified::without_detail(failure_of_status(partial.status()));
    }
    match salvage(partial.body()) {
        Err(ParseError(problem)) if !is_encoded(partial) => Classified::of(problem),
        salvaged => {
            let failure = match error.kind() {
                TransportErrorKind::BodyTooLarge => Failure::ResponseInvalid,
                _ => Failure::ResponseTruncated,
            };
            Classified { salvaged_id: salvaged.unwrap_or(None), ..Classified::without_detail(failure) }
        }
    }
}

/// Puts everything that is known into an error. The attempts and the join over them are the caller's to add.
pub(crate) fn error(
    info: &'static OperationInfo,
    exchanged: Exchanged,
    classified: Classified,
    cap: usize,
    wall: SystemTime,
) -> Inner {
    let rule = classified.rule();
    let mut inner = Inner::new(info, rule.kind, rule.execution);
    let response = match exchanged {
        Ok(response) => Some(response),
        Err(error) => {
            inner.retry_after = error.retry_after();
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
            api::Envelope { trace_id: api::trace_id(&head.headers), ..api::Envelope::default() }
        } else {
            api::read(&head.headers, &body)
        };
        inner.retry_after = after::retry_after(&head.headers, wall);
        inner.redirect_origin = head.status.is_redirection().then(|| location_origin(&head.headers)).flatten();
        inner.body = (classified.failure != Failure::ResponseMismatch).then_some(body);
        inner.headers = head.headers;
    }
    inner.salvaged_id = classified.salvaged_id;
    match classified.problem {
        Some(ParseProblem::Unusable { detail, raw_id }) => {
            inner.detail = Some(detail);
            inner.raw_id = raw_id.map(|id| id.escape_debug().to_string());
        }
        Some(ParseProblem::NotClerk { detail }) => inner.detail = Some(detail),
        Some(ParseProblem::Mismatch { field }) => {
            inner.detail = Some(Cow::Owned(format!("`{field}` is not the one that was asked for")));
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

/// Errors made without a call, for test doubles.
impl Error {
    /// The error that a call makes of this answer. A 2xx becomes one that cannot be used.
    #[must_use]
    pub fn from_response(info: &'static OperationInfo, response: &Response) -> Self {
        let failure = match response.status() {
            status if status.is_success() => Failure::ResponseInvalid,
            status => failure_of_status(status),
        };
        error(info, Ok(response.clone()), Classified::without_detail(failure), usize::MAX, SystemTime::now()).into()
    }

    /// The error that a call makes of this failure of the transport.
    #[must_use]
    pub fn from_transport(info: &'static OperationInfo, failed: TransportError) -> Self {
        let classified = classify_error(|_| Ok(None), &failed);
        error(info, Err(failed), classified, usize::MAX, SystemTime::now()).into()
    }

    /// The error that a call makes of input that it refuses.
    #[must_use]
    pub fn from_invalid_request(info: &'static OperationInfo, refused: InvalidRequest) -> Self {
        let rule = rule(Failure::InvalidRequest);
        let mut inner = Inner::new(info, rule.kind, rule.execution);
        inner.invalid = Some(refused);
        inner.into()
    }
}
