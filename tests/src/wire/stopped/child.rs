//! The process that is stopped: it makes a creation for each line that it reads, and writes how that ended.

use std::io::{self, BufRead, Write};

use clerk_actor_tokens::{Actor, BaseUrl, Client, SecretKey};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::wire::{BoxError, clerk::negotiating, protocol::Protocol};

/// Makes creations until the input ends. The first line is the start, as JSON.
///
/// Lines are read on the thread that makes the creations, within its runtime: nothing runs between the end of the stop and
/// the creation that another thread does not run.
///
/// # Errors
/// The first line is invalid, or a pipe is closed.
pub fn serve(input: &mut impl BufRead, output: &mut impl Write) -> Result<(), BoxError> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let start: Value = serde_json::from_str(&line)?;
    let text = |name: &str| start.get(name).and_then(Value::as_str);
    let name = text("protocol").ok_or("no protocol")?;
    let protocol = Protocol::ALL.into_iter().find(|it| it.to_string() == name).ok_or("an unknown protocol")?;
    let transport = negotiating(protocol, text("authority"))?;
    // The key that the emulator accepts by default.
    let builder = Client::builder(transport, SecretKey::new("sk_test_emulator")?);
    let client = builder.base_url(BaseUrl::new(text("url").ok_or("no url")?)?).build()?;
    let runtime = runtime(start.get("workers").and_then(Value::as_u64).unwrap_or(0))?;
    runtime.block_on(async {
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let ended = client.actor_tokens().create("user_customer", Actor::new("user_agent")).send().await;
            let ended = ended.map_or_else(|error| format!("{:?}", error.execution()), |_| "Ok".to_owned());
            writeln!(output, "{ended}")?;
            output.flush()?;
        }
    })
}

fn runtime(workers: u64) -> io::Result<Runtime> {
    match usize::try_from(workers).unwrap_or(0) {
        0 => Builder::new_current_thread().enable_all().build(),
        workers => Builder::new_multi_thread().worker_threads(workers).enable_all().build(),
    }
}
