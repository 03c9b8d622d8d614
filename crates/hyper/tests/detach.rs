//! Detached exchanges over tokio, and sockets on loopback: where the caller leaves while the server holds the answer, the
//! token is revoked when the answer comes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::{future::Future, sync::Arc, time::Duration};

use clerk_actor_tokens_core::{
    Actor, ActorToken, BaseUrl, BoxFuture, Client, Closed, Error, ErrorKind, Execution, Held, SecretKey, transport_fn,
};
use clerk_actor_tokens_hyper::{HyperTransport, TokioExecutor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::{Notify, Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};

/// Far longer than anything on loopback takes: a bound, never a measure.
const LONG: Duration = Duration::from_secs(20);
const ID: &str = "act_1";

/// What the server has seen.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Create,
    Revoke(String),
}

/// A server that holds the answers to creations until the test releases them. Stops when it is dropped.
struct Server {
    url: String,
    /// One permit is one answer.
    answers: Arc<Semaphore>,
    seen: mpsc::UnboundedReceiver<Seen>,
    /// Counts each answer to a creation that the client did not wait for.
    closed: Arc<Notify>,
    /// The server has a runtime of its own, so that the client's may end.
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // In the background: a runtime cannot be waited for inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (tell, seen) = mpsc::unbounded_channel();
        let (answers, closed) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let (permits, gone) = (answers.clone(), closed.clone());
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                serving.spawn(serve(stream, permits.clone(), gone.clone(), tell.clone()));
            }
        });
        Self { url, answers, seen, closed, runtime: Some(runtime) }
    }

    fn answer(&self) {
        self.answers.add_permits(1);
    }

    async fn next(&mut self) -> Seen {
        timeout(LONG, self.seen.recv()).await.expect("the server sees nothing").unwrap()
    }

    fn client(&self) -> Client<HyperTransport> {
        let transport = HyperTransport::builder().http_only().build().unwrap();
        let base_url: BaseUrl = self.url.parse().unwrap();
        Client::builder(transport, key()).base_url(base_url).require_executor().build().unwrap()
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Semaphore>, closed: Arc<Notify>, tell: mpsc::UnboundedSender<Seen>) {
    while let Some(head) = read_request(&mut stream).await {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let state = match path.strip_suffix("/revoke") {
            Some(path) => {
                let _ = tell.send(Seen::Revoke(path.rsplit('/').next().unwrap().to_owned()));
                "revoked"
            }
            None => {
                let _ = tell.send(Seen::Create);
                let mut byte = [0];
                tokio::select! {
                    permit = answers.acquire() => permit.unwrap().forget(),
                    _ = stream.read(&mut byte) => {
                        closed.notify_one();
                        return;
                    }
                }
                "pending"
            }
        };
        let body = format!(
            "{{\"object\":\"actor_token\",\"id\":\"{ID}\",\"status\":\"{state}\",\"user_id\":\"user_1\",\"actor\":{{\"sub\":\
             \"user_2\"}},\"token\":\"eyJ.e30.c2ln\",\"url\":\"https://clerk.example.com/t?ticket=eyJ.e30.c2ln\",\
             \"created_at\":1700000000000,\"updated_at\":1700000000000}}"
        );
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The head of one request, whose body is read as well. `None` if the client closed instead.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => text.push_str(std::str::from_utf8(&buffer[..read]).unwrap()),
        }
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(head.to_owned());
            }
        }
    }
}

fn key() -> SecretKey {
    SecretKey::new("sk_test_abc").unwrap()
}

type Made = Result<ActorToken, Error>;

fn create(client: &Client<HyperTransport>) -> impl Future<Output = Made> + Send + use<> {
    client.actor_tokens().create("user_1", Actor::new("user_2")).send()
}

/// Runs a creation until the server holds its answer, and gives its future back.
async fn held(server: &mut Server, client: &Client<HyperTransport>) -> BoxFuture<'static, Made> {
    let mut call: BoxFuture<'static, Made> = Box::pin(create(client));
    tokio::select! {
        biased;
        made = &mut call => panic!("the answer is held: {made:?}"),
        seen = server.next() => assert_eq!(seen, Seen::Create),
    }
    call
}

fn clients_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn close(client: &Client<HyperTransport>) -> impl Future<Output = Closed> + use<> {
    let client = client.clone();
    async move { client.close(LONG).await }
}

#[track_caller]
fn assert_lost(closed: &Closed) {
    let [report] = closed.orphans() else { panic!("{closed:?}") };
    assert_eq!((report.execution(), report.id(), closed.in_flight()), (Execution::Unknown, None, 0));
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[test]
fn the_default_client_detaches_and_can_be_told_not_to() {
    let client = clerk_actor_tokens_hyper::client(key()).unwrap();
    assert!(client.detaches_on_drop() && client.clone().erase().detaches_on_drop());
    assert!(!client.cancel_on_drop().detaches_on_drop());
}

/// What a caller does that must know when the server holds the answer.
async fn leave_when_held(server: &mut Server, leave: impl Future<Output = ()> + Send + 'static, go: Arc<Notify>) {
    let leaving = tokio::spawn(leave);
    assert_eq!(server.next().await, Seen::Create);
    go.notify_one();
    timeout(LONG, leaving).await.expect("the caller does not leave").unwrap();
}

#[tokio::test]
async fn however_a_caller_leaves_its_token_is_revoked_when_the_answer_comes() {
    type Leave = fn(Client<HyperTransport>, Arc<Notify>) -> BoxFuture<'static, ()>;
    let ways: [Leave; 4] = [
        // A `select!`.
        |client, go| {
            Box::pin(async move {
                tokio::select! {
                    made = create(&client) => panic!("{made:?}"),
                    () = go.notified() => {}
                }
            })
        },
        // A timeout, which ends when the time has come.
        |client, go| {
            Box::pin(async move {
                let mut call = Box::pin(create(&client));
                tokio::select! {
                    made = &mut call => panic!("{made:?}"),
                    () = go.notified() => {}
                }
                assert!(timeout(Duration::from_millis(1), call).await.is_err());
            })
        },
        // A task that is aborted.
        |client, go| {
            Box::pin(async move {
                let task = tokio::spawn(create(&client));
                go.notified().await;
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            })
        },
        // A set of tasks that is dropped.
        |client, go| {
            Box::pin(async move {
                let mut tasks = JoinSet::new();
                tasks.spawn(create(&client));
                go.notified().await;
                drop(tasks);
            })
        },
    ];
    for leave in ways {
        let mut server = Server::start();
        let (client, go) = (server.client(), Arc::new(Notify::new()));
        leave_when_held(&mut server, leave(client.clone(), go.clone()), go).await;
        server.answer();
        assert_eq!(server.next().await, Seen::Revoke(ID.to_owned()));
        assert!(close(&client).await.is_clean());
    }
}

#[tokio::test]
async fn close_waits_for_the_answer_and_the_revocation() {
    let mut server = Server::start();
    let client = server.client();
    drop(held(&mut server, &client).await);
    let closing = tokio::spawn(close(&client));
    let refused = timeout(LONG, async {
        loop {
            // Until the other task has closed it, a creation begins, and is held.
            match timeout(Duration::from_millis(20), create(&client)).await {
                Ok(refused) => return refused,
                Err(_) => {
                    assert_eq!(server.next().await, Seen::Create);
                    server.answer();
                    assert_eq!(server.next().await, Seen::Revoke(ID.to_owned()));
                }
            }
        }
    });
    assert_eq!(refused.await.unwrap().unwrap_err().kind(), ErrorKind::Blocked);
    assert!(!closing.is_finished());
    server.answer();
    assert_eq!(server.next().await, Seen::Revoke(ID.to_owned()));
    assert!(timeout(LONG, closing).await.unwrap().unwrap().is_clean());
}

#[tokio::test]
async fn a_caller_that_stays_has_its_token() {
    let mut server = Server::start();
    let client = server.client();
    let call = held(&mut server, &client).await;
    server.answer();
    let token = call.await.unwrap();
    assert_eq!(token.id().as_str(), ID);
    drop(token);
    assert!(close(&client).await.is_clean());
    assert!(server.seen.try_recv().is_err(), "nothing is revoked");
}

#[tokio::test]
async fn cancelled_on_drop_the_exchange_is_broken_off_and_close_tells_the_loss() {
    let mut server = Server::start();
    let client = server.client().cancel_on_drop();
    drop(held(&mut server, &client).await);
    timeout(LONG, server.closed.notified()).await.expect("the exchange continues");
    assert_lost(&close(&client).await);
}

#[test]
fn dropped_outside_of_the_runtime_it_runs_on_as_well() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let call = runtime.block_on(held(&mut server, &client));
    drop(call);
    server.answer();
    // On a runtime of its own: only the threads of the client's runtime drive it.
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(other.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(other.block_on(close(&client)).is_clean());
}

#[test]
fn dropped_inside_a_short_lived_runtime_it_runs_on_in_the_one_that_carries_it() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let call = runtime.block_on(held(&mut server, &client));
    let short_lived = Builder::new_current_thread().enable_all().build().unwrap();
    short_lived.block_on(async move { drop(call) });
    drop(short_lived);
    server.answer();
    assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(runtime.block_on(close(&client)).is_clean());
}

#[test]
fn dropped_on_a_thread_of_no_runtime_it_runs_on_as_well() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let call = runtime.block_on(held(&mut server, &client));
    std::thread::spawn(move || drop(call)).join().unwrap();
    server.answer();
    assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(runtime.block_on(close(&client)).is_clean());
}

#[test]
fn a_runtime_that_ends_under_the_caller_loses_the_call_and_close_tells_it() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    // The caller is a task of the runtime that ends.
    runtime.spawn(create(&client));
    runtime.block_on(async { assert_eq!(server.next().await, Seen::Create) });
    runtime.shutdown_timeout(LONG);
    assert_lost(&clients_runtime().block_on(close(&client)));
}

#[test]
fn a_runtime_that_ends_after_the_hand_over_loses_the_call_and_close_tells_it() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let call = runtime.block_on(held(&mut server, &client));
    drop(call);
    runtime.shutdown_timeout(LONG);
    assert_lost(&clients_runtime().block_on(close(&client)));
}

#[test]
fn a_runtime_that_ended_before_the_call_was_dropped_loses_it_and_close_tells_it() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let call = runtime.block_on(held(&mut server, &client));
    runtime.shutdown_timeout(LONG);
    drop(call);
    assert_lost(&clients_runtime().block_on(close(&client)));
}

#[test]
fn a_client_lives_on_in_another_runtime() {
    let mut server = Server::start();
    let client = server.client();
    for _ in 0..3 {
        let runtime = clients_runtime();
        let call = runtime.block_on(held(&mut server, &client));
        drop(call);
        server.answer();
        assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    }
    assert_eq!(clients_runtime().block_on(close(&client)).in_flight(), 0);
}

#[test]
fn a_tokio_executor_without_a_runtime_drops_the_task_and_close_tells_the_loss() {
    let transport = transport_fn(|_, _| std::future::pending());
    let client = Client::builder(transport, key()).executor(TokioExecutor::new()).require_executor().build().unwrap();
    let mut call = Box::pin(client.actor_tokens().create("user_1", Actor::new("user_2")).send());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
    let closed = pollster::block_on(client.close(LONG));
    assert_eq!((closed.orphan_count(), closed.in_flight()), (1, 0));
}

#[test]
fn a_tokio_executor_remembers_the_runtime_that_it_was_made_in() {
    let runtime = clients_runtime();
    let executor = runtime.block_on(async { TokioExecutor::new() });
    let (tell, told) = std::sync::mpsc::channel();
    let transport = transport_fn(move |_, _| {
        let tell = tell.clone();
        async move {
            tokio::task::yield_now().await;
            let _ = tell.send(tokio::runtime::Handle::try_current().is_ok());
            std::future::pending().await
        }
    });
    let client = Client::builder(transport, key()).executor(executor).build().unwrap();
    let mut call = Box::pin(client.actor_tokens().create("user_1", Actor::new("user_2")).send());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(call);
    assert!(told.recv_timeout(LONG).unwrap(), "it runs on in the runtime");
}

/// The server takes the connection and never answers the handshake: nothing of the request can be sent.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[tokio::test]
async fn a_creation_dropped_while_it_connects_ends_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url: BaseUrl = format!("https://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
    let client =
        Client::builder(HyperTransport::new().unwrap(), key()).base_url(base_url).require_executor().build().unwrap();
    let call = client.actor_tokens().create("user_1", Actor::new("user_2")).send();
    let mut stream = tokio::select! {
        _ = call => unreachable!("no server answers"),
        // The first bytes of the handshake are there: it is connecting. And the caller goes.
        accepted = listener.accept() => accepted.unwrap().0,
    };
    let closed = client.close(LONG).await;
    assert!(closed.is_clean(), "{closed:?}");
    drop(client);
    // No task holds the connection: the server sees its end, and before it no more than a handshake.
    let mut bytes = Vec::new();
    timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert!(bytes.first().is_none_or(|first| *first == 22), "a TLS handshake record, or nothing");
}

/// What a creation made, held by its caller.
async fn hold(server: &mut Server, client: &Client<HyperTransport>) -> Held<ActorToken> {
    server.answer();
    let held = client.actor_tokens().create("user_1", Actor::new("user_2")).hold().await.unwrap();
    assert_eq!(server.next().await, Seen::Create);
    held
}

#[test]
fn what_a_cancelled_handler_held_is_revoked() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let held = runtime.block_on(hold(&mut server, &client));
    let handler = runtime.spawn(async move {
        std::future::pending::<()>().await;
        held.keep().await.map(drop)
    });
    handler.abort();
    assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(runtime.block_on(close(&client)).is_clean());
}

#[test]
fn held_and_dropped_inside_a_short_lived_runtime_it_is_revoked_in_the_one_that_made_it() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let held = runtime.block_on(hold(&mut server, &client));
    let short_lived = Builder::new_current_thread().enable_all().build().unwrap();
    short_lived.block_on(async move { drop(held) });
    drop(short_lived);
    assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(runtime.block_on(close(&client)).is_clean());
}

#[test]
fn held_by_a_client_whose_executor_was_made_without_a_runtime_it_is_revoked_wherever_it_is_dropped() {
    let mut server = Server::start();
    let transport = HyperTransport::builder().http_only().build().unwrap();
    let builder = Client::builder(transport, key()).base_url(server.url.parse().unwrap());
    let client = builder.executor(TokioExecutor::new()).build().unwrap();
    let runtime = clients_runtime();
    let held = runtime.block_on(hold(&mut server, &client));
    std::thread::spawn(move || drop(held)).join().unwrap();
    assert_eq!(runtime.block_on(server.next()), Seen::Revoke(ID.to_owned()));
    assert!(runtime.block_on(close(&client)).is_clean());
}

#[test]
fn held_until_its_runtime_has_ended_it_is_reported_by_name() {
    let mut server = Server::start();
    let (runtime, client) = (clients_runtime(), server.client());
    let held = runtime.block_on(hold(&mut server, &client));
    runtime.shutdown_timeout(LONG);
    drop(held);
    let closed = clients_runtime().block_on(close(&client));
    let [report] = closed.orphans() else { panic!("{closed:?}") };
    assert_eq!((report.id(), report.was_held(), closed.in_flight()), (Some(ID), true, 0));
}
