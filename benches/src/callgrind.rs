//! Instructions, counted by valgrind's callgrind.
//!
//! The benchmark's binary is run under callgrind with N creations and with 2N, and the difference is taken: what start,
//! warm-up and end cost is in both. The peer runs outside.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use clap::ValueEnum as _;

use crate::{
    Failure,
    layer::Layer,
    peer::{Peer, Target},
    protocol::Protocol,
    work::{Work, alone},
};

/// The argument with which the benchmark's binary makes creations and nothing else.
pub const ARGUMENT: &str = "drive";

/// What the run under callgrind does.
#[derive(Debug, Clone, clap::Args)]
pub struct Drive {
    /// Which loop
    #[arg(long, value_parser = Layer::named)]
    pub layer: Layer,
    /// What it does
    #[command(flatten)]
    pub work: Work,
    /// Where the peer is, in JSON
    #[arg(long)]
    pub peer: String,
}

/// Makes creations: warms up, then runs the command.
///
/// # Errors
/// The first creation that failed.
pub fn drive(drive: &Drive) -> Result<(), Failure> {
    let peer: Target = serde_json::from_str(&drive.peer)?;
    alone(drive.layer, &peer, drive.work)
}

/// Counts instructions of the benchmark's binary.
#[derive(Debug)]
pub struct Callgrind<'a> {
    program: &'a Path,
    folder: PathBuf,
    is_ours: bool,
}

impl<'a> Callgrind<'a> {
    /// Keeps callgrind's files in this folder, or in one that is removed at the end.
    ///
    /// # Errors
    /// The folder could not be made, or there is no valgrind.
    pub fn new(program: &'a Path, keep: Option<&Path>) -> Result<Self, Failure> {
        let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
        version.map_err(without_valgrind)?;
        let ours = || std::env::temp_dir().join(format!("clerk-actor-tokens-benches-{}", process::id()));
        let folder = keep.map_or_else(ours, Path::to_owned);
        fs::create_dir_all(&folder)?;
        Ok(Self { program, folder, is_ours: keep.is_none() })
    }

    /// Returns the instructions of one creation of a warm client, or of one cold client.
    ///
    /// # Errors
    /// valgrind did not run to its end.
    pub fn count(&self, protocol: Protocol, origins: usize, layer: Layer, work: Work) -> Result<f64, Failure> {
        let one = self.total(protocol, origins, layer, work)?;
        let two = self.total(protocol, origins, layer, work.twice())?;
        Ok(two.saturating_sub(one) as f64 / work.times as f64)
    }

    /// All instructions of one run.
    fn total(&self, protocol: Protocol, origins: usize, layer: Layer, work: Work) -> Result<u64, Failure> {
        let peer = Peer::start(self.program, protocol, origins)?;
        let spoken = protocol.to_possible_value().ok_or("the protocol has no name")?;
        let client = work.client.to_possible_value().ok_or("the client has no name")?;
        let Work { in_flight, times, .. } = work;
        let (protocol, client) = (spoken.get_name(), client.get_name());
        let name = format!("callgrind.{protocol}.{}.{client}.{origins}.{in_flight}.{times}", layer.name);
        let counts = self.folder.join(name);
        let run = Command::new("valgrind")
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(self.program)
            .args([ARGUMENT, "--layer", layer.name, "--client", client])
            .args(["--in-flight", &in_flight.to_string(), "--times", &times.to_string()])
            .args(["--peer", &serde_json::to_string(peer.target())?])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .map_err(without_valgrind)?;
        if !run.status.success() {
            return Err(format!("valgrind ended with {}: {}", run.status, String::from_utf8_lossy(&run.stderr)).into());
        }
        peer.finish()?;
        total(&fs::read_to_string(&counts)?).ok_or_else(|| "callgrind's file has no total".into())
    }
}

impl Drop for Callgrind<'_> {
    fn drop(&mut self) {
        if self.is_ours {
            // Nothing is lost with it.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(crate) fn without_valgrind(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => "valgrind is not installed, and nothing else here counts instructions".into(),
        _ => format!("valgrind could not be started: {error}").into(),
    }
}

/// The number behind `totals:` in a file of callgrind's.
pub(crate) fn total(file: &str) -> Option<u64> {
    file.lines().find_map(|line| line.strip_prefix("totals:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_file_is_the_first_number_behind_its_name() {
        assert_eq!(total("events: Ir\nfn=(0)\n12 7\ntotals: 12345\n"), Some(12345));
        assert_eq!(total("events: Ir Dr\ntotals: 9 8\n"), Some(9));
        assert_eq!(total("events: Ir\n"), None);
    }
}
