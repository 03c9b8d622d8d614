//! One exchange, whatever carries it: it takes the next fault of the script, arrives, commits, and is answered.
//!
//! Responsible for the order of these and for what the ledger says of them. The carriers (the transport in process, the
//! server) say what a fault looks like to their client.

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::{CallContext, Request, Response, Timer as _, Timestamp};
use http::{HeaderMap, header::RETRY_AFTER};

use crate::{
    clerk,
    clock::Running,
    emulator::Inner,
    fault::{self, Action, Status},
    ledger::LedgerEntry,
    requests::RecordedRequest,
    script::{Idle, Phase, Scripted},
};

pub(crate) struct Exchange {
    inner: Arc<Inner>,
    /// Until its time has come.
    fault: Option<Scripted>,
    attempt: Option<u32>,
    /// Its commit's place in the ledger.
    entry: Option<usize>,
    /// While it is at work; not while it waits.
    running: Option<Running>,
}

impl Exchange {
    /// Begins. Dropping an exchange aborts it: what is not committed by then never will be.
    pub(crate) fn begin(inner: &Arc<Inner>, request: &Request) -> Self {
        let running = Some(inner.clock.running());
        let fault = clerk::kind_of(request).and_then(|kind| inner.lock().scripts.take(kind));
        let attempt = CallContext::of(request).map(CallContext::attempt);
        Self { inner: Arc::clone(inner), fault, attempt, entry: None, running }
    }

    /// What happens in this phase, if anything. `reply` is Clerk's own answer, once there is one.
    pub(crate) fn fault(&mut self, phase: Phase, reply: Option<&Response>) -> Option<Action> {
        let scripted = self.fault.take_if(|scripted| scripted.phase == phase)?;
        if scripted.action == Action::Pass {
            return None;
        }
        if let Some(why) = reply.and_then(|reply| self.idle(&scripted.action, reply)) {
            self.inner.lock().scripts.keep_idle(scripted, why);
            return None;
        }
        Some(scripted.action)
    }

    /// Why a fault of Clerk's answer can do nothing to this one, if that is so.
    fn idle(&self, action: &Action, reply: &Response) -> Option<Idle> {
        let length = reply.body().len();
        match action {
            _ if self.entry.is_none() => Some(Idle::NothingCommitted(reply.status())),
            Action::CutAt(bytes) | Action::Stall(Some(bytes)) if *bytes >= length => Some(Idle::PastTheEnd(length)),
            _ => None,
        }
    }

    /// Lets time pass. Stalled exchanges do not hold the clock.
    pub(crate) async fn wait(&mut self, duration: Duration) {
        self.running = None;
        self.inner.clock.sleep(duration).await;
        self.running = Some(self.inner.clock.running());
    }

    /// The request has reached Clerk.
    pub(crate) fn arrive(&self, request: &Request) {
        self.inner.lock().requests.push(RecordedRequest::of(request));
    }

    /// Clerk acts on the request and writes its answer.
    pub(crate) fn commit(&mut self, request: &Request) -> Response {
        let now = self.inner.clock.millis();
        let mut state = self.inner.lock();
        let outcome = state.clerk.handle(request, now);
        let done = outcome.commit.and_then(|commit| {
            let token = state.clerk.token(&commit.id)?;
            Some(LedgerEntry {
                kind: commit.kind,
                id: token.id.clone(),
                user_id: token.user_id.clone(),
                actor_sub: token.actor_sub().map(str::to_owned),
                attempt: self.attempt,
                at: Timestamp::from_millis(now),
                delivered: false,
            })
        });
        self.entry = done.map(|entry| state.ledger.record(entry));
        outcome.response
    }

    /// The answer of a fault that is an answer.
    pub(crate) fn answer(&self, answer: &Status) -> Response {
        let mut response = self.inner.lock().clerk.status(answer.status);
        if let Some(after) = answer.retry_after {
            response.headers_mut().insert(RETRY_AFTER, fault::retry_after(after));
        }
        response
    }

    /// What to tell once Clerk's own answer has been handed over whole.
    pub(crate) fn receipt(&self) -> Receipt {
        Receipt { inner: Arc::clone(&self.inner), entry: self.entry }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(scripted) = self.fault.take().filter(|scripted| scripted.action != Action::Pass) {
            self.inner.lock().scripts.keep_idle(scripted, Idle::NotReached);
        }
    }
}

/// Tells the ledger whether an answer was handed over whole.
pub(crate) struct Receipt {
    inner: Arc<Inner>,
    entry: Option<usize>,
}

impl Receipt {
    pub(crate) fn set_delivered(&self, delivered: bool) {
        if let Some(entry) = self.entry {
            self.inner.lock().ledger.set_delivered(entry, delivered);
        }
    }
}

/// An answer of which the head and some bytes of the body arrived. `None` if nothing is missing.
pub(crate) fn cut(response: &Response, bytes: usize) -> Option<Response> {
    (bytes < response.body().len()).then(|| {
        let mut partial = Response::new(response.body().slice(..bytes));
        *partial.status_mut() = response.status();
        *partial.headers_mut() = HeaderMap::clone(response.headers());
        partial
    })
}
