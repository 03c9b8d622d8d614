//! The loop of a call: wait for key and gate; make an attempt; decide by the rules; wait.

use std::{sync::Arc, time::Duration};

use crate::{
    auth::SecretKey,
    call::{
        attempt::{Ended, Ready, attempt, unsent},
        call_state::CallState,
        detach,
        held::{self, Held},
        in_flight::InFlightGuard,
        options::{Options, apply_headers},
        orphan::UndoCall,
        sends::{Success, Summary},
        settings::Settings,
        watchdog::within,
    },
    classify::{self, Classified, Exchanged},
    error::Error,
    error_of_exchange::error_of_exchange,
    execution::Execution,
    invalid_request::InvalidRequest,
    operation::{Operation, Undo},
    operation_info::Idempotency,
    response::ApiResponse,
    retry::{
        RetryPolicy,
        rule::{Again, Failure},
    },
    time::{BoxFuture, Deadline},
    transport::{HttpTransport, TransportError, TransportErrorKind, message::Request},
};

/// The result of a call.
pub(crate) type Outcome<V> = Result<ApiResponse<V>, Error>;

/// A call whose caller will hold what it makes.
pub(crate) type Holding<V> = BoxFuture<'static, Result<Held<V>, Error>>;

/// Checks everything and begins: one box, so that what is moved into a task, or lies on the stack of a `select!`, stays
/// small.
///
/// # Errors
/// Input that is refused, or a client that is closed: nothing is sent.
pub(crate) fn start<O: Operation, T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    options: Option<Box<Options>>,
) -> Result<BoxFuture<'static, Outcome<O::Output>>, Error> {
    let (caller, request) = begin(settings, transport, operation, options)?;
    Ok(Box::pin(run(caller, request)))
}

/// As [`start`], for a caller that holds what the call makes. To be called where the call is first polled.
pub(crate) fn start_held<O: Operation, T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    options: Option<Box<Options>>,
) -> Result<Holding<O::Output>, Error> {
    let (caller, request) = begin(settings, transport, operation, options)?;
    let call = &caller.call;
    let blocked = |reason| Err(Error::from_transport(call.operation.info(), TransportError::blocked(reason)));
    // Of one that may be repeated, nothing runs on where its caller leaves.
    if call.operation.creation().is_none() || call.idempotency() == Idempotency::Idempotent {
        return blocked("`hold` is for calls that make something and are not idempotent: use `send`");
    }
    if call.executor().is_none() {
        return blocked(
            "`hold` needs an executor, which revokes what is dropped: hand one to `ClientBuilder::executor`, and do not use \
             `cancel_on_drop`",
        );
    }
    Ok(Box::pin(run_held(caller, request)))
}

fn begin<O: Operation, T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    options: Option<Box<Options>>,
) -> Result<(Caller<O, T>, Request), Error> {
    let info = operation.info();
    let refused = |refusal| Error::from_invalid_request(info, refusal);
    options.as_ref().map_or(Ok(()), |options| options.check()).map_err(refused)?;
    let in_flight = match info.idempotency() {
        Idempotency::Idempotent => None,
        Idempotency::NonIdempotent => match settings.in_flight.begin() {
            Some(in_flight) => Some(in_flight),
            None => return Err(Error::from_transport(info, client_is_closed())),
        },
    };
    let call = CallState::new(settings, transport, operation, options, make_undo);
    let request = new_request(&call).map_err(refused)?;
    Ok((Caller { call: Arc::new(call), in_flight, is_over: false }, request))
}

fn client_is_closed() -> TransportError {
    TransportError::blocked("the client is closed")
        .with_advice("Make another client: after close(), this one and its clones accept no creations.")
}

/// The caller of a call, as long as it waits. Dropped before the call is over, it leaves what is in doubt to the executor.
struct Caller<O: Operation, T: HttpTransport + ?Sized> {
    call: Arc<CallState<O, T>>,
    /// Of an operation that is not idempotent.
    in_flight: Option<InFlightGuard>,
    is_over: bool,
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Caller<O, T> {
    fn drop(&mut self) {
        if self.is_over || self.in_flight.is_none() {
            return;
        }
        if let Some(in_doubt) = self.call.log.leave() {
            detach::take_care(Arc::clone(&self.call), in_doubt);
        }
    }
}

async fn run<O: Operation, T: HttpTransport + ?Sized>(mut caller: Caller<O, T>, first: Request) -> Outcome<O::Output> {
    let call = Arc::clone(&caller.call);
    let outcome = attempts(&call, first).await;
    caller.is_over = true;
    outcome
}

async fn run_held<O: Operation, T: HttpTransport + ?Sized>(
    mut caller: Caller<O, T>,
    first: Request,
) -> Result<Held<O::Output>, Error> {
    let call = Arc::clone(&caller.call);
    let outcome = attempts(&call, first).await;
    // Held before the caller has ended: whatever happens in between, one of the two takes it back.
    let held = outcome.and_then(|response| held::hold(&call, response));
    caller.is_over = true;
    held
}

async fn attempts<O: Operation, T: HttpTransport + ?Sized>(
    call: &Arc<CallState<O, T>>,
    first: Request,
) -> Outcome<O::Output> {
    let mut retries = Retries::default();
    let mut next = Some(first);
    let mut last: Option<(Exchanged, Classified, Summary)> = None;
    loop {
        let mut key = None;
        let ended = match ready(call, retries.fresh_connection).await {
            Ok(ready) => {
                // A request is made anew for each attempt: most calls need one.
                let Some(request) = next.take().or_else(|| new_request(call).ok()) else { return failed(call, last) };
                let ended = attempt(call, &ready, request).await;
                key = Some(ready.key);
                ended
            }
            Err(NotReady::HeldBack(shut)) => {
                let held_back = || {
                    let classified = Classified::without_detail(Failure::HeldBack);
                    (Err(TransportError::rate_limited(shut)), classified, call.log.summary())
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
        let ended = (exchanged, classified, summary);
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
fn new_request<O: Operation, T: HttpTransport + ?Sized>(call: &CallState<O, T>) -> Result<Request, InvalidRequest> {
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
    last: Option<(Exchanged, Classified, Summary)>,
) -> Outcome<O::Output> {
    let operation = &call.operation;
    let Some((exchanged, classified, summary)) = last else {
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

/// How often taking something back is tried.
const UNDO_ATTEMPTS: u32 = 6;

/// Makes the call that takes an orphan back: with time enough for the gate to open, and with retries of its own. No caller
/// waits for it, and an outage that has used up the budget is when callers leave.
fn make_undo<T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: Undo,
    mut options: Options,
    key: Option<SecretKey>,
) -> UndoCall {
    options.timeout = Some(settings.timeout.saturating_add(settings.live.limits.gate_limit()));
    options.retry = Some(RetryPolicy::new().max_attempts(Idempotency::Idempotent, UNDO_ATTEMPTS));
    options.unbudgeted = true;
    Box::new(move || {
        let (settings, transport) = (Arc::clone(&settings), Arc::clone(&transport));
        let (operation, options) = (operation.clone(), Box::new(options.clone()));
        let key = key.clone();
        Box::pin(async move {
            if let Some(key) = key {
                // The key that made it: a provider for several tenants may give another one's by now.
                let mut first = options.clone();
                first.credentials = Some(Arc::new(key));
                let call = start(Arc::clone(&settings), Arc::clone(&transport), operation.clone(), Some(first))?;
                match call.await {
                    // It was rotated meanwhile.
                    Err(error) if error.is_unauthorized() => {}
                    outcome => return outcome.map(|_| ()),
                }
            }
            start(settings, transport, operation, Some(options))?.await.map(|_| ())
        })
    })
}
