//! What a peer says late: while a connection is handed over, while it is looked at, before it takes its first request. And calls
//! whose runtime lacks something, or ends.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens_core::{DiscardConnection, TransportErrorKind};
use clerk_actor_tokens_hyper::HyperTransport;
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
    time::sleep,
};
use tower_service::Service;

use crate::{
    h2_peer::{MAX_CONCURRENT_STREAMS, Peer, frame, settings},
    support::{Exchanges, Server, closed_by_client, http2, ok, post, post_within, read_request},
};

/// The server's own thread: the client's is blocked meanwhile.
fn servers_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Connects at once the first time, and later after half a second.
#[derive(Clone)]
struct SlowLater(HttpConnector, Arc<AtomicUsize>);

impl Service<Uri> for SlowLater {
    type Response = TokioIo<TcpStream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let is_first = self.1.fetch_add(1, Ordering::SeqCst) == 0;
        let connecting = self.0.call(target);
        Box::pin(async move {
            if !is_first {
                sleep(Duration::from_millis(500)).await;
            }
            connecting.await.map_err(Into::into)
        })
    }
}

/// What the call gets that waited while the one before it used the connection. Behind the first answer the server writes this,
/// or closes.
fn handed_over(behind: Option<String>) -> Result<String, TransportErrorKind> {
    hand_over(behind, false).0
}

fn hand_over(behind: Option<String>, discards: bool) -> (Result<String, TransportErrorKind>, usize) {
    let servers = servers_thread();
    let server = servers.block_on(Server::start(move |number, mut stream| {
        let behind = behind.clone();
        async move {
            if read_request(&mut stream).await.is_none() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
            stream.write_all(ok("yours").as_bytes()).await.unwrap();
            if discards {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(ok("yours").as_bytes()).await.unwrap();
                }
                return;
            }
            if number == 0 {
                sleep(Duration::from_millis(100)).await;
                match behind {
                    None => return,
                    Some(behind) => stream.write_all(behind.as_bytes()).await.unwrap(),
                }
            }
            closed_by_client(&mut stream).await;
        }
    }));
    let url = server.url("/");
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let result = client.block_on(async move {
        let slow = SlowLater(HttpConnector::new(), Arc::default());
        let transport = HyperTransport::builder().build_with_connector(slow).unwrap();
        let (first, request) = (transport.clone(), post(&url));
        let first = tokio::spawn(async move {
            let response = first.exchange(request).await.unwrap();
            if discards {
                response.extensions().get::<DiscardConnection>().unwrap().discard();
            }
            // The application works on the answer.
            std::thread::sleep(Duration::from_millis(300));
        });
        sleep(Duration::from_millis(50)).await;
        let second = tokio::spawn(async move { transport.exchange(post(&url)).await });
        first.await.unwrap();
        match second.await.unwrap() {
            Ok(response) => Ok(String::from_utf8(response.body().to_vec()).unwrap()),
            Err(error) => Err(error.kind()),
        }
    });
    (result, server.connections())
}

#[test]
fn a_connection_that_is_discarded_while_it_is_handed_over_is_not_used() {
    assert_eq!(hand_over(None, true), (Ok("yours".to_owned()), 2));
}

#[test]
fn a_runtime_without_time_is_an_error_and_no_panic() {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let error = runtime.block_on(crate::support::http_only().exchange(post("http://127.0.0.1:9/"))).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Blocked);
}

#[test]
fn a_call_on_a_fresh_connection_that_outlives_its_runtime_does_not_panic() {
    use std::{future::poll_fn, task::Poll};
    #[derive(Clone)]
    struct Never;
    impl Service<Uri> for Never {
        type Response = TokioIo<TcpStream>;
        type Error = Box<dyn std::error::Error + Send + Sync>;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Uri) -> Self::Future {
            Box::pin(std::future::pending())
        }
    }
    let transport = HyperTransport::builder().build_with_connector(Never).unwrap();
    let mut call =
        transport.exchange(post_within("http://127.0.0.1:9/", Duration::from_secs(1)).with_fresh_connection());
    let first = Builder::new_current_thread().enable_all().build().unwrap();
    first.block_on(poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    drop(first);
    let second = Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(call).unwrap_err();
}

#[test]
fn a_connection_that_is_handed_over_is_looked_at_for_its_end() {
    assert_eq!(handed_over(None), Ok("yours".to_owned()));
}

#[test]
fn a_connection_that_is_handed_over_is_looked_at_for_bytes_that_answer_nothing() {
    assert_eq!(handed_over(Some(ok("another user's token"))), Ok("yours".to_owned()));
}

#[test]
fn each_call_of_a_burst_looks_at_an_idle_http2_connection() {
    let servers = servers_thread();
    let server = servers.block_on(Server::start(move |number, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
            if number == 0 {
                sleep(Duration::from_millis(100)).await;
                // A ping, and the end, without a GOAWAY.
                peer.send(frame(6, 0, 0, [0; 8])).await;
                let mut stream = peer.into_stream();
                let _ = stream.shutdown().await;
                while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
                return;
            }
        }
    }));
    let url = server.url("/");
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let (one, two) = client.block_on(async move {
        let transport = http2();
        transport.exchange(post(&url)).await.unwrap();
        // The peer's end arrives meanwhile.
        std::thread::sleep(Duration::from_millis(300));
        tokio::join!(transport.exchange(post(&url)), transport.exchange(post(&url)))
    });
    let kind =
        |result: Result<_, clerk_actor_tokens_core::TransportError>| result.map(drop).map_err(|error| error.kind());
    assert_eq!((kind(one), kind(two)), (Ok(()), Ok(())));
}

#[tokio::test]
async fn settings_that_come_later_than_the_idle_limit_cost_no_connection_after_another() {
    let server = Server::start(|_, mut stream| async move {
        let mut preface = [0; 24];
        if stream.read_exact(&mut preface).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
        let mut peer = Peer::over(stream);
        peer.send(settings(&[])).await;
        while let Some(request) = peer.request().await {
            peer.answer(request.id, "hello").await;
        }
    })
    .await;
    let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
    let transport = builder.pool_idle_timeout(Duration::from_millis(20)).build().unwrap();
    let result = transport.exchange(post_within(&server.url("/"), Duration::from_secs(2))).await;
    assert_eq!((result.map(drop).map_err(|error| error.kind()), server.connections()), (Ok(()), 1));
}

#[tokio::test]
async fn a_second_connection_that_fails_harms_no_call_that_the_first_could_serve() {
    for allowed in [1, 2] {
        let server = Server::start(|number, stream| async move {
            // It takes one connection of each client.
            if number > 0 {
                return;
            }
            let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 1)]).await else { return };
            while let Some(request) = peer.request().await {
                sleep(Duration::from_millis(100)).await;
                peer.answer(request.id, "hello").await;
            }
        })
        .await;
        let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
        let transport = builder.max_http2_connections(allowed).build().unwrap();
        transport.exchange(post(&server.url("/"))).await.unwrap();
        let calls = (0..3).map(|_| {
            let (transport, request) = (transport.clone(), post(&server.url("/")));
            tokio::spawn(async move { transport.exchange(request).await.map(drop).map_err(|error| error.kind()) })
        });
        let calls: Vec<_> = calls.collect();
        let mut results = Vec::new();
        for call in calls {
            results.push(call.await.unwrap());
        }
        assert_eq!(results, [Ok(()), Ok(()), Ok(())], "{allowed} allowed, {} opened", server.connections());
    }
}

/// The server leaves as soon as the client has acknowledged its SETTINGS. The client's runtime is busy: each of its tasks waits a
/// little for its turn.
#[test]
fn a_server_that_leaves_a_moment_after_its_settings_is_not_asked_without_end() {
    let servers = servers_thread();
    let server = servers.block_on(Server::start(|_, stream| async move {
        let Some(mut peer) = Peer::accept(stream).await else { return };
        while let Some(frame) = peer.next().await {
            if frame.kind == 4 {
                peer.send(crate::h2_peer::goaway(0, 0)).await;
            }
        }
    }));
    let url = server.url("/");
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    let kind = client.block_on(async move {
        tokio::spawn(async {
            loop {
                std::thread::sleep(Duration::from_millis(2));
                tokio::task::yield_now().await;
            }
        });
        http2().exchange(post_within(&url, Duration::from_secs(5))).await.unwrap_err().kind()
    });
    assert!(server.connections() <= 8, "{kind:?} after {} connections", server.connections());
}

/// The server takes no request for longer than the idle limit, and then takes one: on each connection.
#[tokio::test]
async fn a_limit_that_rises_later_than_the_idle_limit_is_used() {
    for (pool, waits) in [(4_000, 100), (50, 200)] {
        let server = Server::start(move |_, stream| async move {
            let Some(mut peer) = Peer::accept_with(stream, &[(MAX_CONCURRENT_STREAMS, 0)]).await else { return };
            sleep(Duration::from_millis(waits)).await;
            peer.send(settings(&[(MAX_CONCURRENT_STREAMS, 1)])).await;
            while let Some(request) = peer.request().await {
                peer.answer(request.id, "hello").await;
            }
        })
        .await;
        let builder = HyperTransport::builder().http_only().http2_prior_knowledge();
        let transport = builder.pool_idle_timeout(Duration::from_millis(pool)).build().unwrap();
        let result = transport.exchange(post_within(&server.url("/"), Duration::from_secs(2))).await;
        let kind = result.map(drop).map_err(|error| error.kind());
        assert_eq!(kind, Ok(()), "idle limit {pool} ms, {} connections", server.connections());
    }
}
