//! The wire under a fault: a socket that can be reset or half closed, and that says when it has been flushed and when
//! the client has gone.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::exchange::Receipt;

/// A connection, and what its socket and the bodies that go through it tell each other.
pub(super) struct Line {
    /// For one task alone, that of the connection: nobody ever waits for this lock.
    stream: Mutex<TcpStream>,
    reset: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who waits for the next flush.
    waiting: Option<Waker>,
    /// Whether a flush has come since somebody asked.
    flushed: bool,
    /// Of an answer that was handed over and is not flushed.
    receipt: Option<Receipt>,
}

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Mutex::new(stream), reset: AtomicBool::new(false), state: Mutex::default() }
    }

    fn stream(&self) -> MutexGuard<'_, TcpStream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection will end with a reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// An answer goes out now. It counts as delivered from here on, and no longer if the connection breaks before it
    /// is written: the other way round, a client could read the answer and still find it undelivered.
    pub(super) fn hand_over(&self, receipt: Receipt) {
        receipt.set_delivered(true);
        self.lock().receipt = Some(receipt);
    }

    /// Waits until the client has closed its side, or the connection is broken. With requests that the client has
    /// already sent in between, that cannot be seen.
    pub(super) async fn gone(&self) {
        poll_fn(|context| self.poll_gone(context)).await;
    }

    /// Ends the server's side, as far as the operating system lets it. The client's side stays open.
    pub(super) async fn end(&self) {
        // Failing means that the connection has broken: then there is nothing to end.
        let _ = poll_fn(|context| Pin::new(&mut *self.stream()).poll_shutdown(context)).await;
    }

    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        match self.stream().poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Pending | Poll::Ready(Ok(1..)) => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
        }
    }

    pub(super) fn poll_flushed(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.flushed {
            return Poll::Ready(());
        }
        state.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    fn flushed(&self) {
        let waiting = {
            let mut state = self.lock();
            state.receipt = None;
            state.flushed = state.waiting.is_some();
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// A connection's socket.
pub(super) struct Socket {
    line: Arc<Line>,
}

impl Socket {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self { line }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(receipt) = self.line.lock().receipt.take() {
            receipt.set_delivered(false);
        }
        if self.line.reset.load(Ordering::Acquire) {
            // Closing with a linger time of zero sends RST (RFC 9293 section 3.10.4, ABORT).
            let _ = self.line.stream().set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.line.stream()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.line.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.line.stream()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut *self.line.stream()).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.line.flushed();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.line.stream()).poll_shutdown(context)
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
            for flushed in [true, false] {
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
                let line = Arc::new(Line::new(listener.accept().await.unwrap().0));
                let mut socket = Socket::new(Arc::clone(&line));
                line.hand_over(exchange.receipt(&reply));
                clerk.assert_orphans(0);
                if flushed {
                    socket.flush().await.unwrap();
                }
                drop(socket);
                clerk.assert_orphans(usize::from(!flushed));
            }
        });
    }
}
