//! What wraps a transport brings the executor of the transport inside: a client over it detaches as well.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    Actor, BoxFuture, CallContext, Client, Executor, HttpTransport, Request, Response, SecretKey, SystemTimer, Timer,
    TransportError, TransportErrorKind, transport_fn,
};
use clerk_actor_tokens_mock::{CapturingTransport, FailingTransport, WithTimer};

/// Counts what it is given.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Executor for Counting {
    fn execute(&self, _task: BoxFuture<'static, ()>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Never answers.
#[derive(Clone, Default)]
struct Silent(Counting);

#[async_trait]
impl HttpTransport for Silent {
    async fn send(&self, _: Request, _: CallContext) -> Result<Response, TransportError> {
        std::future::pending().await
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(self.0.clone()))
    }
}

#[test]
fn a_wrapped_transport_brings_the_executor_of_the_one_inside() {
    let silent = Silent::default();
    let inside = || silent.clone();
    let wrapped: [Box<dyn HttpTransport>; 4] = [
        Box::new(WithTimer::new(inside(), SystemTimer)),
        Box::new(CapturingTransport::new(inside())),
        Box::new(FailingTransport::new(0, TransportErrorKind::Connect, inside())),
        Box::new(WithTimer::new(
            CapturingTransport::new(FailingTransport::new(0, TransportErrorKind::Connect, inside())),
            SystemTimer,
        )),
    ];
    for (number, transport) in wrapped.into_iter().enumerate() {
        let key = SecretKey::new("sk_test_abc").unwrap();
        let client = Client::builder(transport, key).require_executor().build().unwrap();
        let mut call = Box::pin(client.actor_tokens().create("user_1", Actor::new("user_2")).send());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(call);
        assert_eq!(silent.0.0.load(Ordering::SeqCst), number + 1);
    }
}

#[test]
fn around_a_transport_without_one_there_is_none() {
    let bare = || transport_fn(|_, _| async { Ok(Response::default()) });
    let key = || SecretKey::new("sk_test_abc").unwrap();
    let refused =
        |transport: Box<dyn HttpTransport>| Client::builder(transport, key()).require_executor().build().is_err();
    assert!(refused(Box::new(WithTimer::new(bare(), SystemTimer))));
    assert!(refused(Box::new(CapturingTransport::new(bare()))));
    assert!(refused(Box::new(FailingTransport::always(TransportErrorKind::Connect))));
}
