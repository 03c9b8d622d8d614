//! Why not all was ended, and what was.

use std::{error::Error as StdError, fmt};

use crate::{error::Error, impersonations::ended::Ended, sessions::SessionId};

/// Why not all of it was ended. It has what was, and what is known to be live.
///
/// `Display` is one line, and shows no secret.
pub struct EndError(Box<Inner>);

struct Inner {
    ended: Ended,
    live: Vec<SessionId>,
    /// The first call about sessions that failed. None, if five rounds did not suffice, or if only the token failed.
    error: Option<Error>,
    token_error: Option<Error>,
}

impl EndError {
    /// Makes one, for a test double: of the call that failed, or of none if five rounds did not suffice, and of what was ended.
    #[must_use]
    pub fn new(error: impl Into<Option<Error>>, ended: Ended) -> Self {
        Self::of(error.into(), None, ended, Vec::new())
    }

    /// Sets the sessions that are known to be live, for a test double.
    #[must_use]
    pub fn with_live(mut self, live: impl IntoIterator<Item = SessionId>) -> Self {
        self.0.live = live.into_iter().collect();
        self
    }

    /// Sets why the token was not revoked, for a test double.
    #[must_use]
    pub fn with_token_error(mut self, error: Error) -> Self {
        self.0.token_error = Some(error);
        self
    }

    pub(super) fn of(error: Option<Error>, token_error: Option<Error>, ended: Ended, live: Vec<SessionId>) -> Self {
        Self(Box::new(Inner { ended, live, error, token_error }))
    }

    /// Returns what was ended.
    #[must_use]
    pub fn ended(&self) -> &Ended {
        &self.0.ended
    }

    /// Returns the sessions that were live when they were last listed, and whose end is not confirmed. There may be more, if a list
    /// failed.
    #[must_use]
    pub fn live(&self) -> &[SessionId] {
        &self.0.live
    }

    /// Returns the error of the first call about sessions that failed: a list, or the end of a session. `None` if five rounds did
    /// not suffice, or if only the revocation of the token failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.0.error.as_ref()
    }

    /// Returns why the token was not revoked: new sessions may yet grow from its link.
    #[must_use]
    pub fn token_error(&self) -> Option<&Error> {
        self.0.token_error.as_ref()
    }

    /// Returns what to do next, in one or two sentences.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.error().or(self.token_error()) {
            Some(error) => error.advice(),
            None => {
                "Call again. If it happens again, find out who keeps signing in, and revoke their pending tokens first."
            }
        }
    }
}

impl fmt::Display for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |f: &mut fmt::Formatter<'_>, count: usize, is: &str, are: &str| match count {
            1 => write!(f, "1 session {is}"),
            _ => write!(f, "{count} sessions {are}"),
        };
        f.write_str("EndImpersonation: ")?;
        count(f, self.0.ended.sessions().len(), "was ended", "were ended")?;
        f.write_str(", ")?;
        count(f, self.0.live.len(), "is known to be live", "are known to be live")?;
        match (self.error(), self.token_error()) {
            (Some(error), _) => write!(f, ": {error}")?,
            (None, Some(_)) => {}
            (None, None) => f.write_str(": five rounds did not end them")?,
        }
        match self.token_error() {
            Some(error) => write!(f, "; the token was not revoked: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndError")
            .field("ended", &self.0.ended)
            .field("live", &self.0.live)
            .field("error", &self.0.error)
            .field("token_error", &self.0.token_error)
            .finish()
    }
}

impl StdError for EndError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().or(self.token_error()).map(|error| error as _)
    }
}
