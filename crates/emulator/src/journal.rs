//! The latest requests, up to a number and a size, and the listener that gets each when its exchange has ended.

use std::{collections::VecDeque, fmt, sync::Arc};

use crate::{bytes_kept::bytes_for, requests::RecordedRequest};

/// The latest requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Journal {
    kept: VecDeque<RecordedRequest>,
    /// How many came before those that are kept.
    forgotten: u64,
    /// The place of the first that is kept: no place is given twice, also where the requests are replaced.
    first: u64,
    /// `None`: all are kept.
    most: Option<usize>,
    /// The sizes of the bodies that are kept, and of all else.
    bodies: usize,
    heads: usize,
    /// The place of the first that may still have its body.
    first_body: u64,
}

/// The place of a request among all that came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(u64);

impl Journal {
    pub(crate) fn new(most: Option<usize>) -> Self {
        Self { most, ..Self::default() }
    }

    pub(crate) fn record(&mut self, request: RecordedRequest) -> Place {
        self.bodies = self.bodies.saturating_add(request.kept_body_len());
        self.heads = self.heads.saturating_add(request.head_len());
        self.kept.push_back(request);
        let place = Place(self.next().saturating_sub(1));
        if let Some(most) = self.most {
            self.forget(most, bytes_for(most));
        }
        place
    }

    /// Forgets the oldest requests, and of those that stay the oldest bodies.
    fn forget(&mut self, most: usize, bytes: usize) {
        while self.kept.len() > most || self.heads > bytes {
            let Some(request) = self.kept.pop_front() else { break };
            self.bodies = self.bodies.saturating_sub(request.kept_body_len());
            self.heads = self.heads.saturating_sub(request.head_len());
            self.forgotten = self.forgotten.saturating_add(1);
            self.first = self.first.saturating_add(1);
        }
        self.first_body = self.first_body.max(self.first);
        while self.bodies > bytes {
            let Some(request) = self.get_mut(Place(self.first_body)) else { break };
            let length = request.kept_body_len();
            request.forget_body();
            self.bodies = self.bodies.saturating_sub(length);
            self.first_body = self.first_body.saturating_add(1);
        }
    }

    fn next(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.kept.len()).unwrap_or(u64::MAX))
    }

    /// Takes these requests instead. What an exchange in flight would write is left out.
    pub(crate) fn replace(&mut self, other: Self) {
        let first = self.next();
        *self = Self { first, first_body: first, ..other };
    }

    /// The request, unless it is forgotten.
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut RecordedRequest> {
        let index = place.0.checked_sub(self.first)?;
        self.kept.get_mut(usize::try_from(index).ok()?)
    }

    /// How many came, with those that are forgotten.
    pub(crate) fn total(&self) -> u64 {
        self.forgotten.saturating_add(u64::try_from(self.kept.len()).unwrap_or(u64::MAX))
    }

    /// The oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.kept.iter()
    }
}

/// Gets each request whose exchange has ended.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(&RecordedRequest) + Send + Sync>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(&RecordedRequest) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn call(&self, request: &RecordedRequest) {
        (self.0)(request);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
