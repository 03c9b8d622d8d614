//! The peer: a server that answers each creation with the same token, in a process of its own.
//!
//! It ends when its standard input closes, so it does not outlive who started it. It is not Clerk, and not the
//! emulator: it does as little as can be, and counts.

mod serve;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use clap::ValueEnum as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use self::serve::serve;
use crate::{Failure, exchange, protocol::Protocol};

/// The argument with which the benchmark's binary is the peer.
pub const ARGUMENT: &str = "peer";

/// What a peer is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Serve {
    /// What is spoken
    #[arg(long)]
    pub protocol: Protocol,
    /// At how many ports it listens
    #[arg(long)]
    pub origins: usize,
}

/// Where a peer is, and what it speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where it listens: at least one address.
    pub addresses: Vec<SocketAddr>,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its certificate in PEM, where it speaks TLS.
    pub certificate: Option<String>,
}

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    output: BufReader<ChildStdout>,
    target: Target,
}

/// What a peer has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Connections that were accepted.
    pub connections: u64,
    /// Creations that were answered with a token.
    pub created: u64,
    /// Requests that were none, and refused.
    pub refused: u64,
}

impl Target {
    /// The base URL of each origin.
    pub(crate) fn bases(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(|address| format!("{}://{address}/v1", self.protocol.scheme()))
    }

    /// The URL of the endpoint at each origin.
    pub(crate) fn urls(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(|address| format!("{}://{address}{}", self.protocol.scheme(), exchange::PATH))
    }
}

impl Peer {
    /// Starts the benchmark's binary at this path as a peer with so many origins.
    ///
    /// # Errors
    /// It could not be started, or did not say where it listens.
    pub fn start(program: &Path, protocol: Protocol, origins: usize) -> Result<Self, Failure> {
        let spoken = protocol.to_possible_value().ok_or("the protocol has no name")?;
        let mut process = Command::new(program)
            .args([ARGUMENT, "--protocol", spoken.get_name(), "--origins", &origins.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the peer has no standard output")?;
        let mut output = BufReader::new(output);
        let target = said(&mut output)?;
        Ok(Self { process, output, target })
    }

    /// Where it is, and what it speaks.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Ends it.
    ///
    /// # Errors
    /// It did not say what it had seen.
    pub fn finish(mut self) -> Result<Seen, Failure> {
        drop(self.process.stdin.take());
        let seen = said(&mut self.output)?;
        self.process.wait()?;
        Ok(seen)
    }
}

/// Reads one line of what a peer prints.
fn said<T: DeserializeOwned>(output: &mut BufReader<ChildStdout>) -> Result<T, Failure> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    serde_json::from_str(&line).map_err(|error| format!("the peer printed {line:?}: {error}").into())
}
