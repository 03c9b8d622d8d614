//! Clerk's side of an exchange: a request goes in, an answer comes out, and maybe something was committed.
//!
//! Pure but for its own state: no time (it is handed in), no locks, no faults, no network. Data flows downhill: the
//! gate (key, rate, version, size), the route, then one room per call.

mod accept;
pub(crate) mod answers;
mod create;
pub(crate) mod errors;
mod gate;
mod refusal;
mod revoke;
mod token;

use std::collections::BTreeMap;

use clerk_actor_tokens_core::{Request, Response};
use http::{HeaderValue, Method, StatusCode};

pub(crate) use self::token::Token;
pub use self::{
    accept::{AcceptError, Session},
    token::StoredToken,
};
use self::{errors::NOT_FOUND, gate::RateWindow, refusal::Refusal};
use crate::{fault, ids::Ids, ledger::CommitKind, settings::Settings};

/// The state of one emulated Clerk instance.
pub(crate) struct Clerk {
    settings: Settings,
    ids: Ids,
    tokens: BTreeMap<String, Token>,
    /// Tokens created and tokens accepted: either may count against the quota.
    created: u64,
    accepted: u64,
    window: RateWindow,
}

/// What came of a request.
pub(crate) struct Outcome {
    pub(crate) response: Response,
    pub(crate) commit: Option<Commit>,
}

/// What was committed, and to which token.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) kind: CommitKind,
    pub(crate) id: String,
}

/// Where a request goes.
enum Route<'a> {
    Create,
    Revoke(&'a str),
}

impl<'a> Route<'a> {
    fn of(request: &'a Request) -> Option<Self> {
        if request.method() != Method::POST {
            return None;
        }
        let path = request.uri().path().strip_prefix("/v1/actor_tokens")?;
        if path.is_empty() {
            return Some(Self::Create);
        }
        let id = path.strip_prefix('/')?.strip_suffix("/revoke")?;
        (!id.is_empty() && !id.contains('/')).then_some(Self::Revoke(id))
    }
}

/// What a request would commit, if it goes anywhere that the emulator knows.
pub(crate) fn kind_of(request: &Request) -> Option<CommitKind> {
    Route::of(request).map(|route| match route {
        Route::Create => CommitKind::Create,
        Route::Revoke(_) => CommitKind::Revoke,
    })
}

impl Clerk {
    pub(crate) fn new(settings: Settings) -> Self {
        let ids = Ids::new(settings.seed);
        Self { settings, ids, tokens: BTreeMap::new(), created: 0, accepted: 0, window: RateWindow::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request that arrives at this moment (milliseconds since 1970).
    pub(crate) fn handle(&mut self, request: &Request, now: i64) -> Outcome {
        let trace = self.ids.trace();
        let version = gate::version(request);
        let (mut response, commit) = match self.route(request, version.as_deref(), now) {
            Ok(Commit { kind, id }) => (self.success(&id, kind, &trace), Some(Commit { kind, id })),
            Err(refusal) => {
                let mut response = errors::answer(&refusal.errors, &trace);
                if let Some(after) = refusal.retry_after {
                    response.headers_mut().insert(http::header::RETRY_AFTER, fault::retry_after(after));
                }
                (response, None)
            }
        };
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(&version).ok()) {
            response.headers_mut().insert("clerk-api-version", version);
        }
        Outcome { response, commit }
    }

    /// The trace id of an answer that is not Clerk's own: every answer has one.
    pub(crate) fn next_trace(&mut self) -> String {
        self.ids.trace()
    }

    /// The answer to a commit of this kind, as it would be now.
    pub(crate) fn answer_again(&mut self, id: &str, kind: CommitKind) -> Response {
        let trace = self.ids.trace();
        self.success(id, kind, &trace)
    }

    fn route(&mut self, request: &Request, version: Option<&str>, now: i64) -> Result<Commit, Refusal> {
        gate::pass(request, version, now, &self.settings, &mut self.window)?;
        match Route::of(request) {
            Some(Route::Create) => self.create(request, now),
            Some(Route::Revoke(id)) => self.revoke(id, now),
            None => Err(NOT_FOUND.into()),
        }
    }

    fn success(&self, id: &str, kind: CommitKind, trace: &str) -> Response {
        let with_link = kind == CommitKind::Create || self.settings.revoke_returns_link;
        match self.tokens.get(id) {
            Some(token) => errors::json_answer(StatusCode::OK, &token.to_answer(with_link), trace),
            None => errors::answer(&[errors::INTERNAL.error()], trace),
        }
    }

    /// What is stored under an id.
    pub(crate) fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.get(id)
    }
}
