//! The command: it says where it listens, answers there, and ends.
#![cfg(feature = "cli")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use clerk_actor_tokens_emulator::Emulator;

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

/// The 16 random bytes of the first token's id: of a KSUID, all but the time.
fn random_part(answer: &str) -> Vec<u8> {
    let at = answer.find("\"id\":\"act_").unwrap() + 10;
    let mut number = [0u8; 20];
    for digit in answer[at..at + 27].bytes() {
        let mut carry = usize::from(match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            _ => digit - b'a' + 36,
        });
        for byte in number.iter_mut().rev() {
            let value = usize::from(*byte) * 62 + carry;
            *byte = (value % 256) as u8;
            carry = value / 256;
        }
    }
    number[4..].to_vec()
}

#[test]
fn its_seed_decides_its_ids_as_in_process() {
    let in_process = |seed| {
        let clerk = Emulator::builder().seed(seed).build();
        let answer = support::send(&clerk, support::post("/v1/actor_tokens", GOOD));
        random_part(std::str::from_utf8(answer.body()).unwrap())
    };
    let command =
        |options: &[&str]| random_part(&Running::start(options).post("/v1/actor_tokens", "sk_test_emulator", GOOD));
    assert_ne!(in_process(7), in_process(8));
    for seed in [7, 8] {
        assert_eq!(command(&["--seed", &seed.to_string()]), in_process(seed));
    }
    assert_eq!(command(&[]), in_process(0));
}

fn run(options: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator")).args(options).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), stdout, stderr)
}

#[test]
fn no_key_is_printed_wherever_it_stands_by_mistake() {
    let (live, test) = ("sk_live_CANARY", "sk_test_CANARY");
    let (two_lines, assigned) = (format!("x\n{live}"), format!("--secret-keys={live}"));
    let wrong: [&[&str]; 10] = [
        &[live],
        &[test, live],
        &["--seed", live],
        &["--port", test],
        &["--secret-key", live, live],
        &["--secret-key", test, "--seed", live],
        &["--seed", &two_lines],
        &[&assigned],
        &["--secret-key", "CANARY"],
        &["--secret-key", "sk_live_CANARY with a space"],
    ];
    for options in wrong {
        let (code, stdout, stderr) = run(options);
        assert_eq!(code, Some(2), "{stderr}");
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("error: ") && !stderr.contains("CANARY"), "{stderr}");
    }
    // What is wrong is still told.
    let stderr = run(&["--seed", "CANARY"]).2;
    assert!(stderr.contains("CANARY") && stderr.ends_with("\nFor more information, try '--help'.\n"), "{stderr}");
    assert!(run(&["--secret-key", "CANARY"]).2.contains("sk_test_"));
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (option, part) in [("--help", "--secret-key <KEY>"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let (code, stdout, stderr) = run(&[option]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains(part), "{stdout}");
    }
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
