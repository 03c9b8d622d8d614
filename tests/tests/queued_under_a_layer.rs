//! A layer gives a request up while it waits in the queue of hyper's HTTP/2 client. The call is sent again, and the server must
//! see it once: what is left in the queue must not leave later.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic; clippy's own exception does not reach helpers")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, ActorToken, ApiResponse, BaseUrl, Client, Error, Execution, SecretKey,
    bytes::Bytes,
    http::{Request, Response},
};
use clerk_actor_tokens_tower::{RequestBody, TowerTransport};
use h2::{RecvStream, server::SendResponse};
use hyper_util::{
    client::legacy::{Client as HyperUtil, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, sync::Notify, task::JoinSet};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the server has seen: how many whole requests, by the user in their body.
type Whole = Arc<Mutex<HashMap<String, usize>>>;

/// Answers one stream at a time, and that of `user_held` when the test releases it.
async fn serve(listener: TcpListener, whole: Whole, release: Arc<Notify>) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut connection = h2::server::Builder::new().max_concurrent_streams(1).handshake(stream).await.unwrap();
    let mut streams = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        streams.spawn(answer(request, respond, Arc::clone(&whole), Arc::clone(&release)));
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    whole: Whole,
    release: Arc<Notify>,
) -> Result<(), h2::Error> {
    let mut stream = request.into_body();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        body.extend_from_slice(&data?);
    }
    let body = String::from_utf8_lossy(&body);
    let user = body.split('"').find(|word| word.starts_with("user_") && *word != "user_id").unwrap_or_default();
    *whole.lock().unwrap().entry(user.to_owned()).or_default() += 1;
    if user == "user_held" {
        release.notified().await;
    }
    let token = format!(
        r#"{{"object":"actor_token","id":"act_{user}","status":"pending","user_id":"{user}",
        "actor":{{"sub":"user_agent"}},"token":"t","url":"https://example.test/?t","created_at":1,"updated_at":1}}"#
    );
    respond.send_response(Response::new(()), false)?.send_data(token.into(), true)
}

/// Drops the third request below it when the test says so, as a layer with a time limit does.
#[derive(Clone)]
struct GivesUp<S> {
    below: S,
    layer: Arc<Layer>,
}

#[derive(Default)]
struct Layer {
    requests: AtomicUsize,
    now: Notify,
}

impl<S> Service<Request<RequestBody>> for GivesUp<S>
where
    S: Service<Request<RequestBody>, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.below.poll_ready(task).map_err(Into::into)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let (called, layer) = (self.below.call(request), Arc::clone(&self.layer));
        let number = layer.requests.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            tokio::select! {
                done = called => done.map_err(Into::into),
                () = layer.now.notified(), if number == 3 => Err("the layer's time is over".into()),
            }
        })
    }
}

type Clerk = Client<TowerTransport<GivesUp<HyperUtil<HttpConnector, RequestBody>>>>;

fn client(address: SocketAddr, layer: &Arc<Layer>) -> Clerk {
    let below = HyperUtil::builder(TokioExecutor::new()).http2_only(true).build_http();
    let transport = TowerTransport::on_tokio(GivesUp { below, layer: Arc::clone(layer) });
    Client::builder(transport, SecretKey::new("sk_test_abc").unwrap())
        .base_url(BaseUrl::new(format!("http://{address}")).unwrap())
        .build()
        .unwrap()
}

async fn create(client: Clerk, user: &'static str) -> Result<ApiResponse<ActorToken>, Error> {
    client.actor_tokens().create(user, Actor::new("user_agent")).send_with_response().await
}

async fn until(happened: impl Fn() -> bool) {
    while !happened() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// However long the request has been in the queue: hyper may have it, or h2, behind its limit of streams.
#[tokio::test]
async fn what_a_layer_gave_up_in_the_queue_of_http2_is_sent_once() {
    for in_queue in [0, 1, 20] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (whole, release) = (Whole::default(), Arc::new(Notify::new()));
        let serving = tokio::spawn(serve(listener, Arc::clone(&whole), Arc::clone(&release)));
        let layer = Arc::<Layer>::default();
        let client = client(address, &layer);
        // From here on the client knows the server's limit of streams.
        create(client.clone(), "user_first").await.unwrap();

        let held = tokio::spawn(create(client.clone(), "user_held"));
        until(|| whole.lock().unwrap().len() == 2).await;
        let queued = tokio::spawn(create(client.clone(), "user_queued"));
        until(|| layer.requests.load(Ordering::SeqCst) == 3).await;
        tokio::time::sleep(Duration::from_millis(in_queue)).await;
        layer.now.notify_one();
        // It is sent again, and waits there as well.
        until(|| layer.requests.load(Ordering::SeqCst) == 4).await;
        tokio::time::sleep(Duration::from_millis(in_queue)).await;
        release.notify_one();

        held.await.unwrap().unwrap();
        let queued = queued.await.unwrap().unwrap();
        let ends: Vec<_> = queued.attempts().iter().map(|attempt| attempt.execution()).collect();
        assert_eq!(ends, [Execution::NotExecuted, Execution::Executed], "{in_queue} ms in the queue");
        // What is left in the queue leaves before this one.
        create(client, "user_last").await.unwrap();
        let mut seen: Vec<_> = whole.lock().unwrap().clone().into_iter().collect();
        seen.sort();
        assert_eq!(seen, ["user_first", "user_held", "user_last", "user_queued"].map(|user| (user.to_owned(), 1)));
        serving.abort();
    }
}
