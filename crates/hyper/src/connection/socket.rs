//! Looking at the socket of an idle connection: whether its peer has closed it, or said something unasked.
//!
//! hyper learns of it only when the runtime's I/O driver has run, which may be after the next request was moved.

use std::{
    io,
    net::{Shutdown, TcpStream},
};

/// A second descriptor of a connection's socket. It lives as long as the connection is used, and no longer: a socket is closed
/// with its last descriptor.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

/// What lies in a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing: the connection is idle.
    Quiet,
    /// Bytes that hyper has not read.
    Bytes,
    /// Its end, or an error.
    Ended,
}

impl Socket {
    /// Duplicates the descriptor. `None` where the system gives none: then nothing is known of the socket.
    #[cfg(unix)]
    pub(crate) fn of(tcp: &tokio::net::TcpStream) -> Option<Self> {
        use std::os::fd::AsFd as _;

        // It shares the mode of the other one, which does not block.
        tcp.as_fd().try_clone_to_owned().ok().map(|descriptor| Self(descriptor.into()))
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &tokio::net::TcpStream) -> Option<Self> {
        None
    }

    pub(crate) fn look(&self) -> Look {
        match self.0.peek(&mut [0]) {
            Ok(0) => Look::Ended,
            Ok(_) => Look::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Look::Quiet,
            Err(_) => Look::Ended,
        }
    }

    /// Closes both directions now, whichever task holds the other descriptor.
    pub(crate) fn close(&self) {
        // Failing means that it is closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
