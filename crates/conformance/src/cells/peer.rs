//! The law over another protocol, by a server that the user of the kit has brought.

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::{
    Execution, SystemTimer, Timer as _, TransportErrorKind,
    bytes::Bytes,
    http::{HeaderName, HeaderValue},
};

use super::row::{Make, Planned};
use crate::{
    peer::{Peer, PeerAct, PeerServer, WARM_UP},
    stage::{Checked, LONG, Otherwise, Outgoing, SETTLE, SHORT, Stage, Witness, demand, fail},
};

/// What is demanded of the end of an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// The answer.
    Answer,
    /// An error, and what happened is unknown.
    Unknown,
    /// An error; `NotExecuted` is allowed, because the peer says so.
    Refused,
    /// The same, and it must say `NotExecuted`.
    Proof,
}

/// An act, what it is called, and what is demanded.
struct Row {
    name: [&'static str; 2],
    demand: &'static str,
    act: PeerAct,
    of: Demand,
}

macro_rules! rows {
    ($($name:literal, $act:expr, $of:ident, $demand:literal;)+) => {
        [$(Row {
            name: [concat!("peer.", $name, ".fresh"), concat!("peer.", $name, ".reused")],
            demand: $demand,
            act: $act,
            of: Demand::$of,
        }),+]
    };
}

static ROWS: [Row; 14] = rows! {
    "answer", PeerAct::Answer, Answer, "The peer answers: its answer is handed on";
    "close", PeerAct::Close, Unknown, "The peer reads the request and closes: unknown, sent once";
    "reset", PeerAct::Reset, Unknown, "The peer reads the request and resets the connection: unknown, sent once";
    "silence", PeerAct::Silence, Unknown, "The peer reads the request and is silent to the deadline: unknown, sent once";
    "internal_error", PeerAct::ResetStream(2), Unknown, "The peer resets the stream with INTERNAL_ERROR: unknown, sent once";
    "cancel", PeerAct::ResetStream(8), Unknown, "The peer resets the stream with CANCEL: unknown, sent once";
    "no_error", PeerAct::ResetStream(0), Unknown, "The peer resets the stream with NO_ERROR: unknown, sent once";
    "cut_body", PeerAct::CutBody, Unknown, "The peer resets the stream within the body: unknown, sent once";
    "stalled_body", PeerAct::StallBody, Unknown, "The peer is silent within the body, to the deadline: unknown, sent once";
    "goaway_behind", PeerAct::GoAwayBehind, Unknown, "The peer goes away and may have processed the request: unknown, sent once";
    "no_window", PeerAct::NoWindow, Unknown, "The peer grants no room for the body, to the deadline: unknown, sent once";
    "refuse", PeerAct::Refuse, Refused, "The peer refuses the stream: an error, sent once";
    "goaway_before", PeerAct::GoAwayBefore, Refused, "The peer goes away and did not process the request: an error, sent once";
    "proof_of_refusal", PeerAct::Refuse, Proof, "A refused stream proves that nothing was executed";
};

/// The cells, over what this peer starts.
pub(super) fn cells<'a>(make: &'a Make, peer: &'a Arc<dyn Peer>) -> impl Iterator<Item = Planned> + 'a {
    let each = ROWS
        .iter()
        .flat_map(|row| row.name.into_iter().zip([false, true]).map(move |(name, reused)| (row, name, reused)));
    each.map(|(row, name, reused)| {
        let (make, peer) = (Arc::clone(make), Arc::clone(peer));
        Planned {
            name: name.into(),
            demand: row.demand,
            source: "the one law: never `NotExecuted` when the server has the request, unless it says that it did not process it",
            check: Box::new(move || {
                let (make, peer) = (Arc::clone(&make), Arc::clone(&peer));
                Box::pin(async move { judge(&Stage::new(make()), &*peer, row, reused).await })
            }),
        }
    })
}

/// What the stage sees of a peer's server.
struct Seen<'a> {
    server: &'a dyn PeerServer,
    refuses: bool,
}

impl Witness for Seen<'_> {
    fn times_seen(&self, exchange: u32) -> usize {
        let number = exchange.to_string();
        self.server.exchanges().iter().filter(|seen| **seen == number).count()
    }

    fn refuses(&self) -> bool {
        self.refuses
    }
}

async fn judge(stage: &Stage, peer: &dyn Peer, row: &Row, reused: bool) -> Checked {
    let is_sat_out = matches!(row.act, PeerAct::Silence | PeerAct::StallBody | PeerAct::NoWindow);
    let deadlines: &[Duration] = if is_sat_out { &SHORT } else { &[LONG] };
    for has_body in [true, false] {
        if row.act == PeerAct::NoWindow && !has_body {
            continue;
        }
        let mut last = fail("nothing was sent");
        for deadline in deadlines {
            last = once(stage, peer, row, reused, *deadline, has_body).await;
            if !matches!(last, Err(Otherwise::Failed(_))) {
                break;
            }
        }
        last.map_err(|otherwise| otherwise.about(if has_body { "with a body" } else { "without a body" }))?;
    }
    Ok(())
}

fn post(stage: &Stage, server: &dyn PeerServer) -> Result<Outgoing, Otherwise> {
    stage.post_to(&format!("{}/v1/actor_tokens", server.origin()))
}

async fn once(stage: &Stage, peer: &dyn Peer, row: &Row, reused: bool, deadline: Duration, has_body: bool) -> Checked {
    let server = peer.start(row.act).await?;
    let seen = Seen { server: &*server, refuses: matches!(row.of, Demand::Refused | Demand::Proof) };
    if reused {
        let mut warm_up = post(stage, &*server)?;
        warm_up.request.headers_mut().insert(HeaderName::from_static(WARM_UP), HeaderValue::from_static("1"));
        *warm_up.request.body_mut() = Bytes::new();
        stage.send(&seen, warm_up).await?.answer()?;
        SystemTimer.sleep(SETTLE).await;
    }
    let before = server.connections();
    let mut sent = post(stage, &*server)?;
    if !has_body {
        *sent.request.body_mut() = Bytes::new();
    }
    stage.bound(&mut sent, deadline);
    let ended = stage.send(&seen, sent).await?;
    let exchange = ended.exchange;
    demand(seen.times_seen(exchange) > 0, || "the peer never read the request".into())?;
    match row.of {
        Demand::Answer => {
            let answer = ended.answer()?;
            demand(answer.body() == &b"hello"[..], || "the body is not what was sent".into())?;
        }
        Demand::Unknown => drop(ended.error()?),
        Demand::Refused => drop(ended.error()?),
        Demand::Proof => {
            let error = ended.error()?;
            let is_refusal =
                matches!(error.kind(), TransportErrorKind::Refused | TransportErrorKind::RefusedOnNewConnection);
            if !is_refusal || error.execution() != Execution::NotExecuted {
                return Err(Otherwise::NotProved(format!("it ended with {error:?}")));
            }
        }
    }
    // A second send may come later than the end of the first.
    SystemTimer.sleep(SETTLE).await;
    demand(seen.times_seen(exchange) == 1, || "the peer read the request twice".into())?;
    match reused && server.connections() > before {
        true => Err(Otherwise::NotApplicable("the request went over a new connection".into())),
        false => Ok(()),
    }
}
