//! Transports over HTTP/2 that are wrong on purpose, each in one way, and the cells that each fails: these and no others.

use std::{collections::BTreeSet, thread, time::Duration};

use clerk_actor_tokens::{
    hyper::HyperTransport,
    testing::conformance::Kit,
    transport::{
        BoxFuture, CallContext, Deadline, HttpTransport, Request, Response, SystemTimer, Timer, TransportError,
        TransportErrorKind, transport_fn,
    },
};

use crate::h2_peer::H2Peer;

type Sent = Result<Response, TransportError>;
type Send = fn(HyperTransport, Request, CallContext) -> BoxFuture<'static, Sent>;

/// A client may read the end of the connection before it reads GOAWAY: what it knows then is less, and chance.
const BY_CHANCE: &str = "peer.goaway_before.";

/// What it is, what it does, and the acts that find it, each on a fresh and on a reused connection.
const WRONG: [(&str, Send, &[&str]); 7] = [
    (
        "says that a broken exchange had not begun",
        |inner, request, context| renamed(inner, request, context, TransportErrorKind::Canceled),
        &["cancel", "close", "goaway_behind", "internal_error", "no_error", "reset"],
    ),
    (
        "takes a broken exchange for a refused one",
        |inner, request, context| renamed(inner, request, context, TransportErrorKind::Refused),
        &["cancel", "close", "goaway_behind", "internal_error", "no_error", "reset"],
    ),
    (
        "sends again what broke off",
        |inner, request, context| {
            Box::pin(async move {
                match inner.send(request.clone(), context.clone()).await {
                    Err(error) if error.kind() == TransportErrorKind::Interrupted => inner.send(request, context).await,
                    sent => sent,
                }
            })
        },
        &["cancel", "close", "cut_body", "goaway_behind", "internal_error", "no_error", "reset"],
    ),
    (
        "sends again what was refused",
        |inner, request, context| {
            Box::pin(async move {
                match inner.send(request.clone(), context.clone()).await {
                    Err(error) if is_refusal(&error) => inner.send(request, context).await,
                    sent => sent,
                }
            })
        },
        &["proof_of_refusal", "refuse"],
    ),
    (
        "proves nothing",
        |inner, request, context| {
            Box::pin(async move {
                inner.send(request, context).await.map_err(|error| match is_refusal(&error) {
                    true => TransportErrorKind::Interrupted.into(),
                    false => error,
                })
            })
        },
        &["proof_of_refusal"],
    ),
    (
        "has no deadline",
        |inner, request, context| {
            let later = Deadline::after(SystemTimer.now(), Duration::from_secs(60));
            inner.clone().sent(request, context.with_deadline(later))
        },
        &["no_window", "silence", "stalled_body"],
    ),
    (
        "makes an answer of what broke off",
        |inner, request, context| Box::pin(async move { Ok(inner.send(request, context).await.unwrap_or_default()) }),
        &[
            "cancel",
            "close",
            "cut_body",
            "goaway_behind",
            "internal_error",
            "no_error",
            "no_window",
            "proof_of_refusal",
            "refuse",
            "reset",
            "silence",
            "stalled_body",
        ],
    ),
];

fn is_refusal(error: &TransportError) -> bool {
    matches!(error.kind(), TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection)
}

fn renamed(
    inner: HyperTransport,
    request: Request,
    context: CallContext,
    to: TransportErrorKind,
) -> BoxFuture<'static, Sent> {
    Box::pin(async move {
        inner.send(request, context).await.map_err(|error| match error.kind() {
            TransportErrorKind::Interrupted if error.partial().is_none() => to.into(),
            _ => error,
        })
    })
}

trait IntoSent {
    fn sent(self, request: Request, context: CallContext) -> BoxFuture<'static, Sent>;
}

impl IntoSent for HyperTransport {
    fn sent(self, request: Request, context: CallContext) -> BoxFuture<'static, Sent> {
        Box::pin(async move { self.send(request, context).await })
    }
}

#[test]
fn each_fails_the_cells_that_say_so_and_no_others() {
    let differs: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = WRONG.iter().map(|wrong| scope.spawn(move || judge(wrong))).collect();
        running.into_iter().filter_map(|wrong| wrong.join().unwrap()).collect()
    });
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}

fn judge((name, send, fails): &'static (&str, Send, &[&str])) -> Option<String> {
    let make = move || {
        let inner = HyperTransport::builder().http_only().http2_prior_knowledge().build().unwrap();
        transport_fn(move |request, context| send(inner.clone(), request, context))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kit = || Kit::new(make).peer(H2Peer).require_proofs();
    let cells: Vec<_> = kit().names().into_iter().filter(|name| name.starts_with("peer.")).collect();
    let kit = kit().block_on(move |future| runtime.block_on(future));
    let report = cells.iter().fold(kit, |kit, cell| kit.only(cell)).run();
    let names = report.failed().map(|cell| cell.name().to_owned());
    let failed: BTreeSet<_> = names.filter(|name| !name.starts_with(BY_CHANCE)).collect();
    let both = |act: &&str| [format!("peer.{act}.fresh"), format!("peer.{act}.reused")];
    let expected: BTreeSet<_> = fails.iter().flat_map(both).collect();
    let (more, fewer): (Vec<_>, Vec<_>) =
        (failed.difference(&expected).collect(), expected.difference(&failed).collect());
    (failed != expected).then(|| format!("what {name}\n    fails also {more:?}\n    does not fail {fewer:?}\n{report}"))
}
