//! A process with a client that is stopped (SIGSTOP) for longer than the server keeps idle connections, and then creates at once.
//!
//! Nothing of the process runs meanwhile. So the close of its connection lies in the socket when the process continues.
//! The process is the command `wire`, and the server lives in the parent. The two speak over pipes.

mod child;

use std::{
    fmt,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;

pub use self::child::serve;
use super::{BoxError, clerk::Clerk, protocol::Protocol};

/// How often each process is stopped, and what it speaks.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// How often each of the processes is stopped.
    pub trials: usize,
}

/// What a server waits for a request on an idle connection: far longer than a request takes to come, also on a slow machine.
const IDLE_LIMIT: Duration = Duration::from_millis(500);

/// How long a process is stopped.
const STOPPED: Duration = Duration::from_millis(750);

const PROTOCOLS: [Protocol; 3] = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];

/// How many worker threads the process's runtime has. 0: it is a runtime of the current thread.
const WORKERS: [usize; 4] = [0, 1, 2, 8];

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    rows: Vec<Row>,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

/// What one process has seen.
#[derive(Debug)]
struct Row {
    what: String,
    trials: usize,
    ok: usize,
    unknown: usize,
    connections: usize,
}

impl Figures {
    fn sum(&self, of: impl Fn(&Row) -> usize) -> usize {
        self.rows.iter().map(of).sum()
    }

    /// Returns the number of creations after a stop.
    #[must_use]
    pub fn trials(&self) -> usize {
        self.sum(|row| row.trials)
    }

    /// Returns how many of those were `Unknown`.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.sum(|row| row.unknown)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { what, trials, ok, unknown, connections } in &self.rows {
            writeln!(f, "{what:<28} {trials:>4} stops: {ok} ok, {unknown} Unknown, {connections} connections")?;
        }
        write!(f, "figure: wire stopped: {} processes, {} creations after a stop: ", self.rows.len(), self.trials())?;
        write!(f, "{} ok, {} Unknown, {} broken promises", self.sum(|row| row.ok), self.unknown(), self.broken.len())
    }
}

impl Stopped {
    /// Stops the processes (the command `wire` at this path), side by side: most of it is waiting.
    ///
    /// # Errors
    /// The machine gave no process, no socket or no signal.
    pub fn run(self, wire: &Path) -> Result<Figures, BoxError> {
        let mut figures = Figures::default();
        thread::scope(|scope| {
            let mut running = Vec::new();
            for protocol in PROTOCOLS {
                for workers in WORKERS {
                    running.push(scope.spawn(move || self.process(wire, protocol, workers)));
                }
            }
            for process in running {
                let (row, broken) = process.join().map_err(|_| "a thread of the room has panicked")??;
                figures.rows.push(row);
                figures.broken.extend(broken);
            }
            Ok(figures)
        })
    }

    fn process(self, wire: &Path, protocol: Protocol, workers: usize) -> Result<(Row, Vec<String>), BoxError> {
        let clerk = Clerk::start(protocol, Some(IDLE_LIMIT))?;
        let mut child = Stoppable::start(wire)?;
        let start = json!({
            "protocol": protocol.to_string(),
            "workers": workers,
            "url": clerk.url(),
            "authority": clerk.authority(),
        });
        child.say(&start.to_string())?;
        let what =
            if workers == 0 { format!("{protocol}, current thread") } else { format!("{protocol}, {workers} workers") };
        let mut row = Row { what, trials: 0, ok: 0, unknown: 0, connections: 0 };
        let mut broken = Vec::new();
        for trial in 0..self.trials {
            child.say("warm")?;
            let warmed = child.hear()?;
            if warmed != "Ok" {
                broken.push(format!("{}, trial {trial}, before the stop: {warmed}", row.what));
            }
            let ended = child.stopped_for(STOPPED, "create")?;
            row.trials += 1;
            row.ok += usize::from(ended == "Ok");
            row.unknown += usize::from(ended == "Unknown");
            if ended != "Ok" {
                broken.push(format!("{}, trial {trial}: {ended}", row.what));
            }
        }
        row.connections = clerk.connections();
        if row.connections == 1 {
            broken.push(format!("{}: nothing was measured, as the server closed no connection", row.what));
        }
        Ok((row, broken))
    }
}

/// The process. It ends with this.
struct Stoppable {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Stoppable {
    fn start(wire: &Path) -> Result<Self, BoxError> {
        let mut command = Command::new(wire);
        command.arg("stoppable").stdin(Stdio::piped()).stdout(Stdio::piped());
        in_its_own_group(&mut command);
        let mut child = command.spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, said })
    }

    fn say(&mut self, line: &str) -> Result<(), BoxError> {
        let input = self.child.stdin.as_mut().ok_or("no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn hear(&mut self) -> Result<String, BoxError> {
        let mut line = String::new();
        if self.said.read_line(&mut line)? == 0 {
            return Err("the process has ended".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Stops the process for so long. It reads the line as soon as it continues.
    fn stopped_for(&mut self, time: Duration, line: &str) -> Result<String, BoxError> {
        signal(&self.child, false)?;
        thread::sleep(time);
        self.say(line)?;
        signal(&self.child, true)?;
        self.hear()
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        // It may have ended by itself. A stopped process is killed, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the group of its parent, a stopped process would take all with it: where that group loses its shell, the system sends
/// SIGHUP to each member. In a group of its own, it ends with its parent.
#[cfg(unix)]
fn in_its_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    command.process_group(0);
}

#[cfg(not(unix))]
fn in_its_own_group(_: &mut Command) {}

#[cfg(unix)]
fn signal(child: &Child, continues: bool) -> Result<(), BoxError> {
    use rustix::process::{Pid, Signal, kill_process};

    let signal = if continues { Signal::CONT } else { Signal::STOP };
    Ok(kill_process(Pid::from_child(child), signal)?)
}

#[cfg(not(unix))]
fn signal(_: &Child, _: bool) -> Result<(), BoxError> {
    Err("this system has no signal that stops a process".into())
}
