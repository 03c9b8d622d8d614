//! A service as a transport: ready, called and read under the deadline.

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, SystemTimer, Timer, TransportError, TransportErrorKind,
    bytes::Bytes, http,
};
use clerk_actor_tokens_transport_kit::{
    Bounds, BoxError, Tls, Truncated, causes, check_request, no_head, read_body, until_asleep,
};
#[cfg(feature = "tokio")]
use clerk_actor_tokens_transport_kit::{TokioExecutors, TokioTimer};
use http_body::Body;
use tower_service::Service;

use crate::{body::RequestBody, handed_down::HandedDown, service::TransportService};

/// Core's [`HttpTransport`] over any service of HTTP requests: hyper-util's client, a stack of `tower-http` layers, a router.
///
/// The service takes `http::Request<RequestBody>`. It is `Clone` and `Send`, its error becomes a boxed error, and the body of its
/// response has [`Bytes`]; tower's `BoxCloneService` is such a service. For one that takes another body, put tower's `map_request`
/// before it: `request.map(axum::body::Body::new)`, for example.
///
/// | made by | its time | exchanges whose caller leaves |
/// | --- | --- | --- |
/// | [`new`](Self::new) | the system's | end there, unless the client has an executor; without one, `hold` is refused |
/// | `on_tokio` | tokio's | are finished on the runtime in which they began |
/// | [`around`](Self::around) a transport | that of the transport | are finished as those of the transport |
pub struct TowerTransport<S> {
    /// Cloned for each exchange. Not every service is `Sync`.
    service: Mutex<S>,
    fresh: Option<Mutex<S>>,
    clock: Clock,
    claim: Claim,
}

/// Says what an error of the service proves if the request had not begun.
type Claim = Arc<dyn Fn(&(dyn StdError + 'static)) -> Option<TransportErrorKind> + Send + Sync>;

#[derive(Clone)]
enum Clock {
    System,
    #[cfg(feature = "tokio")]
    Tokio(TokioExecutors),
    /// That of the transport below.
    Below(Arc<dyn HttpTransport>),
}

impl<S> TowerTransport<S> {
    /// Makes a transport of a service that needs no runtime. Its clock is the system's, and it has no executor.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, SecretKey, bytes::Bytes, http};
    /// use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
    /// use http_body_util::Full;
    ///
    /// let service = tower::service_fn(|_request: http::Request<RequestBody>| async {
    ///     Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from("{}"))))
    /// });
    /// let clerk = Client::new(TowerTransport::new(service), SecretKey::new("sk_test_abc")?);
    /// # let _ = clerk;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(service: S) -> Self {
        Self { service: Mutex::new(service), fresh: None, clock: Clock::System, claim: Arc::new(|_| None) }
    }

    /// Makes a transport of a service whose sockets are tokio's. Its clock is tokio's, and an exchange whose caller leaves is
    /// finished on the runtime in which it began.
    #[cfg(feature = "tokio")]
    pub fn on_tokio(service: S) -> Self {
        Self { clock: Clock::Tokio(TokioExecutors::default()), ..Self::new(service) }
    }

    /// Puts layers around a transport. The whole has the timer and the executor of that transport.
    ///
    /// A layer may end a request by an error. A response that it makes of its own, while the request is with the transport or after that
    /// failed, is an error here: it is not Clerk's.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{Client, HttpTransport, SecretKey, http};
    /// use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
    /// use tower::ServiceExt as _;
    ///
    /// fn with_a_header(transport: impl HttpTransport, key: SecretKey) -> Client {
    ///     let transport = TowerTransport::around(transport, |service| {
    ///         service.map_request(|mut request: http::Request<RequestBody>| {
    ///             request.headers_mut().insert("x-desk", http::HeaderValue::from_static("support"));
    ///             request
    ///         })
    ///     });
    ///     Client::new(transport, key).erase()
    /// }
    /// # let _ = with_a_header(clerk_actor_tokens_core::transport_fn(|_, _| async { unreachable!() }), SecretKey::new("sk_test_abc").unwrap());
    /// ```
    pub fn around<T: HttpTransport>(transport: T, layers: impl FnOnce(TransportService<T>) -> S) -> Self {
        let transport = Arc::new(transport);
        let service = layers(TransportService::shared(Arc::clone(&transport)));
        Self { clock: Clock::Below(transport), ..Self::new(service) }
    }

    /// Sets another service for requests that need a connection without earlier requests, such as a client without a pool. It
    /// has the same type: make both by one function. Without one the same service sends them, perhaps on the connection that was just refused.
    #[must_use]
    pub fn fresh_service(mut self, service: S) -> Self {
        self.fresh = Some(Mutex::new(service));
        self
    }

    /// Sets what an error proves if nothing of the request was sent. It is asked with the error of the service, and again with each of
    /// its causes. Where it returns `None`, the kind of a [`TransportError`] among the causes counts; without one, such an error is a
    /// [`Connect`](TransportErrorKind::Connect), and the call is sent again.
    ///
    /// It is not asked where the error itself is a `TransportError`, nor about a refusal that is seen in the error (HTTP/2's, with the
    /// feature `h2`). It cannot claim `Refused` or `RefusedOnNewConnection`, which a peer has to say: they count as `None`. An error after the
    /// request had begun proves nothing, whatever this returns.
    ///
    /// ```
    /// use clerk_actor_tokens_core::TransportErrorKind;
    /// use clerk_actor_tokens_tower::TowerTransport;
    ///
    /// # fn transport<S>(service: S) -> TowerTransport<S> {
    /// // An exhausted limit of the application's own ends the call.
    /// TowerTransport::new(service).claim(|cause| cause.is::<std::num::TryFromIntError>().then_some(TransportErrorKind::Blocked))
    /// # }
    /// ```
    #[must_use]
    pub fn claim(
        mut self,
        claim: impl Fn(&(dyn StdError + 'static)) -> Option<TransportErrorKind> + Send + Sync + 'static,
    ) -> Self {
        self.claim = Arc::new(claim);
        self
    }

    /// Waits for the service, calls it, and reads what it responds, until this sleep ends.
    async fn exchange<B>(
        &self,
        request: Request,
        context: &CallContext,
        timer: &dyn Timer,
        sleep: impl Future<Output = ()> + Send,
    ) -> Result<Response, TransportError>
    where
        S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let has_body = !request.body().is_empty();
        let handed_down = match &self.clock {
            Clock::Below(_) => Some(HandedDown::default()),
            _ => None,
        };
        let request = request.map(|body| RequestBody::new(body, context.clone(), handed_down.clone()));
        let service = if context.wants_fresh_connection() { self.fresh.as_ref() } else { None };
        let mut service = cloned(service.unwrap_or(&self.service));
        let called = async {
            poll_fn(|task| service.poll_ready(task)).await?;
            service.call(request).await
        };
        let mut sleep = pin!(sleep);
        let called = until_asleep(context, sleep.as_mut(), called).await?;
        let response = called.map_err(|error| self.failed(error.into(), has_body, context))?;
        if handed_down.is_some_and(|request| request.is_unanswered()) {
            let cause =
                "a layer made a response of its own, while the transport below it had the request or after that failed";
            return Err(TransportError::new(TransportErrorKind::Interrupted).with_source(cause));
        }
        let (head, body) = response.into_parts();
        let bounds = Bounds {
            deadline: context.deadline(),
            timer,
            sleep,
            cap: context.response_cap(),
            says_its_end: head.version == http::Version::HTTP_2,
        };
        match read_body(pin!(body), bounds).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            Err(cut) => Err(Truncated { source: shown(cut.source), ..cut }.into_error(head)),
        }
    }

    /// Makes the error of a service that gave no response.
    fn failed(&self, error: BoxError, has_body: bool, context: &CallContext) -> TransportError {
        let error = match error.downcast::<TransportError>() {
            // A transport below says what it knows.
            Ok(known) => return *known,
            Err(error) => error,
        };
        // What a peer says needs no proof of the send state, so only this crate says that a peer said it.
        let may_claim = |kind: &TransportErrorKind| {
            !matches!(kind, TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection)
        };
        let below = || causes(error.as_ref()).find_map(|cause| cause.downcast_ref::<TransportError>());
        let claim = refused_by_peer(error.as_ref(), has_body)
            .or_else(|| causes(error.as_ref()).find_map(|cause| (self.claim)(cause)).filter(may_claim))
            .or_else(|| below().map(TransportError::kind))
            .unwrap_or(TransportErrorKind::Connect);
        no_head(claim, shown(error), context.send_state())
    }
}

#[cfg(feature = "h2")]
fn refused_by_peer(error: &(dyn StdError + 'static), has_body: bool) -> Option<TransportErrorKind> {
    clerk_actor_tokens_transport_kit::http2_refusal(error, has_body).map(|_| TransportErrorKind::Refused)
}

#[cfg(not(feature = "h2"))]
fn refused_by_peer(_: &(dyn StdError + 'static), _: bool) -> Option<TransportErrorKind> {
    None
}

#[cfg(feature = "h2")]
fn shown(error: BoxError) -> BoxError {
    clerk_actor_tokens_transport_kit::without_goaway_text(error)
}

#[cfg(not(feature = "h2"))]
fn shown(error: BoxError) -> BoxError {
    error
}

#[async_trait]
impl<S, B> HttpTransport for TowerTransport<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send,
    B::Error: Into<BoxError>,
{
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        // First, so that a refusal below is proved.
        context.send_state().hold();
        check_request(&request, Tls::Available)?;
        let left = context.deadline().remaining(self.timer().now());
        if left.is_zero() {
            return Err(TransportErrorKind::TimeoutBeforeSend.into());
        }
        match &self.clock {
            Clock::System => self.exchange(request, &context, &SystemTimer, SystemTimer.sleep(left)).await,
            Clock::Below(transport) => {
                let timer = transport.timer();
                self.exchange(request, &context, timer, timer.sleep(left)).await
            }
            #[cfg(feature = "tokio")]
            Clock::Tokio(_) => {
                let sleep = clerk_actor_tokens_transport_kit::tokio_sleep("this tower transport", left)?;
                self.exchange(request, &context, &TokioTimer, sleep).await
            }
        }
    }

    fn timer(&self) -> &dyn Timer {
        match &self.clock {
            Clock::System => &SystemTimer,
            Clock::Below(transport) => transport.timer(),
            #[cfg(feature = "tokio")]
            Clock::Tokio(_) => &TokioTimer,
        }
    }

    /// Returns the executor of the runtime that is entered here, if the transport was made [`on_tokio`](Self::on_tokio), and that of
    /// the transport below, if it was made [`around`](Self::around) one.
    fn executor(&self) -> Option<Arc<dyn Executor>> {
        match &self.clock {
            Clock::System => None,
            Clock::Below(transport) => transport.executor(),
            #[cfg(feature = "tokio")]
            Clock::Tokio(executors) => Some(executors.entered()),
        }
    }

    /// Returns `true`: getting ready, the call and reading the body each end at the deadline.
    fn keeps_deadlines(&self) -> bool {
        true
    }
}

fn cloned<S: Clone>(service: &Mutex<S>) -> S {
    service.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl<S: Clone> Clone for TowerTransport<S> {
    fn clone(&self) -> Self {
        Self {
            service: Mutex::new(cloned(&self.service)),
            fresh: self.fresh.as_ref().map(|fresh| Mutex::new(cloned(fresh))),
            clock: self.clock.clone(),
            claim: Arc::clone(&self.claim),
        }
    }
}

impl<S> fmt::Debug for TowerTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A service may show the headers that it sets.
        f.debug_struct("TowerTransport").finish_non_exhaustive()
    }
}
