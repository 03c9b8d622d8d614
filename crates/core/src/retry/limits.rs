//! What the calls to one place with one key share: the rate-limit gate and the retry budget.
//!
//! Clerk counts requests by key, and a server fails for all who call it. So gate and budget belong
//! to a base URL and a key, not to a client. A process that serves several tenants holds back only
//! the one that received the 429. What is as at the start (the gate open, the bucket full) takes no
//! memory.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    auth::SecretKey,
    lock::Lock,
    retry::{
        budget::{Bucket, RetryBudget},
        gate::Gate,
    },
    time::Moment,
    url::BaseUrl,
};

/// So many places are remembered at most. Of more, the one that was used longest ago is forgotten.
const MOST: usize = 1024;

/// Where calls go, and with which key.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) base_url: &'a BaseUrl,
    pub(crate) key: &'a SecretKey,
}

/// The gates and budgets of a client, its clones and those made from it.
pub(crate) struct Limits {
    budget: RetryBudget,
    gate_limit: Duration,
    hash: RandomState,
    /// By the keyed hash of a place, which says nothing of its key.
    entries: Lock<BTreeMap<u64, Entry>>,
    /// How many there are: most often none, and then nothing is hashed or locked.
    known: AtomicUsize,
}

struct Entry {
    gate: Gate,
    bucket: Bucket,
    used: Moment,
}

impl Limits {
    /// Makes limits in which a gate is shut for `gate_limit` at most.
    pub(crate) fn new(budget: RetryBudget, gate_limit: Duration) -> Self {
        let (hash, known) = (RandomState::new(), AtomicUsize::new(0));
        Self { budget, gate_limit, hash, entries: Lock::default(), known }
    }

    pub(crate) fn gate_limit(&self) -> Duration {
        self.gate_limit
    }

    /// How long the gate is still shut; zero if it is open. The time is asked for where it matters.
    pub(crate) fn remaining(&self, place: Place<'_>, now: impl FnOnce() -> Moment) -> Duration {
        self.look(place, now, |entry, now| entry.gate.remaining(now)).unwrap_or(Duration::ZERO)
    }

    /// Shuts the gate for as long as a response asks.
    pub(crate) fn shut(&self, place: Place<'_>, now: Moment, retry_after: Duration) {
        self.change(place, now, |entry| entry.gate.shut(now, retry_after, self.gate_limit));
    }

    /// Takes a token for a retry. `false` if there is none.
    pub(crate) fn take(&self, place: Place<'_>, now: Moment) -> bool {
        self.change(place, now, |entry| entry.bucket.take(self.budget, now))
    }

    /// Says that a call has succeeded.
    pub(crate) fn succeed(&self, place: Place<'_>, now: impl FnOnce() -> Moment) {
        self.look(place, now, |entry, now| entry.bucket.succeed(self.budget, now));
    }

    fn hash(&self, place: Place<'_>) -> u64 {
        self.hash.hash_one((place.base_url, place.key.expose()))
    }

    /// Looks at what is known of a place. `None` if it is as at the start.
    fn look<R>(
        &self,
        place: Place<'_>,
        now: impl FnOnce() -> Moment,
        look: impl FnOnce(&mut Entry, Moment) -> R,
    ) -> Option<R> {
        if self.known.load(Ordering::Acquire) == 0 {
            return None;
        }
        let (hash, now) = (self.hash(place), now());
        self.entries.with(|entries| {
            let entry = entries.get_mut(&hash)?;
            entry.used = now;
            Some(look(entry, now))
        })
    }

    fn change<R>(&self, place: Place<'_>, now: Moment, change: impl FnOnce(&mut Entry) -> R) -> R {
        let hash = self.hash(place);
        self.entries.with(|entries| {
            if !entries.contains_key(&hash) {
                self.make_room(entries, now);
            }
            let new = || Entry { gate: Gate::default(), bucket: Bucket::new(self.budget), used: now };
            let entry = entries.entry(hash).or_insert_with(new);
            entry.used = now;
            let changed = change(entry);
            self.known.store(entries.len(), Ordering::Release);
            changed
        })
    }

    fn make_room(&self, entries: &mut BTreeMap<u64, Entry>, now: Moment) {
        if entries.len() < MOST {
            return;
        }
        // One that is as at the start is the same when it is met again.
        entries.retain(|_, entry| !entry.gate.remaining(now).is_zero() || !entry.bucket.is_full(self.budget, now));
        while entries.len() >= MOST {
            let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.used).map(|(hash, _)| *hash) else {
                return;
            };
            entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_origin(Duration::from_secs(seconds))
    }

    fn limits() -> Limits {
        Limits::new(RetryBudget::new().tokens(1), Duration::from_secs(60))
    }

    struct At(BaseUrl, SecretKey);

    impl At {
        fn new(url: &str, key: &str) -> Self {
            Self(BaseUrl::new(url).unwrap(), SecretKey::new(key).unwrap())
        }

        fn place(&self) -> Place<'_> {
            Place { base_url: &self.0, key: &self.1 }
        }
    }

    fn many() -> Vec<At> {
        (0..=MOST).map(|n| At::new("https://one.test", &format!("sk_test_{n}"))).collect()
    }

    #[test]
    fn each_base_url_and_each_key_has_a_gate_and_a_budget_of_its_own() {
        let limits = limits();
        let first = At::new("https://one.test", "sk_test_a");
        limits.shut(first.place(), at(0), Duration::from_secs(7));
        assert!(limits.take(first.place(), at(0)) && !limits.take(first.place(), at(0)));
        let same = At::new("https://one.test/v1", "sk_test_a");
        assert_eq!(limits.remaining(same.place(), || at(0)), Duration::from_secs(7));
        for other in [At::new("https://one.test", "sk_test_b"), At::new("https://two.test", "sk_test_a")] {
            assert_eq!(limits.remaining(other.place(), || at(0)), Duration::ZERO);
            assert!(limits.take(other.place(), at(0)));
        }
    }

    #[test]
    fn at_most_1024_places_are_remembered_and_the_one_used_longest_ago_is_forgotten() {
        let (limits, places) = (limits(), many());
        for place in &places[..MOST] {
            limits.shut(place.place(), at(1), Duration::from_secs(60 * 60));
        }
        // All are used again later, but for one.
        for place in places[..MOST].iter().enumerate().filter(|(n, _)| *n != 7).map(|(_, place)| place) {
            assert!(!limits.remaining(place.place(), || at(2)).is_zero());
        }
        limits.shut(places[MOST].place(), at(3), Duration::from_secs(60));
        assert_eq!(limits.entries.with(|entries| entries.len()), MOST);
        for (n, place) in places.iter().enumerate() {
            assert_eq!(limits.remaining(place.place(), || at(3)).is_zero(), n == 7, "{n}");
        }
    }

    #[test]
    fn nothing_is_forgotten_while_there_is_room() {
        let (limits, places) = (limits(), many());
        // As at the start again when the next one comes, and kept: to look through all of them costs time.
        places[..3].iter().for_each(|place| limits.shut(place.place(), at(0), Duration::from_secs(1)));
        limits.shut(places[3].place(), at(5), Duration::from_secs(1));
        assert_eq!(limits.entries.with(|entries| entries.len()), 4);
    }

    #[test]
    fn what_is_as_at_the_start_is_forgotten_first_and_without_a_difference() {
        let (limits, places) = (limits(), many());
        limits.take(places[0].place(), at(0));
        places[1..MOST].iter().for_each(|place| limits.shut(place.place(), at(0), Duration::from_secs(1)));
        limits.shut(places[MOST].place(), at(5), Duration::from_secs(9));
        assert_eq!(limits.entries.with(|entries| entries.len()), 2, "the one without a token, and the new one");
        assert!(!limits.take(places[0].place(), at(5)), "what is not as at the start is kept");
    }

    #[test]
    fn a_success_without_trouble_before_takes_no_memory_and_no_lock() {
        let (limits, place) = (limits(), At::new("https://one.test", "sk_test_a"));
        let before = crate::lock::counted::taken();
        limits.succeed(place.place(), || at(0));
        assert!(limits.remaining(place.place(), || at(0)).is_zero());
        assert_eq!(crate::lock::counted::taken(), before);
        assert_eq!(limits.entries.with(|entries| entries.len()), 0);
    }
}
