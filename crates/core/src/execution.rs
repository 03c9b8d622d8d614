//! What is known of a request at Clerk's side: the value that every failure carries.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happened at Clerk, as far as it is proved.
///
/// These three are all there is, so that a match on it may be exhaustive.
///
/// What is known of two attempts together is the greater of the two (`Ord::max`): what one attempt did cannot be undone by
/// a later one.
///
/// ```
/// # use clerk_actor_tokens_core::Execution;
/// assert_eq!(Execution::NotExecuted.max(Execution::Unknown), Execution::Unknown);
/// assert_eq!(Execution::Executed.max(Execution::Unknown), Execution::Executed);
/// ```
///
/// serde writes and reads `not_executed`, `unknown` and `executed`. `Display` is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// Proved: Clerk ran nothing. The request was never sent, was refused unprocessed, or was rejected by a
    /// definite status.
    NotExecuted,
    /// Not proved either way. The default for everything that is new or unclear.
    Unknown,
    /// Clerk returned a 2xx status.
    Executed,
}

impl Execution {
    /// Returns the word that serde writes: `not_executed`, `unknown` or `executed`. It suits the label of a metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Executed => "executed",
        }
    }

    /// What is known of two attempts together: `Executed` if either is, else `Unknown` if either is, else
    /// `NotExecuted`.
    #[must_use]
    pub(crate) fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExecuted => "not executed",
            Self::Unknown => "unknown whether executed",
            Self::Executed => "executed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_has_a_word_for_each_and_takes_no_other() {
        let words = [
            (Execution::NotExecuted, "\"not_executed\""),
            (Execution::Unknown, "\"unknown\""),
            (Execution::Executed, "\"executed\""),
        ];
        for (execution, json) in words {
            assert_eq!(serde_json::to_string(&execution).unwrap(), json);
            assert_eq!(serde_json::from_str::<Execution>(json).unwrap(), execution);
        }
        for json in ["\"\"", "\"Executed\"", "\"not executed\"", "0", "null"] {
            assert!(serde_json::from_str::<Execution>(json).is_err(), "{json}");
        }
    }
}
