//! Whole calls over a transport that has its result already: no network, no thread, no time that passes.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use clerk_actor_tokens_core::{
    BoxFuture, CallContext, Client, Error, Executor, HttpTransport, Moment, Operation, Request, Response, RetryPolicy,
    SecretKey, Timer, TransportError, async_trait,
};

/// A call over a result that is there never has a reason to wait. The client still gets some turns.
const MOST_POLLS: usize = 16;

/// A call with one attempt, over a transport that gives this.
pub(crate) fn call<O: Operation>(operation: O, gives: Result<Response, TransportError>) -> Result<O::Output, Error> {
    let transport = Ready { gives: Mutex::new(Some(gives)) };
    let key = SecretKey::new("sk_test_none").expect("it has the form of a key");
    let client = Client::builder(transport, key).retry(RetryPolicy::none()).build().expect("the settings are valid");
    let mut sent = pin!(client.execute(operation).send());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(result) = sent.as_mut().poll(&mut context) {
            return result;
        }
    }
    panic!("a call over a result that is there waits");
}

struct Ready {
    gives: Mutex<Option<Result<Response, TransportError>>>,
}

#[async_trait]
impl HttpTransport for Ready {
    async fn send(&self, _request: Request, context: CallContext) -> Result<Response, TransportError> {
        // Nothing is sent: a result that claims it is proved.
        context.send_state().hold();
        let gives = self.gives.lock().unwrap_or_else(PoisonError::into_inner).take();
        gives.expect("one attempt sends once")
    }

    fn timer(&self) -> &dyn Timer {
        &Still
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}

/// A clock that does not move.
struct Still;

impl Timer for Still {
    fn now(&self) -> Moment {
        Moment::from_origin(Duration::ZERO)
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
