//! The command: it says where it listens, answers there, and ends.
#![cfg(feature = "cli")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The process, which ends with the test.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap().trim_end().to_owned();
        Self { child, address }
    }

    fn post(&self, path: &str, key: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const GOOD: &str = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;

#[test]
fn it_prints_where_it_listens_and_answers_there() {
    let server = Running::start(&["--port", "0"]);
    let created = server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    assert!(created.starts_with("HTTP/1.1 200 "), "{created}");
    let at = created.find("\"id\":\"").unwrap() + 6;
    let path = format!("/v1/actor_tokens/{}/revoke", &created[at..at + 31]);
    assert!(server.post(&path, "sk_test_emulator", "null").starts_with("HTTP/1.1 200 "));
    let again = server.post(&path, "sk_test_emulator", "");
    assert!(again.starts_with("HTTP/1.1 400 ") && again.contains("its status is `revoked`"), "{again}");
    assert!(server.post(&path, "sk_test_other", "").starts_with("HTTP/1.1 401 "));
}

#[test]
fn it_takes_another_key_and_another_seed() {
    let server = Running::start(&["--secret-key", "sk_test_mine", "--seed", "7"]);
    assert!(server.post("/v1/actor_tokens", "sk_test_mine", GOOD).starts_with("HTTP/1.1 200 "));
    assert!(server.post("/v1/actor_tokens", "sk_test_emulator", GOOD).starts_with("HTTP/1.1 401 "));
}

#[test]
fn a_malformed_key_is_refused_and_not_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
        .args(["--secret-key", "CANARY"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.contains("sk_test_") && !text.contains("CANARY"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_cleanly() {
    // Several times: an interrupt right after the first line must not find it unprepared.
    for _ in 0..20 {
        let mut server = Running::start(&[]);
        let pid = server.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}
