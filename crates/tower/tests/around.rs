//! Layers around a transport: what is the transport's stays the transport's, and a layer's response is not Clerk's.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, CreateActorToken, Deadline, Executor, HttpTransport, Moment, Request, Response, Timer,
    TransportError, TransportErrorKind, async_trait, bytes::Bytes, http,
};
use clerk_actor_tokens_tower::{RequestBody, TowerTransport, TransportService};
use http_body_util::Full;
use tower_service::Service;

/// How the transport below ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Below {
    Responds,
    Fails,
    NeverEnds,
}

/// What the layer around it does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layer {
    /// What comes from below.
    Passes,
    /// Polls what is below once, drops it, and responds.
    GivesUp,
    /// Waits for what is below, and responds in its place.
    Replaces,
    /// Responds, and sends nothing.
    Refuses,
}

/// With a clock and an executor of its own.
struct Transport {
    below: Below,
    clock: Clock,
    executor: Arc<Nothing>,
}

#[derive(Clone, Copy)]
struct Clock;

impl Timer for Clock {
    fn now(&self) -> Moment {
        Moment::from_origin(Duration::from_secs(5))
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Runs nothing.
struct Nothing;

impl Executor for Nothing {
    fn execute(&self, _: BoxFuture<'static, ()>) {}
}

#[async_trait]
impl HttpTransport for Transport {
    async fn send(&self, _: Request, context: CallContext) -> Result<Response, TransportError> {
        assert!(context.send_state().begin());
        match self.below {
            Below::Responds => Ok(Response::new(Bytes::from_static(b"clerk"))),
            Below::Fails => Err(TransportErrorKind::Interrupted.into()),
            Below::NeverEnds => std::future::pending().await,
        }
    }

    fn timer(&self) -> &dyn Timer {
        &self.clock
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::clone(&self.executor) as Arc<dyn Executor>)
    }

    fn keeps_deadlines(&self) -> bool {
        true
    }
}

type Responded = Result<http::Response<Full<Bytes>>, TransportError>;

#[derive(Clone)]
struct Around {
    service: Arc<Mutex<TransportService<Transport>>>,
    layer: Layer,
}

impl Service<http::Request<RequestBody>> for Around {
    type Response = http::Response<Full<Bytes>>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Responded>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let mut sending = match self.layer {
            Layer::Refuses => None,
            _ => Some(self.service.lock().unwrap().call(request)),
        };
        let layer = self.layer;
        Box::pin(async move {
            let own =
                || Ok(http::Response::builder().status(429).body(Full::new(Bytes::from_static(b"layer"))).unwrap());
            match (layer, sending.as_mut()) {
                (Layer::Passes, Some(sending)) => sending.await,
                (Layer::Replaces, Some(sending)) => {
                    let _ = sending.await;
                    own()
                }
                (_, Some(sending)) => {
                    let _ = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    own()
                }
                (_, None) => own(),
            }
        })
    }
}

fn around(below: Below, layer: Layer) -> TowerTransport<Around> {
    let transport = Transport { below, clock: Clock, executor: Arc::new(Nothing) };
    TowerTransport::around(transport, |service| Around { service: Arc::new(Mutex::new(service)), layer })
}

fn send(below: Below, layer: Layer) -> Result<Response, TransportError> {
    let context = CallContext::new(&CreateActorToken::INFO, Deadline::after(Clock.now(), Duration::from_secs(30)));
    let request = http::Request::post("http://127.0.0.1/v1/actor_tokens").body("{}".into()).unwrap();
    pollster::block_on(around(below, layer).send(request, context))
}

/// Whose response it is, or what the error is.
fn end(below: Below, layer: Layer) -> Result<Bytes, TransportErrorKind> {
    send(below, layer).map(Response::into_body).map_err(|error| error.kind())
}

#[test]
fn a_response_of_a_layer_is_no_response_of_clerks() {
    use TransportErrorKind::Interrupted;
    let cells = [
        (Below::Responds, Layer::Passes, Ok("clerk")),
        (Below::Fails, Layer::Passes, Err(Interrupted)),
        // It said 429, after which a creation is sent again.
        (Below::NeverEnds, Layer::GivesUp, Err(Interrupted)),
        (Below::Fails, Layer::GivesUp, Err(Interrupted)),
        (Below::Fails, Layer::Replaces, Err(Interrupted)),
        // Clerk has responded, and the layer says what to.
        (Below::Responds, Layer::Replaces, Ok("layer")),
        // Nothing was sent.
        (Below::Responds, Layer::Refuses, Ok("layer")),
    ];
    for (below, layer, expected) in cells {
        assert_eq!(end(below, layer), expected.map(Bytes::from), "{below:?}, {layer:?}");
    }
    let error = send(Below::NeverEnds, Layer::GivesUp).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("a layer made a response of its own"), "{cause}");
}

#[test]
fn the_timer_and_the_executor_are_those_of_the_transport() {
    let transport = around(Below::Responds, Layer::Passes);
    assert_eq!(transport.timer().now(), Clock.now());
    // One that runs tasks would panic.
    transport.executor().unwrap().execute(Box::pin(async { unreachable!("it runs nothing") }));
    assert!(transport.keeps_deadlines());
}
