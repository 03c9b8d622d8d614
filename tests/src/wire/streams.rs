//! More creations at once than an HTTP/2 server takes streams: no request is begun without room, or for a caller who has left.
//!
//! The server says how many streams it takes, and counts what arrives (`streams/peer.rs`). Where it does not answer, it is
//! full. Then the callers leave, or their deadline passes. From then on a marker is set, and room is made. No body may begin
//! behind the marker. No clock is needed for that.

mod figures;
mod peer;
mod record;
mod says;

use std::time::Duration;

use clerk_actor_tokens::{Actor, BaseUrl, Client, SecretKey, hyper::HyperTransport};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

pub use self::figures::Figures;
use self::{figures::Seen, peer::Peer, says::Says};
use super::{
    BoxError,
    ledger::{Call, Ended, Reports, Verdict},
    protocol::Protocol,
};

/// How many creations, and for how long they wait for a server that does not answer.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// How many creations at once.
    pub calls: usize,
    /// The deadline where it is to pass.
    pub deadline: Duration,
}

/// Far more than anything here takes: a call or a wait that is longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the calls end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server answers.
    Answered,
    /// It does not, and the callers leave. Their client breaks off what is in flight.
    LeaveAndCancel,
    /// It does not, and the callers leave. Their client detaches what is in flight.
    LeaveAndDetach,
    /// It does not, and the deadline passes.
    Deadline,
}

impl End {
    const ALL: [Self; 4] = [Self::Answered, Self::LeaveAndCancel, Self::LeaveAndDetach, Self::Deadline];
}

impl Streams {
    /// Makes the creations, once for each limit and each end.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let mut figures = Figures::default();
        for says in Says::ALL {
            for end in End::ALL {
                let mut streams = self;
                let seen = loop {
                    match streams.burst(says, end).await? {
                        Some(seen) => break seen,
                        None => streams.deadline = streams.deadline.saturating_mul(4),
                    }
                };
                figures.add(&format!("{says}, {end:?}"), seen);
            }
        }
        Ok(figures)
    }

    /// `None` if a call ended before the server was full: the machine had too much to do for its deadline. With the longest it is
    /// a fault.
    async fn burst(self, says: Says, end: End) -> Result<Option<Seen>, BoxError> {
        let peer = Peer::start(says, end == End::Answered).await?;
        let transport = Protocol::Http2.transport(None)?.connect_timeout(PATIENCE).build()?;
        let timeout_of_calls = if end == End::Deadline { self.deadline } else { PATIENCE };
        let (reports, key, url) = (Reports::default(), SecretKey::new("sk_test_wire")?, BaseUrl::new(peer.url())?);
        let detaching = reports.client(transport, key, url, timeout_of_calls)?;
        let client = if end == End::LeaveAndCancel { detaching.cancel_on_drop() } else { detaching.clone() };
        let mut seen = Seen::default();
        let began = Instant::now();
        let mut running = JoinSet::new();
        for number in 0..self.calls {
            running.spawn(create(client.clone(), format!("user_{number}")));
        }
        let calls = match end {
            End::Answered => all(&mut running, &mut seen).await,
            End::LeaveAndCancel | End::LeaveAndDetach => {
                self.fill(&peer, says, &mut seen).await;
                running.abort_all();
                let calls = all(&mut running, &mut seen).await;
                peer.mark();
                calls
            }
            End::Deadline => {
                let is_full = tokio::select! {
                    biased;
                    () = self.fill(&peer, says, &mut seen) => true,
                    _ = running.join_next() => false,
                };
                if !is_full && self.deadline >= PATIENCE {
                    seen.hangs.push("the server, which was never full although no deadline had passed".to_owned());
                } else if !is_full {
                    running.shutdown().await;
                    drop(detaching.close(Duration::ZERO).await);
                    return Ok(None);
                }
                let first = timeout(self.deadline + PATIENCE, running.join_next()).await;
                // The deadline of all: they began together.
                peer.mark();
                let mut calls = all(&mut running, &mut seen).await;
                calls.extend(first.ok().flatten().and_then(Result::ok));
                calls
            }
        };
        let mut calls = calls;
        calls.extend(left(self.calls, &calls));
        seen.took = began.elapsed();
        if timeout(PATIENCE, peer.free()).await.is_err() {
            seen.hangs.push("the connection, once there was room".to_owned());
        }
        let closed = match timeout(PATIENCE * 2, detaching.close(PATIENCE)).await {
            Ok(closed) => closed,
            Err(_) => {
                seen.hangs.push("close".to_owned());
                detaching.close(Duration::ZERO).await
            }
        };
        if closed.in_flight() > 0 {
            seen.hangs.push(format!("{} creations in flight after close", closed.in_flight()));
        }
        seen.record = peer.record();
        let mut verdict = Verdict::default();
        seen.broken.extend(verdict.add(peer.commits(), &calls, &reports.all()));
        if end == End::Answered && verdict.ok != self.calls {
            seen.broken.push(format!("{} of {} creations are Ok", verdict.ok, self.calls));
        }
        seen.verdict = verdict;
        Ok(Some(seen))
    }

    /// Waits until the server is full: it has as many whole requests as it takes at once, and its last limit is in force.
    async fn fill(self, peer: &Peer, says: Says, seen: &mut Seen) {
        let full = usize::try_from(says.first()).unwrap_or(usize::MAX).min(self.calls);
        let filled = async {
            peer.until(|record| record.whole >= full).await;
            if let Some(limit) = says.lowered() {
                peer.lower(limit);
                peer.until(|record| record.in_force() == Some(limit)).await;
            }
        };
        if timeout(PATIENCE, filled).await.is_err() {
            seen.hangs.push(format!("the server never had {full} requests"));
        }
    }
}

async fn create(client: Client<HyperTransport>, user: String) -> Call {
    let ended = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send().await;
    (user, ended.into())
}

/// Waits for all calls. One that was aborted has no result.
async fn all(running: &mut JoinSet<Call>, seen: &mut Seen) -> Vec<Call> {
    let mut calls = Vec::new();
    let ending = async {
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(call) => calls.push(call),
                Err(error) if error.is_cancelled() => {}
                Err(panic) => seen.broken.push(panic.to_string()),
            }
        }
    };
    if timeout(PATIENCE * 2, ending).await.is_err() {
        seen.hangs.push(format!("{} calls", running.len()));
    }
    calls
}

/// The callers that have left: those who have no result.
fn left(calls: usize, ended: &[Call]) -> Vec<Call> {
    let has_ended = |user: &String| ended.iter().any(|(ended, _)| ended == user);
    let users = (0..calls).map(|number| format!("user_{number}")).filter(|user| !has_ended(user));
    users.map(|user| (user, Ended::Left)).collect()
}
