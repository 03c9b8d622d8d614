//! The command: it says where it listens, answers there, and ends.
#![cfg(feature = "cli")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "to panic is how a test fails"
)]

#[path = "promises/support.rs"]
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use clerk_actor_tokens_emulator::Emulator;
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The process, which ends with the test.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
    address: String,
}

impl Running {
    fn start(options: &[&str]) -> Self {
        Self::start_in(options, &[])
    }

    fn start_in(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
            .args(options)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
        let address = url.split_once("://").unwrap().1.to_owned();
        Self { child, stdout, url, address }
    }

    fn post(&self, path: &str, key: &str, body: &str) -> String {
        self.send("POST", path, &format!("authorization: Bearer {key}\r\n"), body)
    }

    fn get(&self, path: &str) -> String {
        self.send("GET", path, "authorization: Bearer sk_test_emulator\r\n", "")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        send(&self.address, method, path, headers, body)
    }

    /// The exit code after this signal, and what it has written to standard error.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }
}

fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    send_to(address, "x", method, path, headers, body)
}

fn send_to(address: &str, host: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
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

fn id_of(answer: &str) -> String {
    let at = answer.find("\"id\":\"act_").unwrap() + 6;
    answer[at..at + 31].to_owned()
}

/// Whatever the time is.
#[test]
fn its_seed_decides_its_ids_as_in_process() {
    let in_process = |seed| {
        let clerk = Emulator::builder().seed(seed).build();
        let next = || {
            let answer = support::send(&clerk, support::post("/v1/actor_tokens", GOOD));
            id_of(std::str::from_utf8(answer.body()).unwrap())
        };
        [next(), next()]
    };
    let command = |options: &[&str]| {
        let server = Running::start(options);
        [(); 2].map(|()| id_of(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD)))
    };
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
    // What is wrong is still printed.
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
fn a_signal_ends_it_cleanly_and_a_fault_that_did_not_happen_is_told() {
    for signal in ["-INT", "-TERM"] {
        // Several times: a signal right after the first line must not find it unprepared.
        for _ in 0..10 {
            let server = Running::start(&[]);
            assert_eq!(server.end(signal), (Some(0), String::new()), "{signal}");
        }
        let server = Running::start(&["--fault", "create:after_commit:stall"]);
        let (code, stderr) = server.end(signal);
        assert_eq!(code, Some(1));
        assert!(
            stderr.contains("this fault did not happen: create:after_commit") || stderr.contains("stall"),
            "{stderr}"
        );
    }
}

/// As in a container. It needs the right to make a namespace, so it is run apart: by `.ci/run`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the right to make a namespace"]
fn the_first_process_of_a_namespace_ends_at_a_signal_too() {
    for signal in ["-TERM", "-INT"] {
        let mut child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"])
            .args([env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"), "--fault", "create:after_commit:stall"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        let id = child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", children.trim())).unwrap();
        assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");
        assert!(Command::new("kill").args([signal, children.trim()]).status().unwrap().success());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{stderr}");
        assert!(stderr.contains("this fault did not happen"), "{stderr}");
    }
}

/// A file of settings that ends with the test.
struct Settings(std::path::PathBuf);

impl Settings {
    fn new(name: &str, text: &str) -> Self {
        let file = std::env::temp_dir().join(format!("clerk-emulator-{}-{name}.json", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn creates(server: &Running, key: &str, user: &str) -> bool {
    let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
    let answer = server.post("/v1/actor_tokens", key, &body);
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 40"), "{answer}");
    answer.starts_with("HTTP/1.1 200 ")
}

#[test]
fn the_command_line_is_before_the_environment_and_that_before_the_file() {
    let file = Settings::new(
        "order",
        r#"{"secret-key": "sk_test_file", "user": ["user_1", "user_2"], "plan-without-impersonation": false, "seed": 7}"#,
    );
    let accepted = |options: &[&str], environment: &[(&str, &str)]| {
        let server = Running::start_in(options, environment);
        ["sk_test_line", "sk_test_environment", "sk_test_file", "sk_test_emulator"]
            .into_iter()
            .filter(|key| creates(&server, key, "user_1"))
            .collect::<Vec<_>>()
    };
    let of_environment = ("CLERK_EMULATOR_SECRET_KEY", "sk_test_environment");
    let (of_file, of_line) = (["--settings", file.path()], ["--secret-key", "sk_test_line"]);
    let both = [of_file, of_line].concat();
    assert_eq!(accepted(&[], &[]), ["sk_test_emulator"]);
    assert_eq!(accepted(&of_file, &[]), ["sk_test_file"]);
    assert_eq!(accepted(&[], &[("CLERK_EMULATOR_SETTINGS", file.path())]), ["sk_test_file"]);
    assert_eq!(accepted(&of_file, &[of_environment]), ["sk_test_environment"]);
    assert_eq!(accepted(&both, &[of_environment]), ["sk_test_line"]);
    // A list, and one that is replaced.
    let server = Running::start_in(&of_file, &[of_environment]);
    assert!(creates(&server, of_environment.1, "user_2") && !creates(&server, of_environment.1, "user_3"));
    let users = ("CLERK_EMULATOR_USER", "user_3,user_4");
    let server = Running::start_in(&of_file, &[of_environment, users]);
    assert!(creates(&server, of_environment.1, "user_4") && !creates(&server, of_environment.1, "user_2"));
    // Each option has a variable, and the help names it; it shows no value.
    let output = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
        .arg("--help")
        .env(of_environment.0, "sk_test_CANARY")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (options, variables) = (help.matches("\n      --").count(), help.matches("[env: CLERK_EMULATOR_").count());
    assert!(variables >= 38 && options >= 38 && !help.contains("CANARY"), "{options} options, {variables} variables");
}

/// It is named where it is wrong, and a key in it is not printed.
#[test]
fn what_is_wrong_in_a_file_or_in_the_environment_is_named() {
    for (text, says) in [
        ("[]", "it is no JSON object of options"),
        ("{\"seed\": ", "it is no JSON object of options"),
        (r#"{"seed": "CANARY sk_test_CANARY"}"#, "in the settings file"),
        (r#"{"sed": 7}"#, "'--sed'"),
        (r#"{"seed": null}"#, "\"seed\" is no text"),
        (r#"{"user": [["a"]]}"#, "\"user\" is no text"),
        (r#"{"ca-out": "x"}"#, "--tls"),
        (r#"{"secret-key": "sk_live_CANARY x"}"#, "--secret-key"),
    ] {
        let file = Settings::new("wrong", text);
        let (code, stdout, stderr) = run(&["--settings", file.path()]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{text}: {stderr}");
        assert!(stderr.contains(says) && !stderr.contains("_CANARY"), "{text}: {stderr}");
    }
    assert_eq!(run(&["--settings", "/nowhere/at/all"]).0, Some(2));
    let output = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
        .env("CLERK_EMULATOR_PORT", "many")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("in the environment variable CLERK_EMULATOR_PORT"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn users_and_faults_are_read_again() {
    let file = Settings::new("reload", r#"{"user": ["user_1"], "fault": "create:before_commit:status(503)"}"#);
    let mut server = Running::start(&["--settings", file.path()]);
    let mut errors = BufReader::new(server.child.stderr.take().unwrap());
    let mut hang_up = |text: &str, lines: usize| {
        std::fs::write(&file.0, text).unwrap();
        assert!(Command::new("kill").args(["-HUP", &server.child.id().to_string()]).status().unwrap().success());
        let mut said = String::new();
        for _ in 0..lines {
            errors.read_line(&mut said).unwrap();
        }
        said
    };
    let address = server.address.clone();
    let post = |user: &str| {
        let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
        let answer = send(&address, "POST", "/v1/actor_tokens", "authorization: Bearer sk_test_emulator\r\n", &body);
        answer[9..12].to_owned()
    };
    // Not met yet: replaced.
    let said = hang_up(r#"{"user": "user_2", "fault": "create:before_commit:status(429)"}"#, 2);
    assert!(
        said.contains("status(503)") && said.ends_with("reloaded: users and faults are those of the settings\n"),
        "{said}"
    );
    assert_eq!([post("user_2"), post("user_2"), post("user_1")], ["429", "200", "404"]);
    // What is wrong changes nothing.
    let said = hang_up(r#"{"user": 7, "fault": "CANARY"}"#, 1);
    assert!(said.starts_with("error: "), "{said}");
    assert_eq!(post("user_2"), "200");
    let said = hang_up("{}", 4);
    assert!(said.contains("reloaded: "), "{said}");
    assert_eq!(post("user_9"), "200");
}

#[test]
fn a_request_is_logged_without_a_secret() {
    for (options, is_json) in [(&["-v"][..], false), (&["--log", "json"], true), (&["-v", "--log", "json"], true)] {
        let options = [options, &["--fault", "create:after_commit:reset"]].concat();
        let server = Running::start(&options);
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let body = r#"{"user_id":"user_1","actor":{"sub":"CANARY"}}"#;
        let head = format!(
            "POST /v1/actor_tokens?ticket=CANARY HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_emulator\r\n\
             content-type: application/json\r\nx-note: CANARY\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
        assert!(server.get("/v1/users?name=sk_test_CANARY").starts_with("HTTP/1.1 501 "));
        let (_, stderr) = server.end("-TERM");
        let lines: Vec<_> = stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{stderr}");
        assert!(!stderr.contains("CANARY") && !stderr.contains("sk_test_emulator"), "{stderr}");
        if is_json {
            let [first, second] = [0, 1].map(|at| serde_json::from_str::<serde_json::Value>(lines[at]).unwrap());
            assert_eq!((&first["method"], &first["body_bytes"]), (&"POST".into(), &body.len().into()));
            assert_eq!(first["target"], "/v1/actor_tokens?ticket=(redacted)");
            assert!(first["at"].as_i64().unwrap() > 1_700_000_000_000);
            assert!(first["status"].is_null() && first["fault"] == "after_commit(fault::reset())", "{first}");
            assert!(second["status"] == 501 && second["fault"].is_null(), "{second}");
        } else {
            let ends =
                ["POST /v1/actor_tokens?ticket=(redacted): no answer, met after_commit(fault::reset())", ": 501"];
            assert!(lines.iter().zip(ends).all(|(line, end)| line.ends_with(end)), "{stderr}");
        }
    }
}

/// By rustls, which trusts the certificate in that file and no other.
fn post_over_tls(address: &str, certificate: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap();
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(tls, tcp);
    let length = GOOD.len();
    let request = format!(
        "POST /v1/actor_tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_test_emulator\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{GOOD}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_speaks_tls_and_hands_its_authority_over() {
    let file = std::env::temp_dir().join(format!("clerk-actor-tokens-emulator-{}.pem", std::process::id()));
    let server = Running::start(&["--tls", "--ca-out", file.to_str().unwrap()]);
    // The reader of the first line finds the file.
    let certificate = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(server.url.starts_with("https://127.0.0.1:"));
    assert!(post_over_tls(&server.address, &certificate).starts_with("HTTP/1.1 200 "));
    // Without a file it is printed.
    let mut server = Running::start(&["--tls"]);
    let mut printed = String::new();
    while !printed.ends_with("-----END CERTIFICATE-----\n") {
        assert_ne!(server.stdout.read_line(&mut printed).unwrap(), 0);
    }
    assert!(post_over_tls(&server.address, &printed).starts_with("HTTP/1.1 200 "));
    // A file that cannot be written is an error, and nothing is served.
    let (code, stdout, stderr) = run(&["--tls", "--ca-out", "/nowhere/at/all.pem"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("error: --ca-out /nowhere/at/all.pem: "), "{stderr}");
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn it_takes_faults_for_the_calls_to_come() {
    let server = Running::start(&[
        "--fault",
        "create:before_commit:status(503).retry_after(2s)",
        "--fault=create:after_commit:html(502)",
        "--fault=revoke:before_commit:status(500)",
    ]);
    let create = || server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    let first = create();
    assert!(first.starts_with("HTTP/1.1 503 ") && first.contains("retry-after: 2\r\n"), "{first}");
    assert_eq!([status(&create()), status(&create())], [502, 200]);
    assert_eq!(status(&server.post("/v1/actor_tokens/act_1/revoke", "sk_test_emulator", "")), 500);
}

#[cfg(unix)]
#[test]
fn it_tells_of_faults_that_did_not_happen() {
    let mut server = Running::start(&["--fault", "create:after_commit:stall"]);
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut stderr = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let told = "error: this fault did not happen: next_create().after_commit(fault::stall()): no attempt met it\n";
    assert_eq!(stderr, told);
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_fault_that_cannot_be_is_refused_with_what_could() {
    let table = [
        ("stall", "CALL:TIME:FAULT"),
        ("accept:after_commit:stall", "the call is one of: create, revoke"),
        ("create:after_send:stall", "the time is one of: before_send, before_commit, after_commit"),
        ("create:after_commit:sttal", "there is no fault sttal; there are:"),
        ("create:after_commit:refused", "it can at: before_send"),
        ("create:after_commit:status(422)", "it can at: before_commit"),
        ("create:after_commit:token_status(pending)", "would change nothing of a create"),
        ("create:after_commit:cut_at", "cut_at takes a number of bytes"),
    ];
    for (fault, part) in table {
        let (code, stdout, stderr) = run(&["--fault", fault]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(part), "{stderr}");
    }
    // All names are there: none is cut off.
    let (_, _, stderr) = run(&["--fault", "create:after_commit:sttal"]);
    assert!(stderr.contains("pass, delay,") && stderr.contains("stale\n"), "{stderr}");
}

/// Each setting by what an answer shows of it.
#[test]
fn what_is_set_is_what_the_emulator_does() {
    let body = |text: &str| format!(r#"{{"user_id":"user_1","actor":{{"sub":"a"}}{text}}}"#);
    let table: [(&[&str], String, u16); 11] = [
        (&[], body(""), 200),
        (&["--user", "user_2"], body(""), 404),
        (&["--user", "user_2", "--user", "user_1"], body(""), 200),
        (&["--plan-without-impersonation"], body(""), 402),
        (&["--quota", "0"], body(""), 422),
        (&["--quota", "0", "--quota-counted", "accept", "--quota-exempts-development"], body(""), 200),
        (&["--rate-limit", "0/10"], body(""), 429),
        (&["--allow-empty-sub"], r#"{"user_id":"user_1","actor":{"sub":""}}"#.to_owned(), 200),
        (&["--refuse-self-impersonation"], r#"{"user_id":"a","actor":{"sub":"a"}}"#.to_owned(), 422),
        (&["--max-expires-in", "60"], body(r#","expires_in_seconds":61"#), 422),
        (&["--max-session-duration", "60"], body(r#","session_max_duration_in_seconds":61"#), 422),
    ];
    for (options, body, expected) in table {
        let answer = Running::start(options).post("/v1/actor_tokens", "sk_test_emulator", &body);
        assert_eq!(status(&answer), expected, "{options:?}");
    }
    let wrong = body(r#","expires_in_seconds":"x""#);
    for (option, expected) in [("param-invalid", 422), ("body-invalid", 400)] {
        let answer = Running::start(&["--wrong-type", option]).post("/v1/actor_tokens", "sk_test_emulator", &wrong);
        assert_eq!(status(&answer), expected, "{option}");
    }
    let server = Running::start(&["--frontend-api", "clerk.example.test", "--revoke-without-link"]);
    let created = server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    assert!(created.contains("https://clerk.example.test/v1/tickets/accept?ticket="));
    let at = created.find("\"id\":\"").unwrap() + 6;
    let path = format!("/v1/actor_tokens/{}/revoke", &created[at..at + 31]);
    assert!(!server.post(&path, "sk_test_emulator", "").contains("ticket="));
    for rate in ["", "1", "1/0", "x/1", "1/x", "-1/1"] {
        assert_eq!(run(&["--rate-limit", rate]).0, Some(2), "{rate}");
    }
}

#[test]
fn it_explains_where_each_behaviour_is_known_from() {
    let (code, stdout, stderr) = run(&["--explain"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let help = run(&["--help"]).1;
    for behaviour in clerk_actor_tokens_emulator::behaviours() {
        assert!(stdout.contains(behaviour.what()) && stdout.contains(behaviour.source()), "{}", behaviour.what());
        if let Some(setting) = behaviour.setting() {
            let option = format!("--{}", setting.replace('_', "-"));
            assert!(stdout.contains(&option) && help.contains(&option), "{option}");
        }
    }
    for kind in ["Clerk's OpenAPI description\n", "Clerk's documentation\n", "Clerk's published clients\n", "open\n"] {
        assert!(stdout.contains(&format!("\n{kind}  - ")), "{kind}");
    }
}

#[test]
fn where_it_listens_can_be_chosen() {
    let server = Running::start(&["--host", "0.0.0.0", "--idle-timeout", "100"]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    let mut silent = TcpStream::connect(&server.address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // `read_to_end` repeats an interrupted system call.
    assert_eq!(silent.read_to_end(&mut Vec::new()).unwrap(), 0);
    let port = server.address.rsplit(':').next().unwrap();
    let (code, _, stderr) = run(&["--host", "0.0.0.0", "--port", port]);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with(&format!("error: 0.0.0.0, port {port}: ")), "{stderr}");
    assert!(run(&["--help"]).1.contains("Any but a loopback address lets others in"));
}

#[test]
fn it_keeps_as_many_tokens_as_it_is_told() {
    let server = Running::start(&["--keep-tokens", "1"]);
    let created: Vec<_> = (0..2).map(|_| id_of(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD))).collect();
    let revoke = |id: &String| status(&server.post(&format!("/v1/actor_tokens/{id}/revoke"), "sk_test_emulator", ""));
    assert_eq!((revoke(&created[0]), revoke(&created[1])), (404, 200));
    let (code, _, stderr) = run(&["--keep-tokens", "0"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(run(&["--help"]).1.contains("[default: 10000]"));
}

/// As a test in Rust drives it from another process.
#[cfg(feature = "control-client")]
#[test]
fn the_typed_client_drives_it() {
    use clerk_actor_tokens_core::{BaseUrl, CallContext, Request, Response, transport_fn};
    use clerk_actor_tokens_emulator::control_client::{ControlClient, View};

    let server = Running::start(&["--seed", "7"]);
    let address = server.address.clone();
    let transport = transport_fn(move |request: Request, _: CallContext| {
        let (method, target) = (request.method().to_string(), request.uri().path_and_query().unwrap().to_string());
        let body = std::str::from_utf8(request.body()).unwrap();
        let answer = send_to(&address, &address, &method, &target, "", body);
        let mut response = Response::new(answer.split_once("\r\n\r\n").unwrap().1.to_owned().into());
        *response.status_mut() = status(&answer).try_into().unwrap();
        std::future::ready(Ok(response))
    });
    let emulator = ControlClient::new(transport, &BaseUrl::new(&server.url).unwrap());
    pollster::block_on(async {
        emulator.wait_until_ready(Duration::from_secs(20)).await.unwrap();
        emulator.add_faults(["create:before_commit:status(503)"]).await.unwrap();
        let create = || status(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
        assert_eq!((create(), create()), (503, 200));
        let state = emulator.state(View::default()).await.unwrap();
        assert_eq!((state.counts.creates, state.counts.orphans, state.tokens.len()), (1, 0, 1));
        let session = emulator.accept(state.tokens[0].stored.id()).await.unwrap();
        assert_eq!((session.user_id(), session.is_live()), ("user_1", true));
        assert!(emulator.reset().await.unwrap().is_empty());
        assert_eq!(emulator.state(View::default()).await.unwrap().counts.requests, 0);
    });
}

fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The path of a new link, and its ticket. It points to the server.
fn link(server: &Running) -> (String, String) {
    let created = body(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
    let path = created["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
    (path, created["token"].as_str().unwrap().to_owned())
}

/// Opens a link as a browser does. Returns the id of the session.
fn open(server: &Running) -> String {
    let form = format!("strategy=ticket&ticket={}", link(server).1);
    let signed_in = body(&server.send("POST", "/v1/client/sign_ins", "", &form));
    signed_in["response"]["created_session_id"].as_str().unwrap().to_owned()
}

fn claims(jwt: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_link_is_opened_at_the_server_that_made_it() {
    let server = Running::start(&["--application-url", "http://localhost:3000"]);
    let (path, ticket) = link(&server);
    let first = server.send("GET", &path, "", "");
    assert_eq!(status(&first), 303);
    assert!(first.contains(&format!("location: http://localhost:3000/sign-in?__clerk_ticket={ticket}\r\n")));
    let form = format!("strategy=ticket&ticket={ticket}");
    let second = server.send("POST", "/v1/client/sign_ins", "", &form);
    assert!(second.contains("set-cookie: __session=ey") && second.contains("set-cookie: __client_uat="));
    let claims = claims(body(&second)["client"]["sessions"][0]["last_active_token"]["jwt"].as_str().unwrap());
    assert_eq!((&claims["iss"], &claims["azp"]), (&server.url.as_str().into(), &"http://localhost:3000".into()));
    assert_eq!(status(&server.send("POST", "/v1/client/sign_ins", "", &form)), 400);
    // The ticket is signed by the key of the server's key set.
    let keys = body(&server.send("GET", "/.well-known/jwks.json", "", ""));
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_aud = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    assert!(jsonwebtoken::decode::<serde_json::Value>(&ticket, &key, &validation).is_ok());
    assert!(server.get("/v1/sessions?user_id=user_1").contains("\"status\":\"active\""));
}

/// Each setting of sessions and of tokens by what an answer shows of it.
#[test]
fn what_is_set_of_sessions_is_what_the_emulator_does() {
    let list = |server: &Running, more: &str| body(&server.get(&format!("/v1/sessions?user_id=user_1{more}")));
    let revoke =
        |server: &Running, id: &str| status(&server.post(&format!("/v1/sessions/{id}/revoke"), "sk_test_emulator", ""));
    let server = Running::start(&[
        "--users-with-tasks=user_1",
        "--accept-pending-filter",
        "--sessions-drop-actor-keys",
        "--second-session=replaces",
        "--revoke-over-session=404",
        "--token-version=1",
        "--add-claims=jti",
        "--add-claims=act.sid",
        "--inactive-as=abandoned",
        "--fault=session_list:before_commit:status(503)",
    ]);
    assert_eq!(status(&server.get("/v1/sessions?user_id=user_1")), 503);
    let (first, second) = (open(&server), open(&server));
    let pending = list(&server, "&status=pending");
    assert_eq!(pending.as_array().unwrap().len(), 1);
    assert_eq!(
        (&pending[0]["id"], &pending[0]["actor"]),
        (&second.as_str().into(), &serde_json::json!({ "sub": "user_agent" }))
    );
    assert_eq!(revoke(&server, &first), 404);
    let token = body(&server.send("POST", &format!("/v1/client/sessions/{second}/tokens"), "", ""));
    let claims = claims(token["jwt"].as_str().unwrap());
    assert_eq!((claims.get("v"), claims["jti"].is_string(), claims["act"]["sid"].is_string()), (None, true, true));
    assert_eq!(claims["act"].get("iss"), None);

    let server = Running::start(&["--keep-over-sessions=0", "--ticket-used-by=get"]);
    let id = open(&server);
    assert_eq!((list(&server, "").as_array().unwrap().len(), revoke(&server, &id)), (1, 200));
    assert_eq!(list(&server, "").as_array().unwrap().len(), 0);
    let (path, _) = link(&server);
    assert_eq!([(); 2].map(|()| status(&server.send("GET", &path, "", ""))), [200, 400]);

    let server = Running::start(&["--list-delay=3600"]);
    open(&server);
    assert_eq!(list(&server, "").as_array().unwrap().len(), 0);

    for wrong in ["--inactive-as=active", "--revoke-over-session=500", "--token-version=3", "--second-session=x"] {
        assert_eq!(run(&[wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn it_signs_with_the_key_in_a_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promises/another_signing_key.pem");
    let modulus = |options: &[&str]| body(&Running::start(options).get("/v1/jwks"))["keys"][0]["n"].clone();
    let own = modulus(&["--signing-key", file]);
    assert!(own.is_string());
    assert_ne!(own, modulus(&[]));
    for (file, why) in
        [("/nowhere/key.pem", "No such file"), (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "RSA private key")]
    {
        let (code, stdout, stderr) = run(&["--signing-key", file]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.starts_with(&format!("error: --signing-key {file}: ")) && stderr.contains(why), "{stderr}");
    }
}
