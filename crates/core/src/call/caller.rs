//! The caller of a call: it begins the call, waits for it or holds what it made, and may leave at any moment.
//!
//! Responsible for what is checked before anything is sent, and for what becomes of a call whose caller leaves. The loop is
//! in `run`.

use std::sync::Arc;

use crate::{
    auth::SecretKey,
    call::{
        call_state::CallState,
        detach,
        held::{self, Held},
        in_flight::InFlightGuard,
        options::Options,
        orphan::UndoCall,
        run::{Outcome, attempts, new_request},
        settings::Settings,
    },
    error::Error,
    observe::spans::CallSpan,
    operation::{Operation, Undo},
    operation_info::Idempotency,
    retry::RetryPolicy,
    time::BoxFuture,
    transport::{HttpTransport, TransportError, message::Request},
};

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
    let caller = begin(settings, transport, operation, options)?;
    let span = caller.span.clone();
    Ok(span.around(Box::pin(run(caller))))
}

/// As [`start`], for a caller that holds what the call makes. To be called where the call is first polled.
pub(crate) fn start_held<O: Operation, T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    options: Option<Box<Options>>,
) -> Result<Holding<O::Output>, Error> {
    let mut caller = begin(settings, transport, operation, options)?;
    // Of one that may be repeated, nothing runs on where its caller leaves.
    if caller.call.operation.creation().is_none() || caller.call.idempotency() == Idempotency::Idempotent {
        return Err(caller.refuse("`hold` is for calls that make something and are not idempotent: use `send`"));
    }
    if caller.call.executor().is_none() {
        return Err(caller.refuse(
            "`hold` needs an executor, which revokes what is dropped: hand one to `ClientBuilder::executor`, and do not use \
             `cancel_on_drop`",
        ));
    }
    let span = caller.span.clone();
    Ok(span.around(Box::pin(run_held(caller))))
}

fn begin<O: Operation, T: HttpTransport + ?Sized>(
    settings: Arc<Settings>,
    transport: Arc<T>,
    operation: O,
    options: Option<Box<Options>>,
) -> Result<Caller<O, T>, Error> {
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
    let call = Arc::new(CallState::new(settings, transport, operation, options, make_undo));
    let first = new_request(&call).map_err(refused)?;
    let span = call.begin_watch(first.method());
    Ok(Caller { call, first: Some(first), in_flight, is_over: false, span })
}

fn client_is_closed() -> TransportError {
    TransportError::blocked("the client is closed")
        .with_advice("Make another client: after close(), this one and its clones accept no creations.")
}

/// The caller of a call, as long as it waits. Dropped before the call is over, it leaves what is in doubt to the executor.
struct Caller<O: Operation, T: HttpTransport + ?Sized> {
    call: Arc<CallState<O, T>>,
    /// The request of the first attempt, until it is made.
    first: Option<Request>,
    /// Of an operation that is not idempotent.
    in_flight: Option<InFlightGuard>,
    is_over: bool,
    span: CallSpan,
}

impl<O: Operation, T: HttpTransport + ?Sized> Caller<O, T> {
    /// A method, and no assignment: an async block would capture the field alone, and assign to its copy.
    fn end(&mut self) {
        self.is_over = true;
    }

    /// Ends the call before anything is sent.
    fn refuse(&mut self, reason: &'static str) -> Error {
        let error = Error::from_transport(self.call.operation.info(), TransportError::blocked(reason));
        self.call.call_ended::<O::Output>(&self.span, Err(&error));
        self.end();
        error
    }

    fn show(&self, outcome: &Outcome<O::Output>) {
        self.call.call_ended(&self.span, outcome.as_ref());
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Caller<O, T> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.in_flight.is_none() {
            return self.span.left();
        }
        if let Some(in_doubt) = self.call.log.leave() {
            detach::take_care(Arc::clone(&self.call), in_doubt);
        }
        self.span.left();
    }
}

#[expect(clippy::manual_async_fn, reason = "an async fn holds each argument twice")]
fn run<O: Operation, T: HttpTransport + ?Sized>(
    mut caller: Caller<O, T>,
) -> impl Future<Output = Outcome<O::Output>> + Send {
    async move {
        let outcome = attempts(&caller.call, &mut caller.first).await;
        caller.show(&outcome);
        caller.end();
        outcome
    }
}

#[expect(clippy::manual_async_fn, reason = "an async fn holds each argument twice")]
fn run_held<O: Operation, T: HttpTransport + ?Sized>(
    mut caller: Caller<O, T>,
) -> impl Future<Output = Result<Held<O::Output>, Error>> + Send {
    async move {
        let outcome = attempts(&caller.call, &mut caller.first).await;
        caller.show(&outcome);
        // Held before the caller has ended: whatever happens in between, one of the two takes it back.
        let held = outcome.and_then(|response| held::hold(&caller.call, response));
        caller.end();
        held
    }
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
