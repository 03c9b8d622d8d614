//! All tokens of an instance: found, changed, counted, and forgotten where there are too many.

use super::{
    kept::{Bound, Ending, Kept},
    token::Token,
    weight,
};

/// The tokens, in the order in which they were created.
#[derive(Default, Clone)]
pub(crate) struct Tokens {
    kept: Kept<Token>,
    /// Pending tokens whose answer was not delivered, with those that are forgotten.
    orphans: u64,
    /// Those that their link has used up, and whose session can still be opened.
    opened: usize,
}

impl Ending for Token {
    fn id(&self) -> &str {
        self.id.as_str()
    }

    /// A token whose session can still be opened is not over.
    fn ends_at(&self) -> Option<i64> {
        (self.is_pending() || self.is_opened).then_some(self.expires_at)
    }

    fn weight(&self) -> usize {
        weight::of(&self.user_id, Some(&self.actor))
    }
}

impl Tokens {
    pub(super) fn insert(&mut self, token: Token) {
        self.orphans = self.orphans.saturating_add(u64::from(token.is_orphan()));
        self.kept.insert(token);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Token> {
        self.kept.get(id)
    }

    /// Changes a token. `None` if there is none of this id.
    pub(super) fn edit<R>(&mut self, id: &str, edit: impl FnOnce(&mut Token) -> R) -> Option<R> {
        let (edited, before, after) = self.kept.edit(id, |token| {
            let before = (token.is_orphan(), token.is_opened);
            (edit(token), before, (token.is_orphan(), token.is_opened))
        })?;
        let [was_orphan, is_orphan] = [before.0, after.0].map(u64::from);
        self.orphans = self.orphans.saturating_add(is_orphan).saturating_sub(was_orphan);
        let [was_opened, is_opened] = [before.1, after.1].map(usize::from);
        self.opened = self.opened.saturating_add(is_opened).saturating_sub(was_opened);
        Some(edited)
    }

    pub(super) fn note_commit(&mut self, id: &str, commit: u64) {
        self.kept.note_commit(id, commit);
    }

    /// Writes down which are over by now.
    pub(super) fn settle(&mut self, now: i64) {
        let opened = &mut self.opened;
        self.kept.settle(now, |token| {
            *opened = opened.saturating_sub(usize::from(token.is_opened));
            // From now on no session of it can be opened.
            token.is_opened = false;
        });
    }

    /// Forgets one, if there are more than this. Returns its commits.
    pub(super) fn forget(&mut self, bound: Bound, now: i64) -> Option<Vec<u64>> {
        if self.kept.is_within(bound) {
            return None;
        }
        self.settle(now);
        let (token, commits) = self.kept.forget(bound)?;
        self.opened = self.opened.saturating_sub(usize::from(token.is_opened));
        Some(commits)
    }

    /// The oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Token> {
        self.kept.iter()
    }

    /// How many links would work now.
    pub(crate) fn live(&mut self, now: i64) -> usize {
        self.settle(now);
        self.kept.live_len().saturating_sub(self.opened)
    }

    /// How many pending tokens there are whose answer was not delivered, with those that are forgotten.
    pub(crate) fn orphans(&self) -> u64 {
        self.orphans
    }
}
