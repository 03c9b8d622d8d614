//! A transport of the standard library alone: a thread for each exchange, and idle connections kept.
//!
//! It keeps the contract, unless it is built with a [`Flaw`]: then it is wrong in that one place.

mod wire;

use std::{
    future::Future,
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::async_trait;
use clerk_actor_tokens_core::{
    CallContext, DiscardConnection, Executor, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
    TransportErrorKind, bytes::Bytes,
};
pub(crate) use wire::NotHttp;

/// One thing that a transport does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Each read has the whole time anew.
    TimePerRead,
    /// The first answer is the answer, also an interim one.
    InterimIsFinal,
    /// A body that is announced to be larger than the cap is not read.
    RefusesAnnounced,
    /// The end of the connection ends every body.
    EndIsEnd,
    /// An invalid chunk ends the body.
    BrokenChunkIsEnd,
    /// A body without a length is an error.
    NeedsLength,
    /// A connection is kept with what is left over in it.
    KeepsLeftovers,
    /// A connection is kept though its answer was too large to be read.
    KeepsCut,
    /// Bytes that are no HTTP make it panic.
    PanicsOnGarbage,
    /// A connection that ends before its answer was closed before the request, it thinks, if it is a reused one.
    ReusedWasClosed,
    /// And so it sends again.
    ReusedIsSentAgain,
    /// The same, but only what had no body.
    EmptyIsSentAgain,
    /// Each fourth exchange does not look at its deadline before it sends, and has a second from there.
    SendsLateByChance,
    /// A large body is not sent where the answer comes before it, and the connection is kept.
    KeepsHalfSent,
    /// The environment is asked for a proxy.
    ProxyFromEnvironment,
    /// An idle connection is used without a look at whether it was closed.
    DoesNotLook,
    /// The state does not say what was written when the caller goes away.
    NeverBegins,
    /// It says that it sends before there is a connection.
    BeginsAtOnce,
    /// It does not ask whether a connection must be fresh.
    UsesAny,
    /// It waits without end for a server that does not read.
    WritesForEver,
    /// The answers to all exchanges wait in one place.
    OneSlot,
    /// The bodies to send wait in one place.
    OneBody,
    /// Where one exchange breaks off, those beside it fail as if they had not begun.
    OneForAll,
}

#[derive(Clone, Default)]
pub(crate) struct Reference {
    flaw: Option<Flaw>,
    idle: Arc<Mutex<Vec<Idle>>>,
    /// What belongs to one exchange each, and is shared where a flaw says so.
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    slot: Arc<Slot>,
    body: Mutex<Bytes>,
    broken: AtomicUsize,
    late: AtomicUsize,
}

struct Idle {
    connection: Connection,
    left_over: Vec<u8>,
}

struct Connection {
    to: SocketAddr,
    stream: TcpStream,
    is_discarded: Arc<AtomicBool>,
}

impl Reference {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..Self::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// An idle connection that seems to be alive.
    fn take_idle(&self, to: SocketAddr) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap();
        while let Some(at) = idle.iter().position(|idle| idle.connection.to == to) {
            let found = idle.remove(at);
            let is_discarded = found.connection.is_discarded.load(Ordering::SeqCst);
            if !is_discarded && (self.has(Flaw::DoesNotLook) || is_quiet(&found.connection.stream)) {
                return Some(found);
            }
        }
        None
    }

    fn exchange(&self, request: &Request, context: &CallContext, slot: &Slot) -> Result<Response, TransportError> {
        let mut deadline = Instant::now() + context.deadline().remaining(SystemTimer.now());
        let is_late = context.deadline().has_passed(SystemTimer.now());
        if is_late && self.has(Flaw::SendsLateByChance) && self.shared.late.fetch_add(1, Ordering::SeqCst) % 4 == 3 {
            deadline += Duration::from_secs(1);
        }
        let cap = context.response_cap();
        let send_state = context.send_state();
        send_state.hold();
        if self.has(Flaw::BeginsAtOnce) && !send_state.begin() {
            return Err(TransportError::blocked("the caller is gone"));
        }
        let proxy = std::env::var("http_proxy").ok().filter(|_| self.has(Flaw::ProxyFromEnvironment));
        let to = match proxy.and_then(|proxy| proxy.strip_prefix("http://")?.parse().ok()) {
            Some(proxy) => proxy,
            None => address(request)?,
        };
        let mut wants_fresh = context.wants_fresh_connection() && !self.has(Flaw::UsesAny);
        loop {
            let idle = if wants_fresh { None } else { self.take_idle(to) };
            let is_reused = idle.is_some();
            let Idle { connection, left_over } = match idle {
                Some(idle) => idle,
                None => Idle { connection: connect(to, deadline)?, left_over: Vec::new() },
            };
            slot.hold(&connection.stream);
            if !self.has(Flaw::NeverBegins) && !send_state.begin() {
                return Err(TransportError::blocked("the caller is gone"));
            }
            let bytes = request_bytes(request, to);
            let by = if self.has(Flaw::WritesForEver) { None } else { Some(deadline) };
            let head_length = bytes.len() - request.body().len();
            let written = if self.has(Flaw::KeepsHalfSent) && request.body().len() > head_length {
                write(&connection.stream, &bytes[..head_length], by).and_then(|()| {
                    match answers_soon(&connection.stream) {
                        true => Ok(()),
                        false => write(&connection.stream, &bytes[head_length..], by),
                    }
                })
            } else {
                write(&connection.stream, &bytes, by)
            };
            let mut reader = wire::Reader::new(&connection.stream, left_over, deadline, self.flaw);
            let result = written.map_err(wire::broke).and_then(|()| wire::answer(&mut reader, cap));
            let is_over = result.as_ref().is_err_and(|error| {
                error.kind() == TransportErrorKind::Interrupted && error.partial().is_none() && !is_not_http(error)
            });
            if is_reused && is_over && self.has(Flaw::ReusedWasClosed) {
                return Err(TransportErrorKind::Canceled.into());
            }
            let is_sent_again =
                self.has(Flaw::ReusedIsSentAgain) || (self.has(Flaw::EmptyIsSentAgain) && request.body().is_empty());
            if is_reused && is_over && is_sent_again {
                wants_fresh = true;
                continue;
            }
            let left_over = reader.left_over();
            slot.release();
            let is_kept = match &result {
                Ok((_, is_kept)) => *is_kept && (left_over.is_empty() || self.has(Flaw::KeepsLeftovers)),
                Err(error) => error.kind() == TransportErrorKind::BodyTooLarge && self.has(Flaw::KeepsCut),
            };
            let is_discarded = Arc::clone(&connection.is_discarded);
            if is_kept {
                self.idle.lock().unwrap().push(Idle { connection, left_over });
            }
            return result.map(|(mut response, _)| {
                let discard = DiscardConnection::new(move || is_discarded.store(true, Ordering::SeqCst));
                response.extensions_mut().insert(discard);
                response
            });
        }
    }
}

#[async_trait]
impl HttpTransport for Reference {
    async fn send(&self, mut request: Request, context: CallContext) -> Result<Response, TransportError> {
        let slot = if self.has(Flaw::OneSlot) { self.shared.slot.emptied() } else { Arc::default() };
        if self.has(Flaw::OneBody) {
            *self.shared.body.lock().unwrap() = request.body().clone();
            let_others_go_on().await;
            *request.body_mut() = self.shared.body.lock().unwrap().clone();
        }
        let broken = self.shared.broken.load(Ordering::SeqCst);
        let (this, filled) = (self.clone(), Arc::clone(&slot));
        thread::spawn(move || {
            // The slot is filled whatever happens: a panic is handed on.
            let result =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| this.exchange(&request, &context, &filled)));
            filled.fill(result);
        });
        match Running(slot).await {
            Ok(Ok(_)) if self.has(Flaw::OneForAll) && self.shared.broken.load(Ordering::SeqCst) != broken => {
                Err(TransportErrorKind::Canceled.into())
            }
            Ok(result) => {
                self.shared.broken.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
                result
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }

    fn keeps_deadlines(&self) -> bool {
        true
    }
}

pub(crate) fn is_not_http(error: &TransportError) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<NotHttp>())
}

fn address(request: &Request) -> Result<SocketAddr, TransportError> {
    let (scheme, authority) = (request.uri().scheme_str(), request.uri().authority());
    match (scheme, authority.and_then(|authority| authority.as_str().parse().ok())) {
        (Some("http"), Some(address)) => Ok(address),
        (Some("https"), Some(_)) => Err(TransportError::new(TransportErrorKind::Tls).with_source("there is no TLS")),
        _ => Err(TransportError::blocked("the URL is none that can be sent to")),
    }
}

fn connect(to: SocketAddr, deadline: Instant) -> Result<Connection, TransportError> {
    if deadline <= Instant::now() {
        return Err(TransportErrorKind::TimeoutBeforeSend.into());
    }
    let stream = TcpStream::connect_timeout(&to, remaining(deadline)).map_err(|error| {
        let is_late = error.kind() == io::ErrorKind::TimedOut;
        let kind = if is_late { TransportErrorKind::TimeoutBeforeSend } else { TransportErrorKind::Connect };
        TransportError::new(kind).with_source(error)
    })?;
    let _ = stream.set_nodelay(true);
    Ok(Connection { to, stream, is_discarded: Arc::default() })
}

/// Writes all of it, by this moment.
fn write(mut stream: &TcpStream, mut bytes: &[u8], by: Option<Instant>) -> io::Result<()> {
    while !bytes.is_empty() {
        if by.is_some_and(|by| Instant::now() >= by) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(by.map(remaining))?;
        bytes = &bytes[stream.write(bytes)?..];
    }
    Ok(())
}

/// What is left, and never zero, which would be no limit.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Whether there is nothing to read on a connection, not even its end.
fn is_quiet(stream: &TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    let peeked = stream.peek(&mut [0]);
    let _ = stream.set_nonblocking(false);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Whether the server answers before it has the body.
fn answers_soon(stream: &TcpStream) -> bool {
    for _ in 0..20 {
        if !is_quiet(stream) {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

fn request_bytes(request: &Request, to: SocketAddr) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let length = request.body().len();
    let mut bytes =
        format!("{} {target} HTTP/1.1\r\nhost: {to}\r\ncontent-length: {length}\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes.extend(request.body());
    bytes
}

type Filled = thread::Result<Result<Response, TransportError>>;

/// Where the thread of an exchange and its future meet.
#[derive(Default)]
struct Slot(Mutex<Meeting>);

#[derive(Default)]
struct Meeting {
    filled: Option<Filled>,
    waker: Option<Waker>,
    stream: Option<TcpStream>,
    is_dropped: bool,
}

impl Slot {
    /// The same one, for the next exchange.
    fn emptied(self: &Arc<Self>) -> Arc<Self> {
        *self.0.lock().unwrap() = Meeting::default();
        Arc::clone(self)
    }

    fn fill(&self, filled: Filled) {
        let mut meeting = self.0.lock().unwrap();
        meeting.filled = Some(filled);
        if let Some(waker) = meeting.waker.take() {
            waker.wake();
        }
    }

    /// From here on a drop of the future breaks this connection off.
    fn hold(&self, stream: &TcpStream) {
        let mut meeting = self.0.lock().unwrap();
        if meeting.is_dropped {
            let _ = stream.shutdown(Shutdown::Both);
        }
        meeting.stream = stream.try_clone().ok();
    }

    fn release(&self) {
        self.0.lock().unwrap().stream = None;
    }
}

/// Gives whatever is polled beside this a turn.
async fn let_others_go_on() {
    let mut is_second = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

struct Running(Arc<Slot>);

impl Future for Running {
    type Output = Filled;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Filled> {
        let mut meeting = self.0.0.lock().unwrap();
        match meeting.filled.take() {
            Some(filled) => Poll::Ready(filled),
            None => {
                meeting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut meeting = self.0.0.lock().unwrap();
        meeting.is_dropped = true;
        if let Some(stream) = meeting.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
