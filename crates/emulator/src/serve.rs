//! The emulator behind a socket: HTTP/1.1 on 127.0.0.1, for any client in any language.
//!
//! Responsible for connections, for reading bodies within a limit, and for turning faults into bytes: what a reset, a
//! cut or a silence looks like on the wire. What Clerk answers is decided elsewhere.
//!
//! Before a request is sent there is nothing on a socket that could fail: the connection is up by then. So every fault
//! of that time but a stall and a delay is a reset, as soon as the head of the request has been read. A client cannot
//! tell it from a reset at a later time, and must not. The table in `fault.rs` says it for every fault.
//!
//! A client may shut down its side once it has sent its request (RFC 9293 section 3.6), and is answered. Only
//! while a fault makes it wait does that count as going away: nothing else tells it from a client that has closed.

mod reply;
mod socket;

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use clerk_actor_tokens_core::{BaseUrl, Request, Response, SystemTimer, Timer as _};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

use self::{
    reply::{Dropped, End, Pacing, Reply},
    socket::{Line, Socket},
};
use crate::{
    clock::Pace,
    emulator::{Emulator, Inner},
    exchange::{Effect, Exchange, Then},
    fault::Phase,
    requests::WholeLength,
    settings::BODY_LIMIT,
};

/// How much of a body is read at most, most of it to be thrown away, in bytes.
const DRAINED: usize = 64 * BODY_LIMIT;

/// How long the server rests when the operating system gives it no connection.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(10);

/// A server in front of an [`Emulator`]. It stops when this is dropped.
pub struct Served {
    emulator: Emulator,
    address: SocketAddr,
    base_url: BaseUrl,
    stop: Option<oneshot::Sender<Infallible>>,
    task: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Serves this emulator at a free port of 127.0.0.1, in the background of the present tokio runtime. It accepts
    /// connections when this returns.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::Emulator;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
    /// let server = Emulator::builder().real_time().build().serve().await?;
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// server.emulator().assert_creates(0);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// If the emulator's time is not [real](crate::EmulatorBuilder::real_time), if there is no tokio runtime, or if
    /// the operating system gives no port.
    pub async fn serve(&self) -> io::Result<Served> {
        self.serve_on(0).await
    }

    /// As [`serve`](Self::serve), at this port; 0 is any free one.
    ///
    /// # Errors
    /// As [`serve`](Self::serve), and if the port is taken.
    pub async fn serve_on(&self, port: u16) -> io::Result<Served> {
        if self.inner().clock.pace() != Pace::Real {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a server cannot run on a clock that stands still: build the emulator with \
                 Emulator::builder().real_time()",
            ));
        }
        runtime::Handle::try_current().map_err(io::Error::other)?;
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let base_url = BaseUrl::new(url_of(address)).map_err(io::Error::other)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept_all(listener, Arc::clone(self.inner()), stopped));
        Ok(Served { emulator: self.clone(), address, base_url, stop: Some(stop), task: Some(task) })
    }
}

impl Served {
    /// Where it listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// Where it listens, for the builder of a client.
    #[must_use]
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// The emulator behind it.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Stops: closes the port and drops every connection, whatever it is doing.
    pub async fn shutdown(mut self) {
        self.stop = None;
        if let Some(task) = self.task.take() {
            // Its one way to fail is that the runtime ended it first.
            let _ = task.await;
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("address", &self.address).finish_non_exhaustive()
    }
}

fn url_of(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Runs until the other end of `stopped` is dropped.
async fn accept_all(listener: TcpListener, inner: Arc<Inner>, mut stopped: oneshot::Receiver<Infallible>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&inner)));
                }
                // Most likely too many open files: asking again at once would not help.
                Err(_) => SystemTimer.sleep(AFTER_FAILED_ACCEPT).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn serve_connection(stream: TcpStream, inner: Arc<Inner>) {
    // Small answers in one packet each; without it they are merely slower.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line::new(stream));
    let socket = TokioIo::new(Socket::new(Arc::clone(&line)));
    let service = service_fn(|request| answer(request, Arc::clone(&inner), Arc::clone(&line)));
    // An error is a client that went away or spoke no HTTP (hyper answers that), or a fault: nobody to tell.
    let _ = http1::Builder::new().half_close(true).serve_connection(socket, service).await;
}

async fn answer(
    request: http::Request<Incoming>,
    inner: Arc<Inner>,
    line: Arc<Line>,
) -> Result<http::Response<Reply>, Dropped> {
    let (parts, body) = request.into_parts();
    let head = Request::from_parts(parts.clone(), Default::default());
    let mut visit = Visit { exchange: Exchange::begin(&inner, &head), line };
    visit.meet(Phase::BeforeSend, None).await?;

    let request = read(parts, body).await?;
    visit.exchange.arrive(&request);
    if let Some(answer) = visit.meet(Phase::BeforeCommit, None).await? {
        return Ok(answer);
    }
    let reply = visit.exchange.commit(&request);
    if let Some(answer) = visit.meet(Phase::AfterCommit, Some(&reply)).await? {
        return Ok(answer);
    }
    Ok(visit.told(reply, Pacing::AtOnce))
}

/// The whole request. Of a body beyond the limit no more is kept than shows that it is; the rest is read and thrown
/// away, within reason: a client that is still sending when the connection closes would not see the answer.
async fn read(parts: http::request::Parts, mut body: Incoming) -> Result<Request, Dropped> {
    let (mut kept, mut total) = (BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Dropped)?.into_data() else { continue };
        total = total.saturating_add(data.len());
        let room = BODY_LIMIT.saturating_add(1).saturating_sub(kept.len());
        kept.extend_from_slice(&data.slice(..data.len().min(room)));
        if total > DRAINED {
            break;
        }
    }
    let is_cut = total > kept.len();
    let mut request = Request::from_parts(parts, kept.freeze());
    if is_cut {
        request.extensions_mut().insert(WholeLength(total));
    }
    Ok(request)
}

struct Visit {
    exchange: Exchange,
    line: Arc<Line>,
}

impl Visit {
    /// Lets the fault of this phase happen, if there is one: it drops the connection, or answers, or lets it go on.
    async fn meet(&mut self, phase: Phase, reply: Option<&Response>) -> Result<Option<http::Response<Reply>>, Dropped> {
        Ok(match self.exchange.fault(phase, reply) {
            None => None,
            Some(Effect::Instead(answer)) => Some(self.whole(answer)),
            Some(Effect::Changed(changed)) => Some(self.told(changed, Pacing::AtOnce)),
            Some(Effect::Slow(takes)) => reply.map(|reply| self.told(reply.clone(), Pacing::Over(takes))),
            Some(Effect::Delay(duration)) => {
                tokio::select! {
                    () = self.exchange.wait(duration) => None,
                    () = self.line.gone() => return Err(Dropped),
                }
            }
            Some(Effect::Stall) => {
                self.line.gone().await;
                return Err(Dropped);
            }
            Some(Effect::Part { partial, then }) => {
                let end = match then {
                    Then::Silence => End::Silence,
                    Then::End => End::Close,
                };
                reply.map(|reply| self.reply(partial, reply.body().len(), end))
            }
            Some(Effect::Break(_)) if phase == Phase::BeforeSend => {
                self.line.reset();
                return Err(Dropped);
            }
            Some(Effect::Break(cause)) => {
                match cause.cause {
                    _ if cause.half => {
                        self.line.end().await;
                        self.line.gone().await;
                    }
                    io::ErrorKind::UnexpectedEof => {}
                    _ => self.line.reset(),
                }
                return Err(Dropped);
            }
        })
    }

    /// An answer that counts as delivered once its last byte is written, if it tells of the token.
    fn told(&self, response: Response, pacing: Pacing) -> http::Response<Reply> {
        let receipt = self.exchange.receipt(&response);
        response.map(|data| Reply::told(data, pacing, receipt, Arc::clone(&self.line)))
    }

    fn whole(&self, response: Response) -> http::Response<Reply> {
        let length = response.body().len();
        self.reply(response, length, End::Whole)
    }

    /// Announces a body of `length` bytes, sends what is in `response`, and ends like this.
    fn reply(&self, response: Response, length: usize, end: End) -> http::Response<Reply> {
        response.map(|data| Reply::new(data, length, end, Arc::clone(&self.line)))
    }
}
