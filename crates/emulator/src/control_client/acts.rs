//! Changing something. What the control plane refuses has changed nothing.

use std::time::Duration;

use clerk_actor_tokens_core::{ActorTokenId, Timestamp};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;

use super::{
    ControlClient,
    answers::{FaultList, SessionRow, SnapshotId},
    error::ControlError,
    exchange::Sent,
    operations::{
        ACCEPT, ADD_FAULTS, ADVANCE, CLEAR_FAULTS, END_SESSION, RESET, RESTORE, REVOKE, SET_USERS, TAKE_SNAPSHOT,
    },
    views::{Clock, Users},
};
use crate::clerk::StoredSession;

impl ControlClient {
    /// Makes everything as it was when the emulator was made: the same ids come again. Returns the faults that had not
    /// happened, each with the reason.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn reset(&self) -> Result<Vec<String>, ControlError> {
        Ok(self.call::<Unused>(&RESET, Sent::default()).await?.unused_faults)
    }

    /// Sets the users that exist from now on. Any other id is answered with 404.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200, or an id is empty.
    pub async fn set_users<I>(&self, users: I) -> Result<(), ControlError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let users: Vec<String> = users.into_iter().map(Into::into).collect();
        self.call::<Users>(&SET_USERS, Sent::body(json!({ "users": users }))).await.map(drop)
    }

    /// From now on every id is a user, as it is by default.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn allow_any_user(&self) -> Result<(), ControlError> {
        self.call::<Users>(&SET_USERS, Sent::body(json!({ "users": null }))).await.map(drop)
    }

    /// Queues faults for the calls to come, all of them or none: each as a [`QueuedFault`](crate::fault::QueuedFault), or as
    /// its text. Returns those that have not happened.
    ///
    /// # Errors
    /// [`ControlError`] with 400 if a text is no fault, or is longer than 4,096 bytes, and with 409 if more than 10,000 faults
    /// would be queued.
    pub async fn add_faults<I>(&self, faults: I) -> Result<FaultList, ControlError>
    where
        I: IntoIterator,
        I::Item: ToString,
    {
        let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
        self.call(&ADD_FAULTS, Sent::body(json!({ "faults": faults }))).await
    }

    /// Removes the faults that have not happened. Returns them, each with the reason.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn clear_faults(&self) -> Result<Vec<String>, ControlError> {
        Ok(self.call::<Unused>(&CLEAR_FAULTS, Sent::default()).await?.unused_faults)
    }

    /// Moves the emulator's time by whole milliseconds; what is left over does not count. Returns its time then.
    ///
    /// # Errors
    /// [`ControlError`] with 400 if the time is longer than 36,500 days, and with 409 if all steps together would be. Then
    /// nothing was moved.
    pub async fn advance(&self, by: Duration) -> Result<Timestamp, ControlError> {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let clock: Clock = self.call(&ADVANCE, Sent::body(json!({ "milliseconds": milliseconds }))).await?;
        Ok(clock.now)
    }

    /// Opens the sign-in link of a token, as the support engineer's browser would. Returns its session.
    ///
    /// # Errors
    /// [`ControlError`] with 404 if there is no such token, and with 409 if its link does not work.
    pub async fn accept(&self, id: &ActorTokenId) -> Result<StoredSession, ControlError> {
        Ok(self.call::<SessionRow>(&ACCEPT, Sent::id(id.as_str())).await?.into())
    }

    /// Revokes a pending token, as somebody does in Clerk's dashboard: it is in no ledger.
    ///
    /// # Errors
    /// [`ControlError`] with 404 if there is no such token, and with 409 if it is not pending.
    pub async fn revoke(&self, id: &ActorTokenId) -> Result<(), ControlError> {
        self.call::<IgnoredAny>(&REVOKE, Sent::id(id.as_str())).await.map(drop)
    }

    /// Gives a live session a status that ends it, such as `ended`. Returns the session.
    ///
    /// # Errors
    /// [`ControlError`] with 404 if there is no such session, with 409 if it is over, and with 400 if the status does not
    /// end a session.
    pub async fn end_session(&self, id: &str, status: &str) -> Result<StoredSession, ControlError> {
        let sent = Sent::id(id).with_body(json!({ "status": status }));
        Ok(self.call::<SessionRow>(&END_SESSION, sent).await?.into())
    }

    /// Keeps everything as it is. The control plane keeps the latest 16 snapshots.
    ///
    /// # Errors
    /// [`ControlError`] if there is no answer of 200.
    pub async fn take_snapshot(&self) -> Result<SnapshotId, ControlError> {
        Ok(self.call::<Taken>(&TAKE_SNAPSHOT, Sent::default()).await?.id)
    }

    /// Makes everything as it was when the snapshot was taken, as often as you like.
    ///
    /// # Errors
    /// [`ControlError`] with 404 if the snapshot is not kept.
    pub async fn restore(&self, snapshot: SnapshotId) -> Result<(), ControlError> {
        self.call::<Taken>(&RESTORE, Sent::id(&snapshot.to_string())).await.map(drop)
    }
}

/// Faults that had not happened.
#[derive(Deserialize)]
struct Unused {
    unused_faults: Vec<String>,
}

#[derive(Deserialize)]
struct Taken {
    id: SnapshotId,
}
