//! Classifies an exchange: a value, or a failure of one row of the rules.
//!
//! The one place where a transport's result, Clerk's status and what the operation's `parse` found are put together.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_ENCODING};

use crate::{
    error_kind::ErrorKind,
    execution::Execution,
    json,
    operation::{Operation, ParseError, ParseProblem, Salvage},
    retry::{
        retry_after,
        rule::{Failure, Rule},
        rules::{failure_of_status, failure_of_transport, rule},
    },
    time::Timer,
    transport::{
        error::{TransportError, TransportErrorKind},
        message::Response,
        send_state::SendState,
    },
};

/// What came back from the transport, through whatever middleware there is.
pub(crate) type Exchanged = Result<Response, TransportError>;

/// A failure, and what the operation found in the response.
#[derive(Debug)]
pub(crate) struct Classified {
    pub(crate) failure: Failure,
    /// How it surfaces, where that is not the rule's to say.
    kind: Option<ErrorKind>,
    pub(crate) problem: Option<ParseProblem>,
    pub(crate) salvage: Salvage,
}

impl Classified {
    pub(crate) fn rule(&self) -> &'static Rule {
        rule(self.failure)
    }

    /// Whether a 2xx response turned out not to be Clerk's response to this request.
    pub(crate) fn is_mismatched_response(&self) -> bool {
        matches!(self.failure, Failure::ResponseNotClerk | Failure::ResponseMismatch)
    }

    /// The failure of a 2xx in which an operation found this.
    fn of(problem: ParseProblem) -> Self {
        let failure = match problem {
            ParseProblem::Status | ParseProblem::Unusable { .. } => Failure::ResponseInvalid,
            ParseProblem::NotClerk { .. } => Failure::ResponseNotClerk,
            ParseProblem::Mismatch { .. } => Failure::ResponseMismatch,
        };
        Self { problem: Some(problem), ..Self::without_detail(failure) }
    }

    pub(crate) fn without_detail(failure: Failure) -> Self {
        Self { failure, kind: None, problem: None, salvage: Salvage::None }
    }

    /// The failure of an attempt whose exchange was dropped. It surfaces as what the middleware failed with.
    pub(crate) fn dropped(dropped: Dropped, claimed: TransportErrorKind) -> Self {
        Self { kind: rule(failure_of_transport(claimed)).kind, ..Self::without_detail(dropped.failure()) }
    }

    /// How it surfaces.
    pub(crate) fn kind(&self) -> ErrorKind {
        // One of the two is there: the rules that say nothing are those of a dropped exchange.
        self.rule().kind.or(self.kind).unwrap_or(ErrorKind::Interrupted)
    }
}

/// When the exchange of a send was dropped by a middleware, or by the client's own timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Before the request was handed over.
    BeforeSend,
    /// After that: it may have been executed. The exchange may be detached.
    AfterSend,
}

impl Dropped {
    fn failure(self) -> Failure {
        match self {
            Self::BeforeSend => Failure::DroppedBeforeSend,
            Self::AfterSend => Failure::DroppedAfterSend,
        }
    }
}

/// What the head of an exchange proves, before anybody reads the body: what the send log records.
pub(crate) fn proof(exchanged: &Exchanged) -> Execution {
    failure_of(exchanged).map_or(Execution::Executed, |failure| rule(failure).execution)
}

/// The response, also one that was cut short.
pub(crate) fn response_of(exchanged: &Exchanged) -> Option<&Response> {
    exchanged.as_ref().map_or_else(TransportError::partial, Some)
}

/// The status of the response, also of one that was cut short.
pub(crate) fn status_of(exchanged: &Exchanged) -> Option<StatusCode> {
    response_of(exchanged).map(Response::status)
}

/// The headers of the response, also of one that was cut short.
pub(crate) fn headers_of(exchanged: &Exchanged) -> Option<&HeaderMap> {
    response_of(exchanged).map(Response::headers)
}

/// How long the response asks to wait (`Retry-After`).
pub(crate) fn asked_to_wait(exchanged: &Exchanged, timer: &dyn Timer) -> Option<Duration> {
    headers_of(exchanged).and_then(|headers| retry_after::retry_after(headers, timer.system_time()))
}

/// The body of a 2xx, as far as it arrived.
pub(crate) fn success_body(exchanged: &Exchanged) -> Option<&Bytes> {
    response_of(exchanged).filter(|response| response.status().is_success()).map(Response::body)
}

/// Cuts the body to one byte more than the cap, which shows that it was longer. So the core does
/// not read all of it where a transport or a middleware keeps no cap.
pub(crate) fn bound(exchanged: &mut Exchanged, cap: usize) {
    let response = match exchanged {
        Ok(response) => Some(response),
        Err(error) => error.partial_mut(),
    };
    if let Some(response) = response {
        response.body_mut().truncate(cap.saturating_add(1));
    }
}

/// Whether it is a success whose body is larger than the cap.
pub(crate) fn is_over_cap(exchanged: &Exchanged, cap: usize) -> bool {
    let is_larger = match exchanged {
        Ok(response) => response.body().len() > cap,
        Err(error) => error.kind() == TransportErrorKind::BodyTooLarge,
    };
    is_larger && status_of(exchanged).is_some_and(|status| status.is_success())
}

/// The failure that an error is by itself, where no head had arrived.
pub(crate) fn failure_of_error(error: &TransportError) -> Failure {
    failure_of_transport(error.kind())
}

/// The failure that the head of an exchange is by itself. `None` for a success.
pub(crate) fn failure_of(exchanged: &Exchanged) -> Option<Failure> {
    match (status_of(exchanged), exchanged) {
        (Some(status), _) if status.is_success() => None,
        (Some(status), _) => Some(failure_of_status(status)),
        (None, Err(error)) => Some(failure_of_error(error)),
        (None, Ok(_)) => None,
    }
}

/// What a dropped exchange proves.
pub(crate) fn proof_of_dropped(dropped: Dropped) -> Execution {
    rule(dropped.failure()).execution
}

/// How a failure surfaces by its rule.
pub(crate) fn kind_of(failure: Failure) -> Option<ErrorKind> {
    rule(failure).kind
}

/// Withdraws what a transport claims and its send state does not prove. Where the peer refused the request, the claim stays.
pub(crate) fn proved(error: TransportError, send_state: &SendState) -> TransportError {
    let is_word_of_peer =
        matches!(error.kind(), TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection);
    let claims_too_much = error.partial().is_none()
        && error.execution() == Execution::NotExecuted
        && !is_word_of_peer
        && !send_state.is_unsent();
    if claims_too_much { error.into_unproved() } else { error }
}

/// Classifies an exchange. The stamp is the one that its attempt bore.
pub(crate) fn classify<O: Operation>(
    operation: &O,
    cap: usize,
    stamp: Option<&str>,
    exchanged: &Exchanged,
) -> Result<O::Output, Classified> {
    match exchanged {
        Ok(response) => classify_response(operation, cap, stamp, response),
        Err(error) => Err(classify_error(|body| salvage(operation, stamp, body), error)),
    }
}

/// Salvages the id in a body. A response to another attempt names nothing of this one's.
pub(crate) fn salvage<O: Operation>(operation: &O, stamp: Option<&str>, body: &[u8]) -> Result<Salvage, ParseError> {
    let Some(creation) = operation.creation() else { return Ok(Salvage::None) };
    let is_echoed = check_stamp(operation, stamp, body)?;
    let salvaged = creation.salvage(body)?;
    Ok(if is_echoed { salvaged } else { salvaged.into_unconfirmed() })
}

/// Finds the id in the body of a 2xx of which nothing but the body is left. Where it is whole, what `salvage` is not sure of
/// is for `parse` to say.
pub(crate) fn salvage_success<O: Operation>(
    operation: &O,
    stamp: Option<&str>,
    body: &Bytes,
    is_whole: bool,
) -> Result<Salvage, ParseError> {
    let salvaged = salvage(operation, stamp, body)?;
    if !is_whole || salvaged.confirmed().is_some() {
        return Ok(salvaged);
    }
    match operation.parse(&Response::new(body.clone())) {
        Ok(value) => {
            let id = operation.creation().and_then(|creation| creation.id_of(&value));
            Ok(id.map_or(salvaged, Salvage::Confirmed))
        }
        Err(foreign @ ParseError(ParseProblem::NotClerk { .. } | ParseProblem::Mismatch { .. })) => Err(foreign),
        Err(_) => Ok(salvaged),
    }
}

/// Whether the body echoes the stamp, if there is one.
fn check_stamp<O: Operation>(operation: &O, stamp: Option<&str>, body: &[u8]) -> Result<bool, ParseError> {
    match (stamp, operation.creation()) {
        (Some(stamp), Some(creation)) => creation.check_stamp(body, stamp),
        _ => Ok(true),
    }
}

fn classify_response<O: Operation>(
    operation: &O,
    cap: usize,
    stamp: Option<&str>,
    response: &Response,
) -> Result<O::Output, Classified> {
    let body = response.body().get(..cap).unwrap_or(response.body());
    let salvage = || salvage(operation, stamp, body);
    if !response.status().is_success() {
        // Classified by the status, whatever parse makes of the body, unless that is a success.
        return operation.parse(response).map_err(|ParseError(problem)| Classified {
            problem: Some(problem),
            ..Classified::without_detail(failure_of_status(response.status()))
        });
    }
    if is_compressed(response) {
        // Whatever is in there, it says nothing of whose it is.
        return Err(Classified::of(ParseProblem::unusable(
            "the body is compressed, and the client asked for an uncompressed one",
        )));
    }
    if response.body().len() > cap {
        return Err(unusable(ParseProblem::unusable("the body is larger than `response_cap`"), salvage));
    }
    if let Err(ParseError(problem)) = check_stamp(operation, stamp, body) {
        return Err(Classified::of(problem));
    }
    operation.parse(response).map_err(|ParseError(problem)| match problem {
        ParseProblem::Status | ParseProblem::Unusable { .. } => unusable(problem, salvage),
        ParseProblem::NotClerk { .. } | ParseProblem::Mismatch { .. } => Classified::of(problem),
    })
}

/// A 2xx that cannot be read. Its body may still say to which request it belongs.
fn unusable(problem: ParseProblem, salvage: impl FnOnce() -> Result<Salvage, ParseError>) -> Classified {
    match salvage() {
        Ok(salvage) => Classified { salvage, ..Classified::of(problem) },
        Err(ParseError(problem)) => Classified::of(problem),
    }
}

/// The codings of HTTP (RFC 9110 section 8.4.1, RFC 7932, RFC 8878) under which a body is not what it was.
const CODINGS: [&str; 6] = ["gzip", "x-gzip", "compress", "deflate", "br", "zstd"];

/// Whether the body is under one of the codings. Gateways write all kinds of values into the header, over bodies that are
/// JSON: what is JSON is read.
fn is_compressed(response: &Response) -> bool {
    let is_coding = |coding: &str| CODINGS.iter().any(|known| known.eq_ignore_ascii_case(coding.trim()));
    let mut values = response.headers().get_all(CONTENT_ENCODING).iter();
    values.any(|value| value.to_str().is_ok_and(|value| value.split(',').any(is_coding)))
        && !json::is_object_so_far(response.body())
}

/// Classifies an error, also one that carries the beginning of a response.
pub(crate) fn classify_error(
    salvage: impl FnOnce(&[u8]) -> Result<Salvage, ParseError>,
    error: &TransportError,
) -> Classified {
    let Some(partial) = error.partial() else {
        return Classified::without_detail(failure_of_transport(error.kind()));
    };
    if !partial.status().is_success() {
        return Classified::without_detail(failure_of_status(partial.status()));
    }
    match salvage(partial.body()) {
        Err(ParseError(problem)) if !is_compressed(partial) => Classified::of(problem),
        salvaged => {
            let failure = match error.kind() {
                TransportErrorKind::BodyTooLarge => Failure::ResponseInvalid,
                _ => Failure::ResponseTruncated,
            };
            Classified { salvage: salvaged.unwrap_or_default(), ..Classified::without_detail(failure) }
        }
    }
}
