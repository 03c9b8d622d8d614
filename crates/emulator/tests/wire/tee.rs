//! A stream of which every byte that comes is kept, and how it ended.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The end of the stream.
    Orderly,
    Reset,
}

/// What came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<(Vec<u8>, Option<End>)>>);

impl Log {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.0.lock().unwrap().1
    }
}

pub(crate) struct Tee<S> {
    stream: S,
    log: Log,
}

impl<S> Tee<S> {
    pub(crate) fn new(stream: S, log: &Log) -> Self {
        Self { stream, log: log.clone() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let mut log = self.log.0.lock().unwrap();
        match &read {
            Ok(()) if buffer.filled().len() == before => log.1 = Some(End::Orderly),
            Ok(()) => log.0.extend_from_slice(&buffer.filled()[before..]),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
                log.1 = Some(End::Reset);
            }
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tee<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
