//! The loop of a call: wait for key and gate; make an attempt; decide by the rules; wait.

use std::{sync::Arc, time::Duration};

use crate::{
    auth::SecretKey,
    call::{
        attempt::{Ended, Ready, attempt, unsent},
        call_state::CallState,
        options::apply_headers,
        sends::{Success, Summary},
        watchdog::within,
    },
    classify::{self, Classified, Exchanged},
    error::Error,
    error_of_exchange::error_of_exchange,
    execution::Execution,
    invalid_request::InvalidRequest,
    operation::Operation,
    operation_info::Idempotency,
    response::ApiResponse,
    retry::{
        RetryPolicy,
        rule::{Again, Failure},
    },
    time::Deadline,
    transport::{HttpTransport, TransportError, TransportErrorKind, message::Request},
};

/// The result of a call.
pub(crate) type Outcome<V> = Result<ApiResponse<V>, Error>;

/// What the last attempt has come to, where it has failed. In a box: of most calls there is none.
type Last = (Exchanged, Classified, Summary);

/// Makes attempts until one succeeds, or until none may follow.
pub(crate) async fn attempts<O: Operation, T: HttpTransport + ?Sized>(
    call: &Arc<CallState<O, T>>,
    first: &mut Option<Request>,
) -> Outcome<O::Output> {
    let mut retries = Retries::default();
    let mut last: Option<Box<Last>> = None;
    loop {
        let mut key = None;
        let ended = match ready(call, retries.fresh_connection).await {
            Ok(ready) => {
                // A request is made anew for each attempt: most calls need one.
                let Some(request) = first.take().or_else(|| new_request(call).ok()) else { return failed(call, last) };
                let ended = attempt(call, &ready, request).await;
                key = Some(ready.key);
                ended
            }
            Err(NotReady::HeldBack(shut)) => {
                let held_back = || {
                    let classified = Classified::without_detail(Failure::HeldBack);
                    Box::new((Err(TransportError::rate_limited(shut)), classified, call.log.summary()))
                };
                return failed(call, Some(last.unwrap_or_else(held_back)));
            }
            Err(NotReady::Failed(error)) => unsent(call, error),
        };
        let Ended { exchanged, result, summary } = ended;
        let classified = match result {
            Ok(value) => return succeeded(call, exchanged, value, summary),
            Err(classified) => classified,
        };
        let again = retries.decide(call.retry(), call.idempotency(), &classified, &exchanged, call.log.is_shut());
        let goes_on = match again {
            Some(again) => pause(call, again, retries.tries, key.as_ref(), &exchanged).await,
            None => false,
        };
        // The retry budget may have been found empty meanwhile.
        let summary = if goes_on { summary } else { call.log.summary() };
        let ended = Box::new((exchanged, classified, summary));
        if !goes_on {
            return failed(call, Some(ended));
        }
        last = Some(ended);
    }
}

/// What the rules need to know of the attempts so far.
#[derive(Default)]
struct Retries {
    tries: u32,
    /// A server that says that it did nothing may be wrong: it is believed once.
    has_believed: bool,
    fresh_connection: bool,
}

impl Retries {
    /// Decides by the rules whether there may be another attempt. What is left, whether there is time and budget for it, is
    /// the affair of [`pause`].
    fn decide(
        &mut self,
        policy: &RetryPolicy,
        idempotency: Idempotency,
        classified: &Classified,
        exchanged: &Exchanged,
        is_shut: bool,
    ) -> Option<Again> {
        self.tries = self.tries.saturating_add(1);
        let rule = classified.rule();
        let again = rule.again(idempotency);
        let may_retry = match again {
            Again::No => false,
            Again::Once | Again::OnceFresh => !std::mem::replace(&mut self.has_believed, true),
            Again::IfOptedIn => policy.is_opted_in(classify::status_of(exchanged)),
            Again::Backoff => true,
        };
        // A middleware may claim that nothing happened; the send log knows better.
        let is_doubtful = rule.execution == Execution::NotExecuted && is_shut;
        self.fresh_connection |= may_retry && again == Again::OnceFresh;
        (may_retry && !is_doubtful && self.tries < policy.attempts(idempotency)).then_some(again)
    }
}

/// Why an attempt cannot begin.
enum NotReady {
    /// The gate is shut until after the deadline.
    HeldBack(Duration),
    /// There is no key.
    Failed(TransportError),
}

/// Waits until there is a key and the gate of its place is open. After a wait the provider is asked again.
async fn ready<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    fresh_connection: bool,
) -> Result<Ready, NotReady> {
    let timer = call.transport.timer();
    let limits = &call.settings.live.limits;
    loop {
        let deadline = match call.retry().timeout_of_attempt(call.idempotency()) {
            Some(timeout) => call.deadline.min(Deadline::after(timer.now(), timeout)),
            None => call.deadline,
        };
        let credentials = call.credentials();
        let key = match credentials.ready_key() {
            Some(key) => key,
            None => match within(timer, deadline, Duration::ZERO, credentials.secret_key(), || ()).await {
                Some(Ok(key)) => key,
                Some(Err(error)) => {
                    let error = TransportError::new(TransportErrorKind::Credential).with_source(error);
                    return Err(NotReady::Failed(error));
                }
                None => return Err(NotReady::Failed(TransportErrorKind::TimeoutBeforeSend.into())),
            },
        };
        let shut = limits.remaining(call.place(&key), || timer.now());
        if shut.is_zero() {
            return Ok(Ready { key, deadline, fresh_connection });
        }
        if shut >= call.deadline.remaining(timer.now()) {
            return Err(NotReady::HeldBack(shut));
        }
        // Another response may shut it for longer meanwhile.
        timer.sleep(shut).await;
    }
}

/// Waits for the next attempt. `false` if there is no time or no budget for one.
async fn pause<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    again: Again,
    tries: u32,
    key: Option<&SecretKey>,
    exchanged: &Exchanged,
) -> bool {
    let timer = call.transport.timer();
    let live = &call.settings.live;
    let wait = match again {
        Again::OnceFresh => Duration::ZERO,
        Again::No | Again::Once | Again::Backoff | Again::IfOptedIn => {
            let asked = classify::asked_to_wait(exchanged, timer);
            live.backoff(call.retry(), tries.saturating_sub(1)).max(asked.unwrap_or(Duration::ZERO))
        }
    };
    // Nothing is slept that could not be followed by an attempt.
    let now = timer.now();
    let place = key.map(|key| call.place(key));
    let shut = place.map_or(Duration::ZERO, |place| live.limits.remaining(place, || now));
    let wait = wait.max(shut);
    if wait >= call.deadline.remaining(now) {
        return false;
    }
    if let (Some(place), true) = (place, call.is_budgeted()) {
        if !live.limits.take(place, now) {
            call.log.out_of_retries();
            return false;
        }
    }
    timer.sleep(wait).await;
    // A sleep may last longer than it was asked to: the machine itself may have slept.
    !call.deadline.has_passed(timer.now())
}

/// Makes the request of an attempt: the operation's, with what the client and the call add.
pub(crate) fn new_request<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
) -> Result<Request, InvalidRequest> {
    let mut request = call.operation.request(call.base_url())?;
    apply_headers(&mut request, &call.settings, call.options.as_deref());
    Ok(request)
}

fn succeeded<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    exchanged: Exchanged,
    value: O::Output,
    summary: Summary,
) -> Outcome<O::Output> {
    match exchanged {
        Ok(response) => Ok(ApiResponse::new(value, response, summary.attempts, summary.others_in_doubt)),
        // A value comes from a response; there is none without.
        Err(error) => Err(Error::from_transport(call.operation.info(), error)),
    }
}

fn failed<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    last: Option<Box<Last>>,
) -> Outcome<O::Output> {
    let operation = &call.operation;
    let Some((exchanged, classified, summary)) = last.map(|last| *last) else {
        let refusal = InvalidRequest::new("request", "could not be built a second time");
        return Err(Error::from_invalid_request(operation.info(), refusal));
    };
    let timer = call.transport.timer();
    let now = timer.system_time();
    let mut inner = error_of_exchange(operation.info(), exchanged, classified, call.settings.response_cap, now);
    inner.execution = summary.execution;
    inner.base_url = Some(call.base_url().clone());
    inner.out_of_retries = summary.out_of_retries;
    inner.is_detached = summary.is_detached;
    // A detached exchange may make something until the deadline.
    let left = if summary.is_detached { call.deadline.remaining(timer.now()) } else { Duration::ZERO };
    let made_by = now.checked_add(left).unwrap_or(now);
    inner.exposed =
        operation.creation().and_then(|creation| creation.exposure()).map(|exposure| exposure.until(made_by));
    if inner.salvage.confirmed().is_none() {
        let arrived = call.log.success().and_then(|(_, Success { body, is_whole, stamp, .. })| {
            classify::salvage_success(operation, stamp.as_deref(), &body, is_whole).ok()
        });
        inner.salvage = std::mem::take(&mut inner.salvage).or(arrived.unwrap_or_default());
    }
    inner.attempts = summary.attempts.as_slice().to_vec();
    Err(inner.into())
}
