//! Asking for a tokio runtime before its sockets and timers are used: they panic without.

use std::{
    panic::{UnwindSafe, catch_unwind},
    time::Duration,
};

use clerk_actor_tokens_core::TransportError;
use tokio::{
    runtime::Handle,
    time::{Sleep, sleep},
};

/// Refuses to send where no tokio runtime with time is entered. `transport` names the transport in the error: "the hyper transport".
///
/// ```
/// use clerk_actor_tokens_core::TransportErrorKind;
/// use clerk_actor_tokens_transport_kit::require_tokio;
///
/// let refused = require_tokio("the company's transport").unwrap_err();
/// assert_eq!(refused.kind(), TransportErrorKind::Blocked);
/// ```
///
/// # Errors
/// [`Blocked`](clerk_actor_tokens_core::TransportErrorKind::Blocked), with what to do.
pub fn require_tokio(transport: &str) -> Result<Handle, TransportError> {
    let runtime = entered(transport)?;
    with_time(transport, || drop(sleep(Duration::ZERO)))?;
    Ok(runtime)
}

/// Returns tokio's sleep, or refuses as [`require_tokio`] does. It costs no allocation, as a timer's does.
///
/// # Errors
/// [`Blocked`](clerk_actor_tokens_core::TransportErrorKind::Blocked), with what to do.
pub fn tokio_sleep(transport: &str, duration: Duration) -> Result<Sleep, TransportError> {
    entered(transport)?;
    with_time(transport, || sleep(duration))
}

fn entered(transport: &str) -> Result<Handle, TransportError> {
    Handle::try_current().map_err(|_| {
        TransportError::blocked(format!("{transport} needs a tokio runtime, and this thread has entered none"))
            .with_advice("Make the call inside a tokio runtime, for example under #[tokio::main].")
    })
}

/// tokio panics where a runtime has no time, and says beforehand in no other way.
fn with_time<T>(transport: &str, make: impl FnOnce() -> T + UnwindSafe) -> Result<T, TransportError> {
    catch_unwind(make).map_err(|_| {
        TransportError::blocked(format!("{transport} needs a tokio runtime with time enabled, and this one has none"))
            .with_advice("Build the runtime with enable_all().")
    })
}
