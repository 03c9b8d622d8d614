//! Where an exchange can be stalled on real sockets, and what has to be said of it there.
//!
//! Each place has a server of its own. Calls never share a connection: none of those here is ever free for a second one, and
//! over HTTP/2, where one would be, each call has a transport of its own.

use std::{
    convert::Infallible,
    future::{Pending, pending},
    io,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use clerk_actor_tokens::{
    BaseUrl, ErrorKind, Execution,
    hyper::{HyperTransport, HyperTransportBuilder},
};
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tower_service::Service;

use super::promise::{ACTOR, ID, Promise, USER};
use crate::wire::{
    BoxError,
    protocol::Protocol,
    raw::{Answer, Raw, Stops, gone, head_len},
};

const UNSENT: Promise = Promise { kind: ErrorKind::Timeout, execution: Execution::NotExecuted, salvaged: false };
const IN_HEAD: Promise = Promise { kind: ErrorKind::Timeout, execution: Execution::Unknown, salvaged: false };
const IN_BODY: Promise =
    Promise { kind: ErrorKind::ResponseTruncated, execution: Execution::Executed, salvaged: false };
const CERTAIN: Promise = Promise { salvaged: true, ..IN_BODY };

type Make = dyn Fn() -> Result<HyperTransport, BoxError> + Send + Sync;

/// A place to be stalled at.
pub(super) struct Place {
    pub(super) phase: &'static str,
    pub(super) shown: String,
    pub(super) promise: Promise,
    base_url: BaseUrl,
    transport: Box<Make>,
    /// What stalls there, for as long as it is needed.
    _peer: Box<dyn Send + Sync>,
}

impl Place {
    fn new(
        phase: &'static str,
        promise: Promise,
        url: &str,
        peer: impl Send + Sync + 'static,
        transport: impl Fn() -> Result<HyperTransport, BoxError> + Send + Sync + 'static,
    ) -> Result<Self, BoxError> {
        let (base_url, transport) = (BaseUrl::new(url)?, Box::new(transport));
        Ok(Self { phase, shown: phase.to_owned(), promise, base_url, transport, _peer: Box::new(peer) })
    }

    pub(super) fn transport(&self) -> Result<HyperTransport, BoxError> {
        (self.transport)()
    }

    pub(super) fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }
}

/// More than any deadline here: what the deadline has to end, no other limit does.
fn patient() -> HyperTransportBuilder {
    HyperTransport::builder().connect_timeout(Duration::from_secs(3600))
}

/// Every place, and of the bytes of answers every so-manieth.
pub(super) async fn places(every: usize) -> Result<Vec<Place>, BoxError> {
    let mut places = vec![dns()?, connect().await?, proxy().await?, tls().await?];
    for protocol in Protocol::CLEAR {
        places.extend(answers(protocol, every.max(1)).await?);
    }
    Ok(places)
}

/// Resolves no name, and does not say so.
#[derive(Clone)]
struct Silent;

impl Service<Name> for Silent {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        pending()
    }
}

fn dns() -> Result<Place, BoxError> {
    Place::new("DNS", UNSENT, "https://clerk.test", (), || {
        let mut connector = HttpConnector::new_with_resolver(Silent);
        connector.enforce_http(false);
        Ok(patient().build_with_connector(connector)?)
    })
}

/// A listener that takes no more connections: its queue is full, and the operating system leaves the next ones without an
/// answer.
async fn connect() -> Result<Place, BoxError> {
    const ENOUGH: usize = 64;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut queued = Vec::new();
    for _ in 0..ENOUGH {
        match timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            Ok(stream) => queued.push(stream?),
            Err(_) => {
                let url = format!("http://{address}");
                return Place::new("TCP connect", UNSENT, &url, (listener, queued), || {
                    Ok(patient().http_only().build()?)
                });
            }
        }
    }
    Err("the queue of a listener is never full here".into())
}

/// Accepts, and never says a word.
async fn silent() -> io::Result<(SocketAddr, Accepting)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { gone(&mut stream).await });
        }
    });
    Ok((address, Accepting(accepting)))
}

/// A server, until it is dropped.
struct Accepting(JoinHandle<()>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn proxy() -> Result<Place, BoxError> {
    let (address, peer) = silent().await?;
    let transport = patient().proxy(format!("http://{address}")).build()?;
    Place::new("CONNECT to a proxy", UNSENT, "https://clerk.test", peer, move || Ok(transport.clone()))
}

async fn tls() -> Result<Place, BoxError> {
    let (address, peer) = silent().await?;
    let transport = patient().build()?;
    Place::new("TLS handshake", UNSENT, &format!("https://{address}"), peer, move || Ok(transport.clone()))
}

/// An answer to both calls: to a creation it is one, and to a revocation it is the revoked token.
fn answer(request: &[u8]) -> Answer {
    let status = if request.is_empty() { "revoked" } else { "pending" };
    Answer::new(
        200,
        format!(
            r#"{{"object":"actor_token","status":"{status}","id":"{ID}","user_id":"{USER}","actor":{{"sub":"{ACTOR}"}},"token":null,"url":null,"created_at":1,"updated_at":1}}"#
        ),
    )
}

/// Behind each byte of an answer, head and body.
async fn answers(protocol: Protocol, every: usize) -> Result<Vec<Place>, BoxError> {
    let sample = answer(b"{}");
    let text = String::from_utf8(sample.body.clone())?;
    // Behind the id and the user, and not between the beginning of the actor and its subject.
    let behind = |part: &str| text.find(part).map_or(0, |begin| begin + part.len() + 1);
    let in_actor = behind("\"actor\"").saturating_sub(1)..behind(ACTOR);
    let is_certain = |kept: usize| kept >= behind(ID).max(behind(USER)) && !in_actor.contains(&kept);
    let head = (0..head_len(&sample, protocol)).step_by(every).map(Stops::InHead);
    let body = (0..sample.body.len()).step_by(every).map(Stops::InBody);
    let mut places = Vec::new();
    for stops in head.chain(body) {
        let (phase, promise) = match (stops, protocol) {
            (Stops::InBody(kept), Protocol::Http1) => ("body, h1", if is_certain(kept) { CERTAIN } else { IN_BODY }),
            (Stops::InBody(kept), _) => ("body, h2", if is_certain(kept) { CERTAIN } else { IN_BODY }),
            (_, Protocol::Http1) => ("head, h1", IN_HEAD),
            _ => ("head, h2", IN_HEAD),
        };
        let server = Raw::start(protocol, move |request| Answer { stops, ..answer(request) }).await?;
        let url = server.url();
        let place = Place::new(phase, promise, &url, server, move || Ok(protocol.transport(None)?.build()?))?;
        places.push(Place { shown: format!("{phase}, {stops:?}"), ..place });
    }
    Ok(places)
}
