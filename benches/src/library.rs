//! The library: its transport alone, and calls of its client.

use std::time::Duration;

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, CreateActorToken, SecretKey,
    hyper::HyperTransport,
    middleware::middleware_fn,
    transport::{CallContext, Deadline, HttpTransport as _},
};

use crate::{
    Failure, exchange,
    floor::{self, Floor},
    load::Create,
    peer::Target,
};

/// The default of a client.
const DEADLINE: Duration = Duration::from_secs(30);

/// The hyper transport, with a request and a reading of the answer made by hand, as in the floor.
#[derive(Debug)]
pub struct TransportAlone {
    transport: HyperTransport,
    by_hand: Floor,
}

impl TransportAlone {
    /// A transport to this peer.
    ///
    /// # Errors
    /// The transport could not be built.
    pub fn new(peer: Target) -> Result<Self, Failure> {
        Ok(Self { transport: transport(peer)?, by_hand: Floor::new(peer)? })
    }
}

impl Create for TransportAlone {
    async fn create(&self) -> Result<(), Failure> {
        let deadline = Deadline::after(self.transport.timer().now(), DEADLINE);
        let context = CallContext::new(&CreateActorToken::INFO, deadline);
        floor::read(&self.transport.send(self.by_hand.request()?, context).await?)
    }
}

/// A client of the library, over the hyper transport.
#[derive(Debug)]
pub struct Library(Client<HyperTransport>);

impl Library {
    /// A client of this peer, with the default settings and so many middlewares that do nothing.
    ///
    /// # Errors
    /// The transport or the client could not be built.
    pub fn new(peer: Target, middlewares: usize) -> Result<Self, Failure> {
        let mut client = Client::builder(transport(peer)?, SecretKey::new(exchange::SECRET_KEY)?)
            .base_url(BaseUrl::new(format!("http://{}/v1", peer.address))?);
        for _ in 0..middlewares {
            client = client.middleware(middleware_fn(|request, next| Box::pin(next.run(request))));
        }
        Ok(Self(client.build()?))
    }

    /// The same client without an executor.
    #[must_use]
    pub fn cancel_on_drop(self) -> Self {
        Self(self.0.cancel_on_drop())
    }
}

impl Create for Library {
    async fn create(&self) -> Result<(), Failure> {
        let create = self.0.actor_tokens().create(exchange::USER_ID, Actor::new(exchange::ACTOR_SUB));
        let token = create.expires_in(Duration::from_secs(exchange::LIFETIME)).send().await?;
        exchange::check(token.id().as_str(), token.user_id(), token.url().map(|url| url.expose()))
    }
}

/// `http_only` spares it the system's root certificates; nothing of a request is different.
fn transport(peer: Target) -> Result<HyperTransport, Failure> {
    let transport = HyperTransport::builder().http_only();
    Ok(match peer.protocol.http2 {
        true => transport.http2_prior_knowledge().build()?,
        false => transport.build()?,
    })
}
