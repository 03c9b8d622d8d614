//! The wire under a fault: a connection that can be reset or half closed, and that says when it has been flushed, when
//! it has been idle for long, and when the client has gone.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::peek_stream::PeekStream;
use crate::exchange::Receipt;

/// How long the end of a connection waits for the client to read it.
const LINGER: Duration = Duration::from_secs(1);

/// How the server leaves a connection that is not reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// So that the client sees all that was written: see [`Connection::close`].
    Gentle,
    /// At once, whatever the client is sending.
    Sudden,
}

/// What a connection is made of: TCP, or TLS over it.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Carrier for PeekStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.stream()
    }
}

#[cfg(feature = "tls")]
impl Carrier for tokio_rustls::server::TlsStream<PeekStream<TcpStream>> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.stream()
    }
}

/// A connection, and what its socket and the answers that go through it tell each other.
pub(super) struct Connection {
    /// For one task alone, that of the connection: no task ever waits for this lock.
    stream: Mutex<PeekStream<Box<dyn Carrier>>>,
    reset: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// Whether something was written that is not flushed.
    dirty: bool,
    /// How often everything has been flushed.
    flushes: u64,
    /// Who waits for the next flush.
    waiting: Vec<Waker>,
    /// Of the answers that were handed over and are not flushed.
    receipts: Vec<Receipt>,
    /// How many requests are in flight.
    busy: usize,
    /// When something last came, or the last answer was done with.
    active: Instant,
}

impl Connection {
    pub(super) fn new(carrier: Box<dyn Carrier>) -> Self {
        let state = State {
            dirty: false,
            flushes: 0,
            waiting: Vec::new(),
            receipts: Vec::new(),
            busy: 0,
            active: Instant::now(),
        };
        Self { stream: Mutex::new(PeekStream::new(carrier)), reset: AtomicBool::new(false), state: Mutex::new(state) }
    }

    fn stream(&self) -> MutexGuard<'_, PeekStream<Box<dyn Carrier>>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection will end with a reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    pub(super) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// An answer goes out now. It counts as delivered from here on, and no longer if the connection breaks before it
    /// is written: the other way round, a client could read the answer and still find it undelivered.
    pub(super) fn hand_over(&self, receipt: Receipt) {
        receipt.set_delivered(true);
        self.lock().receipts.push(receipt);
    }

    /// A request is in flight until the returned value is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        let mut state = self.lock();
        state.busy = state.busy.saturating_add(1);
        Busy(Arc::clone(self))
    }

    /// Waits until no request has been in flight, and nothing has come, for so long.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let left = {
                let state = self.lock();
                if state.busy > 0 { limit } else { limit.saturating_sub(state.active.elapsed()) }
            };
            if left.is_zero() {
                return;
            }
            SystemTimer.sleep(left).await;
        }
    }

    /// Waits until the client has closed its side, or the connection is broken. Reads ahead for it, as far as that goes.
    pub(super) async fn gone(&self) {
        poll_fn(|context| self.poll_gone(context)).await;
    }

    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(self.stream().poll_more(context)) {
                Ok(true) => {}
                Ok(false) | Err(_) => return Poll::Ready(()),
            }
        }
    }

    /// Writes these bytes past the other writer of this connection, which must be between two frames.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|context| Pin::new(&mut *self.stream()).poll_write(context, bytes)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        poll_fn(|context| Pin::new(&mut *self.stream()).poll_flush(context)).await
    }

    /// Ends the server's side, as far as the operating system lets it. The client's side stays open.
    pub(super) async fn end(&self) {
        // Failing means that the connection has broken: then there is nothing to end.
        let _ = poll_fn(|context| Pin::new(&mut *self.stream()).poll_shutdown(context)).await;
    }

    /// Reads, and throws away, until the client has gone.
    pub(super) async fn drain(&self) {
        let more = |context: &mut Context<'_>| {
            let mut stream = self.stream();
            stream.held().clear();
            stream.poll_more(context)
        };
        while let Ok(true) = poll_fn(more).await {}
    }

    /// Ends the connection in order: a client that is still sending would be answered with a reset by the operating
    /// system, and might not see what was written last. So it has a moment to go first.
    pub(super) async fn close(&self) {
        self.end().await;
        tokio::select! {
            () = self.drain() => {}
            () = SystemTimer.sleep(LINGER) => {}
        }
    }

    /// Whether something was written that is not flushed.
    pub(super) fn is_dirty(&self) -> bool {
        self.lock().dirty
    }

    /// How often everything has been flushed by now: see [`poll_flushed`](Self::poll_flushed).
    pub(super) fn flushes(&self) -> u64 {
        self.lock().flushes
    }

    /// Waits until everything has been flushed once more than `before`.
    pub(super) fn poll_flushed(&self, before: u64, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.flushes > before {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        Poll::Pending
    }

    /// Everything that was handed over has been written and flushed.
    pub(super) fn settle(&self) {
        let waiting = {
            let mut state = self.lock();
            state.receipts.clear();
            state.flushes = state.flushes.wrapping_add(1);
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }
}

/// A request in flight.
pub(super) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy = state.busy.saturating_sub(1);
        state.active = Instant::now();
    }
}

/// The socket of a connection, for a protocol to read and write.
pub(super) struct Socket {
    connection: Arc<Connection>,
    settles: bool,
}

impl Socket {
    /// One whose flush shows that every answer handed over has been written.
    pub(super) fn settling(connection: Arc<Connection>) -> Self {
        Self { connection, settles: true }
    }

    /// One whose user says when that is so: [`Connection::settle`].
    pub(super) fn unsettled(connection: Arc<Connection>) -> Self {
        Self { connection, settles: false }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let receipts = std::mem::take(&mut self.connection.lock().receipts);
        for receipt in receipts {
            receipt.set_delivered(false);
        }
        if self.connection.is_reset() {
            // Closing with a linger time of zero sends RST (RFC 9293 section 3.10.4, ABORT).
            let _ = self.connection.stream().stream().tcp().set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut *self.connection.stream()).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.lock().active = Instant::now();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.lock().dirty = true;
        Pin::new(&mut *self.connection.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.lock().dirty = true;
        Pin::new(&mut *self.connection.stream()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut *self.connection.stream()).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.connection.lock().dirty = false;
            if self.settles {
                self.connection.settle();
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.connection.stream()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use clerk_actor_tokens_core::Request;
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;
    use crate::{emulator::Emulator, exchange::Exchange};

    #[test]
    fn an_answer_counts_as_delivered_unless_the_socket_goes_before_it_is_flushed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            for (settles, flushed) in [(true, true), (true, false), (false, true), (false, false)] {
                let clerk = Emulator::builder().real_time().build();
                let mut request = Request::new(r#"{"user_id":"u","actor":{"sub":"a"}}"#.into());
                *request.method_mut() = http::Method::POST;
                *request.uri_mut() = "/v1/actor_tokens".parse().unwrap();
                request.headers_mut().insert("authorization", "Bearer sk_test_emulator".parse().unwrap());
                request.headers_mut().insert("content-type", "application/json".parse().unwrap());
                let mut exchange = Exchange::begin(clerk.inner(), &request);
                let reply = exchange.commit(&request);
                clerk.assert_orphans(1);

                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                let connection =
                    Arc::new(Connection::new(Box::new(PeekStream::new(listener.accept().await.unwrap().0))));
                let of_socket = Arc::clone(&connection);
                let mut socket = if settles { Socket::settling(of_socket) } else { Socket::unsettled(of_socket) };
                connection.hand_over(exchange.receipt(&reply));
                clerk.assert_orphans(0);
                if flushed {
                    socket.flush().await.unwrap();
                }
                drop(socket);
                clerk.assert_orphans(usize::from(!(flushed && settles)));
            }
        });
    }
}
