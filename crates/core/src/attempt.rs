//! One attempt of a call, as it is reported afterwards.

use http::StatusCode;

use crate::{error_kind::ErrorKind, execution::Execution};

/// What one attempt came to: part of every answer and of every error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) execution: Execution,
    pub(crate) stamp: Option<String>,
}

impl Attempt {
    /// Which attempt it was, counted from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The status, if a head arrived.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// How it failed; `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<ErrorKind> {
        self.error
    }

    /// The stamp that its request bore, if the operation [is stamped](crate::Creation::is_stamped).
    #[must_use]
    pub fn stamp(&self) -> Option<&str> {
        self.stamp.as_deref()
    }

    /// What it did at Clerk, as far as that is proved.
    #[must_use]
    pub fn execution(&self) -> Execution {
        self.execution
    }
}
