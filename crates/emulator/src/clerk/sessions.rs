//! All sessions of an instance: opened, found, ended by somebody or by time.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::session::{ACTIVE, PENDING, REPLACED, SessionRecord};
use crate::{
    ids::Ids,
    settings::{SecondSession, Settings},
};

/// How long a session lasts that a user opened, in seconds.
pub(super) const DEFAULT_LIFETIME: u64 = 7 * 24 * 3600;

/// The sessions, in the order in which they were opened.
#[derive(Default, Clone)]
pub(crate) struct Sessions {
    all: Vec<SessionRecord>,
    places: BTreeMap<String, usize>,
}

/// What a session is opened with.
pub(super) struct Opening {
    pub(super) user_id: String,
    /// Without one the user signed in.
    pub(super) actor: Option<Map<String, Value>>,
    /// In seconds.
    pub(super) max_duration: u64,
}

impl Sessions {
    /// Opens a session in a new client. Returns its id.
    pub(super) fn open(&mut self, opening: Opening, now: i64, ids: &mut Ids, settings: &Settings) -> String {
        let Opening { user_id, actor, max_duration } = opening;
        if actor.is_some() && settings.second_session == SecondSession::Replaces {
            let others = self.all.iter_mut().filter(|other| other.is_live() && other.actor.is_some());
            others.filter(|other| other.user_id == user_id).for_each(|other| other.become_status(REPLACED, now));
        }
        let has_tasks = settings.users_with_tasks.contains(&user_id);
        let lifetime = i64::try_from(max_duration).unwrap_or(i64::MAX).saturating_mul(1000);
        let id = ids.session();
        self.places.insert(id.clone(), self.all.len());
        self.all.push(SessionRecord {
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
        self.all.iter_mut().for_each(|session| session.settle(&settings.inactive_as, now));
    }

    pub(super) fn get(&self, id: &str) -> Option<&SessionRecord> {
        self.all.get(*self.places.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut SessionRecord> {
        self.all.get_mut(*self.places.get(id)?)
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &SessionRecord> {
        self.all.iter()
    }

    /// Those that a list has at this moment, the newest first. Of two of one moment the later opened comes first.
    pub(super) fn listed(&self, now: i64, settings: &Settings) -> Vec<&SessionRecord> {
        let delay = millis(settings.list_delay);
        let kept = settings.keep_over_sessions.map(millis);
        let is_listed = |session: &&SessionRecord| {
            let is_gone = session.over_since.zip(kept).is_some_and(|(since, kept)| now >= since.saturating_add(kept));
            now >= session.created_at.saturating_add(delay) && !is_gone
        };
        let mut listed: Vec<_> = self.all.iter().rev().filter(is_listed).collect();
        // Stable: the system's clock may have gone back.
        listed.sort_by_key(|session| std::cmp::Reverse(session.created_at));
        listed
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
