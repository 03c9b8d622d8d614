//! The floor: creating a token with hyper-util's pooled client, as a good engineer writes it by hand.
//!
//! A deadline, the status checked, the body read whole and deserialised into what the application needs. What it has
//! not: any of the promises for which the library is there.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};

use crate::{
    Failure,
    by_hand::{self, ByHand, POOL_IDLE, TIMEOUT},
    load::{Create, Subject, subject},
    peer::Target,
    tls,
};

/// A client made by hand.
#[derive(Debug)]
struct Floor<C> {
    client: Client<C, Full<Bytes>>,
    by_hand: ByHand,
    has_deadline: bool,
}

/// Makes a client of this peer, with the library's settings of the connections.
///
/// # Errors
/// The peer's certificate is none.
pub fn new(peer: &Target, has_deadline: bool) -> Result<Subject, Failure> {
    let by_hand = ByHand::new(peer)?;
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE).http2_only(peer.protocol.is_http2());
    let mut tcp = connector();
    if !peer.protocol.has_tls() {
        return Ok(subject(Floor { client: client.build(tcp), by_hand, has_deadline }));
    }
    tcp.enforce_http(false);
    let tls = HttpsConnector::from((tcp, tls::config(peer)?));
    Ok(subject(Floor { client: client.build(tls), by_hand, has_deadline }))
}

/// The connector of TCP.
pub(crate) fn connector() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(std::time::Duration::from_secs(15)));
    tcp
}

impl<C: Connect + Clone + Send + Sync + 'static> Floor<C> {
    async fn exchange(&self, number: usize) -> Result<(), Failure> {
        let response = self.client.request(self.by_hand.request(number)?.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        by_hand::read(head.status, &body.collect().await?.to_bytes())
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Create for Floor<C> {
    async fn create(&self, number: usize) -> Result<(), Failure> {
        match self.has_deadline {
            true => tokio::time::timeout(TIMEOUT, self.exchange(number)).await?,
            false => self.exchange(number).await,
        }
    }
}
