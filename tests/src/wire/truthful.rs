//! A server that goes away at any moment, and is truthful: what it refuses it has not done, and will not do.
//!
//! It commits a creation only where it says so, or says nothing. So an error that says `NotExecuted` for a commit is the
//! client's fault, and so is a second commit for one call. Creations come in bursts over one client, and some callers leave.

mod figures;
mod http1;
mod http2;
mod server;
mod shared;

use std::time::Duration;

use clerk_actor_tokens::{Actor, BaseUrl, Client, SecretKey, hyper::HyperTransport};
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

pub use self::figures::Figures;
use self::server::Truthful as Server;
use super::{
    BoxError,
    ledger::{Call, Ended, Reports, Verdict},
    protocol::Protocol,
};

/// How many creations, and over what.
#[derive(Debug, Clone, Copy)]
pub struct Truthful {
    /// How many creations.
    pub creations: usize,
    /// Over what.
    pub protocol: Protocol,
    /// What decides when the server goes away, and when callers leave.
    pub seed: u64,
}

/// Far more than a call takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The deadline of a call. No server here keeps one waiting.
const DEADLINE: Duration = Duration::from_secs(20);

/// Within this time, callers leave.
const LEAVE_WITHIN: Duration = Duration::from_millis(8);

impl Truthful {
    /// Makes the creations.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let server = Server::start(self.protocol, self.seed).await?;
        let transport = self.protocol.transport(server.authority())?.connect_timeout(PATIENCE).build()?;
        let (reports, key, url) = (Reports::default(), SecretKey::new("sk_test_wire")?, BaseUrl::new(server.url())?);
        let client = reports.client(transport, key, url, DEADLINE)?;
        let mut rng = Rng::with_seed(self.seed);
        let mut figures = Figures::new(format!("{}, seed {}", self.protocol, self.seed));
        let mut calls = Vec::new();
        while calls.len() < self.creations {
            let burst = burst(&mut rng).min(self.creations.saturating_sub(calls.len()));
            calls.extend(self.burst(&client, calls.len(), burst, &mut rng, &mut figures).await);
        }
        match timeout(PATIENCE * 2, client.close(PATIENCE)).await {
            Ok(closed) if closed.in_flight() > 0 => {
                figures.breaks(format!("{} creations in flight after close", closed.in_flight()));
            }
            Ok(_) => {
                let mut verdict = Verdict::default();
                for wrong in verdict.add(server.commits(), &calls, &reports.all()) {
                    figures.breaks(wrong);
                }
                figures.verdict = verdict;
            }
            Err(_) => figures.breaks("close hangs".to_owned()),
        }
        figures.connections = server.connections();
        figures.ways = server.ways();
        Ok(figures)
    }

    async fn burst(
        self,
        client: &Client<HyperTransport>,
        first: usize,
        size: usize,
        rng: &mut Rng,
        figures: &mut Figures,
    ) -> Vec<Call> {
        figures.bursts += 1;
        let mut running = JoinSet::new();
        for number in (first..).take(size) {
            let leaves = (rng.u8(..4) == 0).then(|| LEAVE_WITHIN.mul_f64(rng.f64()));
            let client = if rng.bool() { client.clone() } else { client.cancel_on_drop() };
            running.spawn(create(client, format!("user_{number}"), leaves));
        }
        let mut calls = Vec::new();
        let ending = async {
            while let Some(ended) = running.join_next().await {
                match ended {
                    Ok(call) => calls.push(call),
                    Err(panic) => figures.breaks(panic.to_string()),
                }
            }
        };
        if timeout(PATIENCE, ending).await.is_err() {
            figures.breaks(format!("{} calls hang", running.len()));
        }
        calls
    }
}

/// How many creations come at once: often few, up to 300.
fn burst(rng: &mut Rng) -> usize {
    match rng.u8(..4) {
        0 => 1,
        1 => rng.usize(2..=10),
        2 => rng.usize(11..=100),
        _ => rng.usize(101..=300),
    }
}

async fn create(client: Client<HyperTransport>, user: String, leaves: Option<Duration>) -> Call {
    let leaving = async {
        match leaves {
            Some(within) => sleep(within).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send() => ended.into(),
        () = leaving => Ended::Left,
    };
    (user, ended)
}
