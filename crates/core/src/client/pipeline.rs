//! The way of a call, from its options to its value or its error.
//!
//! ```text
//! call - per-call middleware - attempt loop - per-attempt middleware - auth - guard - transport
//! ```

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    classify::{self, Classified, Exchanged, classify},
    client::{
        Client,
        attempts::Attempts,
        call::Call,
        detach::{Outcome, Supervised, Watch},
        guard::Guard,
        options::CallConfig,
        record::Record,
        watchdog::{CALL_WATCHDOG, late, within},
    },
    error::{Error, api},
    middleware::{Endpoint, Next},
    operation::{Idempotency, Operation},
    response::ApiResponse,
    time::BoxFuture,
    transport::{HttpTransport, Request, TransportError},
};

/// A call under way: one box, so that what is moved into a task, or lies on the stack of a `select!`, stays small.
pub(crate) enum Started<O: Operation, T: HttpTransport + ?Sized> {
    /// It can be dropped at any time without harm.
    Repeatable(BoxFuture<'static, Outcome<O>>),
    Watched(Supervised<O, T>),
}

impl<O: Operation, T: HttpTransport + ?Sized> Future for Started<O, T> {
    type Output = Outcome<O>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Repeatable(call) => call.as_mut().poll(context),
            Self::Watched(call) => Pin::new(call).poll(context),
        }
    }
}

/// Checks everything and begins.
///
/// # Errors
/// Input that is refused, or a client that is closed: nothing is sent.
pub(crate) fn start<O: Operation, T: HttpTransport + ?Sized>(call: Call<O, T>) -> Result<Started<O, T>, Error> {
    let Call { client, operation, options } = call;
    let refused = |refusal| Error::from_invalid_request(operation.info(), refusal);
    let mut call = options.resolve(&client.settings).map_err(refused)?;
    let mut request = operation.request(&call.base_url).map_err(refused)?;
    call.apply_headers(&mut request, &client.settings);

    let idempotency = operation.info().idempotency();
    let guard = Arc::new(Guard::new(idempotency, call.retry.clone()));
    let record = Arc::new(Record::default());
    let (call, operation) = (Arc::new(call), Arc::new(operation));
    let run = Run {
        client: client.clone(),
        operation: Arc::clone(&operation),
        call: Arc::clone(&call),
        guard: Arc::clone(&guard),
        record: Arc::clone(&record),
    };
    let run = Box::pin(run.run(request));
    if idempotency == Idempotency::Idempotent {
        return Ok(Started::Repeatable(run));
    }
    let Some(in_flight) = client.settings.in_flight.begin() else {
        return Err(Error::from_transport(operation.info(), TransportError::blocked("the client is closed")));
    };
    Ok(Started::Watched(Supervised::new(run, Watch { client, operation, call, guard, record, in_flight })))
}

/// All that a call needs. It owns it, so that it can run on without its caller.
struct Run<O, T: ?Sized> {
    client: Client<T>,
    operation: Arc<O>,
    call: Arc<CallConfig>,
    guard: Arc<Guard>,
    record: Arc<Record>,
}

impl<O: Operation, T: HttpTransport + ?Sized> Run<O, T> {
    async fn run(self, request: Request) -> Outcome<O> {
        let Self { client, operation, call, guard, record } = &self;
        let attempts = Attempts::new(client, operation.as_ref(), call, guard, record);
        let (exchanged, judged) = if client.settings.per_call.is_empty() {
            attempts.run(request).await
        } else {
            self.wrapped(&attempts, request).await
        };
        match (judged, exchanged) {
            (Ok(value), Ok(response)) => {
                let (head, body) = response.into_parts();
                let trace_id = match head.status.is_success() {
                    true => api::trace_id(&head.headers),
                    false => api::read(&head.headers, &body).trace_id,
                };
                Ok(ApiResponse {
                    value,
                    status: head.status,
                    trace_id,
                    headers: head.headers,
                    attempts: record.attempts(guard),
                    others_in_doubt: guard.has_others_in_doubt(),
                })
            }
            (Err(classified), exchanged) => Err(self.failed(&attempts, exchanged, classified)),
            // A value comes from a response; there is none without.
            (Ok(_), Err(error)) => Err(Error::from_transport(operation.info(), error)),
        }
    }

    /// The attempt loop inside the per-call middleware, which may answer in its place, or change its answer: so what
    /// comes out is judged once more.
    async fn wrapped(
        &self,
        attempts: &Attempts<'_, O, T>,
        request: Request,
    ) -> (Exchanged, Result<O::Output, Classified>) {
        let settings = &self.client.settings;
        let next = Next::into_core(&settings.per_call, attempts);
        let mut exchanged = match within(attempts.timer(), attempts.deadline(), CALL_WATCHDOG, next.run(request)).await
        {
            Some(exchanged) => exchanged,
            None => Err(late(attempts.execution())),
        };
        classify::bound(&mut exchanged, settings.response_cap);
        let judged = classify(self.operation.as_ref(), settings.response_cap, &exchanged);
        (exchanged, judged)
    }

    fn failed(&self, attempts: &Attempts<'_, O, T>, exchanged: Exchanged, classified: Classified) -> Error {
        let Self { client, operation, call, guard, record } = self;
        let execution = classified.rule().execution.join(attempts.execution());
        let wall = client.transport.timer().system_time();
        let mut inner = classify::error(operation.info(), exchanged, classified, client.settings.response_cap, wall);
        inner.execution = execution;
        inner.base_url = Some(call.base_url.clone());
        inner.out_of_retries = record.is_out_of_retries();
        inner.exposed = operation.exposure().map(|exposure| exposure.until(wall));
        if inner.salvaged_id.is_none() {
            inner.salvaged_id = attempts.success().and_then(|body| operation.salvage(&body).ok()?);
        }
        inner.attempts = record.attempts(guard);
        inner.into()
    }
}
