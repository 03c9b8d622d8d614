//! The peer: a server that answers each creation with the same token, in a process of its own.
//!
//! It ends when its standard input closes, so it does not outlive who started it. It is not Clerk, and not the
//! emulator: it does as little as can be, and counts.

mod serve;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

pub use self::serve::serve;
use crate::Failure;

/// The argument with which the benchmark's binary is the peer.
pub const ARGUMENT: &str = "peer";

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Protocol {
    /// Speak HTTP/2 instead of HTTP/1.1 (prior knowledge, without TLS)
    #[arg(long)]
    pub http2: bool,
}

/// HTTP/1.1.
pub const HTTP1: Protocol = Protocol { http2: false };
/// HTTP/2.
pub const HTTP2: Protocol = Protocol { http2: true };

/// Where a peer is, and what it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
}

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    output: BufReader<ChildStdout>,
    target: Target,
}

/// What a peer has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Connections that were accepted.
    pub connections: u64,
    /// Creations that were answered with a token.
    pub created: u64,
    /// Requests that were none, and refused.
    pub refused: u64,
}

impl Peer {
    /// Starts the benchmark's binary at this path as a peer.
    ///
    /// # Errors
    /// It could not be started, or did not say where it listens.
    pub fn start(program: &Path, protocol: Protocol) -> Result<Self, Failure> {
        let mut process = Command::new(program)
            .arg(ARGUMENT)
            .args(protocol.argument())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the peer has no standard output")?;
        let mut output = BufReader::new(output);
        let target = Target { address: line(&mut output)?.parse()?, protocol };
        Ok(Self { process, output, target })
    }

    /// Where it is, and what it speaks.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Ends it.
    ///
    /// # Errors
    /// It did not say what it had seen.
    pub fn finish(mut self) -> Result<Seen, Failure> {
        drop(self.process.stdin.take());
        let seen = Seen::read(&line(&mut self.output)?);
        self.process.wait()?;
        seen.ok_or_else(|| "the peer did not say what it has seen".into())
    }
}

fn line(output: &mut impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

impl Protocol {
    /// As an argument of the benchmark's binary.
    pub(crate) fn argument(self) -> Option<&'static str> {
        self.http2.then_some("--http2")
    }

    /// Its name in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        if self.http2 { "HTTP/2" } else { "HTTP/1.1" }
    }
}

impl Seen {
    /// As the peer prints it.
    fn line(self) -> String {
        let Self { connections, created, refused } = self;
        format!("{connections} {created} {refused}")
    }

    fn read(line: &str) -> Option<Self> {
        let mut numbers = line.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { connections: next()?, created: next()?, refused: next()? })
    }
}
