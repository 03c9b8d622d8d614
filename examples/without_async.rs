//! A script without async: the client waits on its thread.
//!
//! ```text
//! cargo run --example without_async
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{Actor, Client, blocking::Wait as _, testing::emulator::Emulator, ureq::UreqTransport};

fn sign_in(clerk: &Client) -> Result<String, Box<dyn Error>> {
    let held = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).hold().wait()?;
    // Write `held.record()` into your database here.
    let token = held.keep().wait()?;
    println!("made {}", token.id());
    Ok(token.url().map(|url| url.expose().to_owned()).unwrap_or_default())
}

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().real_time().build();
    // The server is the emulator's, and has a runtime. The client has none.
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(emulator.serve())?;

    // Against Clerk: `blocking::client_from_env()`.
    let clerk =
        Client::builder(UreqTransport::new(), emulator.secret_key()).base_url(server.base_url()).build()?.erase();
    let link = sign_in(&clerk)?;
    assert!(link.starts_with("http"));
    println!("handed the link out");
    assert!(clerk.close(std::time::Duration::from_secs(10)).wait().is_clean());
    emulator.assert_live(1);
    runtime.block_on(server.shutdown());
    Ok(())
}
