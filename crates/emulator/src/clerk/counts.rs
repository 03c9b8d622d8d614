//! How much there is, whatever the number that is kept.

use super::Clerk;

/// How much there is, at one moment.
pub(crate) struct Counts {
    #[cfg_attr(not(feature = "control"), allow(dead_code, reason = "the control plane shows it"))]
    pub(crate) live_tokens: usize,
    /// With those that are forgotten.
    #[cfg_attr(not(feature = "control"), allow(dead_code, reason = "the control plane shows it"))]
    pub(crate) orphans: u64,
    /// With those that are forgotten.
    pub(crate) sessions: u64,
    pub(crate) live_sessions: usize,
}

impl Clerk {
    pub(crate) fn counts(&mut self, now: i64) -> Counts {
        self.sessions.settle(now, &self.settings);
        Counts {
            live_tokens: self.tokens.live(now),
            orphans: self.tokens.orphans(),
            sessions: self.sessions.total(),
            live_sessions: self.sessions.live_len(),
        }
    }
}
