//! Clerk's side of an exchange: a request goes in, an answer comes out, and maybe something was committed.
//!
//! Pure but for its own state: no time (it is handed in), no locks, no faults, no network. Data flows downhill: the
//! gate (key, rate, version, size), the route, then one room per call.

mod accept;
pub(crate) mod answers;
mod counts;
mod create;
pub(crate) mod errors;
#[cfg(feature = "signing")]
mod frontend;
#[cfg(feature = "signing")]
mod frontend_route;
mod gate;
mod kept;
mod query;
mod refusal;
mod revoke;
mod route;
mod session;
mod session_list;
mod session_revoke;
#[cfg(feature = "signing")]
mod session_token;
mod session_views;
mod sessions;
mod token;
mod tokens;
mod weight;

use std::collections::BTreeSet;

use clerk_actor_tokens_core::{Request, Response};
use http::{HeaderValue, StatusCode};

#[cfg(feature = "signing")]
pub use self::session_token::SessionToken;
pub use self::{
    accept::{AcceptError, Session},
    session::StoredSession,
    token::StoredToken,
};
use self::{
    gate::RateWindow, kept::Bound, refusal::Refusal, route::Route, session::SessionRecord, sessions::Sessions,
    tokens::Tokens,
};
pub(crate) use self::{route::kind_of, session::OVER, token::Token};
#[cfg(feature = "control")]
pub(crate) use self::{session::SessionAnswer, token::TokenAnswer};
use crate::{
    fault,
    ids::Ids,
    ledger::CommitKind,
    settings::{DEFAULT_FRONTEND_API, Settings},
};

/// The state of one emulated Clerk instance.
#[derive(Clone)]
pub(crate) struct Clerk {
    settings: Settings,
    /// As it was made.
    initial: Settings,
    ids: Ids,
    tokens: Tokens,
    sessions: Sessions,
    /// Tokens created and tokens accepted: either may count against the quota.
    created: u64,
    accepted: u64,
    window: RateWindow,
    /// The origin of the server in front of it.
    served_at: Option<String>,
}

/// What came of a request.
pub(crate) struct Outcome {
    pub(crate) response: Response,
    pub(crate) commit: Option<Commit>,
}

/// What was committed, and to which token or session.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) kind: CommitKind,
    pub(crate) id: String,
}

/// Of whom a commit is.
pub(crate) struct Subject<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) actor_sub: Option<&'a str>,
}

impl Clerk {
    pub(crate) fn new(settings: Settings) -> Self {
        let ids = Ids::new(settings.seed);
        Self {
            initial: settings.clone(),
            settings,
            ids,
            tokens: Tokens::default(),
            sessions: Sessions::default(),
            created: 0,
            accepted: 0,
            window: RateWindow::default(),
            served_at: None,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One that has seen nothing yet, with the settings that it was made with.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.initial.clone())
    }

    /// Behind the server of the other.
    pub(crate) fn served_as(self, other: &Self) -> Self {
        Self { served_at: other.served_at.clone(), ..self }
    }

    /// The users that exist from now on; `None` is every id.
    pub(crate) fn set_users(&mut self, users: Option<BTreeSet<String>>) {
        self.settings.users = users;
    }

    /// Answers a request that arrives at this moment (milliseconds since 1970).
    pub(crate) fn handle(&mut self, request: &Request, now: i64) -> Outcome {
        let trace = self.ids.trace();
        let version = gate::version(request);
        let mut outcome = self.route(request, version.as_deref(), now, &trace).unwrap_or_else(|refusal| {
            let mut response = errors::answer(&refusal.errors, &trace);
            if let Some(after) = refusal.retry_after {
                response.headers_mut().insert(http::header::RETRY_AFTER, fault::retry_after(after));
            }
            Outcome { response, commit: None }
        });
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(&version).ok()) {
            outcome.response.headers_mut().insert("clerk-api-version", version);
        }
        outcome
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

    fn route(&mut self, request: &Request, version: Option<&str>, now: i64, trace: &str) -> Result<Outcome, Refusal> {
        self.sessions.settle(now, &self.settings);
        let route = Route::of(request);
        #[cfg(feature = "signing")]
        if let Some(Route::Frontend(route)) = route {
            return self.frontend(&route, request, now, trace).map(|response| Outcome { response, commit: None });
        }
        let window = route.as_ref().is_none_or(Route::is_limited).then_some(&mut self.window);
        gate::pass(request, version, now, &self.settings, window)?;
        match route {
            Some(Route::Create) => self.create(request, now).map(|id| self.committed(CommitKind::Create, id, trace)),
            Some(Route::Revoke(id)) => self.revoke(id, now).map(|id| self.committed(CommitKind::Revoke, id, trace)),
            Some(Route::SessionList) => self.list_sessions(request.uri().query().unwrap_or(""), now, trace),
            Some(Route::SessionGet(id)) => self.get_session(id, trace),
            Some(Route::SessionRevoke(id)) => self.revoke_session(id, now, trace),
            #[cfg(feature = "signing")]
            Some(Route::SessionTokens(id)) => self.backend_token(id, request.body(), now, trace),
            #[cfg(feature = "signing")]
            Some(Route::Jwks) => Ok(Outcome { response: self.jwks(trace), commit: None }),
            #[cfg(feature = "signing")]
            // Answered above, before the gate.
            Some(Route::Frontend(_)) => Err(errors::NOT_FOUND.into()),
            None => Err(route::no_route(request)),
        }
    }

    /// The origin of the frontend API: of the links, and the issuer of tokens.
    fn origin(&self) -> String {
        match (&self.settings.frontend_api, &self.served_at) {
            (Some(origin), _) if origin.contains("://") => origin.trim_end_matches('/').to_owned(),
            (Some(host), _) => format!("https://{host}"),
            (None, Some(origin)) => origin.clone(),
            (None, None) => format!("https://{DEFAULT_FRONTEND_API}"),
        }
    }

    /// From here on it is behind a server of this origin.
    #[cfg(feature = "serve")]
    pub(crate) fn serve_at(&mut self, origin: &str) {
        self.served_at = Some(origin.to_owned());
    }

    fn committed(&self, kind: CommitKind, id: String, trace: &str) -> Outcome {
        Outcome { response: self.success(&id, kind, trace), commit: Some(Commit { kind, id }) }
    }

    fn success(&self, id: &str, kind: CommitKind, trace: &str) -> Response {
        let with_link = kind == CommitKind::Create || self.settings.revoke_returns_link;
        match kind {
            CommitKind::RevokeSession => self.sessions.get(id).map(|session| self.session_answer(session, trace)),
            CommitKind::Create | CommitKind::Revoke => {
                let token = self.tokens.get(id);
                token.map(|token| errors::json_answer(StatusCode::OK, &token.to_answer(with_link), trace))
            }
        }
        .unwrap_or_else(|| errors::answer(&[errors::INTERNAL.error()], trace))
    }

    fn session_answer(&self, session: &SessionRecord, trace: &str) -> Response {
        errors::json_answer(StatusCode::OK, &session.to_answer(self.settings.drop_actor_keys), trace)
    }

    /// All that are kept.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether the answer to the creation of this token was delivered.
    pub(crate) fn set_delivered(&mut self, id: &str, delivered: bool) {
        self.tokens.edit(id, |token| token.delivered = delivered);
    }

    /// A commit is at this place of the ledger.
    pub(crate) fn note_commit(&mut self, kind: CommitKind, id: &str, place: u64) {
        match kind {
            CommitKind::RevokeSession => self.sessions.note_commit(id, place),
            CommitKind::Create | CommitKind::Revoke => self.tokens.note_commit(id, place),
        }
    }

    /// Forgets a token or a session, if there are more than are kept. Returns the places of its commits.
    pub(crate) fn forget(&mut self, now: i64) -> Option<Vec<u64>> {
        let bound = Bound::of(self.settings.keep_tokens?);
        let of_token = self.tokens.forget(bound, now);
        of_token.or_else(|| self.sessions.forget(bound, now, &self.settings))
    }

    /// What is stored under an id.
    pub(crate) fn token(&self, id: &str) -> Option<&Token> {
        self.tokens.get(id)
    }

    /// Of whom a commit is.
    pub(crate) fn subject(&self, commit: &Commit) -> Option<Subject<'_>> {
        match commit.kind {
            CommitKind::RevokeSession => {
                let session = self.sessions.get(&commit.id)?;
                Some(Subject { user_id: &session.user_id, actor_sub: session.actor_sub() })
            }
            CommitKind::Create | CommitKind::Revoke => {
                let token = self.tokens.get(&commit.id)?;
                Some(Subject { user_id: &token.user_id, actor_sub: token.actor_sub() })
            }
        }
    }
}
