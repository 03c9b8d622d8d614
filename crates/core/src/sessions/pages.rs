//! All sessions, page by page, without a runtime of its own.

use std::{collections::HashSet, fmt, time::Duration};

use crate::{
    actor_tokens::Timestamp,
    client::Client,
    error::Error,
    sessions::{list::ListSessions, session::Session, session_id::SessionId},
    transport::HttpTransport,
};

/// A list that changes as fast as it is read is read on in the end.
const MOST_STEPS_BACK: u32 = 100;

/// The sessions of a list, page by page. [`Sessions::pages`](crate::Sessions::pages) returns it.
///
/// Sessions begin and go while the pages are read, and move the others. So each page begins with the last session of the page
/// before, and what comes again is left out. Where that session is not there, the page before is read again.
pub struct SessionPages<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
    list: ListSessions,
    next: Option<u32>,
    /// How often a page was read again.
    steps_back: u32,
    since: Option<Timestamp>,
    seen: HashSet<SessionId>,
}

impl<T: HttpTransport + ?Sized> SessionPages<T> {
    pub(super) fn new(client: Client<T>, list: ListSessions) -> Self {
        let next = Some(list.begins_at());
        Self { client, list, next, steps_back: 0, since: None, seen: HashSet::new() }
    }

    /// Ends with the sessions that began at this time. Those that began before are left out.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Returns the next page, and `None` behind the last one. After an error, the same page is asked for again.
    ///
    /// # Errors
    /// [`Error`] of the call for this page.
    pub async fn next(&mut self) -> Result<Option<Vec<Session>>, Error> {
        let Some(offset) = self.next else { return Ok(None) };
        let page = self.client.execute(self.list.clone().offset(offset)).send().await?;
        Ok(Some(self.take(page, offset)))
    }

    /// The same, with a time for the call.
    pub(crate) async fn next_within(&mut self, timeout: Duration) -> Result<Option<Vec<Session>>, Error> {
        let Some(offset) = self.next else { return Ok(None) };
        let page = self.client.execute(self.list.clone().offset(offset)).timeout(timeout).send().await?;
        Ok(Some(self.take(page, offset)))
    }

    /// Returns the sessions of all pages that are left.
    ///
    /// # Errors
    /// [`Error`] of the first call that fails.
    pub async fn all(mut self) -> Result<Vec<Session>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }

    /// What is new on a page, and where the next one begins.
    fn take(&mut self, mut page: Vec<Session>, offset: u32) -> Vec<Session> {
        let size = self.list.page_size();
        let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
        // A page of one has no room for the last session of the page before.
        let overlap = u32::from(size > 1);
        let is_joined =
            offset <= self.list.begins_at() || overlap == 0 || page.iter().any(|it| self.seen.contains(it.id()));
        let since = self.since;
        let is_before =
            |session: &Session| matches!((since, session.created_at()), (Some(since), Some(at)) if at < since);
        let is_last = count < size || page.iter().any(is_before);
        if is_joined || self.steps_back >= MOST_STEPS_BACK {
            self.next = if is_last { None } else { offset.checked_add(count.saturating_sub(overlap)) };
        } else {
            self.steps_back = self.steps_back.saturating_add(1);
            self.next = Some(offset.saturating_sub(size).max(self.list.begins_at()));
        }
        page.retain(|session| !is_before(session) && self.seen.insert(session.id().clone()));
        page
    }
}

impl<T: ?Sized> fmt::Debug for SessionPages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPages").field("list", &self.list).field("next", &self.next).finish_non_exhaustive()
    }
}
