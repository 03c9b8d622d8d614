//! One attempt of a call, as it is reported afterwards.

use http::StatusCode;

use crate::{error_kind::ErrorKind, execution::Execution};

/// The result of one attempt. Responses and errors list them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) execution: Execution,
    pub(crate) stamp: Option<String>,
}

impl Attempt {
    /// Returns its number, counted from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the status, if a head arrived.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns how it failed. `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<ErrorKind> {
        self.error
    }

    /// Returns the stamp of its request, if the operation [is
    /// stamped](crate::Creation::is_stamped).
    #[must_use]
    pub fn stamp(&self) -> Option<&str> {
        self.stamp.as_deref()
    }

    /// Returns what it did at Clerk, as far as that is proved.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.execution
    }
}
