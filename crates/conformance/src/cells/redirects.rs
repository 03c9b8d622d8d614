//! A redirect is an answer like any other. A client that follows it sends a second request, takes the answer to that for the
//! answer to the first, and may take a failure to connect for the failure of the whole.

use std::sync::Arc;

use clerk_actor_tokens_core::{
    Execution, SystemTimer, Timer as _,
    bytes::Bytes,
    http::{Method, header::AUTHORIZATION},
};

use super::{
    closed_port::ClosedPort,
    row::{CONTRACT, Make, Planned, whole},
};
use crate::{
    server::{Act, Reads, Seen, Server},
    stage::{Checked, SETTLE, Stage, Witness, demand, fail},
};

/// Whether the client may follow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    Stay,
    /// It was configured by somebody else: where it follows one, the end of the exchange is unknown.
    MayBeFollowed,
}

/// Where a redirect leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    ClosedPort,
    AnotherOrigin,
    AnotherPath,
    Itself,
}

const CELLS: [(&str, To, &str); 4] = [
    (
        "law.redirect_to_nobody",
        To::ClosedPort,
        "A redirect (301, 302, 303, 307, 308) to a port without a listener is the answer: it is not followed, and no error says \
         that nothing was executed",
    ),
    (
        "law.redirect_to_another_origin",
        To::AnotherOrigin,
        "A redirect to another server is the answer: that server gets no request, and not the key",
    ),
    ("law.redirect_to_another_path", To::AnotherPath, "A redirect to another path of the server is the answer"),
    ("law.redirect_to_itself", To::Itself, "A redirect to the URL that was asked for is the answer"),
];

pub(super) fn cells(make: &Make, redirects: Redirects) -> impl Iterator<Item = Planned> {
    CELLS.into_iter().map(move |(name, to, demand)| {
        let make = Arc::clone(make);
        Planned {
            name: name.into(),
            demand,
            source: CONTRACT,
            check: Box::new(move || {
                let make = Arc::clone(&make);
                Box::pin(async move { judge(&Stage::new(make()), to, redirects).await })
            }),
        }
    })
}

/// Counts what has the call's method: another may be what a client makes of a redirect.
struct OfItsMethod<'a>(&'a Server);

impl Witness for OfItsMethod<'_> {
    fn times_seen(&self, exchange: u32) -> usize {
        self.0.seen_of(exchange).iter().filter(|seen| is_of_the_call(seen)).count()
    }
}

fn is_of_the_call(seen: &Seen) -> bool {
    seen.request.method == Method::POST.as_str()
}

async fn judge(stage: &Stage, to: To, redirects: Redirects) -> Checked {
    for status in [301, 302, 303, 307, 308] {
        for has_body in [true, false] {
            let what = format!("status {status}, {} a body", if has_body { "with" } else { "without" });
            one(stage, to, redirects, status, has_body).await.map_err(|otherwise| otherwise.about(&what))?;
        }
    }
    Ok(())
}

const ELSEWHERE: &str = "/elsewhere";

async fn one(stage: &Stage, to: To, redirects: Redirects, status: u16, has_body: bool) -> Checked {
    let other = Server::acting([Act::Write(whole("200 OK", b"{}").into())])?;
    let closed = ClosedPort::new()?;
    let location = match to {
        To::ClosedPort => format!("http://{}{ELSEWHERE}", closed.address()),
        To::AnotherOrigin => format!("http://{}{ELSEWHERE}", other.address()),
        To::AnotherPath => ELSEWHERE.to_owned(),
        To::Itself => String::new(),
    };
    let server = Server::start(Reads::Request, move |seen| {
        // What a client makes of a redirect is answered, so that it can take that for the answer.
        if seen.request.target == ELSEWHERE || !is_of_the_call(seen) {
            return vec![Act::Write(whole("200 OK", b"{}").into())];
        }
        let location = if location.is_empty() { &seen.request.target } else { &location };
        vec![Act::Write(whole(&format!("{status} X\r\nlocation: {location}"), b"").into())]
    })?;
    let mut sent = stage.post(&server)?;
    if !has_body {
        *sent.request.body_mut() = Bytes::new();
    }
    let ended = stage.send(&OfItsMethod(&server), sent).await?;
    match (ended.result, redirects) {
        (Ok(answer), _) => demand(answer.status() == status, || {
            format!("the answer is of status {}, to another request", answer.status().as_u16())
        })?,
        (Err(error), Redirects::MayBeFollowed) => {
            demand(error.execution() == Execution::Unknown, || format!("the end is not unknown: {error:?}"))?
        }
        (Err(error), Redirects::Stay) => return fail(format!("no answer, but {error:?}")),
    }
    // A second request may come later than the end of the first.
    SystemTimer.sleep(SETTLE).await;
    let (here, there) = (server.seen(), other.seen());
    let with_its_method = here.iter().chain(&there).filter(|seen| is_of_the_call(seen)).count();
    demand(with_its_method == 1, || format!("{with_its_method} requests with the method of the call"))?;
    let has_key = |seen: &Seen| seen.request.header(AUTHORIZATION.as_str()).is_some();
    demand(!there.iter().any(has_key), || "the key was sent to another server".into())?;
    let all = here.len().saturating_add(there.len());
    demand(redirects == Redirects::MayBeFollowed || all == 1, || "it was followed".into())
}
