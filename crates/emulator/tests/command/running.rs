//! The command as a process, and requests to it by hand.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_clerk-actor-tokens-emulator");

/// The process, which ends with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    pub(crate) address: String,
}

impl Running {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_in(options, &[])
    }

    pub(crate) fn start_in(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(options).envs(environment.iter().copied()).stderr(Stdio::piped());
        Self::of(&mut command)
    }

    /// Standard error goes where this command says.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
        let address = url.split_once("://").unwrap().1.to_owned();
        Self { child, stdout, url, address }
    }

    pub(crate) fn post(&self, path: &str, key: &str, body: &str) -> String {
        self.send("POST", path, &format!("authorization: Bearer {key}\r\n"), body)
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.send("GET", path, "authorization: Bearer sk_test_emulator\r\n", "")
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        send(&self.address, method, path, headers, body)
    }

    /// The exit code after this signal, and what it has written to standard error.
    #[cfg(unix)]
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let (code, _, stderr) = self.stop(signal);
        (code, stderr)
    }

    /// The same, with what it has written to standard output since the first line.
    #[cfg(unix)]
    pub(crate) fn stop(&mut self, signal: &str) -> (Option<i32>, String, String) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        let [mut stdout, mut stderr] = [const { String::new() }; 2];
        if let Some(mut errors) = self.child.stderr.take() {
            errors.read_to_string(&mut stderr).unwrap();
        }
        self.stdout.read_to_string(&mut stdout).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

pub(crate) fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    send_to(address, "x", method, path, headers, body)
}

pub(crate) fn send_to(address: &str, host: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
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

pub(crate) const GOOD: &str = r#"{"user_id":"user_1","actor":{"sub":"user_agent"}}"#;

pub(crate) fn id_of(answer: &str) -> String {
    let at = answer.find("\"id\":\"act_").unwrap() + 6;
    answer[at..at + 31].to_owned()
}

pub(crate) fn run(options: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).args(options).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), stdout, stderr)
}

/// A file of settings that ends with the test.
pub(crate) struct Settings(pub(crate) std::path::PathBuf);

impl Settings {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let file = std::env::temp_dir().join(format!("clerk-emulator-{}-{name}.json", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The path of a new link, and its ticket. It points to the server.
pub(crate) fn link(server: &Running) -> (String, String) {
    let created = body(&server.post("/v1/actor_tokens", "sk_test_emulator", GOOD));
    let path = created["url"].as_str().unwrap().strip_prefix(&server.url).unwrap().to_owned();
    (path, created["token"].as_str().unwrap().to_owned())
}

/// Opens a link as a browser does. Returns the id of the session.
pub(crate) fn open(server: &Running) -> String {
    let form = format!("strategy=ticket&ticket={}", link(server).1);
    let signed_in = body(&server.send("POST", "/v1/client/sign_ins", "", &form));
    signed_in["response"]["created_session_id"].as_str().unwrap().to_owned()
}

pub(crate) fn claims(jwt: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
