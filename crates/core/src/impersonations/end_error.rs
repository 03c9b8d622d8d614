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
    /// The first call that failed. None, if new sessions kept coming.
    error: Option<Error>,
}

impl EndError {
    /// Makes one of the call that failed, and of what was ended before. For a test double.
    #[must_use]
    pub fn new(error: Error, ended: Ended) -> Self {
        Self::of(Some(error), ended, Vec::new())
    }

    /// Sets the sessions that are known to be live, for a test double.
    #[must_use]
    pub fn with_live(mut self, live: impl IntoIterator<Item = SessionId>) -> Self {
        self.0.live = live.into_iter().collect();
        self
    }

    pub(super) fn of(error: Option<Error>, ended: Ended, live: Vec<SessionId>) -> Self {
        Self(Box::new(Inner { ended, live, error }))
    }

    /// Returns what was ended.
    #[must_use]
    pub fn ended(&self) -> &Ended {
        &self.0.ended
    }

    /// Returns the sessions that are known to be live. There may be more, if a list failed.
    #[must_use]
    pub fn live(&self) -> &[SessionId] {
        &self.0.live
    }

    /// Returns the error of the first call that failed: the revocation of the token, a list, or the end of a session. `None` if
    /// each list showed live sessions again, five times.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.0.error.as_ref()
    }

    /// Returns what to do next, in one or two sentences.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.error() {
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
        match self.error() {
            Some(error) => write!(f, ": {error}"),
            None => f.write_str(": new ones came after each of five rounds"),
        }
    }
}

impl fmt::Debug for EndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndError")
            .field("ended", &self.0.ended)
            .field("live", &self.0.live)
            .field("error", &self.0.error)
            .finish()
    }
}

impl StdError for EndError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().map(|error| error as _)
    }
}
