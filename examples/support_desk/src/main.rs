//! Serves the desk until it is asked to stop, and leaves no token behind that no one knows of.
//!
//! ```text
//! CLERK_SECRET_KEY=sk_test_... cargo run -p support-desk -- 127.0.0.1:8080 tokens.jsonl
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command says where it listens, and what is left")]

use std::{error::Error, future::IntoFuture as _, process::ExitCode, time::Duration};

use clerk_actor_tokens::client_from_env;
use support_desk::{Desk, Records, routes};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// How long requests may take after the signal. Your supervisor has to wait as long, and for `CLOSE` after that.
const STOP: Duration = Duration::from_secs(70);
/// How long what is in flight may take after the last response.
const CLOSE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Also what the desk says through `log`. `RUST_LOG=info,clerk_actor_tokens=debug` shows each attempt too.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let records = arguments.next().map_or_else(|| Ok(Records::default()), Records::in_file)?;
    let desk = Desk { clerk: client_from_env()?, records };
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);

    let server = axum::serve(listener, routes(desk.clone())).with_graceful_shutdown(asked_to_stop());
    tokio::select! {
        served = server.into_future() => served?,
        () = async { asked_to_stop().await; tokio::time::sleep(STOP).await } => eprintln!("left: requests that did not end"),
    }

    // While the runtime lives: it revokes what closed tabs have left.
    let closed = desk.clerk.close(CLOSE).await;
    for report in closed.orphans() {
        eprintln!("left: {report}");
    }
    let doubts = desk.records.doubts();
    for doubt in &doubts {
        eprintln!("left: {doubt:?}");
    }
    if closed.is_clean() && doubts.is_empty() {
        println!("stopped, and nothing is left");
        return Ok(ExitCode::SUCCESS);
    }
    let (in_flight, orphans) = (closed.in_flight(), closed.orphan_count());
    eprintln!("{in_flight} calls were still in flight, {orphans} orphans and {} doubts are left", doubts.len());
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
