//! What arrived at the server: when the head and the body of each request did, and how many streams were open at once.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

/// What arrived.
#[derive(Debug, Default, Clone)]
pub(super) struct Record {
    streams: BTreeMap<(usize, u32), Stream>,
    open: usize,
    limits: VecDeque<u32>,
    in_force: Option<u32>,
    /// How many requests were whole.
    pub(super) whole: usize,
    /// How many streams were open at once, at most.
    pub(super) most: usize,
    /// How many streams were opened above the limit in force.
    pub(super) above: usize,
    /// How many streams were opened before the client had acknowledged any SETTINGS.
    pub(super) early: usize,
    marker: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Stream {
    head: Instant,
    body: Option<Instant>,
    is_open: bool,
}

impl Record {
    /// A limit was said. It is in force once the client has acknowledged it (RFC 9113 section 6.5.3).
    pub(super) fn say(&mut self, limit: u32) {
        self.limits.push_back(limit);
    }

    /// The client has acknowledged SETTINGS.
    pub(super) fn acknowledged(&mut self) {
        self.in_force = self.limits.pop_front().or(self.in_force);
    }

    pub(super) fn in_force(&self) -> Option<u32> {
        self.in_force
    }

    /// Streams of two connections have the same numbers.
    pub(super) fn head(&mut self, connection: usize, stream: u32) {
        self.streams.insert((connection, stream), Stream { head: Instant::now(), body: None, is_open: true });
        self.open += 1;
        self.most = self.most.max(self.open);
        match self.in_force {
            Some(limit) => self.above += usize::from(u32::try_from(self.open).is_ok_and(|open| open > limit)),
            None => self.early += 1,
        }
    }

    pub(super) fn body(&mut self, connection: usize, stream: u32) {
        if let Some(stream) = self.streams.get_mut(&(connection, stream)) {
            stream.body.get_or_insert_with(Instant::now);
        }
    }

    /// The stream is closed, by whichever side.
    pub(super) fn closed(&mut self, connection: usize, stream: u32) {
        if let Some(stream) = self.streams.get_mut(&(connection, stream)).filter(|stream| stream.is_open) {
            stream.is_open = false;
            self.open = self.open.saturating_sub(1);
        }
    }

    /// From here on no body may begin.
    pub(super) fn mark(&mut self) {
        self.marker = Some(Instant::now());
    }

    /// How many bodies have begun.
    pub(super) fn bodies(&self) -> usize {
        self.streams.values().filter(|stream| stream.body.is_some()).count()
    }

    /// How many heads came behind the marker.
    pub(super) fn heads_after(&self) -> usize {
        let is_after = |stream: &&Stream| self.marker.is_some_and(|marker| stream.head > marker);
        self.streams.values().filter(is_after).count()
    }

    /// How many bodies began behind the marker.
    pub(super) fn bodies_after(&self) -> usize {
        let is_after = |stream: &&Stream| self.marker.is_some_and(|marker| stream.body.is_some_and(|at| at > marker));
        self.streams.values().filter(is_after).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_counts_against_the_limit_that_the_client_has_acknowledged() {
        let mut record = Record::default();
        record.say(2);
        record.head(0, 1);
        assert_eq!((record.early, record.above), (1, 0));
        record.acknowledged();
        record.say(1);
        record.head(0, 3);
        assert_eq!(record.above, 0);
        record.acknowledged();
        record.closed(0, 1);
        record.closed(0, 1);
        record.head(0, 5);
        assert_eq!((record.above, record.most), (1, 2));
    }

    #[test]
    fn a_body_is_late_if_it_begins_behind_the_marker() {
        let mut record = Record::default();
        record.head(0, 1);
        record.head(0, 3);
        record.body(0, 1);
        record.mark();
        record.body(0, 1);
        record.body(0, 3);
        record.body(0, 5);
        assert_eq!((record.bodies(), record.bodies_after(), record.heads_after()), (2, 1, 0));
    }
}
