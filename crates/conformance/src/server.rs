//! A loopback server of raw bytes: it reads requests and does what its script says, byte for byte.
//!
//! Responsible for: knowing which requests it read, over which connection, and whether the client closed that. Not
//! responsible for HTTP beyond finding the end of a request. It has threads of its own and no runtime, and stops when it is
//! dropped.

mod connection;
mod request;
mod script;
mod shared;

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use self::shared::{Met, Shared};
pub(crate) use self::{
    request::ReadRequest,
    script::{Act, Reads, Seen, write},
};
use crate::{lock::locked, peer::EXCHANGE};

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// A server that acts on each request. If `script` gives nothing that ends the connection, the next request is read.
    pub(crate) fn start(reads: Reads, script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(reads, Box::new(script)));
        let serving = Arc::clone(&shared);
        let accepting =
            thread::Builder::new().name("conformance server".into()).spawn(move || accept(&listener, &serving))?;
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// A server that does the same on each request.
    pub(crate) fn acting(acts: impl Into<Vec<Act>>) -> io::Result<Self> {
        let acts = acts.into();
        Self::start(Reads::Request, move |_| acts.clone())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests of which at least the head was read, oldest first.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.state).seen.clone()
    }

    /// The requests of one exchange.
    pub(crate) fn seen_of(&self, exchange: u32) -> Vec<Seen> {
        let number = exchange.to_string();
        let mut seen = self.seen();
        seen.retain(|seen| seen.request.header(EXCHANGE).is_some_and(|value| value == number.as_bytes()));
        seen
    }

    pub(crate) fn connections(&self) -> usize {
        locked(&self.shared.state).connections.len()
    }

    /// Whether the server waits in [`Act::Hold`] on some connection, with all its earlier acts done.
    pub(crate) fn is_holding(&self) -> bool {
        locked(&self.shared.state).connections.iter().any(|met| met.is_held)
    }

    /// Whether the client was seen to close this connection.
    pub(crate) fn is_left(&self, connection: usize) -> bool {
        locked(&self.shared.state).connections.get(connection).is_some_and(|met| met.is_closed_by_client)
    }

    /// What was received and not read as a request.
    pub(crate) fn raw(&self) -> Vec<u8> {
        locked(&self.shared.state).connections.iter().flat_map(|met| met.raw.iter().copied()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        self.shared.end_all();
        // Wakes the thread that accepts. Where that fails, it is left behind.
        let waking = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let (Ok(mut waking), Some(accepting)) = (waking, self.accepting.take()) {
            // A byte that the client does not read: the connection is reset, and no port is kept in TIME_WAIT. There are hundreds of
            // servers in a run, and a system that is short of ports is slow to find one.
            let _ = waking.write_all(b"-");
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if shared.is_stopping() {
            break;
        }
        let Ok(handle) = stream.try_clone() else { continue };
        let number = {
            let mut state = locked(&shared.state);
            state.connections.push(Met {
                stream: Some(handle),
                is_held: false,
                is_closed_by_client: false,
                raw: Vec::new(),
            });
            state.connections.len().saturating_sub(1)
        };
        let serving = Arc::clone(shared);
        let thread = thread::Builder::new().name("conformance connection".into());
        threads.extend(thread.spawn(move || connection::serve(&serving, number, stream)));
    }
    // What was accepted while the server stopped is ended here.
    shared.end_all();
    for thread in threads {
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::{script::LAST_RESORT, *};
    use std::{io::Read, time::Instant};

    const REQUEST: &[u8] = b"POST /a HTTP/1.1\r\nx-conformance-exchange: 7\r\ncontent-length: 3\r\n\r\nabc";

    /// What a client sees that sends one request and reads to the end.
    fn seen_by_a_client(server: &Server) -> (Vec<u8>, io::Result<usize>) {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(REQUEST).unwrap();
        let mut read = Vec::new();
        let end = client.read_to_end(&mut read);
        (read, end)
    }

    fn eventually(condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < LAST_RESORT, "it never came about");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_close_is_an_end_and_a_reset_is_a_reset() {
        let closing = Server::acting([write(b"hello"), Act::Close]).unwrap();
        let (read, end) = seen_by_a_client(&closing);
        assert_eq!((read.as_slice(), end.unwrap()), (&b"hello"[..], 5));

        let resetting = Server::acting([Act::Reset]).unwrap();
        let (_, end) = seen_by_a_client(&resetting);
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);

        for server in [closing, resetting] {
            let seen = server.seen_of(7);
            assert_eq!(seen.len(), 1);
            assert_eq!((seen[0].before, seen[0].request.body.as_slice()), (0, &b"abc"[..]));
        }
    }

    #[test]
    fn a_reset_comes_before_the_body_is_read_where_only_the_head_is() {
        let server = Server::start(Reads::Head, |_| vec![Act::Reset]).unwrap();
        let (_, end) = seen_by_a_client(&server);
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(server.seen_of(7).len(), 1);
    }

    #[test]
    fn a_half_close_ends_one_direction_alone() {
        let server = Server::acting([Act::HalfClose, Act::Hold]).unwrap();
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(REQUEST).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        client.write_all(b"more").unwrap();
        eventually(|| server.raw() == b"more");
        assert!(!server.is_left(0));
        drop(client);
        eventually(|| server.is_left(0));
    }

    #[test]
    fn requests_on_one_connection_are_counted_and_a_warm_up_is_answered_plainly() {
        let server = Server::acting([Act::Close]).unwrap();
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nx-conformance-warm-up: 1\r\n\r\n").unwrap();
        let mut answer = [0; 45];
        client.read_exact(&mut answer).unwrap();
        assert!(answer.ends_with(b"warm-up"));
        client.write_all(REQUEST).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.seen().iter().map(|seen| seen.before).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn it_stops_when_it_is_dropped_and_ends_what_it_holds() {
        let server = Server::acting([Act::Hold]).unwrap();
        let address = server.address();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(REQUEST).unwrap();
        eventually(|| server.is_holding());
        drop(server);
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
        assert!(TcpStream::connect(address).is_err());
    }
}
