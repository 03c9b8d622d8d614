//! All sessions of an instance: opened, found, ended by somebody or by time.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    kept::{Bound, Ending, Kept},
    session::{ACTIVE, PENDING, REPLACED, SessionRecord},
    weight,
};
use crate::{
    ids::Ids,
    settings::{SecondSession, Settings},
};

/// How long a session lasts that a user opened, in seconds.
pub(super) const DEFAULT_LIFETIME: u64 = 7 * 24 * 3600;

/// The sessions, in the order in which they were opened.
#[derive(Default, Clone)]
pub(crate) struct Sessions(Kept<SessionRecord>);

impl Ending for SessionRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn ends_at(&self) -> Option<i64> {
        self.is_live().then(|| self.expire_at.min(self.inactive_at()))
    }

    fn weight(&self) -> usize {
        weight::of(&self.user_id, self.actor.as_deref())
    }
}

/// What a session is opened with.
pub(super) struct Opening {
    pub(super) user_id: String,
    /// Without one the user signed in.
    pub(super) actor: Option<Arc<Map<String, Value>>>,
    /// In seconds.
    pub(super) max_duration: u64,
}

impl Sessions {
    /// Opens a session in a new client. Returns its id.
    pub(super) fn open(&mut self, opening: Opening, now: i64, ids: &mut Ids, settings: &Settings) -> String {
        let Opening { user_id, actor, max_duration } = opening;
        if actor.is_some() && settings.second_session == SecondSession::Replaces {
            let is_other = |id: &&str| self.get(id).is_some_and(|it| it.actor.is_some() && it.user_id == user_id);
            let others: Vec<String> = self.0.live_ids().filter(is_other).map(str::to_owned).collect();
            for other in others {
                self.edit(&other, |other| other.become_status(REPLACED, now));
            }
        }
        let has_tasks = settings.users_with_tasks.contains(&user_id);
        let lifetime = i64::try_from(max_duration).unwrap_or(i64::MAX).saturating_mul(1000);
        let id = ids.session();
        self.0.insert(SessionRecord {
            id: id.clone(),
            client_id: ids.client(),
            user_id,
            actor,
            status: if has_tasks { PENDING } else { ACTIVE }.to_owned(),
            has_tasks,
            created_at: now,
            updated_at: now,
            last_active_at: now,
            expire_at: now.saturating_add(lifetime),
            actor_session_id: ids.extra("sess"),
            over_since: None,
        });
        id
    }

    /// Ends what time has ended by now.
    pub(super) fn settle(&mut self, now: i64, settings: &Settings) {
        self.0.settle(now, |session| session.settle(&settings.inactive_as, now));
    }

    pub(super) fn get(&self, id: &str) -> Option<&SessionRecord> {
        self.0.get(id)
    }

    /// Changes a session. `None` if there is none of this id.
    pub(super) fn edit<R>(&mut self, id: &str, edit: impl FnOnce(&mut SessionRecord) -> R) -> Option<R> {
        self.0.edit(id, edit)
    }

    pub(super) fn note_commit(&mut self, id: &str, commit: u64) {
        self.0.note_commit(id, commit);
    }

    /// Forgets one, if there are more than this. Returns its commits.
    pub(super) fn forget(&mut self, bound: Bound, now: i64, settings: &Settings) -> Option<Vec<u64>> {
        if self.0.is_within(bound) {
            return None;
        }
        self.settle(now, settings);
        self.0.forget(bound).map(|(_, commits)| commits)
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &SessionRecord> {
        self.0.iter()
    }

    /// How many were opened, with those that are forgotten.
    pub(super) fn total(&self) -> u64 {
        self.0.total()
    }

    /// How many are not over, as of when it was last settled.
    pub(super) fn live_len(&self) -> usize {
        self.0.live_len()
    }

    /// Those that a list has at this moment, the newest first. Of two of one moment the later opened comes first.
    pub(super) fn listed(&self, now: i64, settings: &Settings) -> Vec<&SessionRecord> {
        let delay = millis(settings.list_delay);
        let kept = settings.keep_over_sessions.map(millis);
        let is_listed = |session: &&SessionRecord| {
            let is_gone = session.over_since.zip(kept).is_some_and(|(since, kept)| now >= since.saturating_add(kept));
            now >= session.created_at.saturating_add(delay) && !is_gone
        };
        let mut listed: Vec<_> = self.iter().rev().filter(is_listed).collect();
        // Stable: the system's clock may have gone back.
        listed.sort_by_key(|session| std::cmp::Reverse(session.created_at));
        listed
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
