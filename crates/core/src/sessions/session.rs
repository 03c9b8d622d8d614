//! A session, as Clerk returns it.

use std::fmt;

use crate::{
    actor_tokens::{Actor, Timestamp},
    secret::Sanitized,
    sessions::{session_id::SessionId, session_status::SessionStatus},
};

/// A session: somebody who is, or was, signed in as a user (OpenAPI: `Session`).
///
/// What decides is always there: the id, the user and the status. All else is `None` where the response lacks it, or has it in a
/// form that cannot be read. It holds no credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) user_id: String,
    pub(super) status: SessionStatus,
    pub(super) actor: Option<Actor>,
    pub(super) client_id: Option<String>,
    pub(super) last_active_organization_id: Option<String>,
    pub(super) tasks: Vec<String>,
    pub(super) latest_activity: Option<SessionActivity>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) last_active_at: Option<Timestamp>,
    pub(super) expire_at: Option<Timestamp>,
    pub(super) abandon_at: Option<Timestamp>,
}

impl Session {
    /// Returns the id, which [`Sessions::revoke`](crate::Sessions::revoke) takes.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns the user as whom somebody is signed in.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the status at the time of the response.
    #[must_use]
    pub fn status(&self) -> &SessionStatus {
        &self.status
    }

    /// Returns who is really acting. `None` for a session of the user's own.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Returns the id of the browser or the device in which it is (OpenAPI: `client_id`).
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Returns the organization that was last chosen in it.
    #[must_use]
    pub fn last_active_organization_id(&self) -> Option<&str> {
        self.last_active_organization_id.as_deref()
    }

    /// Returns the keys of what the user has to do before a pending session becomes active.
    #[must_use]
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// Returns from where it was last used.
    #[must_use]
    pub fn latest_activity(&self) -> Option<&SessionActivity> {
        self.latest_activity.as_ref()
    }

    /// Returns when it began.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// Returns when Clerk last changed it.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }

    /// Returns when it was last used.
    #[must_use]
    pub fn last_active_at(&self) -> Option<Timestamp> {
        self.last_active_at
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expire_at(&self) -> Option<Timestamp> {
        self.expire_at
    }

    /// Returns when it counts as abandoned.
    #[must_use]
    pub fn abandon_at(&self) -> Option<Timestamp> {
        self.abandon_at
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("user_id", &Sanitized::new(&self.user_id))
            .field("status", &self.status)
            .field("actor", &self.actor)
            .field("client_id", &self.client_id().map(Sanitized::new))
            .field("tasks", &self.tasks.iter().map(|key| Sanitized::new(key)).collect::<Vec<_>>())
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("last_active_at", &self.last_active_at)
            .field("expire_at", &self.expire_at)
            .field("abandon_at", &self.abandon_at)
            .finish_non_exhaustive()
    }
}

/// From where a session was last used (OpenAPI: `SessionActivityResponse`). Its `Debug` shows no address and no place.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionActivity {
    pub(super) id: Option<String>,
    pub(super) is_mobile: Option<bool>,
    pub(super) device_type: Option<String>,
    pub(super) browser_name: Option<String>,
    pub(super) browser_version: Option<String>,
    pub(super) ip_address: Option<String>,
    pub(super) city: Option<String>,
    pub(super) country: Option<String>,
}

impl SessionActivity {
    /// Returns the id of this activity.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns whether the device is a mobile one.
    #[must_use]
    pub fn is_mobile(&self) -> Option<bool> {
        self.is_mobile
    }

    /// Returns the kind of device, in Clerk's words.
    #[must_use]
    pub fn device_type(&self) -> Option<&str> {
        self.device_type.as_deref()
    }

    /// Returns the name of the browser.
    #[must_use]
    pub fn browser_name(&self) -> Option<&str> {
        self.browser_name.as_deref()
    }

    /// Returns the version of the browser.
    #[must_use]
    pub fn browser_version(&self) -> Option<&str> {
        self.browser_version.as_deref()
    }

    /// Returns the address on the network.
    #[must_use]
    pub fn ip_address(&self) -> Option<&str> {
        self.ip_address.as_deref()
    }

    /// Returns the city.
    #[must_use]
    pub fn city(&self) -> Option<&str> {
        self.city.as_deref()
    }

    /// Returns the country.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }
}

impl fmt::Debug for SessionActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionActivity").field("is_mobile", &self.is_mobile).finish_non_exhaustive()
    }
}
