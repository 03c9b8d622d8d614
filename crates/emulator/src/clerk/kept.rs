//! What is kept of a kind, tokens or sessions: in order, by id, and by when time ends it.
//!
//! Nothing here takes longer where more is kept, but for a logarithm: what is live, what is over, and what is forgotten
//! first are written down as they change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::bytes_kept::bytes_for;

/// What has an id, and ends.
pub(super) trait Ending {
    fn id(&self) -> &str;

    /// When time ends it, in milliseconds since 1970. `None`: it is over.
    fn ends_at(&self) -> Option<i64>;

    /// What it takes in memory, in bytes, as far as a caller decides it. It does not change.
    fn weight(&self) -> usize;
}

/// How much of a kind is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    most: usize,
    bytes: usize,
}

impl Bound {
    /// So many, and the bytes that go with that.
    pub(super) fn of(most: usize) -> Self {
        Self { most, bytes: bytes_for(most) }
    }
}

/// All of a kind that is kept, in the order in which it came.
#[derive(Clone)]
pub(super) struct Kept<T> {
    all: BTreeMap<u64, Entry<T>>,
    places: HashMap<String, u64>,
    /// How many came, with those that are forgotten: the place of the next.
    total: u64,
    /// When time ends each that is not over, and its place.
    ends: BTreeSet<(i64, u64)>,
    /// The places of those that are over.
    over: BTreeSet<u64>,
    /// Of all that are kept.
    weight: usize,
}

#[derive(Clone)]
struct Entry<T> {
    record: T,
    /// As it is written down in `ends`, or in `over`.
    ends_at: Option<i64>,
    weight: usize,
    commits: Vec<u64>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            places: HashMap::new(),
            total: 0,
            ends: BTreeSet::new(),
            over: BTreeSet::new(),
            weight: 0,
        }
    }
}

impl<T: Ending> Kept<T> {
    pub(super) fn insert(&mut self, record: T) {
        let place = self.total;
        self.total = place.saturating_add(1);
        self.places.insert(record.id().to_owned(), place);
        let ends_at = record.ends_at();
        self.write_down(place, ends_at);
        let weight = record.weight();
        self.weight = self.weight.saturating_add(weight);
        self.all.insert(place, Entry { record, ends_at, weight, commits: Vec::new() });
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.all.get(self.places.get(id)?).map(|entry| &entry.record)
    }

    /// Changes the one of this id. `None` if there is none.
    pub(super) fn edit<R>(&mut self, id: &str, edit: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = *self.places.get(id)?;
        let entry = self.all.get_mut(&place)?;
        let edited = edit(&mut entry.record);
        let (before, after) = (entry.ends_at, entry.record.ends_at());
        // What time has ended stays over.
        if before != after && before.is_some() {
            entry.ends_at = after;
            self.strike_out(place, before);
            self.write_down(place, after);
        }
        Some(edited)
    }

    /// A commit of the one of this id is at this place of the ledger.
    pub(super) fn note_commit(&mut self, id: &str, commit: u64) {
        let entry = self.places.get(id).and_then(|place| self.all.get_mut(place));
        if let Some(entry) = entry {
            entry.commits.push(commit);
        }
    }

    /// Writes down which are over by now, and does this with each.
    pub(super) fn settle(&mut self, now: i64, mut end: impl FnMut(&mut T)) {
        while let Some((at, place)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.strike_out(place, Some(at));
            self.write_down(place, None);
            if let Some(entry) = self.all.get_mut(&place) {
                entry.ends_at = None;
                end(&mut entry.record);
            }
        }
    }

    /// Whether there is no more than this. The last one left may take what it takes.
    pub(super) fn is_within(&self, bound: Bound) -> bool {
        let count = self.all.len();
        count <= bound.most && (count <= 1 || self.weight <= bound.bytes)
    }

    /// Forgets one, if there are more than this: the oldest that is over, else the oldest. Returns it, and its commits.
    pub(super) fn forget(&mut self, bound: Bound) -> Option<(T, Vec<u64>)> {
        if self.is_within(bound) {
            return None;
        }
        let oldest = || self.all.first_key_value().map(|(place, _)| *place);
        let place = self.over.first().copied().or_else(oldest)?;
        let entry = self.all.remove(&place)?;
        self.weight = self.weight.saturating_sub(entry.weight);
        self.strike_out(place, entry.ends_at);
        self.places.remove(entry.record.id());
        Some((entry.record, entry.commits))
    }

    fn write_down(&mut self, place: u64, ends_at: Option<i64>) {
        match ends_at {
            Some(at) => self.ends.insert((at, place)),
            None => self.over.insert(place),
        };
    }

    fn strike_out(&mut self, place: u64, ends_at: Option<i64>) {
        match ends_at {
            Some(at) => self.ends.remove(&(at, place)),
            None => self.over.remove(&place),
        };
    }

    /// The oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.all.values().map(|entry| &entry.record)
    }

    /// How many came, with those that are forgotten.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The ids of those that are not over, as of when it was last settled.
    pub(super) fn live_ids(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().filter_map(|(_, place)| self.all.get(place)).map(|entry| entry.record.id())
    }

    /// How many these are.
    pub(super) fn live_len(&self) -> usize {
        self.ends.len()
    }
}
