//! Reading: nothing is changed by it.

use std::{collections::BTreeSet, time::Duration};

use clerk_actor_tokens_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    ControlClient,
    answers::{FaultList, Health, Requests, SnapshotId, State},
    error::ControlError,
    exchange::Sent,
    operations::{CLOCK, FAULTS, HEALTH, OPENAPI, Operation, REQUESTS, SNAPSHOTS, STATE, USERS},
};

/// How long to wait before a server that is not there is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// What a view shows: how many rows, and whether with links.
///
/// ```
/// use clerk_actor_tokens_emulator::control_client::View;
///
/// let all = View::latest(1000).revealed();
/// assert_ne!(all, View::default()); // 200 rows, without links
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct View {
    limit: Option<usize>,
    reveal: bool,
}

impl View {
    /// Shows at most so many rows of each kind, the latest: 1 to 1,000. Without a number it is 200.
    pub fn latest(rows: usize) -> Self {
        Self { limit: Some(rows), ..Self::default() }
    }

    /// Shows links and tickets, and the bodies of requests.
    pub fn revealed(self) -> Self {
        Self { reveal: true, ..self }
    }

    fn query(self) -> String {
        let limit = self.limit.map(|limit| format!("limit={limit}"));
        let reveal = self.reveal.then(|| "reveal=true".to_owned());
        let parts: Vec<_> = limit.into_iter().chain(reveal).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

impl ControlClient {
    /// Asks whether the server serves.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn health(&self) -> Result<Health, ControlError> {
        self.read(&HEALTH).await
    }

    /// Asks for [`health`](Self::health) until there is an answer: for a process or a container that has just been started.
    ///
    /// # Errors
    /// The last [`ControlError`], if there is none within this time.
    pub async fn wait_until_ready(&self, within: Duration) -> Result<Health, ControlError> {
        let timer = self.transport.timer();
        let since = timer.now();
        loop {
            let left = within.saturating_sub(timer.now().saturating_duration_since(since));
            let asking = Self { timeout: self.timeout.min(left.max(PAUSE)), ..self.clone() };
            match asking.health().await {
                Err(_) if timer.now().saturating_duration_since(since) < within => timer.sleep(PAUSE).await,
                answered => return answered,
            }
        }
    }

    /// Returns the description of the control plane, which is OpenAPI.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn openapi(&self) -> Result<Value, ControlError> {
        self.read(&OPENAPI).await
    }

    /// Returns the tokens, the sessions and the counts.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200, or the view asks for no row or for more than 1,000.
    pub async fn state(&self, view: View) -> Result<State, ControlError> {
        self.call(&STATE, Sent { query: view.query(), ..Sent::default() }).await
    }

    /// Returns the latest requests to Clerk.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub async fn requests(&self, view: View) -> Result<Requests, ControlError> {
        self.call(&REQUESTS, Sent { query: view.query(), ..Sent::default() }).await
    }

    /// Returns the users that exist. `None`: every id is a user.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn users(&self) -> Result<Option<BTreeSet<String>>, ControlError> {
        Ok(self.read::<Users>(&USERS).await?.users)
    }

    /// Returns the faults that have not happened.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn faults(&self) -> Result<FaultList, ControlError> {
        self.read(&FAULTS).await
    }

    /// Returns the emulator's time.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn now(&self) -> Result<Timestamp, ControlError> {
        Ok(self.read::<Clock>(&CLOCK).await?.now)
    }

    /// Returns the snapshots that are kept, the oldest first.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotId>, ControlError> {
        Ok(self.read::<Snapshots>(&SNAPSHOTS).await?.snapshots)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, operation: &'static Operation) -> Result<T, ControlError> {
        self.call(operation, Sent::default()).await
    }
}

#[derive(Deserialize)]
pub(super) struct Users {
    pub(super) users: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Snapshots {
    snapshots: Vec<SnapshotId>,
}
