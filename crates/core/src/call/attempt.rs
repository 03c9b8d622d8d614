//! One attempt: through the middleware, with the key attached last, to the transport; and what it has come to.

use std::{future::Future, pin::pin, sync::Arc};

use http::{Method, Uri, header::AUTHORIZATION};

use crate::{
    auth::SecretKey,
    call::{
        call_state::CallState,
        exchange::Exchange,
        sends::{AttemptEnd, Shut, Success, Summary},
        watchdog::{ATTEMPT_WATCHDOG, late, until, within},
    },
    classify::{self, Classified, Exchanged, classify},
    execution::Execution,
    middleware::{Endpoint, Next},
    operation::Operation,
    operation_info::Idempotency,
    reserved::reserved,
    stamp,
    time::{BoxFuture, Deadline, Timer},
    transport::{
        CallContext, DiscardConnection, HttpTransport, TransportError, TransportErrorKind, message::Request,
        send_state::SendState,
    },
};

/// What an attempt needs beside its request.
pub(crate) struct Ready {
    pub(crate) key: SecretKey,
    pub(crate) deadline: Deadline,
    pub(crate) fresh_connection: bool,
}

/// What an attempt has come to.
pub(crate) struct Ended<V> {
    pub(crate) exchanged: Exchanged,
    pub(crate) result: Result<V, Classified>,
    pub(crate) summary: Summary,
}

/// Makes an attempt with this request.
#[expect(clippy::manual_async_fn, reason = "an async fn holds each argument twice, and a request takes 256 bytes")]
pub(crate) fn attempt<O: Operation, T: HttpTransport + ?Sized>(
    call: &Arc<CallState<O, T>>,
    ready: &Ready,
    mut request: Request,
) -> impl Future<Output = Ended<O::Output>> + Send {
    async move {
        call.attempt_begins();
        let (number, first_send) = call.log.begin_attempt();
        let stamp = match add_stamp(call, &mut request, number) {
            Ok(stamp) => stamp,
            Err(refused) => return end(call, Some(&ready.key), number, None, Err(refused)),
        };
        let Ready { key, deadline, fresh_connection } = ready;
        let deadline = *deadline;
        let mut context = CallContext::new(call.operation.info(), deadline)
            .with_attempt(number)
            .with_response_cap(call.settings.response_cap);
        if *fresh_connection {
            context = context.with_fresh_connection();
        }
        let middleware = &call.settings.middleware;
        let own = (!middleware.is_empty()).then(|| (request.method().clone(), request.uri().clone()));
        let core = Core { call, key, own, first_send };
        let exchanged = if middleware.is_empty() && call.transport.keeps_deadlines() {
            core.send(request, &context).await
        } else {
            let timer = call.transport.timer();
            let next = Next::into_core(middleware, &core, &context);
            match within(timer, deadline, ATTEMPT_WATCHDOG, pin!(next.run(request)), || call.log.abort()).await {
                Some(exchanged) => exchanged,
                // Everything of this attempt has been dropped; the log knows what had become of it.
                None => Err(late(call.log.execution_of(number))),
            }
        };
        end(call, Some(key), number, stamp.as_deref(), exchanged)
    }
}

/// Records an attempt that ended before there was a request to send.
pub(crate) fn unsent<O: Operation, T: HttpTransport + ?Sized>(
    call: &Arc<CallState<O, T>>,
    error: TransportError,
) -> Ended<O::Output> {
    call.attempt_begins();
    let (number, _) = call.log.begin_attempt();
    end(call, None, number, None, Err(error))
}

fn add_stamp<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    request: &mut Request,
    number: u32,
) -> Result<Option<String>, TransportError> {
    let Some(creation) = call.operation.creation().filter(|creation| creation.is_stamped()) else { return Ok(None) };
    let stamp = stamp::random()
        .ok_or_else(|| TransportError::blocked("the operating system returned no random bytes for the stamp"))?;
    if !creation.stamp(request, &stamp) {
        return Err(TransportError::blocked("the operation cannot put its stamp into the request"));
    }
    call.log.stamp(number, stamp.clone());
    Ok(Some(stamp))
}

/// Classifies an attempt, and passes the result to the send log, to the calls to the same place and to the connection.
fn end<O: Operation, T: HttpTransport + ?Sized>(
    call: &CallState<O, T>,
    key: Option<&SecretKey>,
    number: u32,
    stamp: Option<&str>,
    mut exchanged: Exchanged,
) -> Ended<O::Output> {
    let cap = call.settings.response_cap;
    classify::bound(&mut exchanged, cap);
    let result = match &exchanged {
        Err(error) if error.partial().is_none() => Err(match call.log.dropped(number) {
            Some(dropped) => Classified::dropped(dropped, error.kind()),
            None => Classified::without_detail(classify::failure_of_error(error)),
        }),
        _ => classify(&call.operation, cap, stamp, &exchanged),
    };
    let limits = &call.settings.live.limits;
    let timer = call.transport.timer();
    let error = match &result {
        Ok(_) => {
            if let Some(key) = key {
                limits.succeed(call.place(key), || timer.now());
            }
            None
        }
        Err(classified) => {
            let settle = |body| call.log.settle(number, body, classified.rule().execution);
            if !classify::success_body(&exchanged).is_some_and(settle) {
                settle_discarded(call);
            }
            if classified.is_mismatched_response() {
                discard_connection(&exchanged);
            }
            Some((classified.kind(), classified.rule().execution))
        }
    };
    let execution = error.map_or_else(|| classify::proof(&exchanged), |(_, execution)| execution);
    let (status, error) = (classify::status_of(&exchanged), error.map(|(kind, _)| kind));
    let returned = if result.is_ok() { classify::success_body(&exchanged) } else { None };
    let mut summary = call.log.end_attempt(number, AttemptEnd { status, error, execution }, returned);
    if let (Ok(value), Some(Success { body, is_whole, stamp, .. })) = (&result, summary.replaced.take()) {
        // A middleware may write a response anew, but not give another token for the one that was made.
        let made = classify::salvage_success(&call.operation, stamp.as_deref(), &body, is_whole).unwrap_or_default();
        let (made, given) = (made.confirmed(), call.operation.creation().and_then(|creation| creation.id_of(value)));
        summary.others_in_doubt |= made.is_some() && given.is_some() && made != given.as_deref();
    }
    call.attempt_ended(summary.attempts.as_slice().last(), &exchanged);
    Ended { exchanged, result, summary }
}

/// Sets what a 2xx proves that a middleware discarded: one that is not Clerk's response to this request proves nothing.
fn settle_discarded<O: Operation, T: HttpTransport + ?Sized>(call: &CallState<O, T>) {
    let Some((attempt, Success { body, is_whole, stamp, .. })) = call.log.success() else { return };
    if classify::salvage_success(&call.operation, stamp.as_deref(), &body, is_whole).is_err() {
        call.log.settle(attempt, &body, Execution::Unknown);
    }
}

fn discard_connection(exchanged: &Exchanged) {
    if let Some(discard) = exchanged.as_ref().ok().and_then(|response| response.extensions().get::<DiscardConnection>())
    {
        discard.discard();
    }
}

/// The core's own part of an attempt, behind the last middleware: checks, authentication, the send log, the transport.
struct Core<'a, O: Operation, T: HttpTransport + ?Sized> {
    call: &'a Arc<CallState<O, T>>,
    key: &'a SecretKey,
    /// What a middleware may not change: with it, it would make another call.
    own: Option<(Method, Uri)>,
    /// The number of the send that has the send state of the attempt's context: each send has its own.
    first_send: usize,
}

impl<O: Operation, T: HttpTransport + ?Sized> Core<'_, O, T> {
    #[expect(clippy::manual_async_fn, reason = "an async fn holds each argument twice, and a request takes 256 bytes")]
    fn send(&self, mut request: Request, context: &CallContext) -> impl Future<Output = Exchanged> + Send {
        async move {
            let call = self.call;
            self.check(&request)?;
            request.headers_mut().insert(AUTHORIZATION, self.key.authorization());

            if call.idempotency() == Idempotency::NonIdempotent {
                // Asked for here, where the exchange begins: the runtime that is entered now carries it. Before the send is on
                // record: if a transport panics over this, nothing is in doubt.
                let _ = call.executor();
            }
            let number = self.begin_send(context).await?;
            // A slow middleware, or a wait for the turn: what is sent now could only be lost.
            if context.deadline().has_passed(call.transport.timer().now()) {
                call.log.withdraw_send(number);
                return Err(TransportErrorKind::TimeoutBeforeSend.into());
            }
            let context = match number == self.first_send {
                true => context.clone(),
                false => context.clone().with_send_state(SendState::default()),
            };
            Exchange::new(call, number, self.key, context, request).await
        }
    }

    /// Waits for the turn of a send, until the deadline.
    async fn begin_send(&self, context: &CallContext) -> Result<usize, TransportError> {
        let (timer, turn) = (self.call.transport.timer(), self.call.log.begin_send(context.attempt()));
        match until(timer, context.deadline(), pin!(turn)).await {
            Some(Ok(number)) => Ok(number),
            Some(Err(Shut)) => Err(TransportError::blocked(
                "an earlier send of this call may have been executed, and a second one could do it twice",
            )),
            None => Err(TransportErrorKind::TimeoutBeforeSend.into()),
        }
    }

    /// Refuses what a middleware, or an operation of the user's, must not do to the request.
    fn check(&self, request: &Request) -> Result<(), TransportError> {
        let base_url = self.call.base_url();
        if !base_url.is_origin_of(request.uri()) {
            return Err(TransportError::blocked(
                "a middleware sent the request to another scheme, host or port than the call's base URL: the secret \
                 key does not go there",
            ));
        }
        if let Some((method, url)) = &self.own {
            if request.method() != *method || request.uri().path() != url.path() {
                return Err(TransportError::blocked(
                    "a middleware sent a request with another method or path than the call's: make another call for it",
                ));
            }
        }
        if let Some(name) = reserved(request.headers()) {
            return Err(TransportError::blocked(format!(
                "a middleware set the header `{name}`, which only the client or the transport may set"
            )));
        }
        base_url.check_key(self.key).map_err(|refused| {
            TransportError::blocked(refused)
                .with_advice("Use a base URL with https, or a test key (sk_test_...) for plain http.")
        })
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Endpoint for Core<'_, O, T> {
    fn call<'a>(&'a self, request: Request, context: &'a CallContext) -> BoxFuture<'a, Exchanged> {
        Box::pin(self.send(request, context))
    }

    fn timer(&self) -> &dyn Timer {
        self.call.transport.timer()
    }
}
