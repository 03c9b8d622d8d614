//! The pages for people, as they are written: the templates, and what a browser may do with them.
//!
//! Knows neither Clerk nor the control plane: both fill the templates in. A text of somebody else is masked before it
//! comes here; askama escapes it for HTML.

mod headers;

use askama::Template;
use clerk_actor_tokens_core::{Request, Response, Sanitized, Timestamp};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};

pub(crate) use self::headers::{Forms, allow, protect};

/// The request came to a server that has the pages, by a name that they are for: an extension of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HasPages;

/// Whether it is a browser that shows the answer to a person.
pub(crate) fn wants_html(headers: &http::HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = accepts.flat_map(|value| value.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.into_iter().any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

/// The same, and that there are pages.
pub(crate) fn are_wanted(request: &Request) -> bool {
    request.extensions().get::<HasPages>().is_some() && wants_html(request.headers())
}

/// The page of a link.
#[derive(Template)]
#[template(path = "link.html")]
pub(crate) struct LinkPage {
    pub(crate) user: String,
    pub(crate) actor: String,
    pub(crate) expires: Moment,
}

/// The page of a session: the banner.
#[derive(Template)]
#[template(path = "session.html")]
pub(crate) struct SessionPage {
    pub(crate) session: SessionRow,
}

/// What was not done, and why.
#[derive(Template)]
#[template(path = "refused.html")]
pub(crate) struct RefusedPage {
    pub(crate) why: String,
}

/// All there is.
#[derive(Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    pub(crate) now: Moment,
    pub(crate) seed: u64,
    pub(crate) users: String,
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) tokens: Rows<TokenRow>,
    pub(crate) sessions: Rows<SessionRow>,
    pub(crate) requests: Rows<RequestRow>,
    pub(crate) faults: Rows<FaultRow>,
    pub(crate) known_faults: &'static [String],
}

/// The rows of a table, and what they are.
pub(crate) struct Rows<T> {
    pub(crate) caption: String,
    pub(crate) rows: Vec<T>,
}

pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) actor: String,
    pub(crate) status: String,
    pub(crate) created: Moment,
    pub(crate) expires: Moment,
    pub(crate) is_live: bool,
    pub(crate) is_pending: bool,
}

pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) user: String,
    /// Empty if the user signed in.
    pub(crate) actor: String,
    pub(crate) status: String,
    pub(crate) expires: Moment,
    pub(crate) is_live: bool,
}

pub(crate) struct RequestRow {
    /// Its place among all that came.
    pub(crate) number: u64,
    pub(crate) at: Moment,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: String,
    pub(crate) fault: String,
}

pub(crate) struct FaultRow {
    pub(crate) text: String,
    pub(crate) state: String,
}

/// A moment, exactly (RFC 3339), and as people read it.
pub(crate) struct Moment {
    pub(crate) exact: String,
    pub(crate) text: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let exact = at.to_string();
        let seconds = exact.split_once('.').map_or(exact.as_str(), |(seconds, _)| seconds);
        let text = format!("{} UTC", seconds.replacen('T', " ", 1));
        Self { exact, text }
    }
}

/// A text that somebody else wrote, without a credential that may be in it.
pub(crate) fn masked(text: &str) -> String {
    Sanitized::new(text).to_string()
}

/// The subject of an actor, or what is said where it has none.
pub(crate) fn actor_named(sub: Option<&str>) -> String {
    sub.map_or_else(|| "an actor without a subject".to_owned(), masked)
}

/// A page, protected.
pub(crate) fn answer(status: StatusCode, page: &impl Template, forms: Forms) -> Response {
    // Writing into a text cannot fail.
    let mut response = Response::new(page.render().unwrap_or_default().into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    allow(headers, forms);
    protect(headers);
    response
}
