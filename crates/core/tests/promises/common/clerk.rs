//! A transport that acts as Clerk does, and takes many polls for it: so that a call can be dropped between any two.
//!
//! It keeps the books: what was sent, what was made, what was revoked and with which key. What a client should have
//! done is written down in the tests.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clerk_actor_tokens_core::{
    CallContext, Executor, HttpTransport, Request, Response, SendState, Timer, TransportError, TransportErrorKind,
    http::header::AUTHORIZATION,
};
use serde_json::json;

use super::{Clock, USER, ok, pause, response, token_json, with, with_header};

/// What a creation is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Made, and the response says so.
    Success,
    /// Made; the answer is cut behind the id and the user.
    CutWithId,
    /// Made; the answer is cut behind the id and before the user: it could be anybody's.
    CutBeforeUser,
    /// Made; the answer is cut before the id.
    CutWithoutId,
    /// Made; no answer.
    Lost,
    /// Not made; no answer, which looks the same.
    Nothing,
    /// Made; a gateway's 502 in place of the answer.
    Gateway,
    /// Made; the answer never comes.
    Stall,
    /// Not made: no connection.
    Unreachable,
    /// Not made: 429, with these seconds in `Retry-After`.
    Limited(u64),
    /// Not made: 422.
    Refused,
}

impl Answer {
    fn makes(self) -> bool {
        !matches!(self, Self::Nothing | Self::Unreachable | Self::Limited(_) | Self::Refused)
    }

    /// Whether the id of what was made is in it.
    pub(crate) fn tells_id(self) -> bool {
        matches!(self, Self::Success | Self::CutWithId)
    }
}

/// How revocations are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoking {
    Works,
    Fails,
    /// This key was rotated: 401.
    Unauthorized(&'static str),
    Panics,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// Creations that were handed to the transport.
    pub(crate) creates: usize,
    /// Those that were handed over, and are not answered.
    pub(crate) in_flight: usize,
    pub(crate) made: Vec<String>,
    /// Ids in the responses that arrived whole.
    pub(crate) told: Vec<String>,
    /// What the answers were that came to their end.
    pub(crate) answered: Vec<Answer>,
    /// Revocations that were handed to the transport.
    pub(crate) revocations: usize,
    /// Ids, each with the key and the host.
    pub(crate) revoked: Vec<(String, String, String)>,
}

/// Clones share the books.
#[derive(Clone)]
pub(crate) struct Clerk {
    pub(crate) clock: Clock,
    answers: Arc<[Answer]>,
    revoking: Revoking,
    /// How many polls each phase takes: while it connects, before something is made, before the answer begins, while
    /// its body comes.
    phases: [u32; 4],
    books: Arc<Mutex<Books>>,
}

impl Clerk {
    /// The n-th creation gets the n-th answer; those after the last, the last.
    pub(crate) fn new(answers: &[Answer]) -> Self {
        Self {
            clock: Clock::new(),
            answers: answers.into(),
            revoking: Revoking::Works,
            phases: [0, 2, 2, 2],
            books: Arc::default(),
        }
    }

    pub(crate) fn revoking(mut self, revoking: Revoking) -> Self {
        self.revoking = revoking;
        self
    }

    pub(crate) fn phases(mut self, phases: [u32; 4]) -> Self {
        self.phases = phases;
        self
    }

    pub(crate) fn books(&self) -> Books {
        self.books.lock().unwrap().clone()
    }

    fn note<R>(&self, note: impl FnOnce(&mut Books) -> R) -> R {
        note(&mut self.books.lock().unwrap())
    }

    async fn create(&self, send_state: &SendState) -> Result<Response, TransportError> {
        let number = self.note(|books| {
            books.creates += 1;
            books.creates - 1
        });
        let answer = self.answers.get(number).or(self.answers.last()).copied().unwrap();
        let id = format!("act_{number}");
        let [connecting, before, after, body] = self.phases;
        send_state.hold();
        pause(connecting).await;
        let is_reached = answer != Answer::Unreachable;
        if is_reached {
            if !send_state.begin() {
                return Err(TransportError::blocked("canceled"));
            }
            self.note(|books| books.in_flight += 1);
        }
        pause(before).await;
        if answer.makes() {
            self.note(|books| books.made.push(id.clone()));
        }
        pause(after).await;
        let token = with(token_json("pending"), "id", json!(id)).to_string();
        let cut = |length: usize| {
            let partial = response(200, token.as_bytes()[..length].to_vec());
            TransportError::new(TransportErrorKind::Interrupted).with_partial(partial)
        };
        let end_of = |text: &str| token.find(text).unwrap() + text.len() + 1;
        let end_of_id = end_of(&id);
        let exchanged = match answer {
            Answer::Success => Ok(response(200, token.clone())),
            Answer::CutWithId => Err(cut(end_of_id.max(end_of(USER)))),
            Answer::CutBeforeUser => Err(cut(end_of_id)),
            Answer::CutWithoutId => Err(cut(end_of_id - 1)),
            Answer::Lost | Answer::Nothing => Err(TransportErrorKind::Interrupted.into()),
            Answer::Gateway => Ok(response(502, "")),
            Answer::Stall => std::future::pending().await,
            Answer::Unreachable => Err(TransportErrorKind::Connect.into()),
            Answer::Limited(seconds) => Ok(with_header(response(429, ""), "retry-after", &seconds.to_string())),
            Answer::Refused => Ok(response(422, "")),
        };
        pause(body).await;
        self.note(|books| {
            books.answered.push(answer);
            books.in_flight -= usize::from(is_reached);
            if answer.tells_id() {
                books.told.push(id);
            }
        });
        exchanged
    }

    async fn revoke(&self, request: Request, send_state: &SendState) -> Result<Response, TransportError> {
        let id = request.uri().path().rsplit('/').nth(1).unwrap().to_owned();
        let key = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        let host = request.uri().host().unwrap().to_owned();
        send_state.hold();
        pause(self.phases[0]).await;
        if !send_state.begin() {
            return Err(TransportError::blocked("canceled"));
        }
        self.note(|books| books.revocations += 1);
        pause(self.phases[1]).await;
        match self.revoking {
            Revoking::Works => {}
            Revoking::Fails => return Ok(response(404, "")),
            Revoking::Unauthorized(rotated) if key == rotated => return Ok(response(401, "")),
            Revoking::Unauthorized(_) => {}
            Revoking::Panics => panic!("the transport panics"),
        }
        self.note(|books| books.revoked.push((id.clone(), key, host)));
        Ok(ok(&with(token_json("revoked"), "id", json!(id))))
    }
}

#[async_trait]
impl HttpTransport for Clerk {
    async fn send(&self, request: Request, context: CallContext) -> Result<Response, TransportError> {
        self.clock.busy();
        match request.uri().path().ends_with("/revoke") {
            true => self.revoke(request, context.send_state()).await,
            false => self.create(context.send_state()).await,
        }
    }

    fn timer(&self) -> &dyn Timer {
        &self.clock
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }
}
