//! The pages for people, filled in: everything at a glance, one session, and the files that they load.
//!
//! They show what `state` and `requests` show. Links and tickets they never show: the browser gets a link by a redirect.

use std::{collections::BTreeSet, sync::OnceLock};

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use clerk_actor_tokens_core::{Actor, ActorTokenStatus, Timestamp};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, REFERRER_POLICY},
};

use super::{answer::Refused, plane::Plane};
use crate::{
    call::CallKind,
    clerk::{StoredSession, StoredToken},
    fault,
    journal::Journal,
    pages::{
        self, FaultRow, Forms, Overview, RefusedPage, RequestRow, Rows, SessionPage, SessionRow, TokenRow, masked,
    },
    script::{Scripted, Scripts},
};

/// How many rows a table has at most.
const ROWS: usize = 200;

pub(super) async fn overview(State(plane): State<Plane>) -> Response {
    let now = plane.inner().clock.millis();
    let mut state = plane.inner().lock();
    let counts = state.clerk.counts(now);
    let created = number(state.ledger.creates());
    let sessions = latest("sessions", counts.sessions, state.clerk.sessions(now).rev().map(|it| session_row(&it)));
    let tokens = latest("tokens", created, state.tokens(now).rev().map(|it| token_row(&it)));
    let settings = state.clerk.settings();
    let page = Overview {
        now: Timestamp::from_millis(now).into(),
        seed: settings.seed,
        users: settings.users.as_ref().map_or_else(|| "every id".to_owned(), |users| users.len().to_string()),
        counts: vec![
            ("Created tokens", created),
            ("Live tokens", number(counts.live_tokens)),
            ("Orphans", counts.orphans),
            ("Live sessions", number(counts.live_sessions)),
            ("Queued faults", number(state.scripts.unused().count())),
        ],
        tokens,
        sessions,
        requests: requests(&state.journal),
        faults: faults(&state.scripts),
        known_faults: known_faults(),
    };
    let forms = if settings.tokens.application_url.is_some() { Forms::LeadOn } else { Forms::Here };
    // The browser shall name the page's origin when it sends a form: without a referrer it would name none.
    let mut response = pages::answer(StatusCode::OK, &page, forms);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response.map(Body::from)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn latest<T>(what: &str, total: u64, newest_first: impl Iterator<Item = T>) -> Rows<T> {
    let rows: Vec<T> = newest_first.take(ROWS).collect();
    let caption = match (number(rows.len()), total) {
        (_, 0) => format!("No {what} yet."),
        (shown, total) if shown < total => format!("The latest {shown} of {total} {what}, the newest first."),
        (_, total) => format!("All {what}, the newest first: {total}."),
    };
    Rows { caption, rows }
}

fn token_row(token: &StoredToken) -> TokenRow {
    let is_pending = *token.status() == ActorTokenStatus::Pending;
    let more = match () {
        () if is_pending && !token.is_live() => ", expired",
        () if token.is_orphan() => ", its answer was not delivered",
        () => "",
    };
    TokenRow {
        id: token.id().to_string(),
        user: masked(token.user_id()),
        actor: pages::actor_named(token.actor().sub()),
        status: format!("{}{more}", masked(token.status().as_str())),
        created: token.created_at().into(),
        expires: token.expires_at().into(),
        is_live: token.is_live(),
        is_pending,
    }
}

fn session_row(session: &StoredSession) -> SessionRow {
    SessionRow {
        id: session.id().to_owned(),
        user: masked(session.user_id()),
        actor: session.actor().map_or_else(String::new, |actor: &Actor| pages::actor_named(actor.sub())),
        status: masked(session.status()),
        expires: session.expire_at().into(),
        is_live: session.is_live(),
    }
}

fn requests(journal: &Journal) -> Rows<RequestRow> {
    let total = journal.total();
    let numbered = journal.iter().rev().zip((1..=total).rev()).map(|(request, number)| RequestRow {
        number,
        at: request.at().into(),
        method: masked(request.method().as_str()),
        path: masked(request.path()),
        status: request.status().map_or_else(|| "no answer".to_owned(), |status| status.as_u16().to_string()),
        fault: request.fault().map_or_else(String::new, masked),
    });
    latest("requests", total, numbered)
}

/// Those that are to come, in their order, and those that did nothing.
fn faults(scripts: &Scripts) -> Rows<FaultRow> {
    let written = |scripted: &Scripted| masked(&scripted.to_string());
    let queued = scripts.unused().map(|fault| FaultRow { text: written(fault), state: "queued".to_owned() });
    let idle = scripts
        .idle()
        .map(|(fault, why)| FaultRow { text: written(fault), state: format!("met, and did nothing: {why}") });
    let total = scripts.unused().count().saturating_add(scripts.idle().count());
    let rows: Vec<FaultRow> = queued.chain(idle).take(ROWS).collect();
    let caption = match (rows.len(), total) {
        (_, 0) => "No fault is queued.".to_owned(),
        (shown, total) if shown < total => format!("The first {shown} of {total} faults, in their order."),
        (_, total) => format!("All faults, in their order: {total}."),
    };
    Rows { caption, rows }
}

/// One fault of each name, for each call, and each time: what the field for a fault suggests.
fn known_faults() -> &'static [String] {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut names = BTreeSet::new();
        let catalogue = fault::catalogue();
        let one_of_each = catalogue.iter().filter(|fault| {
            let text = fault.name();
            names.insert(text.split('(').next().unwrap_or_default().to_owned())
        });
        let one_of_each: Vec<_> = one_of_each.collect();
        let mut known = Vec::new();
        for kind in CallKind::ALL {
            for fault in &one_of_each {
                known.extend(fault.phases_of(kind).iter().map(|phase| format!("{kind}:{phase}:{fault}")));
            }
        }
        known
    })
}

/// The banner of a session, which the page of a link leads to.
pub(super) async fn session(State(plane): State<Plane>, id: Result<Path<String>, PathRejection>) -> Response {
    let now = plane.inner().clock.millis();
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let found = plane.inner().lock().clerk.session(&id, now);
    match found {
        Some(session) => pages::answer(StatusCode::OK, &SessionPage { session: session_row(&session) }, Forms::Here),
        None => {
            let why = "There is no such session.".to_owned();
            pages::answer(StatusCode::NOT_FOUND, &RefusedPage { why }, Forms::Here)
        }
    }
    .map(Body::from)
}

/// What a person sees where a program gets JSON.
pub(super) fn refused(refused: Refused) -> Response {
    let (status, why) = refused.into_parts();
    pages::answer(status, &RefusedPage { why }, Forms::Here).map(Body::from)
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../assets/page.css"))
}

pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../assets/page.js"))
}

pub(super) async fn link_script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../assets/link.js"))
}

pub(super) async fn icon() -> Response {
    file("image/svg+xml", include_str!("../../assets/icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}
