//! One exchange, whatever carries it: it takes the next fault of the script, arrives, commits, and is answered.
//!
//! Responsible for the order of these and for what the ledger says of them. The carriers (the transport in process, the
//! server) say what a fault looks like to their client.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use clerk_actor_tokens_core::{ActorTokenId, Request, Response, Timer as _, Timestamp};
use http::{HeaderMap, StatusCode};

use crate::{
    call::CallKind,
    clerk::{self, answers},
    clock::Running,
    corrupt,
    fault::{Action, Answer, Break, Change, Phase},
    journal::{Listener, Place},
    ledger::{Given, LedgerEntry, LedgerPlace},
    requests::RecordedRequest,
    script::{Idle, Scripted},
    state::Inner,
};

pub(crate) struct Exchange {
    inner: Arc<Inner>,
    kind: Option<CallKind>,
    /// Until its time has come.
    fault: Option<Scripted>,
    /// The fault that it has met.
    met: Option<String>,
    /// Where it is in the journal, once it has arrived.
    place: Option<Place>,
    /// The request for the listener, if there is one: the journal may have forgotten it by the end.
    heard: Option<(Listener, RecordedRequest)>,
    /// Of the answer.
    status: Option<StatusCode>,
    attempt: Option<u32>,
    /// Its commit's place in the ledger.
    entry: Option<LedgerPlace>,
    /// The answer to the call of this kind before, if it is one about sessions.
    earlier: Option<Response>,
    /// While it is at work; not while it waits.
    running: Option<Running>,
}

/// What a fault makes of an exchange.
pub(crate) enum Effect {
    /// This is the answer, instead of Clerk's.
    Instead(Response),
    /// Clerk's answer, changed.
    Changed(Response),
    Break(Break),
    Delay(Duration),
    Stall,
    /// Of Clerk's answer this part comes; then nothing, or the end.
    Part {
        partial: Response,
        then: Then,
    },
    /// The body of Clerk's answer takes this long.
    Slow(Duration),
}

/// What follows a part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Silence,
    End,
}

impl Exchange {
    /// Begins. Dropping an exchange aborts it: what is not committed by then never will be.
    pub(crate) fn begin(inner: &Arc<Inner>, request: &Request) -> Self {
        let running = Some(inner.clock.running());
        let kind = clerk::kind_of(request);
        let fault = kind.and_then(|kind| inner.lock().scripts.take(kind));
        Self {
            inner: Arc::clone(inner),
            kind,
            fault,
            met: None,
            place: None,
            heard: None,
            status: None,
            attempt: None,
            entry: None,
            earlier: None,
            running,
        }
    }

    /// Says which attempt of its call this is: only a client in the same process says so.
    pub(crate) fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = Some(attempt);
        self
    }

    /// What happens in this phase, if anything. `reply` is Clerk's own answer, once there is one.
    pub(crate) fn fault(&mut self, phase: Phase, reply: Option<&Response>) -> Option<Effect> {
        let scripted = self.fault.take_if(|scripted| scripted.phase == phase)?;
        if scripted.action == Action::Pass {
            return None;
        }
        match self.effect(&scripted.action, reply) {
            Ok(effect) => {
                self.note(scripted.to_string(), &effect);
                Some(effect)
            }
            Err(why) => {
                self.inner.lock().scripts.keep_idle(scripted, why);
                None
            }
        }
    }

    fn effect(&self, action: &Action, reply: Option<&Response>) -> Result<Effect, Idle> {
        if let Some(reply) = reply.filter(|reply| !reply.status().is_success()) {
            return Err(Idle::Refused(reply.status()));
        }
        match action {
            Action::Break(cause) => Ok(Effect::Break(cause.clone())),
            Action::Delay(duration) => Ok(Effect::Delay(*duration)),
            Action::Stall(None) => Ok(Effect::Stall),
            Action::Answer(answer) => Ok(Effect::Instead(self.answer(answer))),
            Action::Slow(takes) => Ok(Effect::Slow(*takes)),
            Action::Stall(Some(bytes)) => part(reply, *bytes, Then::Silence),
            Action::CutAt(bytes) => part(reply, *bytes, Then::End),
            Action::Change(change) => {
                let changed = reply.and_then(|reply| corrupt::corrupt(change, reply, self.earlier(change)));
                changed.map(Effect::Changed).ok_or(Idle::NothingToChange)
            }
            Action::Pass => Err(Idle::NotReached),
        }
    }

    /// Writes down which fault this exchange has met, and what it leaves of the answer.
    fn note(&mut self, met: String, effect: &Effect) {
        self.met = Some(met.clone());
        match effect {
            Effect::Instead(response) => self.status = Some(response.status()),
            Effect::Break(_) | Effect::Stall => self.status = None,
            Effect::Changed(_) | Effect::Delay(_) | Effect::Part { .. } | Effect::Slow(_) => {}
        }
        let Some(place) = self.entry else { return };
        let given = match effect {
            Effect::Instead(response) => Given::Instead(response.status()),
            Effect::Changed(_) => Given::Changed,
            Effect::Part { partial, .. } => Given::Part(partial.body().len()),
            Effect::Break(_) | Effect::Delay(_) | Effect::Stall | Effect::Slow(_) => Given::Nothing,
        };
        self.inner.lock().ledger.edit(place, |entry| {
            entry.fault = Some(met);
            entry.given = given;
        });
    }

    /// Of the answer only this many bytes of the body came.
    pub(crate) fn gave_part(&self, bytes: usize) {
        if let Some(place) = self.entry {
            self.inner.lock().ledger.edit(place, |entry| entry.given = Given::Part(bytes));
        }
    }

    /// The answer to an earlier request, for a fault that wants one.
    fn earlier(&self, change: &Change) -> Option<Response> {
        if *change != Change::Stale {
            return None;
        }
        if self.kind.is_some_and(|kind| !kind.answers_a_token()) {
            return self.earlier.clone();
        }
        let mut state = self.inner.lock();
        let entry = state.ledger.get(self.entry?)?;
        let other = state.ledger.of(entry.kind).rev().find(|other| other.id != entry.id)?;
        let (kind, id) = (other.kind, other.id.clone());
        Some(state.clerk.answer_again(id.as_str(), kind))
    }

    /// The client has left before anything came.
    pub(crate) fn left_without_answer(&mut self) {
        self.status = None;
    }

    /// Lets time pass. Stalled exchanges do not hold the clock.
    pub(crate) async fn wait(&mut self, duration: Duration) {
        self.running = None;
        self.inner.clock.sleep(duration).await;
        self.running = Some(self.inner.clock.running());
    }

    /// The request has reached Clerk.
    pub(crate) fn arrive(&mut self, request: &Request) {
        let at = Timestamp::from_millis(self.inner.clock.millis());
        let recorded = RecordedRequest::of(request, self.attempt, at);
        self.heard = self.inner.listener.clone().map(|listener| (listener, recorded.clone()));
        self.place = Some(self.inner.lock().journal.record(recorded));
    }

    /// Clerk acts on the request and writes its answer.
    pub(crate) fn commit(&mut self, request: &Request) -> Response {
        let (now, since) = (self.inner.clock.millis(), self.inner.clock.since_start());
        let mut state = self.inner.lock();
        let outcome = state.clerk.handle(request, now);
        let done = outcome.commit.and_then(|commit| {
            let id = ActorTokenId::new(commit.id.as_str()).ok()?;
            let subject = state.clerk.subject(&commit)?;
            Some(LedgerEntry {
                kind: commit.kind,
                id,
                user_id: subject.user_id.to_owned(),
                actor_sub: subject.actor_sub.map(str::to_owned),
                attempt: self.attempt,
                at: Timestamp::from_millis(now),
                since,
                fault: self.met.clone(),
                given: Given::Nothing,
                delivered: false,
            })
        });
        if let Some(kind) = self.kind.filter(|kind| !kind.answers_a_token() && outcome.response.status().is_success()) {
            self.earlier = state.answers.insert(kind, outcome.response.clone());
        }
        match done {
            Some(entry) => self.entry = Some(state.record(entry, now)),
            // It may have opened a session.
            None => state.forget(now),
        }
        self.status = Some(outcome.response.status());
        outcome.response
    }

    fn answer(&self, answer: &Answer) -> Response {
        let wall = self.inner.clock.system_time();
        answers::in_the_place_of_clerk(answer, &self.inner.lock().clerk.next_trace(), wall)
    }

    /// What to tell once this answer has been handed over whole: Clerk's own, or what a fault made of it.
    pub(crate) fn receipt(&self, response: &Response) -> Receipt {
        let state = self.inner.lock();
        let named = self.entry.filter(|place| {
            let entry = state.ledger.get(*place);
            // What no fault has touched need not be read.
            entry.is_some_and(|entry| entry.given != Given::Changed || corrupt::names(response, entry))
        });
        Receipt { inner: Arc::clone(&self.inner), entry: named }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(scripted) = self.fault.take().filter(|scripted| scripted.action != Action::Pass) {
            self.inner.lock().scripts.keep_idle(scripted, Idle::NotReached);
        }
        let Some(place) = self.place else { return };
        if let Some(recorded) = self.inner.lock().journal.get_mut(place) {
            recorded.end(self.status, self.met.as_deref());
        }
        if let Some((listener, mut recorded)) = self.heard.take() {
            recorded.end(self.status, self.met.as_deref());
            // This may run while a panic unwinds: a second one would end the process.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| listener.call(&recorded)));
        }
    }
}

/// Records in the ledger whether an answer was handed over whole.
pub(crate) struct Receipt {
    inner: Arc<Inner>,
    entry: Option<LedgerPlace>,
}

impl Receipt {
    pub(crate) fn set_delivered(&self, delivered: bool) {
        if let Some(place) = self.entry {
            self.inner.lock().set_delivered(place, delivered);
        }
    }
}

fn part(reply: Option<&Response>, bytes: usize, then: Then) -> Result<Effect, Idle> {
    let Some(reply) = reply else { return Err(Idle::NotReached) };
    let partial = cut(reply, bytes).ok_or(Idle::PastTheEnd(reply.body().len()))?;
    Ok(Effect::Part { partial, then })
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
