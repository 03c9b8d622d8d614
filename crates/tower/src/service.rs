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

use crate::body::RequestBody;

/// A transport as a service, for layers around it. [`TowerTransport`](crate::TowerTransport) makes a transport of the whole again.
///
/// It takes requests with [`RequestBody`], as `TowerTransport` sends them, with the limits of the call. Those with [`Bytes`] have the time
/// that was given to [`new`](Self::new).
///
/// ```
/// use clerk_actor_tokens_core::{Client, HttpTransport, SecretKey, http};
/// use clerk_actor_tokens_tower::{RequestBody, TowerTransport, TransportService};
/// use std::time::Duration;
/// use tower::ServiceExt as _;
///
/// fn with_a_header(transport: impl HttpTransport, key: SecretKey) -> Client {
///     let service = TransportService::new(transport, Duration::from_secs(30));
///     let service = service.map_request(|mut request: http::Request<RequestBody>| {
///         request.headers_mut().insert("x-desk", http::HeaderValue::from_static("support"));
///         request
///     });
///     Client::new(TowerTransport::new(service), key).erase()
/// }
/// # let _ = with_a_header(clerk_actor_tokens_core::transport_fn(|_, _| async { unreachable!() }), SecretKey::new("sk_test_abc").unwrap());
/// ```
#[derive(Debug)]
pub struct TransportService<T> {
    transport: Arc<T>,
    timeout: Duration,
}

/// What a request is said to be that no call has made. Whether it may be repeated is not known.
static INFO: OperationInfo = OperationInfo::new("Request", "/", Idempotency::NonIdempotent);

impl<T: HttpTransport> TransportService<T> {
    /// Makes a service of a transport. `timeout` bounds each request without a call's limits: connecting, sending and reading.
    pub fn new(transport: T, timeout: Duration) -> Self {
        Self { transport: Arc::new(transport), timeout }
    }

    fn send(&self, request: http::Request<Bytes>, context: Option<CallContext>) -> Sending {
        let (transport, timeout) = (Arc::clone(&self.transport), self.timeout);
        Box::pin(async move {
            let context =
                context.unwrap_or_else(|| CallContext::new(&INFO, Deadline::after(transport.timer().now(), timeout)));
            Ok((*transport).send(request, context).await?.map(Full::new))
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
        self.send(request, None)
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
        let (data, context) = body.into_parts();
        self.send(http::Request::from_parts(head, data), Some(context))
    }
}
