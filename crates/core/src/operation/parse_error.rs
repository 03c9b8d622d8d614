//! Why a response is not a success, in the terms of an operation.

use std::{borrow::Cow, fmt};

use crate::secret::Sanitized;

/// Why a response is not a success. [`Operation::parse`](crate::Operation::parse) returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError(pub(crate) ParseProblem);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParseProblem {
    /// The status says no; the core reads Clerk's error envelope.
    Status,
    /// 2xx, but the value cannot be read.
    Unusable { detail: Cow<'static, str>, raw_id: Option<String> },
    /// 2xx, but not a response of Clerk's.
    NotClerk { detail: Cow<'static, str> },
    /// 2xx, but the response to another request.
    Mismatch { field: Cow<'static, str> },
}

impl ParseProblem {
    pub(crate) fn unusable(detail: &'static str) -> Self {
        Self::Unusable { detail: detail.into(), raw_id: None }
    }
}

impl ParseError {
    /// Says that the status is not a success. The client reads Clerk's error envelope, and decides
    /// by the status.
    #[must_use]
    pub fn status() -> Self {
        Self(ParseProblem::Status)
    }

    /// Says that a success cannot be read: `field` is a path in the response, and `problem` is what
    /// is wrong with it. Never put its value in.
    #[must_use]
    pub fn unusable(field: &str, problem: &str) -> Self {
        Self(ParseProblem::Unusable { detail: format!("`{field}` {problem}").into(), raw_id: None })
    }

    /// Says that Clerk did not send this success, but for example a captive portal or a proxy.
    pub fn not_clerk(detail: impl Into<Cow<'static, str>>) -> Self {
        Self(ParseProblem::NotClerk { detail: detail.into() })
    }

    /// Says that this success belongs to another request: `field` does not match it.
    pub fn mismatch(field: impl Into<Cow<'static, str>>) -> Self {
        Self(ParseProblem::Mismatch { field: field.into() })
    }

    pub(crate) fn is_mismatch(&self) -> bool {
        matches!(self.0, ParseProblem::Mismatch { .. })
    }

    pub(crate) fn with_raw_id(mut self, id: &str) -> Self {
        if let ParseProblem::Unusable { raw_id, .. } = &mut self.0 {
            *raw_id = Some(id.to_owned());
        }
        self
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ParseProblem::Status => f.write_str("the status is not a success"),
            ParseProblem::Unusable { detail, .. } | ParseProblem::NotClerk { detail } => {
                write!(f, "{}", Sanitized::new(detail))
            }
            ParseProblem::Mismatch { field } => {
                write!(f, "`{}` does not match the request", Sanitized::new(field))
            }
        }
    }
}

impl fmt::Debug for ParseError {
    /// As `Display`: an id outside the grammar of ids may be anything, also a ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl std::error::Error for ParseError {}
