//! Calls without async: a client over [ureq](crate::ureq), and [`Wait`], which waits for a call on its thread.
//!
//! ```no_run
//! use clerk_actor_tokens::{Actor, blocking::{Wait as _, client_from_env}};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let clerk = client_from_env()?; // reads CLERK_SECRET_KEY
//!     let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().wait()?;
//!     println!("{}", token.url().map_or("", |url| url.expose())); // hand the link out
//!     Ok(())
//! }
//! ```
//!
//! The client is the plain [`Client`], with the same calls, settings, errors and doubles as in async code. There is no async runtime:
//! a thread carries each exchange, and is kept for later ones.

use clerk_actor_tokens_core::{Client, ConfigError, SecretKey};
use clerk_actor_tokens_ureq::UreqTransport;

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
/// thread is the only one. Over the [hyper](https://docs.rs/clerk-actor-tokens-hyper) and reqwest transports, enter a tokio runtime of
/// several threads first. Without a runtime a call fails, and nothing is sent. One of the current thread makes no progress while this
/// waits: the call would not end, not even at its deadline.
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

/// Returns a client that the environment describes, over ureq: [`Client::from_env`] has the variables. Proxies of the environment
/// are not read.
///
/// ```
/// match clerk_actor_tokens::blocking::client_from_env() {
///     Ok(clerk) => assert!(clerk.detaches_on_drop()),
///     Err(error) => assert!(error.setting().starts_with("CLERK_"), "{error}"), // one of the variables
/// }
/// ```
///
/// # Errors
/// Those of [`Client::from_env`].
pub fn client_from_env() -> Result<Client, ConfigError> {
    Ok(Client::from_env(UreqTransport::new())?.erase())
}
