//! A program of an image, with the environment that it has there, and requests to it by hand.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use crate::{
    COMPOSE, CONTAINERFILE, compose,
    containerfile::{self, Stage},
    programs,
};

/// What a service of the compose file runs: a program with its arguments, in an environment.
pub(crate) struct Runs {
    pub(crate) command: Vec<String>,
    pub(crate) health: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// The service of this name, with the environment of its image and its own.
pub(crate) fn service(name: &str) -> Runs {
    let service = compose::services(COMPOSE).unwrap().into_iter().find(|service| service.name == name).unwrap();
    let stages = containerfile::stages(CONTAINERFILE);
    let stage = stages.iter().find(|stage| stage.name == service.build["target"]).unwrap();
    let mut environment = Stage::environment(stage);
    environment.extend(service.environment);
    let exec = |word| stage.exec(word).unwrap_or_default();
    Runs { command: [exec("ENTRYPOINT"), exec("CMD")].concat(), health: exec("HEALTHCHECK"), environment }
}

/// This program as it is in an image, with this environment and no other.
pub(crate) fn command(words: &[String], environment: &BTreeMap<String, String>) -> Command {
    let (program, arguments) = words.split_first().unwrap();
    let mut command = Command::new(programs::by_name(program).unwrap());
    command.args(arguments).env_clear().envs(environment).stdin(Stdio::null());
    command
}

/// A process, which ends with the test.
pub(crate) struct Process {
    child: Child,
    /// What it says on its first line of standard output.
    pub(crate) first_line: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, first_line: first_line.trim_end().to_owned() }
    }

    /// By SIGTERM.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a request, which names this host.
pub(crate) fn send(address: &str, host: &str, request: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         {headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}
