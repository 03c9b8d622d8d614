//! What a client allocates for an answer without end, and whether the connection survives it.

use std::{
    fmt,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use clerk_actor_tokens::{Actor, BaseUrl, Client, ErrorKind, Execution, SecretKey};
use peak_alloc::PeakAlloc;

use super::{BoxError, flood::Flood, protocol::Protocol};

/// What one answer came to.
#[derive(Debug)]
pub struct Figures {
    flood: Flood,
    /// By how many bytes the memory of this process grew.
    pub grew: usize,
    /// How many bytes of body the server wrote.
    pub written: u64,
    /// How that ended, in the server's words.
    end: String,
    kind: ErrorKind,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

/// What may be allocated, in bytes.
pub const BAR: usize = 1024 * 1024;

/// What may be written of an answer that the client does not read: sockets have buffers, and a connection that was given up is still
/// read for a while. 10 GiB are more than a hundred times as much.
const WRITTEN: u64 = 64 * 1024 * 1024;

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flood, grew, written, end, kind, broken } = self;
        write!(
            f,
            "figure: wire memory: {flood}: grew by {} KiB, {} KiB written, ",
            grew.div_ceil(1024),
            written / 1024
        )?;
        write!(f, "{end}, {kind:?}, {} broken promises", broken.len())
    }
}

/// The server: a process of its own, which ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks a server (the binary `wire` at this path) that answers like this, and counts by `allocator`, which has to be the
/// one of this process. Nothing else may allocate meanwhile.
///
/// # Errors
/// The machine gave no process or no socket.
pub fn run(wire: &Path, flood: Flood, allocator: &PeakAlloc) -> Result<Figures, BoxError> {
    let mut child = Command::new(wire).args(["flood", &flood.to_string()]).stdout(Stdio::piped()).spawn()?;
    let said = child.stdout.take().ok_or("no output")?;
    let _server = Server(child);
    let mut said = BufReader::new(said);
    let mut line = String::new();
    said.read_line(&mut line)?;
    let url = format!("http://127.0.0.1:{}", line.trim_end());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let protocol = if flood.is_http2() { Protocol::Http2 } else { Protocol::Http1 };
    let transport = protocol.transport(None)?.build()?;
    let builder = Client::builder(transport, SecretKey::new("sk_test_wire")?).base_url(BaseUrl::new(url)?);
    let client = builder.timeout(Duration::from_secs(60)).build()?;
    let before = allocator.current_usage();
    allocator.reset_peak_usage();
    let ended = runtime.block_on(async {
        let ended = client.actor_tokens().create("user_1", Actor::new("user_2")).send().await;
        // The connection is a task of its own: it goes when it next runs.
        tokio::time::sleep(Duration::from_millis(100)).await;
        ended
    });
    let grew = allocator.peak_usage().saturating_sub(before);
    let mut broken = Vec::new();
    let kind = match &ended {
        Ok(_) => return Err("an answer without end was taken for a token".into()),
        Err(error) => error.kind(),
    };
    if ended.is_err_and(|error| error.execution() != Execution::Executed && error.execution() != Execution::Unknown) {
        broken.push("said to be not executed, after a 200".to_owned());
    }
    // The runtime lives meanwhile, so that it is the library that closes the connection.
    let last = runtime.block_on(async {
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).map(|_| line)
        });
        read.await.map_err(BoxError::from)
    })??;
    let (written, end) = last.trim_end().split_once(' ').ok_or("the server did not say what it wrote")?;
    let written = written.parse()?;
    if grew >= BAR {
        broken.push(format!("{grew} bytes were allocated"));
    }
    if written >= WRITTEN {
        broken.push(format!("{written} bytes were written"));
    }
    if !flood.is_whole() && !end.ends_with("by the client") {
        broken.push(format!("the connection: {end}"));
    }
    Ok(Figures { flood, grew, written, end: end.to_owned(), kind, broken })
}
