//! Input that is refused on this side: which field, and why. Everything that checks input gives one of these.

use std::{borrow::Cow, fmt};

use crate::secret::Sanitized;

/// Input that was refused before anything was sent. Names the field and the reason, and never the
/// value.
///
/// ```
/// use clerk_actor_tokens_core::InvalidRequest;
/// assert_eq!(InvalidRequest::new("user_id", "must not be empty").to_string(), "`user_id` must not be empty");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidRequest {
    field: Cow<'static, str>,
    reason: Cow<'static, str>,
}

impl InvalidRequest {
    /// Makes a refusal of this field for this reason. Do not put the field's value into the reason.
    pub fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// Returns the field as the API or the builder names it, for example `user_id`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns what is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", Sanitized::new(&self.field), Sanitized::new(&self.reason))
    }
}

impl fmt::Debug for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidRequest")
            .field("field", &Sanitized::new(&self.field))
            .field("reason", &Sanitized::new(&self.reason))
            .finish()
    }
}

impl std::error::Error for InvalidRequest {}
