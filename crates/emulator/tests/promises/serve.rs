//! The server over raw sockets: any client can talk to it, and faults are what they say on the wire.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc,
    time::Duration,
};

use crate::support::until;
use clerk_actor_tokens_core::HttpTransport as _;
use clerk_actor_tokens_emulator::{Emulator, Served, fault};
use serde_json::Value;

/// A bound, so that a test that would hang fails. Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(20);

const GOOD: &str = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;

/// A server on a runtime of its own; the test itself is a plain blocking client.
struct Fixture {
    served: Option<Served>,
    clerk: Emulator,
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

impl Fixture {
    fn new() -> Self {
        Self::of(Emulator::builder().real_time().build())
    }

    fn of(clerk: Emulator) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let served = runtime.block_on(clerk.serve()).unwrap();
        let address = served.url().strip_prefix("http://").unwrap().parse().unwrap();
        Self { served: Some(served), clerk, address, runtime }
    }

    /// Acts while the server does not run: it then finds everything that was sent, and the end, at once.
    fn while_it_stands_still<T>(&self, act: impl FnOnce() -> T) -> T {
        let (standing, stands) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        // The runtime has one thread, and this blocks it.
        self.runtime.spawn(async move {
            standing.send(()).unwrap();
            let _ = may_go_on.recv();
        });
        stands.recv_timeout(PATIENCE).unwrap();
        let done = act();
        drop(go_on);
        done
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request on a connection of its own and reads until that ends.
    fn exchange(&self, request: &str) -> (Vec<u8>, io::Result<()>) {
        let mut stream = self.connect();
        let mut read = Vec::new();
        // A connection that is reset before it is read from may fail at the writing already.
        let end = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut read)).map(|_| ());
        (read, end)
    }

    fn answer(&self, request: &str) -> Answer {
        let (read, end) = self.exchange(request);
        end.unwrap();
        Answer::of(&read)
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn of(read: &[u8]) -> Self {
        let text = String::from_utf8_lossy(read);
        let (head, _) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {} bytes", read.len()));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: read[head.len() + 4..].to_vec() }
    }

    fn announced(&self) -> usize {
        let (_, rest) = self.head.split_once("content-length: ").unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    }

    fn json(&self) -> Value {
        assert!(self.head.contains("content-type: application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn request(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer sk_test_emulator\r\n\
         connection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn create() -> String {
    request("/v1/actor_tokens", "content-type: application/json\r\n", GOOD)
}

fn revoke(id: &Value) -> String {
    request(&format!("/v1/actor_tokens/{}/revoke", id.as_str().unwrap()), "", "")
}

#[test]
fn a_token_is_created_and_revoked_over_a_socket() {
    let server = Fixture::new();
    let created = server.answer(&create());
    assert_eq!(created.status, 200);
    let token = created.json();
    server.clerk.assert_creates(1);
    server.clerk.assert_orphans(0);

    let revoked = server.answer(&revoke(&token["id"]));
    assert_eq!(revoked.json()["status"], "revoked");
    let again = server.answer(&revoke(&token["id"]));
    assert_eq!(again.status, 400);
    assert_eq!(again.json()["errors"][0]["code"], "actor_token_cannot_be_revoked_code");
    assert!(again.head.contains("x-clerk-trace-id: "));
    assert_eq!(server.served.as_ref().unwrap().base_url().to_string(), format!("http://{}/v1", server.address));
}

#[test]
fn many_requests_go_over_one_connection() {
    let server = Fixture::new();
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(create().replace("connection: close\r\n", "").as_bytes()).unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        let mut body = vec![0; Answer::of(&read).announced()];
        stream.read_exact(&mut body).unwrap();
        assert_eq!(Answer::of(&read).status, 200);
    }
    server.clerk.assert_creates(3);
    server.clerk.assert_orphans(0);
}

#[test]
fn bad_input_is_answered_and_never_ends_the_server() {
    let server = Fixture::new();
    let json = "content-type: application/json\r\n";
    let large = format!("{{\"user_id\":\"{}\"}}", "x".repeat(1024 * 1024));
    let table = [
        (request("/v1/actor_tokens", json, "{"), 400),
        (request("/v1/actor_tokens", "", GOOD), 415),
        (request("/v1/nowhere", "", ""), 501),
        (create().replace("sk_test_emulator", "sk_test_other"), 401),
        (create().replace("authorization: ", "x-authorization: "), 401),
        (create().replace("HTTP/1.1", "HTTP/1.0"), 200),
        (request("/v1/actor_tokens", json, &large), 413),
        ("GARBAGE\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), 401),
        ("POST /v1/actor_tokens HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(), 400),
    ];
    for (request, status) in table {
        let mut stream = server.connect();
        // A server that has answered need not read the rest.
        let _ = stream.write_all(request.as_bytes());
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read);
        assert_eq!(Answer::of(&read).status, status, "{}", &request[..40.min(request.len())]);
    }
    // A client that goes away in the middle of its request.
    let mut stream = server.connect();
    stream.write_all(&create().as_bytes()[..create().len() - 5]).unwrap();
    drop(stream);
    assert_eq!(server.answer(&create()).status, 200);
    server.clerk.assert_creates(2);
}

#[test]
fn a_body_that_is_far_too_large_is_read_to_its_end_so_that_the_answer_arrives() {
    let server = Fixture::new();
    let large = "x".repeat(16 * 1024 * 1024);
    let answer = server.answer(&request("/v1/actor_tokens", "content-type: application/json\r\n", &large));
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["errors"][0]["code"], "request_body_too_large");
}

#[test]
fn a_body_that_does_not_end_is_not_read_for_ever() {
    let server = Fixture::new();
    let limit = 64 * 1024 * 1024;
    let mut stream = server.connect();
    let head =
        request("/v1/actor_tokens", "", "").replace("content-length: 0", &format!("content-length: {}", limit + 9));
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..64 {
        stream.write_all(&vec![b'x'; limit / 64]).unwrap();
    }
    // One byte beyond the limit, and eight less than announced.
    stream.write_all(b"x").unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).unwrap();
    assert_eq!(Answer::of(&read).status, 413);
    assert_eq!(server.clerk.requests()[0].body_len(), limit + 1);
}

#[test]
fn a_body_that_is_too_large_is_a_request_like_any_other() {
    let server = Fixture::of(Emulator::builder().real_time().rate_limit(2, PATIENCE * 180).build());
    // Its beginning, taken alone, would be JSON.
    let large = format!("{{}}{}", " ".repeat(2 * 1024 * 1024));
    let large = |headers: &str| request("/v1/actor_tokens", headers, &large);
    let code = |answer: Answer| (answer.status, answer.json()["errors"][0]["code"].as_str().unwrap().to_owned());

    let stranger = server.answer(&large("").replace("sk_test_emulator", "sk_test_other"));
    assert_eq!(code(stranger), (401, "clerk_key_invalid".to_owned()));
    let old = server.answer(&large("clerk-api-version: 1999-01-01\r\n"));
    assert_eq!(code(old), (400, "api_version_invalid".to_owned()));
    let refused = server.answer(&large("clerk-api-version: 2026-05-12\r\n"));
    assert!(refused.head.contains("clerk-api-version: 2026-05-12"), "{}", refused.head);
    assert_eq!(code(refused), (413, "request_body_too_large".to_owned()));
    // The second that counts was the last that the limit lets through.
    assert_eq!(server.answer(&large("")).status, 429);

    let requests = server.clerk.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert_eq!(request.body_len(), 2 * 1024 * 1024 + 2);
        assert_eq!(request.json(), None);
        assert_eq!(request.headers()["authorization"], "(redacted)");
    }
    server.clerk.next_create().before_commit(fault::status(503));
    assert_eq!(server.answer(&large("")).status, 503);
}

#[test]
fn a_client_that_asks_first_is_told_to_continue() {
    let server = Fixture::new();
    let mut stream = server.connect();
    let headers = "content-type: application/json\r\nexpect: 100-continue\r\n";
    let whole = request("/v1/actor_tokens", headers, GOOD);
    let (head, body) = whole.split_at(whole.len() - GOOD.len());
    stream.write_all(head.as_bytes()).unwrap();
    let mut go = [0; 25];
    stream.read_exact(&mut go).unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).unwrap();
    assert_eq!(Answer::of(&read).status, 200);
}

#[test]
fn a_cut_answer_announces_all_and_sends_exactly_the_bytes_of_its_fault() {
    let server = Fixture::new();
    for bytes in [0, 1, 120, 500] {
        server.clerk.next_create().after_commit(fault::cut_at(bytes));
        let answer = server.answer(&create());
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.len(), bytes);
        assert!(answer.announced() > bytes);
    }
    server.clerk.assert_creates(4);
    server.clerk.assert_orphans(4);
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_an_end_of_stream() {
    let server = Fixture::new();
    let clerk = &server.clerk;
    clerk.next_create().before_send(fault::refused());
    clerk.next_create().before_commit(fault::reset());
    clerk.next_create().before_commit(fault::refused_stream());
    clerk.next_create().after_commit(fault::reset());
    for _ in 0..4 {
        let (read, end) = server.exchange(&create());
        assert_eq!(read, b"");
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
    clerk.next_create().before_send(fault::close());
    clerk.next_create().before_commit(fault::close());
    clerk.next_create().after_commit(fault::close());
    for _ in 0..3 {
        let (read, end) = server.exchange(&create());
        assert_eq!(read, b"");
        end.unwrap();
    }
    clerk.assert_creates(2);
    clerk.assert_orphans(2);
    clerk.assert_faults_used();
}

#[test]
fn a_status_and_a_delay_go_over_the_wire() {
    let server = Fixture::new();
    server.clerk.next_create().before_commit(fault::status(503).retry_after(Duration::from_secs(3)));
    server.clerk.next_create().after_commit(fault::status(520));
    server.clerk.next_create().before_commit(fault::delay(Duration::from_millis(30)));
    let unavailable = server.answer(&create());
    assert_eq!(unavailable.status, 503);
    assert!(unavailable.head.contains("retry-after: 3"));
    let edge = server.answer(&create());
    assert_eq!(edge.status, 520);
    assert!(edge.head.contains("content-type: text/html"));
    server.clerk.assert_orphans(1);
    let began = server.clerk.timer().now();
    assert_eq!(server.answer(&create()).status, 200);
    assert!(server.clerk.timer().now().saturating_duration_since(began) >= Duration::from_millis(30));
    server.clerk.assert_creates(2);
}

#[test]
fn a_stalled_answer_never_comes_and_the_client_may_go() {
    let server = Fixture::new();
    server.clerk.next_create().before_commit(fault::stall());
    server.clerk.next_create().after_commit(fault::stall());
    server.clerk.next_create().after_commit(fault::stall_at(10));
    for (requests, commits, seen) in [(1, 0, 0), (2, 1, 0), (3, 2, 10)] {
        let mut stream = server.connect();
        stream.write_all(create().as_bytes()).unwrap();
        until(|| server.clerk.requests().len() == requests && server.clerk.creates().len() == commits);
        if seen > 0 {
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                read.push(byte[0]);
            }
            assert!(Answer::of(&read).announced() > seen);
            stream.read_exact(&mut vec![0; seen]).unwrap();
        }
        // A slow machine can only make this too mild.
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let silence = stream.read_exact(&mut [0]).unwrap_err();
        assert!(matches!(silence.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{silence}");

        // The server sees the client go, and lets go too.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
    server.clerk.assert_creates(2);
    server.clerk.assert_orphans(2);
    server.clerk.assert_faults_used();
}

#[test]
fn a_client_that_leaves_before_the_commit_leaves_nothing_behind() {
    let server = Fixture::new();
    // Far longer than the test waits for anything.
    server.clerk.next_create().before_commit(fault::delay(PATIENCE * 180));
    let mut stream = server.connect();
    stream.write_all(create().as_bytes()).unwrap();
    until(|| server.clerk.requests().len() == 1);
    stream.shutdown(Shutdown::Write).unwrap();
    // That the server closes the connection shows that it has dropped the exchange.
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    server.clerk.assert_creates(0);
}

#[test]
fn a_client_that_shuts_down_its_side_after_its_request_is_answered() {
    let server = Fixture::new();
    let request = create().replace("connection: close\r\n", "");
    let (head, body) = request.split_at(request.len() - GOOD.len());
    for round in 1..=10 {
        // One request, and three in a row.
        for requests in [1, 3] {
            let mut stream = server.connect();
            // The server has read this head, and waits, when all the rest comes at once.
            stream.write_all(head.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
            stream.read_exact(&mut [0; 25]).unwrap();
            server.while_it_stands_still(|| {
                stream.write_all(body.as_bytes()).unwrap();
                stream.write_all(request.repeat(requests - 1).as_bytes()).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            });
            let mut read = Vec::new();
            stream.read_to_end(&mut read).unwrap();
            let answers = String::from_utf8(read).unwrap().matches("HTTP/1.1 200 OK\r\n").count();
            assert_eq!(answers, requests, "round {round}");
        }
        server.clerk.assert_creates(4 * round);
    }
    server.clerk.assert_orphans(0);
}

#[test]
fn a_client_that_shuts_down_its_side_within_its_request_leaves_nothing_behind() {
    let server = Fixture::new();
    server.clerk.next_create().after_commit(fault::reset());
    let mut stream = server.connect();
    stream.write_all(&create().as_bytes()[..create().len() - 5]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).unwrap();
    assert_eq!(String::from_utf8_lossy(&read).matches("200 OK").count(), 0);
    server.clerk.assert_creates(0);
    assert_eq!(server.clerk.requests().len(), 0);
    // Its fault went with it, and did nothing.
    let report = report_of(&server.clerk);
    assert!(report.contains("create:after_commit:reset()") && report.contains("the client went away"), "{report}");
    lay_to_rest(server);
}

#[test]
fn a_fault_past_the_end_of_an_answer_or_after_a_refusal_is_told() {
    let server = Fixture::new();
    let whole = server.answer(&create()).body.len();
    server.clerk.next_create().after_commit(fault::cut_at(whole));
    server.clerk.next_create().after_commit(fault::stall_at(usize::MAX));
    for _ in 0..2 {
        assert_eq!(server.answer(&create()).body.len(), whole);
    }
    server.clerk.next_create().after_commit(fault::stall());
    assert_eq!(server.answer(&create().replace("sk_test_emulator", "sk_test_other")).status, 401);
    let report = report_of(&server.clerk);
    assert_eq!(report.matches(&format!("the whole answer has {whole} bytes")).count(), 2, "{report}");
    assert!(report.contains("answered with 401, and nothing was committed"), "{report}");
    lay_to_rest(server);
}

fn report_of(clerk: &Emulator) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_faults_used())).unwrap_err();
    panic.downcast_ref::<String>().cloned().unwrap()
}

/// Drops a server whose faults have not all happened: that panics.
fn lay_to_rest(server: Fixture) {
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(server))).is_err());
}

#[test]
fn it_stops_when_it_is_dropped_and_when_it_is_told_to() {
    for told in [false, true] {
        let mut server = Fixture::new();
        server.clerk.next_create().after_commit(fault::stall());
        let mut stalled = server.connect();
        stalled.write_all(create().as_bytes()).unwrap();
        until(|| server.clerk.requests().len() == 1);

        let served = server.served.take().unwrap();
        if told {
            server.runtime.block_on(served.shutdown());
            assert!(TcpStream::connect(server.address).is_err());
        } else {
            drop(served);
            until(|| TcpStream::connect(server.address).is_err());
        }
        let mut rest = Vec::new();
        // However the connection ends, it ends.
        let _ = stalled.read_to_end(&mut rest);
        assert_eq!(rest, b"");
    }
}

#[test]
fn a_clock_that_stands_still_is_refused_and_so_is_a_thread_without_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for clerk in [Emulator::new(), Emulator::builder().manual_clock().build()] {
        let error = runtime.block_on(clerk.serve()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("real_time()"), "{error}");
    }
    let real = Emulator::builder().real_time().build();
    assert!(pollster::block_on(real.serve()).is_err());
}

#[test]
fn a_port_is_taken_or_it_is_given() {
    let server = Fixture::new();
    let other = Emulator::builder().real_time().build();
    let taken = server.runtime.block_on(other.server().port(server.address.port()).start()).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
}
