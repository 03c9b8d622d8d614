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
        let mut child = Command::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator"))
            .args(options)
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
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\
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
fn an_interrupt_ends_it_cleanly() {
    // Several times: an interrupt right after the first line must not find it unprepared.
    for _ in 0..20 {
        let mut server = Running::start(&[]);
        let pid = server.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
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
