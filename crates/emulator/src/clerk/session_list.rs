//! Listing sessions: the parameters, then a page.

use http::StatusCode;
use serde::Serialize;

use super::{
    Clerk, Outcome,
    errors::{ApiError, PARAM_INVALID, PARAM_MISSING, PARAM_UNKNOWN, json_answer},
    gate::VERSION_PARAMETER,
    query,
    refusal::Refusal,
    session::{ACTIVE, OVER, PENDING, SessionAnswer, SessionRecord},
};

const CLIENT_ID: &str = "client_id";
const USER_ID: &str = "user_id";
const STATUS: &str = "status";
const PAGINATED: &str = "paginated";
const LIMIT: &str = "limit";
const OFFSET: &str = "offset";

const KNOWN: [&str; 7] = [CLIENT_ID, USER_ID, STATUS, PAGINATED, LIMIT, OFFSET, VERSION_PARAMETER];

const DEFAULT_LIMIT: usize = 10;
const MOST: usize = 500;

/// What is asked for.
struct Wanted {
    client_id: Option<String>,
    user_id: Option<String>,
    status: Option<String>,
    paginated: bool,
    limit: usize,
    offset: usize,
}

impl Clerk {
    pub(super) fn list_sessions(&self, query: &str, now: i64, trace: &str) -> Result<Outcome, Refusal> {
        let wanted = read(query, self.settings.pending_filter)?;
        let listed = self.sessions.listed(now, &self.settings);
        let matching: Vec<_> = listed.into_iter().filter(|session| wanted.matches(session)).collect();
        let page = matching.iter().skip(wanted.offset).take(wanted.limit);
        let page: Vec<_> = page.map(|session| session.to_answer(self.settings.drop_actor_keys)).collect();
        let response = if wanted.paginated {
            json_answer(StatusCode::OK, &Page { data: page, total_count: matching.len() }, trace)
        } else {
            json_answer(StatusCode::OK, &page, trace)
        };
        Ok(Outcome { response, commit: None })
    }
}

/// The answer with `paginated=true`.
#[derive(Serialize)]
struct Page<'a> {
    data: Vec<SessionAnswer<'a>>,
    /// Of all pages.
    total_count: usize,
}

impl Wanted {
    fn matches(&self, session: &SessionRecord) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.client_id, &session.client_id)
            && is(&self.user_id, &session.user_id)
            && is(&self.status, &session.status)
    }
}

/// The parameters, or everything that is wrong with them.
fn read(query: &str, pending_filter: bool) -> Result<Wanted, Refusal> {
    let text = |name| query::first(query, name);
    let mut errors: Vec<ApiError> = Vec::new();
    let unknown = query::pairs(query).filter(|(name, _)| !KNOWN.contains(&name.as_str()));
    errors.extend(unknown.map(|(name, _)| PARAM_UNKNOWN.param(&name)));
    let (client_id, user_id, status) = (text(CLIENT_ID), text(USER_ID), text(STATUS));
    if client_id.is_none() && user_id.is_none() {
        errors.push(PARAM_MISSING.param(USER_ID));
    }
    let is_known = |word: &str| word == ACTIVE || OVER.contains(&word) || (pending_filter && word == PENDING);
    if status.as_deref().is_some_and(|word| !is_known(word)) {
        errors.push(PARAM_INVALID.param(STATUS));
    }
    let mut number = |name, default: usize, least: usize, most: usize| match text(name) {
        None => default,
        Some(text) => text.parse().ok().filter(|number| (least..=most).contains(number)).unwrap_or_else(|| {
            errors.push(PARAM_INVALID.param(name));
            default
        }),
    };
    let limit = number(LIMIT, DEFAULT_LIMIT, 1, MOST);
    let offset = number(OFFSET, 0, 0, usize::MAX);
    let paginated = text(PAGINATED);
    if paginated.as_deref().is_some_and(|value| value != "true" && value != "false") {
        errors.push(PARAM_INVALID.param(PAGINATED));
    }
    let paginated = paginated.as_deref() == Some("true");
    if errors.is_empty() {
        Ok(Wanted { client_id, user_id, status, paginated, limit, offset })
    } else {
        Err(Refusal { errors, retry_after: None })
    }
}
