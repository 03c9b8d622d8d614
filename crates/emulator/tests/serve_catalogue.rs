//! The whole catalogue of faults over a socket: each entry at each time is what the table of `fault.rs` says of it, as a
//! client sees it that knows nothing but TCP.
#![cfg(feature = "serve")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use clerk_actor_tokens_emulator::{
    CommitKind, Emulator, Served,
    fault::{self, AnyFault, Phase},
};

/// A bound, so that a test that would hang fails. Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a silence is waited for, once all has come that should. A slow machine can only make this too mild.
const SILENCE: Duration = Duration::from_millis(100);

const BODY: &str = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;

/// What a client sees of the connection.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// A whole answer: status, content type.
    Answer(u16, String),
    /// So many bytes of the body, then the end of the stream.
    Cut(usize),
    /// So many bytes of the body, then nothing.
    Stalled(usize),
    Reset,
    /// The end of the stream, and not a byte of an answer.
    End,
    /// Not a byte of an answer, and no end.
    Nothing,
}

fn answer(status: u16, content_type: &str) -> Seen {
    Seen::Answer(status, content_type.to_owned())
}

/// What is expected, by hand.
fn expected(name: &str, phase: Phase) -> Seen {
    let json = |status| answer(status, "application/json");
    let html = |status| answer(status, "text/html; charset=utf-8");
    let number = || name.split(['(', ')', ',']).nth(1).unwrap().parse::<u16>().unwrap();
    match (name, phase) {
        ("pass()" | "delay(1s)" | "slow_body(1s)", _) => json(200),
        ("stall()" | "delay(3600s)", _) => Seen::Nothing,
        (_, Phase::BeforeSend) => Seen::Reset,
        ("reset()" | "refused_stream()" | "goaway_below()" | "goaway_above()", _) => Seen::Reset,
        ("close()" | "half_close()", _) => Seen::End,
        ("slow_body(3600s)", _) => Seen::Stalled(0),
        ("not_clerk()", _) => json(200),
        ("content_type(\"application/json; charset=utf-8\")", _) => answer(200, "application/json; charset=utf-8"),
        ("content_type(\"text/plain\")", _) => answer(200, "text/plain"),
        ("content_type(\"text/html\")", _) => answer(200, "text/html"),
        _ => match name.split('(').next().unwrap() {
            "rst_stream" => Seen::Reset,
            "cut_at" => Seen::Cut(number().into()),
            "stall_at" => Seen::Stalled(number().into()),
            "empty" | "redirect" => answer(number(), ""),
            "html" => html(number()),
            "status" if (520..=530).contains(&number()) => html(number()),
            "status" => json(number()),
            // The rest is Clerk's answer with another body.
            _ => json(200),
        },
    }
}

struct Fixture {
    _served: Served,
    clerk: Emulator,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clerk = Emulator::builder().real_time().build();
        let served = runtime.block_on(clerk.serve()).unwrap();
        let address = served.url().strip_prefix("http://").unwrap().parse().unwrap();
        Self { _served: served, clerk, address, _runtime: runtime }
    }

    fn create(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let length = BODY.len();
        let request = format!(
            "POST /v1/actor_tokens HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer sk_test_emulator\r\n\
             connection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{BODY}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

/// Reads until the end; where a silence is expected, until all has come that should, and then for as long as that lasts.
fn look(mut stream: TcpStream, expected: &Seen) -> (Seen, Vec<u8>) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut read = Vec::new();
    if let Seen::Stalled(bytes) = expected {
        let mut byte = [0];
        while !read.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        let mut body = vec![0; *bytes];
        stream.read_exact(&mut body).unwrap();
        read.extend(body);
    }
    if matches!(expected, Seen::Stalled(_) | Seen::Nothing) {
        stream.set_read_timeout(Some(SILENCE)).unwrap();
    }
    let end = stream.read_to_end(&mut read);
    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert_eq!(read, b"");
        let seen = match end {
            Ok(_) => Seen::End,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Seen::Reset,
            Err(_) => Seen::Nothing,
        };
        return (seen, read);
    };
    let body = read.split_off(head + 4);
    let head = String::from_utf8(read).unwrap().to_ascii_lowercase();
    let header = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value.unwrap_or_default().to_owned()
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let announced = header("content-length").parse().unwrap_or(0);
    let seen = match end {
        Ok(_) if body.len() == announced => Seen::Answer(status, header("content-type")),
        Ok(_) => Seen::Cut(body.len()),
        Err(_) => Seen::Stalled(body.len()),
    };
    (seen, body)
}

/// Waits until something is so that another thread makes so.
fn until(so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was so");
}

fn faults_are_used(clerk: &Emulator) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clerk.assert_faults_used())).is_ok()
}

#[test]
fn every_fault_is_on_the_wire_what_it_is_said_to_be() {
    let all: Vec<_> = fault::catalogue()
        .into_iter()
        .flat_map(|fault| fault.phases_of(CommitKind::Create).iter().map(move |phase| (fault.clone(), *phase)))
        .collect();
    assert!(all.len() > 150);
    // Most of the time is spent waiting.
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let share: Vec<_> = all.iter().skip(worker).step_by(4).cloned().collect();
            thread::spawn(move || share.iter().for_each(|(fault, phase)| check(fault, *phase)))
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

fn check(fault: &AnyFault, phase: Phase) {
    let server = Fixture::new();
    fault.queue(server.clerk.next_create(), phase);
    let name = fault.name();
    let expected = expected(&name, phase);
    let (seen, body) = look(server.create(), &expected);
    assert_eq!(seen, expected, "{phase}({fault})");

    // What is a fault of Clerk's answer came after the commit, and only that.
    let is_benign = matches!(expected, Seen::Answer(200, _)) && matches!(name.as_str(), "pass()" | "delay(1s)");
    let commits = usize::from(phase == Phase::AfterCommit || is_benign);
    if expected == Seen::Nothing {
        // The client saw nothing, and cannot know how far the server is.
        until(|| server.clerk.creates().len() == commits && faults_are_used(&server.clerk));
    }
    server.clerk.assert_creates(commits);
    server.clerk.assert_faults_used();

    // Of what came whole, the ledger says whether it tells of the token.
    if let (Seen::Answer(200, _), Some(create)) = (seen, server.clerk.creates().first()) {
        let text = String::from_utf8_lossy(&body);
        if create.is_delivered() {
            assert!(text.contains(create.id().as_str()), "{phase}({fault})");
        }
        let harmless = ["pass()", "delay(1s)", "slow_body(1s)", "bom()", "nested(16)", "padded_to(262144)"];
        if harmless.contains(&name.as_str()) || name.starts_with("content_type") {
            assert!(create.is_delivered(), "{phase}({fault})");
        }
        let harmful = ["malformed()", "gzip()", "another_user()", "another_actor()", "stale()", "bad_id()"];
        if harmful.contains(&name.as_str()) {
            assert!(!create.is_delivered(), "{phase}({fault})");
        }
    }
}

/// The client may go on sending, and only when it goes is the connection over.
#[test]
fn a_half_closed_connection_is_read_until_the_client_goes() {
    let server = Fixture::new();
    server.clerk.next_create().before_commit(fault::half_close());
    let mut stream = server.create();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    // A connection closed both ways would answer the first of these with a reset, and the next would fail.
    for _ in 0..20 {
        stream.write_all(b"x").unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    server.clerk.assert_creates(0);
}

/// An answer that trickles counts as delivered with its last byte, and not before.
#[test]
fn a_slow_answer_is_delivered_when_all_of_it_is() {
    let server = Fixture::new();
    server.clerk.next_create().after_commit(fault::slow_body(Duration::from_millis(300)));
    server.clerk.next_create().after_commit(fault::slow_body(PATIENCE * 180));
    let (seen, _) = look(server.create(), &answer(200, "application/json"));
    assert_eq!(seen, answer(200, "application/json"));
    server.clerk.assert_orphans(0);
    let (seen, _) = look(server.create(), &Seen::Stalled(0));
    assert_eq!(seen, Seen::Stalled(0));
    server.clerk.assert_orphans(1);
}
