//! Serves the desk until it is asked to stop, and leaves no token behind that no one knows of.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run -p support-desk -- 127.0.0.1:8080 tokens.jsonl
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command says where it listens, and what is left")]

use std::{error::Error, process::ExitCode, time::Duration};

use clerk_actor_tokens::client_from_env;
use support_desk::{Desk, Records, routes};
use tokio::net::TcpListener;

/// How long what is in flight may take after the last response.
const CLOSE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let records = arguments.next().map_or_else(|| Ok(Records::default()), Records::in_file)?;
    let desk = Desk { clerk: client_from_env()?, records };
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);

    axum::serve(listener, routes(desk.clone())).with_graceful_shutdown(asked_to_stop()).await?;

    // While the runtime lives: it revokes what closed tabs have left.
    let closed = desk.clerk.close(CLOSE).await;
    for report in closed.orphans() {
        eprintln!("left: {report}");
    }
    for doubt in desk.records.doubts() {
        eprintln!("left: {doubt:?}");
    }
    if closed.is_clean() {
        println!("stopped, and nothing is left");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} calls were still in flight, {} orphans are left", closed.in_flight(), closed.orphan_count());
    Ok(ExitCode::FAILURE)
}

/// Control-C, or SIGTERM.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
