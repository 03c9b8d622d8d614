//! What is left of a response that was cut short or cannot be used.

use std::fmt;

use crate::secret::Sanitized;

/// The id of what a call made, from a response that was cut short or cannot be used.
/// [`Creation::salvage`](crate::Creation::salvage) returns it.
///
/// ```
/// use clerk_actor_tokens_core::{Actor, CreateActorToken, Creation, Salvage};
///
/// let create = CreateActorToken::new("user_customer", Actor::new("user_agent"));
/// let id = r#"{"object":"actor_token","id":"act_1","#;
/// assert_eq!(create.salvage(id.as_bytes())?, Salvage::Unconfirmed("act_1".into()));
/// let and_user = format!(r#"{id}"user_id":"user_customer","#);
/// assert_eq!(create.salvage(and_user.as_bytes())?, Salvage::Confirmed("act_1".into()));
/// # Ok::<(), clerk_actor_tokens_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Salvage {
    /// No id arrived whole.
    #[default]
    None,
    /// An id arrived, and nothing that says whose response it is. It may be another call's: the
    /// client shows it, and never revokes it by itself.
    Unconfirmed(String),
    /// An id arrived, and the response is the one to this request.
    Confirmed(String),
}

impl Salvage {
    /// Returns the id, if it is certain.
    #[must_use]
    pub fn confirmed(&self) -> Option<&str> {
        match self {
            Self::Confirmed(id) => Some(id),
            Self::None | Self::Unconfirmed(_) => None,
        }
    }

    /// Returns the id, if it is not certain.
    #[must_use]
    pub fn unconfirmed(&self) -> Option<&str> {
        match self {
            Self::Unconfirmed(id) => Some(id),
            Self::None | Self::Confirmed(_) => None,
        }
    }

    /// The same, with nothing certain.
    pub(crate) fn into_unconfirmed(self) -> Self {
        match self {
            Self::Confirmed(id) => Self::Unconfirmed(id),
            other => other,
        }
    }

    /// Returns the surer of two; this one, if they are equally sure.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::None, _) | (Self::Unconfirmed(_), Self::Confirmed(_)) => other,
            _ => self,
        }
    }
}

impl fmt::Debug for Salvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Unconfirmed(id) => write!(f, "Unconfirmed({:?})", Sanitized::new(id)),
            Self::Confirmed(id) => write!(f, "Confirmed({:?})", Sanitized::new(id)),
        }
    }
}
