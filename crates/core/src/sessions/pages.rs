//! All sessions, page by page, without a runtime of its own.

use std::{collections::HashSet, fmt, time::Duration};

use crate::{
    actor_tokens::Timestamp,
    client::Client,
    error::Error,
    operation::Operation as _,
    sessions::{list::ListSessions, session::Session, session_id::SessionId},
    transport::{HttpTransport, TransportError},
};

/// How often a page is read again because sessions went meanwhile. A list that changes so fast is not read to its end.
const MOST_STEPS_BACK: u32 = 100;

/// A page has the last session of the page before, and one that is new.
const SMALLEST: u32 = 2;

/// So many full pages without a new session in a row come of no list, but of a server that does not look at `offset`.
const MOST_WITHOUT_NEW: u32 = 10;

/// The sessions of a list, page by page. [`Sessions::pages`](crate::Sessions::pages) returns it.
///
/// Sessions begin and go while the pages are read, and move the others. So each page begins with the last session of the page
/// before, and what comes again is left out. Where that session is not there, the page before is read again. Where a page is
/// larger than the [cap on responses](crate::ClientBuilder::response_cap), half a page is read, and so on.
pub struct SessionPages<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
    list: ListSessions,
    next: Option<u32>,
    /// How often a page was read again.
    steps_back: u32,
    without_new: u32,
    since: Option<Timestamp>,
    seen: HashSet<SessionId>,
}

impl<T: HttpTransport + ?Sized> SessionPages<T> {
    pub(super) fn new(client: Client<T>, list: ListSessions) -> Self {
        let list = if list.page_size() == 1 { list.limit(SMALLEST) } else { list };
        let next = Some(list.begins_at());
        Self { client, list, next, steps_back: 0, without_new: 0, since: None, seen: HashSet::new() }
    }

    /// Ends with the sessions that began at this time. Those that began before are left out.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Returns the next page that has something new, and `None` behind the last one. After an error, the same page is asked for
    /// again.
    ///
    /// # Errors
    /// [`Error`] of the call for this page. It is [`Blocked`](crate::ErrorKind::Blocked) if the list changes faster than it is
    /// read, or does not move with its offset.
    pub async fn next(&mut self) -> Result<Option<Vec<Session>>, Error> {
        loop {
            match self.step(None).await? {
                Some(page) if page.is_empty() => {}
                page => return Ok(page),
            }
        }
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

    /// One request, with a time for it. What comes may be empty in the middle.
    pub(crate) async fn step(&mut self, timeout: Option<Duration>) -> Result<Option<Vec<Session>>, Error> {
        let Some(offset) = self.next else { return Ok(None) };
        let mut call = self.client.execute(self.list.clone().offset(offset));
        if let Some(timeout) = timeout {
            call = call.timeout(timeout);
        }
        match call.send().await {
            Ok(page) => self.take(page, offset).map(Some),
            Err(error) if error.is_over_cap() && self.list.page_size() > SMALLEST => {
                self.list = self.list.clone().limit((self.list.page_size() / 2).max(SMALLEST));
                Ok(Some(Vec::new()))
            }
            Err(error) => Err(error),
        }
    }

    /// What is new on a page, and where the next one begins.
    fn take(&mut self, mut page: Vec<Session>, offset: u32) -> Result<Vec<Session>, Error> {
        let (size, begin) = (self.list.page_size(), self.list.begins_at());
        let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
        let is_joined = offset <= begin || page.iter().any(|session| self.seen.contains(session.id()));
        if !is_joined {
            if self.steps_back >= MOST_STEPS_BACK {
                return Err(self.unread("the list of sessions changes faster than it is read"));
            }
            self.steps_back = self.steps_back.saturating_add(1);
            self.next = Some(offset.saturating_sub(size).max(begin));
            // It is read once more when it is joined. If it counted as seen, it would join what it must not.
            return Ok(Vec::new());
        }
        let since = self.since;
        let is_before =
            |session: &Session| matches!((since, session.created_at()), (Some(since), Some(at)) if at < since);
        let is_last = count < size || page.iter().any(is_before);
        page.retain(|session| !is_before(session) && self.seen.insert(session.id().clone()));
        if is_last {
            self.next = None;
            return Ok(page);
        }
        self.without_new = if page.is_empty() { self.without_new.saturating_add(1) } else { 0 };
        match offset.checked_add(count.saturating_sub(1)) {
            Some(next) if self.without_new < MOST_WITHOUT_NEW => self.next = Some(next),
            _ => return Err(self.unread("the list of sessions does not move with its offset")),
        }
        Ok(page)
    }

    fn unread(&self, reason: &'static str) -> Error {
        let advice = "Call again. If it happens again, look at what is between this program and Clerk.";
        Error::from_transport(self.list.info(), TransportError::blocked(reason).with_advice(advice))
    }
}

impl<T: ?Sized> fmt::Debug for SessionPages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPages").field("list", &self.list).field("next", &self.next).finish_non_exhaustive()
    }
}
