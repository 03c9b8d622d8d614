//! Instructions of each layer, counted by valgrind's callgrind.
//!
//! The benchmark's binary is run under callgrind with N creations and with 2N, and the difference is taken: what start,
//! warm-up and end cost is in both. The peer runs outside.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use crate::{
    Failure,
    layer::{Layer, Subject},
    load::{IN_FLIGHT, Load, runtime},
    peer::{Peer, Protocol, Target},
    report::{Cost, Row, print},
};

/// The argument with which the benchmark's binary makes creations and nothing else.
pub const ARGUMENT: &str = "drive";

/// How much is counted.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Size {
    /// How many creations a layer makes; twice as many in its second run
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub requests: u32,
    /// Keep callgrind's files in this folder, for `callgrind_annotate`
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// What is spoken
    #[command(flatten)]
    pub protocol: Protocol,
}

/// What the run under callgrind does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Drive {
    /// Which loop
    #[arg(long)]
    pub layer: Layer,
    /// How many creations at once
    #[arg(long)]
    pub in_flight: usize,
    /// How many creations
    #[arg(long)]
    pub requests: usize,
    /// Where the peer is
    #[arg(long)]
    pub peer: SocketAddr,
    /// What it speaks
    #[command(flatten)]
    pub protocol: Protocol,
}

/// Makes creations: warms up, then runs the command.
///
/// # Errors
/// The first creation that failed.
pub fn drive(drive: Drive) -> Result<(), Failure> {
    let subject = Subject::new(drive.layer, Target { address: drive.peer, protocol: drive.protocol })?;
    runtime()?.block_on(async {
        subject.drive(Load::warm_up(drive.in_flight)).await?;
        subject.drive(Load::new(drive.in_flight, drive.requests)).await
    })
}

/// Counts every layer at every number in flight, and prints it.
///
/// # Errors
/// There is no valgrind, or it did not run to its end.
pub fn run(program: &Path, size: &Size, output: &mut impl Write) -> Result<(), Failure> {
    let folder = Folder::new(size.keep.as_deref())?;
    for in_flight in IN_FLIGHT {
        let once = Load::new(in_flight, usize::try_from(size.requests)?).requests();
        let mut floor = None;
        for layer in Layer::ALL {
            let counted = |requests| counted(program, &folder, size.protocol, layer, in_flight, requests);
            let (one, two) = (counted(once)?, counted(once.saturating_mul(2))?);
            let amount = two.saturating_sub(one) as f64 / once as f64;
            let times_floor = amount / *floor.get_or_insert(amount);
            let costs = vec![Cost { unit: "instructions", amount, times_floor, decimals: 0 }];
            print(output, &Row { protocol: size.protocol, layer, in_flight, costs })?;
        }
    }
    Ok(())
}

/// All instructions of one run.
fn counted(
    program: &Path,
    folder: &Folder,
    protocol: Protocol,
    layer: Layer,
    in_flight: usize,
    requests: usize,
) -> Result<u64, Failure> {
    let peer = Peer::start(program, protocol)?;
    let counts = folder.path.join(format!("callgrind.{}.{in_flight}.{requests}", layer.name()));
    let run = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(program)
        .arg(ARGUMENT)
        .args(["--layer", layer.name(), "--in-flight", &in_flight.to_string()])
        .args(["--requests", &requests.to_string(), "--peer", &peer.target().address.to_string()])
        .args(protocol.argument())
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

fn without_valgrind(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => "valgrind is not installed, and nothing else here counts instructions".into(),
        _ => format!("valgrind could not be started: {error}").into(),
    }
}

/// The number behind `totals:` in a file of callgrind's.
fn total(file: &str) -> Option<u64> {
    file.lines().find_map(|line| line.strip_prefix("totals:"))?.split_whitespace().next()?.parse().ok()
}

/// Where callgrind writes. Removed at the end, unless it was asked for.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn new(keep: Option<&Path>) -> io::Result<Self> {
        let ours = || std::env::temp_dir().join(format!("clerk-actor-tokens-benches-{}", process::id()));
        let path = keep.map_or_else(ours, Path::to_owned);
        fs::create_dir_all(&path)?;
        Ok(Self { path, is_ours: keep.is_none() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            // Nothing is lost with it.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
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
