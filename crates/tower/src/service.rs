//! A transport as a service, so that layers can go around it.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Deadline, HttpTransport, Idempotency, OperationInfo, TransportError, bytes::Bytes, http,
};
use http_body_util::Full;
use tower_service::Service;

use crate::{body::RequestBody, handed_down::HandedDown};

/// A transport as a service, for layers around it, or for code of your own that sends requests over it.
///
/// [`TowerTransport::around`](crate::TowerTransport::around) makes one, and a transport of the whole again: its requests have
/// [`RequestBody`], with the limits of the call. Requests with [`Bytes`] have the time that was given to [`new`](Self::new).
///
/// ```
/// use clerk_actor_tokens_core::{Response, bytes::Bytes, http, transport_fn};
/// use clerk_actor_tokens_tower::TransportService;
/// use std::time::Duration;
/// use tower::ServiceExt as _;
///
/// let transport = transport_fn(|_request, _context| async { Ok(Response::new(Bytes::from_static(b"{}"))) });
/// let service = TransportService::new(transport, Duration::from_secs(30));
/// let request = http::Request::get("https://api.clerk.com/v1/jwks").body(Bytes::new())?;
/// let response = pollster::block_on(service.oneshot(request))?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TransportService<T> {
    transport: Arc<T>,
    timeout: Duration,
}

/// What a request is said to be that no call has made. Whether it may be repeated is not known.
static INFO: OperationInfo = OperationInfo::new("Request", "/", Idempotency::NonIdempotent);

/// For requests without a call's limits below layers: as long as a call has unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

impl<T: HttpTransport> TransportService<T> {
    /// Makes a service of a transport. `timeout` bounds each request without a call's limits: connecting, sending and reading.
    pub fn new(transport: T, timeout: Duration) -> Self {
        Self { transport: Arc::new(transport), timeout }
    }

    pub(crate) fn shared(transport: Arc<T>) -> Self {
        Self { transport, timeout: TIMEOUT }
    }

    fn send(
        &self,
        request: http::Request<Bytes>,
        context: Option<CallContext>,
        handed_down: Option<HandedDown>,
    ) -> Sending {
        let (transport, timeout) = (Arc::clone(&self.transport), self.timeout);
        Box::pin(async move {
            let context =
                context.unwrap_or_else(|| CallContext::new(&INFO, Deadline::after(transport.timer().now(), timeout)));
            if let Some(down) = &handed_down {
                down.begin();
            }
            let response = (*transport).send(request, context).await?;
            if let Some(down) = &handed_down {
                down.answered();
            }
            Ok(response.map(Full::new))
        })
    }
}

impl<T> Clone for TransportService<T> {
    fn clone(&self) -> Self {
        Self { transport: Arc::clone(&self.transport), timeout: self.timeout }
    }
}

type Sending = BoxFuture<'static, Result<http::Response<Full<Bytes>>, TransportError>>;

impl<T: HttpTransport> Service<http::Request<Bytes>> for TransportService<T> {
    type Response = http::Response<Full<Bytes>>;
    type Error = TransportError;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Bytes>) -> Sending {
        self.send(request, None, None)
    }
}

impl<T: HttpTransport> Service<http::Request<RequestBody>> for TransportService<T> {
    type Response = http::Response<Full<Bytes>>;
    type Error = TransportError;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    /// The transport below has a gate of its own.
    fn call(&mut self, request: http::Request<RequestBody>) -> Sending {
        let (head, body) = request.into_parts();
        let (data, context, handed_down) = body.into_parts();
        self.send(http::Request::from_parts(head, data), Some(context), handed_down)
    }
}
