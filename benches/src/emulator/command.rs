//! The emulator's command as a process, and a client of it over one connection.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, SecretKey,
    hyper::HyperTransport,
    testing::emulator::control_client::{ControlClient, View},
};

use crate::Failure;

/// How long a server may take to serve, also under valgrind.
const PATIENCE: Duration = Duration::from_secs(120);

/// The command at this path, or the one beside this program.
///
/// # Errors
/// There is none.
pub fn path(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let name = format!("clerk-actor-tokens-emulator{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe()?.with_file_name(name);
    let path = given.map_or(beside, Path::to_owned);
    if path.is_file() {
        return Ok(path);
    }
    let build = "build it: cargo build --release -p clerk-actor-tokens-emulator";
    Err(format!("{} is not there: {build}", path.display()).into())
}

/// A command that serves.
#[derive(Debug)]
pub struct Running {
    process: Child,
    base: BaseUrl,
}

impl Running {
    /// Starts this command, and waits until it says where it listens.
    ///
    /// # Errors
    /// It could not be started, or did not say it.
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("the command has no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let url = line.strip_prefix("listening on ").ok_or_else(|| format!("the command printed {line:?}"))?;
        Ok(Self { process, base: BaseUrl::new(url.trim_end())? })
    }

    /// Returns a client of its control plane.
    #[must_use]
    pub fn control(&self, transport: HyperTransport) -> ControlClient {
        ControlClient::new(transport, &self.base).with_timeout(PATIENCE)
    }

    /// Creates tokens, one after the other, and looks at the page and the journal after each so many, if it is looked at.
    ///
    /// # Errors
    /// The first creation that failed.
    pub async fn create(&self, creations: u32, look_after: Option<u32>) -> Result<(), Failure> {
        let key = SecretKey::new("sk_test_emulator")?;
        let client =
            Client::builder(HyperTransport::new()?, key).base_url(self.base.clone()).timeout(PATIENCE).build()?;
        let control = self.control(HyperTransport::new()?);
        for number in 1..=creations {
            client.actor_tokens().create("user_1", Actor::new("user_agent")).send().await?;
            if look_after.is_some_and(|after| number % after == 0) {
                control.state(View::default()).await?;
                control.requests(View::default()).await?;
            }
        }
        Ok(())
    }

    /// Returns how much memory of the process is resident, in bytes.
    ///
    /// # Errors
    /// The system does not say it as Linux does.
    pub fn resident(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("it has no line VmRSS")?;
        let kibibytes: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(f64::from(kibibytes) * 1024.0)
    }

    /// Ends it, as `docker stop` does.
    ///
    /// # Errors
    /// It did not end by itself, or with a failure.
    #[cfg(unix)]
    pub fn end(mut self) -> Result<(), Failure> {
        use rustix::process::{Pid, Signal, kill_process};
        let id = Pid::from_raw(i32::try_from(self.process.id())?).ok_or("the process has no id")?;
        kill_process(id, Signal::TERM)?;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the command ended with {status}").into()) }
    }

    /// There is no such signal here.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(unix))]
    pub fn end(self) -> Result<(), Failure> {
        Err("the command is ended by a signal of Unix".into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, but where something failed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
