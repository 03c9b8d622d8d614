//! The way of a call, from its options to its value or its error.
//!
//! ```text
//! call - per-call middleware - attempt loop - per-attempt middleware - auth - guard - transport
//! ```

use std::sync::Arc;

use crate::{
    client::{
        attempts::{Attempts, late, within},
        builder::Settings,
        options::Options,
    },
    error::{Error, api},
    judge::{self, Exchanged, Verdict, judge},
    middleware::{Endpoint, Next},
    operation::Operation,
    response::ApiResponse,
    transport::{HttpTransport, Request},
};

pub(crate) async fn run<O: Operation, T: HttpTransport + ?Sized>(
    settings: &Settings,
    transport: &Arc<T>,
    operation: &O,
    options: Options,
) -> Result<ApiResponse<O::Output>, Error> {
    let refused = |refusal| Error::from_invalid_request(&O::INFO, refusal);
    let mut call = options.resolve(settings).map_err(refused)?;
    let mut request = operation.request(&call.base_url).map_err(refused)?;
    call.dress(&mut request, settings);

    let attempts = Attempts::new(settings, transport, operation, &call);
    let (exchanged, judged) = if settings.per_call.is_empty() {
        attempts.run(request).await
    } else {
        run_wrapped(settings, operation, &attempts, request).await
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
                attempts: attempts.take_attempts(),
            })
        }
        (Err(verdict), exchanged) => {
            let execution = verdict.rule().execution.join(attempts.execution());
            let wall = transport.timer().wall();
            let mut inner = judge::error(&O::INFO, exchanged, verdict, settings.response_cap, wall);
            inner.execution = execution;
            inner.base_url = Some(call.base_url.clone());
            if inner.salvaged_id.is_none() {
                inner.salvaged_id = attempts.success().and_then(|body| operation.salvage(&body).ok()?);
            }
            inner.attempts = attempts.take_attempts();
            Err(inner.into())
        }
        // A value comes from a response; there is none without.
        (Ok(_), Err(error)) => Err(Error::from_transport(&O::INFO, error)),
    }
}

/// The attempt loop inside the per-call middleware, which may answer in its place, or change its answer: so what comes
/// out is judged once more.
async fn run_wrapped<O: Operation, T: HttpTransport + ?Sized>(
    settings: &Settings,
    operation: &O,
    attempts: &Attempts<'_, O, T>,
    request: Request,
) -> (Exchanged, Result<O::Output, Verdict>) {
    let next = Next::into_core(&settings.per_call, attempts);
    let exchanged = match within(attempts.timer(), attempts.deadline(), next.run(request)).await {
        Some(exchanged) => exchanged,
        None => Err(late(attempts.execution())),
    };
    let judged = judge(operation, settings.response_cap, &exchanged);
    (exchanged, judged)
}
