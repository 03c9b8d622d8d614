//! A client of the control plane by hand, and a server for it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use clerk_actor_tokens_emulator::{Emulator, Served, Server};
use serde_json::Value;

/// A server on a runtime of its own.
pub(crate) struct Fixture {
    pub(crate) clerk: Emulator,
    pub(crate) served: Served,
    pub(crate) address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|server| server)
    }

    pub(crate) fn with(set: impl FnOnce(Server) -> Server) -> Self {
        Self::of(Emulator::builder().real_time().seed(7).build(), set)
    }

    pub(crate) fn of(clerk: Emulator, set: impl FnOnce(Server) -> Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let served = runtime.block_on(set(clerk.server()).start()).unwrap();
        let address = served.url().split_once("://").unwrap().1.to_owned();
        Self { clerk, served, address, _runtime: runtime }
    }

    pub(crate) fn connect(&self) -> Caller {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Caller { host: self.address.clone(), stream: BufReader::new(stream) }
    }
}

/// A connection that is kept.
pub(crate) struct Caller {
    pub(crate) host: String,
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Caller {
    /// Sends these headers as they are, with a line end behind each.
    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!("{method} {target} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
        self.read(method == "HEAD")
    }

    /// What these views answer, one after the other.
    pub(crate) fn views(&mut self, views: &[&str]) -> Vec<String> {
        let host = &self.host;
        let request = |view: &&str| format!("GET /_emulator/{view} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let all: String = views.iter().map(request).collect();
        self.stream.get_mut().write_all(all.as_bytes()).unwrap();
        views.iter().map(|_| self.read(false).body).collect()
    }

    fn read(&mut self, is_head_alone: bool) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).unwrap(), 0, "it ends after {head:?}");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = if is_head_alone { 0 } else { length.map_or(0, |length| length.parse().unwrap()) };
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: String::from_utf8(body).unwrap() }
    }

    /// As a program on this machine does.
    pub(crate) fn ask(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let headers = format!("host: {}\r\ncontent-type: application/json\r\n", self.host);
        self.send(method, target, &headers, body.as_bytes())
    }

    /// To Clerk.
    pub(crate) fn clerk(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let headers = "host: x\r\nauthorization: Bearer sk_test_emulator\r\ncontent-type: application/json\r\n";
        self.send(method, target, headers, body.as_bytes())
    }

    /// To Clerk, where a fault closes the connection.
    #[cfg(feature = "control-client")]
    pub(crate) fn clerk_unanswered(&mut self, method: &str, target: &str, body: &str) {
        let headers = "host: x\r\nauthorization: Bearer sk_test_emulator\r\ncontent-type: application/json\r\n";
        let head = format!("{method} {target} HTTP/1.1\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
        assert_eq!(self.stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    pub(crate) fn create(&mut self) -> Value {
        let created = self.clerk("POST", "/v1/actor_tokens", r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#);
        assert_eq!(created.status, 200, "{created:?}");
        created.json()
    }
}
