//! A stream that can be read ahead of its reader: to see what a client begins with, and that it has gone.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How far it is read ahead, in bytes.
const LIMIT: usize = 64 * 1024;

/// How much is read at once, in bytes.
const PIECE: usize = 4096;

/// A stream, and what has been read of it ahead.
pub(super) struct PeekStream<S> {
    stream: S,
    held: BytesMut,
    ended: bool,
}

impl<S> PeekStream<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, held: BytesMut::new(), ended: false }
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// What has been read ahead.
    pub(super) fn held(&mut self) -> &mut BytesMut {
        &mut self.held
    }
}

impl<S: AsyncRead + Unpin> PeekStream<S> {
    /// Reads some more ahead; `false` at the end. Beyond the limit it waits for ever.
    pub(super) fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.ended {
            return Poll::Ready(Ok(false));
        }
        if self.held.len() >= LIMIT {
            return Poll::Pending;
        }
        let mut piece = [0; PIECE];
        let mut buffer = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.ended = buffer.filled().is_empty();
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(!self.ended))
    }

    /// As [`poll_more`](Self::poll_more).
    pub(super) async fn more(&mut self) -> io::Result<bool> {
        poll_fn(|context| self.poll_more(context)).await
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PeekStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            let length = self.held.len().min(buffer.remaining());
            buffer.put_slice(&self.held.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PeekStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
