//! The stream of a connection: TCP as it is, or TLS in a box.
//!
//! A session of TLS takes 2 kB, and twice that to a proxy that is spoken to over TLS. A connection in the clear has no place
//! for either.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::net::TcpStream;

use super::proxy::Hop;
use crate::connection::socket::Socket;

pub(crate) enum Stream {
    Plain(TokioIo<TcpStream>),
    /// To the server, or to a proxy on the way.
    Tls(Box<MaybeHttpsStream<Hop>>),
}

/// Calls this on the stream, whichever it is.
macro_rules! each {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Plain($inner) => $call,
            Stream::Tls($inner) => $call,
        }
    };
}

/// A connection without TLS.
pub(crate) fn plain(tcp: TokioIo<TcpStream>) -> Stream {
    Stream::Plain(tcp)
}

/// The socket of a connection.
pub(crate) fn socket(stream: &Stream) -> Option<Socket> {
    let tls = match stream {
        Stream::Plain(tcp) => return Socket::of(tcp.inner()),
        Stream::Tls(tls) => tls,
    };
    let hop = match &**tls {
        MaybeHttpsStream::Http(hop) => hop,
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner(),
    };
    let tcp = match hop {
        MaybeHttpsStream::Http(tcp) => tcp,
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner(),
    };
    Socket::of(tcp.inner())
}

impl From<MaybeHttpsStream<Hop>> for Stream {
    fn from(stream: MaybeHttpsStream<Hop>) -> Self {
        match stream {
            MaybeHttpsStream::Http(MaybeHttpsStream::Http(tcp)) => Self::Plain(tcp),
            tls => Self::Tls(Box::new(tls)),
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        each!(self, stream => stream.connected())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(&mut *self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(&mut *self, stream => Pin::new(stream).poll_shutdown(context))
    }

    fn is_write_vectored(&self) -> bool {
        each!(self, stream => stream.is_write_vectored())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(&mut *self, stream => Pin::new(stream).poll_write_vectored(context, slices))
    }
}
