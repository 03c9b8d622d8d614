//! The library: its transport alone, and calls of its client.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, ClientBuilder, CreateActorToken, SecretKey,
    hyper::{Certificates, HyperTransport, HyperTransportBuilder},
    middleware::middleware_fn,
    observe::{AttemptEnded, CallEnded, Observer},
    reqwest::ReqwestTransport,
    tower::{RequestBody, TowerTransport},
    transport::{CallContext, Deadline, HttpTransport},
    ureq::UreqTransport,
};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{
    Failure,
    by_hand::{self, ByHand, POOL_IDLE, TIMEOUT, of},
    exchange, floor,
    load::{Create, Subject, subject},
    peer::Target,
};

/// The hyper transport, with a request and a reading of the answer made by hand, as in the floor.
#[derive(Debug)]
struct TransportAlone {
    transport: HyperTransport,
    by_hand: ByHand,
}

/// How a layer configures the client.
type Configure = fn(ClientBuilder<HyperTransport>) -> ClientBuilder<HyperTransport>;

/// Clients of the library over one transport, one for each origin.
#[derive(Debug)]
struct Library<T>(Vec<Client<T>>);

/// Makes the transport alone, with so many lines in hyper's table of headers. `None`: the default.
///
/// # Errors
/// It could not be built.
pub fn transport(peer: &Target, max_headers: Option<usize>) -> Result<Subject, Failure> {
    let mut transport = builder(peer)?;
    if let Some(lines) = max_headers {
        transport = transport.max_headers(lines);
    }
    Ok(subject(TransportAlone { transport: transport.build()?, by_hand: ByHand::new(peer)? }))
}

/// Makes the transport alone over a connector of the application's own, in the clear: its sockets are not known.
///
/// # Errors
/// It could not be built.
pub fn own_connector(peer: &Target) -> Result<Subject, Failure> {
    let transport = HyperTransport::builder().pool_idle_timeout(POOL_IDLE);
    let transport = match peer.protocol.is_http2() {
        true => transport.http2_prior_knowledge(),
        false => transport,
    };
    let transport = transport.build_with_connector(floor::connector())?;
    Ok(subject(TransportAlone { transport, by_hand: ByHand::new(peer)? }))
}

/// Makes clients of this peer with the default settings, except for what `configure` sets.
///
/// # Errors
/// The transport or a client could not be built.
pub fn client(peer: &Target, configure: Configure) -> Result<Subject, Failure> {
    Ok(subject(Library(clients(peer, configure)?)))
}

/// Makes clients over reqwest, in the clear.
///
/// # Errors
/// The transport or a client could not be built.
pub fn over_reqwest(peer: &Target) -> Result<Subject, Failure> {
    let transport = ReqwestTransport::from_builder(|reqwest| reqwest.http1_only().pool_idle_timeout(POOL_IDLE))?;
    Ok(subject(Library(clients_over(&transport, peer, |client| client)?)))
}

/// Makes clients over ureq, in the clear.
///
/// # Errors
/// A client could not be built.
pub fn over_ureq(peer: &Target) -> Result<Subject, Failure> {
    let transport = UreqTransport::from_config(|config| config.max_idle_age(POOL_IDLE));
    Ok(subject(Library(clients_over(&transport, peer, |client| client)?)))
}

/// Makes clients over hyper-util's pooled client as a service, in the clear.
///
/// # Errors
/// A client could not be built.
pub fn over_tower(peer: &Target) -> Result<Subject, Failure> {
    let mut client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE);
    let transport = TowerTransport::on_tokio(client.build::<_, RequestBody>(floor::connector()));
    Ok(subject(Library(clients_over(&transport, peer, |client| client)?)))
}

/// Makes clients without an executor.
///
/// # Errors
/// The transport or a client could not be built.
pub fn cancel_on_drop(peer: &Target) -> Result<Subject, Failure> {
    let clients = clients(peer, |client| client)?;
    Ok(subject(Library(clients.iter().map(Client::cancel_on_drop).collect())))
}

/// Adds so many middlewares that do nothing.
pub fn middlewares<const N: usize>(mut client: ClientBuilder<HyperTransport>) -> ClientBuilder<HyperTransport> {
    for _ in 0..N {
        client = client.middleware(middleware_fn(|request, next| Box::pin(next.run(request))));
    }
    client
}

/// Counts attempts and calls.
#[derive(Debug)]
pub struct Counts;

static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

impl Observer for Counts {
    fn attempt_ended(&self, _: &AttemptEnded<'_>) {
        ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    }

    fn call_ended(&self, _: &CallEnded<'_>) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
}

fn clients(peer: &Target, configure: Configure) -> Result<Vec<Client<HyperTransport>>, Failure> {
    clients_over(&builder(peer)?.build()?, peer, configure)
}

fn clients_over<T: HttpTransport + Clone>(
    transport: &T,
    peer: &Target,
    configure: impl Fn(ClientBuilder<T>) -> ClientBuilder<T>,
) -> Result<Vec<Client<T>>, Failure> {
    let client = |base: String| {
        let client = Client::builder(transport.clone(), SecretKey::new(exchange::SECRET_KEY)?);
        Ok(configure(client.base_url(BaseUrl::new(base)?)).build()?)
    };
    peer.bases().map(client).collect()
}

/// `http_only` spares it the system's root certificates; nothing of a request is different.
fn builder(peer: &Target) -> Result<HyperTransportBuilder, Failure> {
    let transport = HyperTransport::builder().pool_idle_timeout(POOL_IDLE);
    let transport = match &peer.certificate {
        Some(certificate) => transport.only_roots(Certificates::from_pem(certificate.as_bytes())?),
        None => transport.http_only(),
    };
    Ok(match (peer.protocol.is_http2(), peer.protocol.has_tls()) {
        (true, _) => transport.http2_prior_knowledge(),
        (false, true) => transport.http1_only(),
        (false, false) => transport,
    })
}

impl Create for TransportAlone {
    async fn create(&self, number: usize) -> Result<(), Failure> {
        let deadline = Deadline::after(self.transport.timer().now(), TIMEOUT);
        let context = CallContext::new(&CreateActorToken::INFO, deadline);
        let response = self.transport.send(self.by_hand.request(number)?, context).await?;
        by_hand::read(response.status(), response.body())
    }
}

impl<T: HttpTransport> Create for Library<T> {
    async fn create(&self, number: usize) -> Result<(), Failure> {
        let create = of(&self.0, number)?.actor_tokens().create(exchange::USER_ID, Actor::new(exchange::ACTOR_SUB));
        let token = create.expires_in(Duration::from_secs(exchange::LIFETIME)).send().await?;
        exchange::check(token.id().as_str(), token.user_id(), token.url().map(|url| url.expose()))
    }
}
