//! A typed client of the control plane, for an emulator in another process: the command, a container.
//!
//! It runs over any [`HttpTransport`], so it needs no dependency and no runtime of its own. Its answers are the types that
//! an emulator in the same process has: [`StoredToken`](crate::StoredToken), [`StoredSession`](crate::StoredSession).
//!
//! The methods that read are in `views.rs`, those that change something in `acts.rs`, what is answered in `answers.rs`.
//!
//! ```
//! use clerk_actor_tokens_core::{BaseUrl, HttpTransport};
//! use clerk_actor_tokens_emulator::{
//!     control_client::{ControlClient, ControlError, View},
//!     fault::QueuedFault,
//! };
//!
//! async fn a_lost_answer(transport: impl HttpTransport, base: &BaseUrl) -> Result<(), Box<dyn std::error::Error>> {
//!     let emulator = ControlClient::new(transport, base);
//!     emulator.reset().await?;
//!     let lost: QueuedFault = "create:after_commit:stall".parse()?;
//!     emulator.add_faults([lost]).await?;
//!     // ... the program under test creates a token ...
//!     let state = emulator.state(View::latest(20)).await?;
//!     assert_eq!(state.counts.orphans, 1);
//!     Ok(())
//! }
//! ```

mod acts;
mod answers;
mod error;
mod exchange;
mod operations;
mod views;

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens_core::{BaseUrl, HttpTransport};

pub use self::{
    answers::{Counts, FaultList, Health, IdleFault, Requests, SeenRequest, SnapshotId, State, TokenRow},
    error::ControlError,
    views::View,
};

/// How long an exchange may take, unless another time is set.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the control plane of one emulator. Clones share the transport.
///
/// ```
/// use clerk_actor_tokens_core::{BaseUrl, Request, Response, CallContext, transport_fn};
/// use clerk_actor_tokens_emulator::control_client::ControlClient;
///
/// # pollster::block_on(async {
/// let transport = transport_fn(|request: Request, _: CallContext| async move {
///     assert_eq!(request.uri(), "http://127.0.0.1:4010/_emulator/health");
///     Ok(Response::new(r#"{"status":"ok","version":"0.1.0"}"#.into()))
/// });
/// let emulator = ControlClient::new(transport, &BaseUrl::new("http://127.0.0.1:4010")?);
/// assert_eq!(emulator.health().await?.version, "0.1.0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct ControlClient {
    transport: Arc<dyn HttpTransport>,
    /// Scheme and authority.
    origin: String,
    timeout: Duration,
}

impl ControlClient {
    /// Makes a client of the emulator that has this base URL, which is also that of a [`Client`](clerk_actor_tokens_core::Client)
    /// of it. The path of the URL does not count: the control plane is at `/_emulator/` of the same origin.
    ///
    /// Plain `http` to a name, such as that of a container, is allowed as for any base URL:
    /// [`BaseUrlBuilder::danger_allow_http`](clerk_actor_tokens_core::BaseUrlBuilder::danger_allow_http).
    #[must_use]
    pub fn new(transport: impl HttpTransport, base: &BaseUrl) -> Self {
        let origin = format!("{}://{}", base.scheme(), base.authority());
        Self { transport: Arc::new(transport), origin, timeout: TIMEOUT }
    }

    /// Sets how long an exchange may take. Default: 10 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlClient")
            .field("origin", &self.origin)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
