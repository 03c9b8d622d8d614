//! Connections that the server closes because they are idle, just when the client uses them again.
//!
//! Where the client's own limit is the shorter one, that never happens. Where it is not, requests are lost on their way:
//! each of those failures has to say so, and no call may be made twice for it. For the client a connection that was closed
//! because it was idle looks like one that was closed after Clerk had acted, and both are among them.

use std::{collections::HashMap, fmt, time::Duration};

use clerk_actor_tokens::{
    Actor, ActorTokenId, Client, Execution,
    hyper::HyperTransport,
    settings::RetryBudget,
    testing::emulator::{Emulator, fault},
};
use fastrand::Rng;
use tokio::{task::JoinSet, time::sleep};

use super::{BoxError, protocol::Protocol};
use crate::schedules::let_go;

/// How requests and limits are to meet.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// How many requests, in all.
    pub requests: usize,
    /// Over how many connections at once.
    pub connections: usize,
    /// Over what.
    pub protocol: Protocol,
    /// The client's limit.
    pub pool: Duration,
    /// The server's limit.
    pub server: Duration,
    /// Requests are that far apart, and up to a half of it more or less. Every eighth comes when the server is just about to
    /// close.
    pub pause: Duration,
    /// The server closes every eighth connection after it has acted, too.
    pub acts: bool,
}

/// Far more than a request takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many requests make one that is special.
const EVERY: usize = 8;

/// How near to the server's limit such a request comes.
const NEAR: Duration = Duration::from_millis(2);

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    what: String,
    requests: usize,
    connections: usize,
    ok: usize,
    /// How many calls ended in an error that proves that nothing was executed.
    pub unsent: usize,
    /// How many ended in one that leaves it open.
    pub ambiguous: usize,
    /// How many of those had made a token.
    committed: usize,
    /// How many calls made more than one token.
    pub duplicates: usize,
    /// How many made one that their caller's error did not show.
    pub lost: usize,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, requests, connections, ok, unsent, ambiguous, committed, duplicates, lost, broken } = self;
        write!(f, "figure: wire idle: {what}: {requests} requests over {connections} connections: {ok} ok, ")?;
        write!(f, "{unsent} provably unsent, {ambiguous} ambiguous ({committed} of them committed), ")?;
        write!(f, "{duplicates} duplicates, {lost} lost in silence, {} broken promises", broken.len())
    }
}

impl Idle {
    /// Makes the requests.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let Self { protocol, pool, server, .. } = self;
        let clerk = Emulator::builder().real_time().build();
        for number in 0..if self.acts { self.requests } else { 0 } {
            match number % EVERY {
                0 => clerk.next_create().after_commit(fault::close()),
                _ => clerk.next_create().after_commit(fault::pass()),
            }
        }
        let served = clerk.server().idle_timeout(server).start().await?;
        let mut lines = JoinSet::new();
        let connections = self.connections.max(1);
        for number in 0..connections {
            // A pool of its own, so that it is one connection that is used again and again.
            let transport = protocol.transport(None)?.pool_idle_timeout(pool).connect_timeout(PATIENCE).build()?;
            let builder = Client::builder(transport, clerk.secret_key()).base_url(served.base_url());
            let client = builder.timeout(PATIENCE).retry_budget(RetryBudget::unlimited()).build()?;
            lines.spawn(self.line(client, number, self.requests.div_ceil(connections)));
        }
        let what = format!("{protocol}, pool {pool:?}, server {server:?}");
        let mut figures = Figures { what, ..Figures::default() };
        let mut calls = Vec::new();
        while let Some(line) = lines.join_next().await {
            calls.extend(line?);
        }
        figures.connections = served.connections();
        figures.judge(&clerk, calls);
        // Of a request that was lost before the server read it, no request meets the fault.
        let_go((clerk, served));
        Ok(figures)
    }

    /// One request after the other over one connection, or the next one. Each is for a user of its own.
    async fn line(self, client: Client<HyperTransport>, number: usize, requests: usize) -> Vec<(String, Ended)> {
        let (mut rng, mut calls) = (Rng::with_seed(number as u64), Vec::new());
        for request in 0..requests {
            let (least, spread) = match request % EVERY {
                4 => (self.server.saturating_sub(NEAR), NEAR * 2),
                _ => (self.pause / 2, self.pause),
            };
            sleep(least + spread.mul_f64(rng.f64())).await;
            let user = format!("user_{number}_{request}");
            let ended = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send().await;
            calls.push((user, ended.map(|token| token.id().clone()).map_err(|error| error.execution())));
        }
        calls
    }
}

/// How a call ended for its caller.
type Ended = Result<ActorTokenId, Execution>;

impl Figures {
    fn judge(&mut self, clerk: &Emulator, calls: Vec<(String, Ended)>) {
        let mut ledger: HashMap<String, Vec<ActorTokenId>> = HashMap::new();
        for commit in clerk.creates() {
            ledger.entry(commit.user_id().to_owned()).or_default().push(commit.id().clone());
        }
        for (user, ended) in calls {
            let made = ledger.remove(&user).unwrap_or_default();
            self.requests += 1;
            self.duplicates += usize::from(made.len() > 1);
            let is_known = match &ended {
                Ok(id) => {
                    self.ok += 1;
                    made == [id.clone()]
                }
                Err(Execution::NotExecuted) => {
                    self.unsent += 1;
                    made.is_empty()
                }
                Err(_) => {
                    self.ambiguous += 1;
                    self.committed += made.len();
                    made.len() <= 1
                }
            };
            if !is_known {
                self.lost += usize::from(!made.is_empty());
                self.broken.push(format!("{user}: {ended:?}, and the ledger has {made:?}"));
            }
        }
        if !ledger.is_empty() {
            self.broken.push(format!("tokens for users of no call: {:?}", ledger.keys()));
        }
    }
}
