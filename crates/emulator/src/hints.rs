//! Hints: the one thing that is most likely wrong when an assertion about the ledger fails.

use crate::ledger::{CommitKind, LedgerEntry};

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Creates,
    Revokes,
    Orphans,
    Live,
    LiveSessions,
    EndedSessions,
}

impl Counted {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creates => "create",
            Self::Revokes => "revoke",
            Self::Orphans => "orphan",
            Self::Live => "live token",
            Self::LiveSessions => "live session",
            Self::EndedSessions => "ended session",
        }
    }
}

/// What is known when a count is wrong.
pub(crate) struct Facts<'a> {
    pub(crate) counted: Counted,
    pub(crate) is_more: bool,
    pub(crate) ledger: &'a [LedgerEntry],
    pub(crate) requests: u64,
    pub(crate) unused_faults: bool,
}

impl Facts<'_> {
    fn creates(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.ledger.iter().filter(|entry| entry.kind == CommitKind::Create)
    }

    /// A create for the same user by the same actor as an earlier one whose answer was not delivered.
    fn sent_again(&self) -> bool {
        self.creates().enumerate().any(|(index, later)| {
            let mut earlier = self.creates().take(index);
            earlier
                .any(|entry| !entry.delivered && entry.user_id == later.user_id && entry.actor_sub == later.actor_sub)
        })
    }

    fn is(&self, counted: Counted, is_more: bool) -> bool {
        self.counted == counted && self.is_more == is_more
    }
}

type Hint = (fn(&Facts<'_>) -> bool, &'static str);

/// The first that fits is printed.
const HINTS: [Hint; 16] = [
    (
        |facts| facts.is(Counted::LiveSessions, true),
        "a session is live until it is ended, revoked or expired: look for one that was not revoked, or `advance` past \
         its end",
    ),
    (
        |facts| facts.is(Counted::LiveSessions, false),
        "a session is opened by `accept` or `sign_in`, and ends when it is revoked, after ten minutes of inactivity, or \
         when its time is over: the clock may have run on",
    ),
    (
        |facts| facts.requests == 0 && !facts.is_more && !facts.unused_faults,
        "no request arrived: is the code under test given a client over this emulator, and is its call awaited?",
    ),
    (
        |facts| facts.requests == 0 && !facts.is_more,
        "no request arrived and a queued fault waits: is the call awaited, and over this emulator?",
    ),
    (
        |facts| facts.is(Counted::Creates, true) && facts.sent_again(),
        "a create was sent again after one whose answer was not delivered: look for a retry around the client, or \
         `danger_retry_create_on`",
    ),
    (
        |facts| facts.is(Counted::Creates, true),
        "every answer before it was delivered, so these are calls of their own: look for one call too many",
    ),
    (
        |facts| facts.is(Counted::Creates, false),
        "a request that was refused, or met a fault before the commit, commits nothing: look at `requests()` and at the \
         error of the call",
    ),
    (
        |facts| facts.is(Counted::Orphans, true),
        "a create whose answer did not arrive leaves a token that works until it expires: revoke the error's \
         `salvaged_id()` where it has one, and report `is_ambiguous()` where it has none",
    ),
    (
        |facts| facts.is(Counted::Orphans, false) && facts.unused_faults,
        "a queued fault has not happened, so no answer was lost to it: did the call make fewer attempts than the script?",
    ),
    (
        |facts| facts.is(Counted::Orphans, false),
        "an orphan is a pending token whose answer did not arrive: was each answer delivered, or the token revoked or \
         accepted since?",
    ),
    (
        |facts| facts.is(Counted::Live, true),
        "a token is live until it is revoked, accepted or expired: look for a revocation that was not made or failed, \
         or `advance` past its end",
    ),
    (
        |facts| facts.is(Counted::Live, false),
        "a token is live until it is revoked, accepted or expired: `token(&id)` says which of these it was, and the \
         clock may have run on",
    ),
    (
        |facts| facts.is(Counted::EndedSessions, true),
        "time ends sessions too: `session(id)` says which status each has, and the clock may have run on",
    ),
    (
        |facts| facts.is(Counted::EndedSessions, false),
        "a revocation that was refused, or met a fault before the commit, ends nothing: look at the error of the call",
    ),
    (|facts| facts.is(Counted::Revokes, true), "each token is revoked once: look for a token that should have lived"),
    (
        |_| true,
        "a revocation that was refused (the token is revoked or accepted already, or unknown) is no commit: look at the \
         error of the call",
    ),
];

pub(crate) fn hint(facts: &Facts<'_>) -> &'static str {
    HINTS.iter().find(|(fits, _)| fits(facts)).map_or("", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use clerk_actor_tokens_core::Actor;

    use crate::{Emulator, fault};

    /// A situation, the assertion that fails in it, and some words of the hint that it deserves.
    type Case = (fn(&Emulator), fn(&Emulator), &'static str);

    fn create(clerk: &Emulator) {
        let client = clerk.client();
        let _ = pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());
    }

    fn lose(clerk: &Emulator) {
        clerk.next_create().after_commit(fault::stall());
        create(clerk);
    }

    fn queue(clerk: &Emulator) {
        clerk.next_create().after_commit(fault::stall());
    }

    fn open(clerk: &Emulator) {
        clerk.sign_in("user_1");
    }

    fn expire(clerk: &Emulator) {
        clerk.sign_in_as("user_1", &Actor::new("user_agent"));
        clerk.advance(std::time::Duration::from_secs(600));
    }

    fn refuse(clerk: &Emulator) {
        clerk.next_create().before_commit(fault::status(503));
        create(clerk);
    }

    #[test]
    fn each_situation_has_its_hint() {
        let cases: [Case; 18] = [
            (open, |c| c.assert_live_sessions(0), "look for one that was not revoked"),
            (open, |c| c.assert_live_sessions(2), "ends when it is revoked"),
            (|_| {}, |c| c.assert_ended_sessions(1), "no request arrived: is the code under test given a client"),
            (|c| [open, create].iter().for_each(|act| act(c)), |c| c.assert_ended_sessions(1), "ends nothing"),
            (expire, |c| c.assert_ended_sessions(0), "time ends sessions too"),
            (|_| {}, |c| c.assert_creates(1), "no request arrived: is the code under test given a client"),
            (|_| {}, |c| c.assert_revokes(1), "no request arrived: is the code under test given a client"),
            (queue, |c| c.assert_creates(1), "no request arrived and a queued fault waits"),
            (|c| [lose, create].iter().for_each(|act| act(c)), |c| c.assert_creates(1), "look for a retry"),
            (|c| [create, create].iter().for_each(|act| act(c)), |c| c.assert_creates(1), "one call too many"),
            (refuse, |c| c.assert_creates(1), "commits nothing"),
            (lose, |c| c.assert_orphans(0), "salvaged_id()"),
            (|c| [create, queue].iter().for_each(|act| act(c)), |c| c.assert_orphans(1), "fewer attempts"),
            (create, |c| c.assert_orphans(1), "was each answer delivered"),
            (create, |c| c.assert_live(0), "a revocation that was not made"),
            (create, |c| c.assert_live(2), "says which of these it was"),
            (create, |c| c.assert_revokes(1), "a revocation that was refused"),
            (|c| [create, queue, lose].iter().for_each(|act| act(c)), |c| c.assert_orphans(0), "salvaged_id()"),
        ];
        for (index, (arrange, assert, words)) in cases.into_iter().enumerate() {
            let clerk = Emulator::builder().seed(4711).build();
            arrange(&clerk);
            let message = message_of(|| assert(&clerk));
            assert!(message.contains("\nhint: "), "{index}: {message}");
            assert_eq!(message.matches("hint: ").count(), 1, "{index}: {message}");
            assert!(message.contains(words), "{index}: {message}");
            assert!(message.ends_with("(emulator seed 4711)"), "{index}: {message}");
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(clerk)));
        }
    }

    #[test]
    fn a_revoke_too_many_has_a_hint_of_its_own() {
        let clerk = Emulator::new();
        let client = clerk.client();
        let token = pollster::block_on(client.actor_tokens().create("user_1", Actor::new("user_agent")).send());
        pollster::block_on(client.actor_tokens().revoke(token.unwrap().id()).send()).unwrap();
        assert!(message_of(|| clerk.assert_revokes(0)).contains("a token that should have lived"));
    }

    fn message_of(panic: impl FnOnce()) -> String {
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panic)).unwrap_err();
        payload.downcast_ref::<String>().cloned().unwrap()
    }
}
