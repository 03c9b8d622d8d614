//! Creations on one client, while others on it are dropped at random moments: no dropped call harms one beside it.
//!
//! Over HTTP/2 all share connections. A call that is dropped gives its connection up: that takes no more requests, and ends with
//! its last exchange. So new connections are expected, and they are counted.

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens::{
    Actor, ActorTokenId, Client,
    testing::emulator::{Emulator, fault},
    transport::HttpTransport,
};
use fastrand::Rng;
use tokio::{task::JoinSet, time::sleep};

use super::{
    BoxError,
    ledger::{Call, Commits, Ended, Reports, Verdict},
    over::{Over, Reach},
    protocol::Protocol,
};
use crate::schedules::let_go;

/// What is made, and what is dropped beside it.
#[derive(Debug, Clone, Copy)]
pub struct Dropped {
    /// How many creations whose callers wait.
    pub creations: usize,
    /// How many of them are in flight at once.
    pub at_once: usize,
    /// How many calls are dropped beside so many.
    pub dropped_at_once: usize,
    /// What decides when a call is dropped.
    pub seed: u64,
    /// The transport.
    pub over: Over,
}

/// Far more than a call takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server answers within this time, and calls are dropped within it.
const WITHIN: Duration = Duration::from_millis(4);

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    over: Option<Over>,
    seed: u64,
    creations: usize,
    /// How many of them were not Ok.
    pub harmed: usize,
    /// How many creations beside them were dropped.
    dropped: usize,
    /// How many revocations beside them were dropped.
    revocations: usize,
    connections: usize,
    verdict: Verdict,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl Figures {
    /// Returns how many calls were dropped before they had ended.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.dropped + self.revocations
    }

    /// Returns how many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { over, seed, creations, harmed, dropped, revocations, connections, verdict, broken } = self;
        let Verdict { made, reported, lost, second, .. } = verdict;
        let over = over.map(|over| format!("{over}, ")).unwrap_or_default();
        write!(
            f,
            "figure: wire dropped: {over}seed {seed}: {creations} creations, {harmed} harmed, beside {dropped} creations "
        )?;
        write!(
            f,
            "and {revocations} revocations that were dropped in flight; {connections} connections; {made} tokens "
        )?;
        write!(
            f,
            "made, {reported} reported as orphans, {second} calls with a second token, {lost} lost in silence, "
        )?;
        write!(f, "{} broken promises", broken.len())
    }
}

impl Dropped {
    /// Makes the creations.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let mut rng = Rng::with_seed(self.seed);
        let clerk = Emulator::builder().real_time().build();
        // A dropped call may never be sent: these are enough.
        let batches = self.creations.div_ceil(self.at_once.max(1));
        for _ in 0..self.creations.saturating_add(batches.saturating_mul(self.dropped_at_once)) {
            clerk.next_create().before_commit(fault::delay(within(&mut rng)));
        }
        let served = clerk.server().start().await?;
        let protocol = if self.over.speaks(Protocol::Http2) { Protocol::Http2 } else { Protocol::Http1 };
        let reach = Reach { protocol, authority: None, proxy: None, connect_timeout: PATIENCE };
        let transport = self.over.transport(reach)?;
        let reports = Reports::default();
        let client = reports.client(transport, clerk.secret_key(), served.base_url(), PATIENCE)?;
        let mut figures = Figures { over: Some(self.over), seed: self.seed, ..Figures::default() };
        let (mut calls, mut last) = (Vec::new(), Vec::new());
        for batch in 0..batches {
            let size = self.at_once.min(self.creations.saturating_sub(batch.saturating_mul(self.at_once)));
            let (kept, dropped) = self.batch(&client, batch, size, &last, &mut rng, &mut figures).await?;
            let ids = kept.iter().filter_map(|(_, ended)| match ended {
                Ended::Ok(id) => id.parse().ok(),
                _ => None,
            });
            last = ids.collect();
            figures.creations += kept.len();
            for (user, ended) in kept.iter().filter(|(_, ended)| !matches!(ended, Ended::Ok(_))) {
                self.harmed(&mut figures, user, ended);
            }
            calls.extend(kept.into_iter().chain(dropped));
        }
        let closed = client.close(PATIENCE).await;
        if closed.in_flight() > 0 {
            figures.broken.push(format!("{} creations in flight after close", closed.in_flight()));
        }
        let wrong = figures.verdict.add(commits(&clerk), &calls, &reports.all());
        figures.broken.extend(wrong.into_iter().map(|wrong| format!("seed {}, {wrong}", self.seed)));
        figures.connections = served.connections();
        // Of a request that was never sent, no request meets the fault.
        let_go((clerk, served));
        Ok(figures)
    }

    /// A call was harmed by others that were dropped. The hyper transport promises that none is. Another client resets the stream of each,
    /// and a server that sees many resets ends the connection for all.
    fn harmed(self, figures: &mut Figures, user: &str, ended: &Ended) {
        figures.harmed += 1;
        if self.over == Over::Hyper {
            figures.broken.push(format!("seed {}, {user}: {ended:?}", self.seed));
        }
    }

    /// So many creations at once, and calls beside them that are dropped. Returns how each of both ended.
    async fn batch(
        self,
        client: &Client<Arc<dyn HttpTransport>>,
        number: usize,
        size: usize,
        revocable: &[ActorTokenId],
        rng: &mut Rng,
        figures: &mut Figures,
    ) -> Result<(Vec<Call>, Vec<Call>), BoxError> {
        let cancelling = Arc::new(client.cancel_on_drop());
        let (mut kept, mut dropped, mut revoking) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        for place in 0..size.max(self.dropped_at_once) {
            if place < size {
                let (client, user) = (client.clone(), format!("user_{number}_{place}"));
                kept.spawn(async move {
                    let ended = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send().await;
                    (user, Ended::from(ended))
                });
            }
            if place >= self.dropped_at_once {
                continue;
            }
            let client = if rng.bool() { client.clone() } else { Client::clone(&cancelling) };
            let (leaves, user) = (within(rng), format!("dropped_{number}_{place}"));
            match rng.choice(revocable).filter(|_| rng.bool()) {
                Some(id) => {
                    let id = id.clone();
                    revoking.spawn(async move {
                        tokio::select! {
                            _ = client.actor_tokens().revoke(&id).send() => false,
                            () = sleep(leaves) => true,
                        }
                    });
                }
                None => {
                    dropped.spawn(async move {
                        let ended = tokio::select! {
                            ended = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send() => ended.into(),
                            () = sleep(leaves) => Ended::Left,
                        };
                        (user, ended)
                    });
                }
            }
        }
        let (mut of_kept, mut of_dropped) = (Vec::new(), Vec::new());
        while let Some(call) = kept.join_next().await {
            of_kept.push(call?);
        }
        while let Some(call) = dropped.join_next().await {
            of_dropped.push(call?);
        }
        while let Some(was_dropped) = revoking.join_next().await {
            figures.revocations += usize::from(was_dropped?);
        }
        figures.dropped += of_dropped.iter().filter(|(_, ended)| *ended == Ended::Left).count();
        for (user, ended) in &of_dropped {
            // One that ended before its caller left is a call beside a dropped one, too.
            if matches!(ended, Ended::Failed(_)) {
                self.harmed(figures, user, ended);
            }
        }
        Ok((of_kept, of_dropped))
    }
}

fn within(rng: &mut Rng) -> Duration {
    WITHIN.mul_f64(rng.f64())
}

fn commits(clerk: &Emulator) -> Commits {
    let mut commits = Commits::new();
    for commit in clerk.creates() {
        commits.entry(commit.user_id().to_owned()).or_default().push(commit.id().as_str().to_owned());
    }
    commits
}
