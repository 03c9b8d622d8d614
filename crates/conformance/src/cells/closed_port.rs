//! A port without a listener, at which no other program can listen while this value lives.
//!
//! The port is that of a listener which is gone, held by a connection that it had accepted. So it is in use: no program that asks
//! for any port is given it. It must not be the port of the connecting side. The system may use such a one again as the
//! source of the connection under test, which then connects to itself (RFC 9293 section 3.5, simultaneous open) and reads
//! its own request. A port that was bound is never chosen as a source.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
};

pub(super) struct ClosedPort {
    address: SocketAddr,
    _ends: [TcpStream; 2],
}

impl ClosedPort {
    pub(super) fn new() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let ours = TcpStream::connect(address)?;
        // Any other client that connected meanwhile is refused when the listener is dropped.
        let accepted = loop {
            let (accepted, from) = listener.accept()?;
            if from == ours.local_addr()? {
                break accepted;
            }
        };
        Ok(Self { address, _ends: [ours, accepted] })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_refused_and_the_port_given_to_nobody() {
        let closed = ClosedPort::new().unwrap();
        for _ in 0..50 {
            let refused = TcpStream::connect(closed.address()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            assert_ne!(other.local_addr().unwrap(), closed.address());
        }
    }
}
