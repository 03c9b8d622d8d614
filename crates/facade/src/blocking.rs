//! Calls without async: a client over [ureq](crate::ureq), and [`Wait`], which waits for a call on its thread.
//!
//! ```no_run
//! use clerk_actor_tokens::{Actor, blocking::{Wait as _, client_from_env}};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let clerk = client_from_env()?; // reads CLERK_SECRET_KEY
//!     let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().wait()?;
//!     Ok(println!("{}", token.url().map_or("", |url| url.expose()))) // hand the link out
//! }
//! ```
//!
//! The client is the plain [`Client`], with the same calls, settings, errors and doubles as in async code. There is no async runtime:
//! a thread carries each exchange, and is kept for later ones.

use clerk_actor_tokens_core::{Client, ConfigError, SecretKey};
use clerk_actor_tokens_ureq::UreqTransport;

use crate::connect;

/// Waits on this thread: a call, [`hold`](crate::operation::Call::hold), [`keep`](crate::Held::keep) and
/// [`close`](crate::Client::close) each end by their own time limit.
///
/// ```
/// use clerk_actor_tokens::{Actor, blocking::Wait as _};
/// # #[cfg(feature = "emulator")]
/// # fn main() -> Result<(), clerk_actor_tokens::Error> {
/// use clerk_actor_tokens::testing::emulator::Emulator;
///
/// let clerk = Emulator::new();
/// let token = clerk.client().actor_tokens().create("user_customer", Actor::new("user_engineer")).send().wait()?;
/// clerk.assert_live(1);
/// # let _ = token;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "emulator"))]
/// # fn main() {}
/// ```
///
/// Within an async function use `.await`: to wait here keeps a thread of the runtime from all else, and may wait for ever where that
/// thread is the only one. Over the [hyper](https://docs.rs/clerk-actor-tokens-hyper) and reqwest transports, enter a tokio runtime
/// first; without one a call fails, and nothing is sent.
pub trait Wait: Future + Sized {
    /// Returns when the future is done.
    fn wait(self) -> Self::Output {
        pollster::block_on(self)
    }
}

impl<F: Future> Wait for F {}

/// Returns a client of Clerk's production API with this key, over ureq. Reads no environment variable.
///
/// ```
/// use clerk_actor_tokens::{SecretKey, blocking};
///
/// let clerk = blocking::client(SecretKey::new("sk_test_abc")?);
/// assert!(clerk.detaches_on_drop());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn client(key: SecretKey) -> Client {
    Client::new(UreqTransport::new(), key).erase()
}

/// Returns a client that the environment describes, over ureq: `CLERK_SECRET_KEY`, `CLERK_API_URL` and `CLERK_DANGER_ALLOW_HTTP`,
/// as [Keys and servers](crate::guide::keys_and_servers) says. Proxies of the environment are not read.
///
/// ```
/// match clerk_actor_tokens::blocking::client_from_env() {
///     Ok(clerk) => assert!(clerk.detaches_on_drop()),
///     Err(error) => assert!(error.setting().starts_with("CLERK_"), "{error}"), // one of the variables
/// }
/// ```
///
/// # Errors
/// [`ConfigError`] names the variable and what is wrong with its value, which it does not show. A live key with a base URL of
/// plain `http` is refused.
pub fn client_from_env() -> Result<Client, ConfigError> {
    connect::from_env(|| Ok(UreqTransport::new()))
}
