//! A request that a connection keeps back is not sent once its call has ended.
//!
//! An HTTP/2 peer says how many streams it takes at a time. hyper keeps what is beyond that, and would send it whenever there
//! is room again: long after its caller got an error, or left.

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::{Execution, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    h2_peer::*,
    support::{Exchange, Exchanges, LONG, SHORT, Server, assert_kind, http2, post, post_within},
};

/// A server that takes one stream at a time, answers the first request, and the next one only when the test says so. It says
/// which requests were complete.
struct Narrow {
    server: Server,
    go: Arc<Notify>,
    complete: mpsc::UnboundedReceiver<u32>,
}

impl Narrow {
    async fn start() -> Self {
        let (tell, complete) = mpsc::unbounded_channel();
        let go = Arc::new(Notify::new());
        let told = go.clone();
        let server = Server::start(move |_, stream| {
            let (tell, told) = (tell.clone(), told.clone());
            async move {
                let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
                let Some(warm) = peer.request().await else { return };
                peer.answer(warm.id, "hello").await;
                let Some(first) = peer.request().await else { return };
                tell.send(first.id).unwrap();
                told.notified().await;
                peer.answer(first.id, "first").await;
                while let Some(frame) = peer.next().await {
                    if frame.ends_request() {
                        tell.send(frame.stream).unwrap();
                        peer.answer(frame.stream, "next").await;
                    }
                }
            }
        })
        .await;
        Self { server, go, complete }
    }

    /// A transport whose one connection has no stream left, and the exchange that has it.
    async fn occupied(&mut self) -> (HyperTransport, JoinHandle<()>) {
        let transport = http2();
        transport.exchange(self.post()).await.unwrap();
        let (sender, request) = (transport.clone(), self.post());
        let first = tokio::spawn(async move { drop(sender.exchange(request).await.unwrap()) });
        self.complete.recv().await.unwrap();
        (transport, first)
    }

    fn post(&self) -> Exchange {
        post(&self.server.url("/"))
    }

    /// Lets the first exchange end, and asserts that no other request comes whole.
    async fn nothing_more_comes(mut self, first: JoinHandle<()>) {
        self.go.notify_one();
        first.await.unwrap();
        let late = timeout(Duration::from_millis(500), self.complete.recv()).await;
        assert!(!matches!(late, Ok(Some(_))), "sent whole after its call had ended: {late:?}");
    }
}

#[tokio::test]
async fn a_request_that_ran_out_of_time_while_it_waited_for_a_stream_is_not_sent_and_proved_so() {
    let mut narrow = Narrow::start().await;
    let (transport, first) = narrow.occupied().await;
    let error = transport.exchange(post_within(&narrow.server.url("/"), SHORT)).await.unwrap_err();
    assert_kind(&error, TransportErrorKind::TimeoutBeforeSend);
    assert_eq!(error.execution(), Execution::NotExecuted);
    narrow.nothing_more_comes(first).await;
}

#[tokio::test]
async fn a_request_whose_caller_left_while_it_waited_for_a_stream_is_not_sent() {
    let mut narrow = Narrow::start().await;
    let (transport, first) = narrow.occupied().await;
    assert!(timeout(SHORT, transport.exchange(narrow.post())).await.is_err());
    narrow.nothing_more_comes(first).await;
}

#[tokio::test]
async fn a_request_that_is_canceled_while_it_waits_for_a_stream_is_stopped_on_this_side() {
    let mut narrow = Narrow::start().await;
    let (transport, first) = narrow.occupied().await;
    let request = narrow.post();
    let send_state = request.context.send_state().clone();
    let waiting = tokio::spawn(async move { transport.exchange(request).await.map(drop) });
    timeout(LONG, async {
        while !send_state.is_held() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(send_state.cancel());
    narrow.go.notify_one();
    first.await.unwrap();
    assert_kind(&waiting.await.unwrap().unwrap_err(), TransportErrorKind::Blocked);
    assert!(timeout(Duration::from_millis(300), narrow.complete.recv()).await.is_err(), "it came whole");
}

#[tokio::test]
async fn a_request_that_waits_for_a_stream_is_sent_when_there_is_one() {
    let mut narrow = Narrow::start().await;
    let (transport, first) = narrow.occupied().await;
    let request = narrow.post();
    let second = tokio::spawn(async move { transport.exchange(request).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    narrow.go.notify_one();
    first.await.unwrap();
    assert_eq!(second.await.unwrap().unwrap().body().as_ref(), b"next");
}

#[tokio::test]
async fn where_a_connection_breaks_a_request_that_waits_for_a_stream_goes_over_the_next() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let break_off = go.clone();
    let server = Server::start(move |number, stream| {
        let (tell, break_off) = (tell.clone(), break_off.clone());
        async move {
            let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
            let Some(request) = peer.request().await else { return };
            if number > 0 {
                peer.answer(request.id, "hello").await;
                return;
            }
            tell.send(()).unwrap();
            break_off.notified().await;
        }
    })
    .await;
    let transport = http2();
    let [first, second] = [(); 2].map(|()| {
        let (transport, request) = (transport.clone(), post(&server.url("/")));
        async move { transport.exchange(request).await }
    });
    let first = tokio::spawn(first);
    told.recv().await.unwrap();
    let second = tokio::spawn(second);
    tokio::time::sleep(Duration::from_millis(100)).await;
    go.notify_one();
    assert_kind(&first.await.unwrap().unwrap_err(), TransportErrorKind::Interrupted);
    assert_eq!(second.await.unwrap().unwrap().body(), "hello");
    assert_eq!(server.connections(), 2);
}

/// Over HTTP/1.1 a request that is dropped takes its connection along. Over HTTP/2 it has to be marked, so that it is not used again.
#[tokio::test]
async fn callers_that_give_up_by_themselves_get_off_a_dead_connection() {
    let server = Server::start(move |number, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        let Some(warm) = peer.request().await else { return };
        peer.answer(warm.id, "hello").await;
        if number == 0 {
            // Dead without a sign: nothing is read or written from here on.
            std::future::pending::<()>().await;
        }
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
        }
    })
    .await;
    let transport = http2();
    transport.exchange(post(&server.url("/"))).await.unwrap();
    assert!(timeout(SHORT, transport.exchange(post(&server.url("/")))).await.is_err());
    for _ in 0..5 {
        transport.exchange(post(&server.url("/"))).await.unwrap();
    }
    assert_eq!(server.connections(), 2);
}
