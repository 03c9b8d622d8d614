//! Scripts: which fault the next attempt of a call meets, and when in the exchange.
//!
//! A script is a queue per call; each attempt takes the first entry. What was taken and did nothing is kept, with the
//! reason: the test that queued it has to hear of it. Knows nothing of how a fault looks.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    panic::Location,
};

use http::StatusCode;

use crate::{
    call::CallKind,
    fault::{Action, Phase},
};

/// A fault in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) phase: Phase,
    pub(crate) action: Action,
    pub(crate) kind: CallKind,
    /// Where it was queued.
    pub(crate) place: &'static Location<'static>,
}

/// As a [`QueuedFault`](crate::fault::QueuedFault) is written.
impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, action, kind, .. } = self;
        write!(f, "{kind}:{phase}:{action}")
    }
}

/// Why a fault that an attempt took did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// The request was refused: there was no commit, and no answer of 200, to come after.
    Refused(StatusCode),
    /// The answer has no more than this many bytes: all of it had arrived by then.
    PastTheEnd(usize),
    /// The answer has nothing that it could change.
    NothingToChange,
    /// The exchange ended before its time.
    NotReached,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => {
                write!(f, "the request was answered with {}, and nothing was committed", status.as_u16())
            }
            Self::PastTheEnd(length) => write!(f, "the whole answer has {length} bytes"),
            Self::NothingToChange => f.write_str("there is nothing in the answer that it could change"),
            Self::NotReached => f.write_str("the client went away before it"),
        }
    }
}

/// How many of those that did nothing are kept, the latest.
const MOST_IDLE: usize = 1000;

/// The queues, and what came out of them for nothing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scripts {
    queues: BTreeMap<CallKind, VecDeque<Scripted>>,
    idle: VecDeque<(Scripted, Idle)>,
    /// How many came before those.
    idle_forgotten: u64,
}

impl Scripts {
    pub(crate) fn queue(&mut self, kind: CallKind) -> &mut VecDeque<Scripted> {
        self.queues.entry(kind).or_default()
    }

    /// Queues all of these, or none if more than so many would be queued then. Says which.
    #[cfg(feature = "control")]
    pub(crate) fn queue_within(&mut self, most: usize, faults: Vec<Scripted>) -> bool {
        let is_room = self.unused().count().saturating_add(faults.len()) <= most;
        if is_room {
            faults.into_iter().for_each(|scripted| self.queue(scripted.kind).push_back(scripted));
        }
        is_room
    }

    /// What the attempt that begins now meets.
    pub(crate) fn take(&mut self, kind: CallKind) -> Option<Scripted> {
        self.queue(kind).pop_front()
    }

    /// The next fault, if it is one of connecting and this one meets it: a connection that is being made belongs to no
    /// call yet. The queues are looked at in the order of [`CallKind`]: the creates' comes first.
    #[cfg(feature = "serve")]
    pub(crate) fn take_connecting(&mut self, meets: impl Fn(&Action) -> bool) -> Option<Action> {
        self.queues.values_mut().find_map(|queue| {
            let first = queue.front()?;
            let is_met = first.phase == Phase::BeforeSend && meets(&first.action);
            if is_met { queue.pop_front().map(|scripted| scripted.action) } else { None }
        })
    }

    /// Keeps a fault that did nothing, and forgets the oldest of too many.
    pub(crate) fn keep_idle(&mut self, scripted: Scripted, why: Idle) {
        self.idle.push_back((scripted, why));
        if self.idle.len() > MOST_IDLE {
            self.idle.pop_front();
            self.idle_forgotten = self.idle_forgotten.saturating_add(1);
        }
    }

    /// Forgets all of both.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What no attempt has met.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &Scripted> {
        self.queues.values().flatten()
    }

    /// How many an attempt met for nothing, and are no longer kept.
    pub(crate) fn idle_forgotten(&self) -> u64 {
        self.idle_forgotten
    }

    /// What an attempt met for nothing: the latest.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &(Scripted, Idle)> {
        self.idle.iter()
    }
}
