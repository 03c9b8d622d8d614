//! A proxy for `http` URLs: it reads the absolute form of a request (RFC 9112 section 3.2.2), and hands everything else through, byte
//! for byte.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A proxy. It stops with the process.
pub(crate) struct ForwardProxy {
    url: String,
    carried: Arc<AtomicUsize>,
}

impl ForwardProxy {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many requests it has carried.
    pub(crate) fn carried(&self) -> usize {
        self.carried.load(Ordering::SeqCst)
    }
}

pub(crate) fn start() -> ForwardProxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let carried = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&carried);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let carried = Arc::clone(&counting);
            thread::spawn(move || carry(client, &carried));
        }
    });
    ForwardProxy { url, carried }
}

/// Connects to the server of the first request. A client keeps a connection for one server.
fn carry(mut client: TcpStream, carried: &AtomicUsize) -> Option<()> {
    let mut part = vec![0; 256 * 1024];
    let read = client.read(&mut part).ok().filter(|read| *read > 0)?;
    let place = place(part.get(..read)?)?;
    let mut server = TcpStream::connect(&place).ok()?;
    let absolute = format!(" http://{place}/").into_bytes();
    let (mut from_server, mut to_client) = (server.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        // What the server closed or reset, the client sees closed.
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut bytes = part.get(..read)?.to_vec();
    loop {
        // Each request begins a part: a client waits for the answer before it sends the next.
        if let Some(at) = bytes.windows(absolute.len()).position(|window| window == absolute) {
            bytes.splice(at..at + absolute.len(), *b" /");
            carried.fetch_add(1, Ordering::SeqCst);
        }
        if server.write_all(&bytes).is_err() {
            break;
        }
        match client.read(&mut part) {
            Ok(read @ 1..) => bytes = part.get(..read)?.to_vec(),
            _ => break,
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    Some(())
}

/// Host and port of the request line.
fn place(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once(" http://")?;
    Some(rest.split_once('/')?.0.to_owned())
}
