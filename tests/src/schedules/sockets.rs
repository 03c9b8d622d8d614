//! Schedules of faults over real sockets: the emulator as a server, the hyper transport as the client, and the ledger as
//! the judge.
//!
//! A run is one call (a creation or a revocation) that meets up to three faults of the catalogue, over one of six ways to
//! the server, on a fresh connection or on one that has been used. Each run has a server of its own, so that many can be
//! under way at once. Time is real: deadlines and backoffs are short, and so a fault of an hour, a day or a second is one
//! that outlasts the deadline.

use std::{
    fmt,
    num::NonZero,
    thread,
    time::{Duration, Instant},
};

use clerk_actor_tokens::{
    Actor, ApiResponse, Client, Error, RetryBudget, RetryPolicy,
    emulator::{CommitKind, Emulator, Served, fault},
    http::StatusCode,
    hyper::HyperTransport,
};
use fastrand::Rng;
use tokio::task::JoinSet;

use super::{
    scripted::{Planned, let_go, shown},
    verdict::{Asked, Facts, of_create, of_revoke},
};
use crate::wire::{BoxError, protocol::Protocol};

const USER: &str = "user_customer";
const ACTOR: &str = "user_agent";
const LIFETIME: Duration = Duration::from_secs(3600);
const SESSION: Duration = Duration::from_secs(1800);

/// A call's time. Faults that stall take all of it.
const TIMEOUT: Duration = Duration::from_millis(400);
/// An attempt of a revocation has less, so that another one can follow.
const ATTEMPT: Duration = Duration::from_millis(150);
/// What a busy machine may add to a call's time: an assertion of order, not of speed.
const LATE: Duration = Duration::from_secs(10);
const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(8));
const LONGEST: usize = 3;

/// The way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    protocol: Protocol,
    by_proxy: bool,
    /// The call is not the first on its connection.
    reused: bool,
}

/// Only what is spoken over TLS goes through a proxy.
fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for protocol in Protocol::ALL {
        for by_proxy in [false, true] {
            for reused in [false, true] {
                if protocol.has_tls() || !by_proxy {
                    ways.push(Way { protocol, by_proxy, reused });
                }
            }
        }
    }
    ways
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, by_proxy, reused } = self;
        let by = if *by_proxy { " through a proxy" } else { "" };
        write!(f, "{protocol}{by}, {}", if *reused { "reused" } else { "fresh" })
    }
}

/// One run.
#[derive(Debug, Clone)]
struct Run {
    way: Way,
    kind: CommitKind,
    plan: Vec<Planned>,
    gambles: bool,
}

/// The runs to choose from.
#[derive(Debug)]
pub struct Runs {
    /// Every fault at every time, over every way, for both calls.
    singles: Vec<Run>,
    ways: Vec<Way>,
    creates: Vec<Planned>,
    revokes: Vec<Planned>,
}

impl Runs {
    /// Those of the catalogue.
    #[must_use]
    pub fn new() -> Self {
        let all = fault::catalogue();
        let of = |kind: CommitKind| -> Vec<Planned> {
            all.iter().flat_map(|it| it.phases_of(kind).iter().map(|phase| (it.clone(), *phase))).collect()
        };
        let (creates, revokes, ways) = (of(CommitKind::Create), of(CommitKind::Revoke), ways());
        let kinds = [(CommitKind::Create, &creates), (CommitKind::Revoke, &revokes)];
        let singles = ways.iter().flat_map(|way| {
            kinds.into_iter().flat_map(move |(kind, faults)| {
                let run = move |fault: &Planned| Run { way: *way, kind, plan: vec![fault.clone()], gambles: false };
                faults.iter().map(run)
            })
        });
        Self { singles: singles.collect(), ways, creates, revokes }
    }

    /// How many runs have one fault.
    #[must_use]
    pub fn singles(&self) -> usize {
        self.singles.len()
    }

    /// So many runs: those of one fault, spread evenly where they are more than half of all, and random ones of up to
    /// three.
    fn chosen(&self, runs: usize) -> Vec<Run> {
        let singles = self.singles.len().min(runs.div_ceil(2));
        let spread = |number: usize| self.singles.get(number.saturating_mul(self.singles.len()) / singles.max(1));
        let mut chosen: Vec<_> = (0..singles).filter_map(spread).cloned().collect();
        chosen.extend((0..runs.saturating_sub(singles)).filter_map(|seed| self.random(seed as u64)));
        chosen
    }

    fn random(&self, seed: u64) -> Option<Run> {
        let mut rng = Rng::with_seed(seed);
        let way = rng.choice(&self.ways).copied()?;
        let (kind, faults) = match rng.bool() {
            true => (CommitKind::Create, &self.creates),
            false => (CommitKind::Revoke, &self.revokes),
        };
        let length = rng.usize(1..=LONGEST);
        let plan = (0..length).filter_map(|_| rng.choice(faults).cloned()).collect();
        Some(Run { way, kind, plan, gambles: rng.u8(..8) == 0 })
    }

    /// Runs so many, `at_once` at a time.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub fn run(&self, runs: usize, at_once: usize) -> Result<Figures, BoxError> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        let mut to_come = self.chosen(runs).into_iter();
        runtime.block_on(async {
            let (mut under_way, mut figures) = (JoinSet::new(), Figures::default());
            loop {
                while under_way.len() < at_once.max(1) {
                    let Some(run) = to_come.next() else { break };
                    under_way.spawn(async move { (run.clone(), run.go().await) });
                }
                let Some(ended) = under_way.join_next().await else { return Ok(figures) };
                let (run, told) = ended?;
                figures.add(&run, told?);
            }
        })
    }
}

impl Default for Runs {
    fn default() -> Self {
        Self::new()
    }
}

/// How a run ended.
struct Told {
    /// By the client's words; `None` if the call succeeded.
    execution: Option<clerk_actor_tokens::Execution>,
    salvaged: bool,
    attempts: usize,
    broken: Option<String>,
}

impl Run {
    async fn go(&self) -> Result<Told, BoxError> {
        let clerk = Emulator::builder().real_time().build();
        let server = clerk.server();
        let served = if self.way.protocol.has_tls() { server.tls() } else { server }.start().await?;
        let client = self.client(&clerk, &served)?;
        let told = match self.kind {
            CommitKind::Revoke => self.revoke(&clerk, &served, &client).await,
            _ => self.create(&clerk, &served, &client).await,
        };
        drop(client);
        // Faults that no attempt met: the call had ended before.
        let_go((clerk, served));
        told
    }

    fn client(&self, clerk: &Emulator, served: &Served) -> Result<Client<HyperTransport>, BoxError> {
        let Way { protocol, by_proxy, .. } = self.way;
        let mut transport = protocol.transport(served.ca_pem())?;
        if by_proxy {
            // The emulator is its own proxy, in the clear at the same port.
            transport = transport.proxy(served.url().replace("https://", "http://"));
        }
        let mut policy = RetryPolicy::new().backoff(BACKOFF.0, BACKOFF.1).attempt_timeout(ATTEMPT);
        if self.gambles {
            let statuses =
                [500, 502, 503, 504, 520].into_iter().map(StatusCode::from_u16).collect::<Result<Vec<_>, _>>()?;
            policy = policy.retry_create_on(statuses);
        }
        let builder = Client::builder(transport.build()?, clerk.secret_key()).base_url(served.base_url());
        Ok(builder.retry(policy).retry_budget(RetryBudget::unlimited()).timeout(TIMEOUT).build()?)
    }

    /// Makes a token, over the connection that the call will then use if it is to be a used one.
    async fn first(
        &self,
        clerk: &Emulator,
        served: &Served,
        client: &Client<HyperTransport>,
    ) -> Result<clerk_actor_tokens::ActorTokenId, BoxError> {
        let create = |client: &Client<HyperTransport>| {
            client.actor_tokens().create("user_first", Actor::new(ACTOR)).timeout(LATE).send()
        };
        Ok(match self.way.reused {
            true => create(client).await?.id().clone(),
            // Over a client of its own.
            false => create(&self.client(clerk, served)?).await?.id().clone(),
        })
    }

    fn queue(&self, clerk: &Emulator) {
        for (fault, phase) in &self.plan {
            let attempt = if self.kind == CommitKind::Revoke { clerk.next_revoke() } else { clerk.next_create() };
            fault.queue(attempt, *phase);
        }
    }

    async fn create(
        &self,
        clerk: &Emulator,
        served: &Served,
        client: &Client<HyperTransport>,
    ) -> Result<Told, BoxError> {
        if self.way.reused {
            self.first(clerk, served, client).await?;
        }
        let (before, began) = (Before::of(clerk, served), Instant::now());
        self.queue(clerk);
        let ended = client.actor_tokens().create(USER, Actor::new(ACTOR)).send_with_response().await;
        let elapsed = began.elapsed();
        let commits: Vec<_> = clerk.creates().into_iter().filter(|commit| commit.user_id() == USER).collect();
        let facts = self.facts(&commits, &before, clerk, served, elapsed);
        let asked = Asked { user: USER, actor: ACTOR, lifetime: LIFETIME, session: SESSION };
        let judged = of_create(&ended, &asked, &facts).and(before.counted(clerk, &ended));
        Ok(told(&ended, judged))
    }

    async fn revoke(
        &self,
        clerk: &Emulator,
        served: &Served,
        client: &Client<HyperTransport>,
    ) -> Result<Told, BoxError> {
        let id = self.first(clerk, served, client).await?;
        let (before, began) = (Before::of(clerk, served), Instant::now());
        self.queue(clerk);
        let ended = client.actor_tokens().revoke(&id).send_with_response().await;
        let elapsed = began.elapsed();
        let commits = clerk.revokes();
        let facts = self.facts(&commits, &before, clerk, served, elapsed);
        let judged = of_revoke(&ended, &id, clerk, &facts, true).and(before.counted(clerk, &ended));
        Ok(told(&ended, judged))
    }

    fn facts<'a>(
        &'a self,
        commits: &'a [clerk_actor_tokens::emulator::LedgerEntry],
        before: &Before,
        clerk: &Emulator,
        served: &Served,
        elapsed: Duration,
    ) -> Facts<'a> {
        // A request that was cut off on its way is not among the emulator's: of a connection that was there before, or
        // that was accepted, bytes may have been sent over it.
        let arrived =
            self.way.reused || clerk.requests().len() > before.requests || served.connections() > before.connections;
        Facts { commits, arrived, met: &self.plan, elapsed, timeout: TIMEOUT + LATE, gambles: self.gambles }
    }
}

/// What the server had seen before the call.
struct Before {
    requests: usize,
    connections: usize,
}

impl Before {
    fn of(clerk: &Emulator, served: &Served) -> Self {
        Self { requests: clerk.requests().len(), connections: served.connections() }
    }

    /// No more requests have come than the call knows of (none of another's making, such as a redirect that was followed),
    /// and no fewer than were answered.
    fn counted<T>(&self, clerk: &Emulator, ended: &Result<ApiResponse<T>, Error>) -> Result<(), String> {
        let attempts = match ended {
            Ok(response) => response.attempts(),
            Err(error) => error.attempts(),
        };
        let arrived = clerk.requests().len().saturating_sub(self.requests);
        let answered = attempts.iter().filter(|attempt| attempt.status().is_some()).count();
        if arrived > attempts.len() {
            return Err(format!("{arrived} requests arrived, of {} attempts", attempts.len()));
        }
        if answered > arrived {
            return Err(format!("{answered} attempts were answered, and {arrived} requests arrived"));
        }
        Ok(())
    }
}

fn told<T>(ended: &Result<ApiResponse<T>, Error>, judged: Result<(), String>) -> Told {
    let error = ended.as_ref().err();
    let attempts = ended.as_ref().map_or_else(|error| error.attempts().len(), |response| response.attempts().len());
    Told {
        execution: error.map(Error::execution),
        salvaged: error.is_some_and(|error| error.salvaged_id().is_some()),
        attempts,
        broken: judged.err(),
    }
}

/// What came of the runs.
#[derive(Debug, Default)]
pub struct Figures {
    runs: usize,
    ok: usize,
    not_executed: usize,
    unknown: usize,
    executed: usize,
    salvaged: usize,
    /// How many calls were sent more than once.
    again: usize,
    by_way: Vec<(String, usize)>,
    /// Which promises were broken, and by which runs.
    pub broken: Vec<String>,
}

impl Figures {
    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether calls ended in every way that there is.
    #[must_use]
    pub fn has_all(&self) -> bool {
        [self.ok, self.not_executed, self.unknown, self.executed, self.salvaged, self.again]
            .iter()
            .all(|count| *count > 0)
    }

    fn add(&mut self, run: &Run, told: Told) {
        self.runs += 1;
        let count = match told.execution {
            None => &mut self.ok,
            Some(clerk_actor_tokens::Execution::NotExecuted) => &mut self.not_executed,
            Some(clerk_actor_tokens::Execution::Unknown) => &mut self.unknown,
            Some(clerk_actor_tokens::Execution::Executed) => &mut self.executed,
        };
        *count += 1;
        self.salvaged += usize::from(told.salvaged);
        self.again += usize::from(told.attempts > 1);
        let way = run.way.to_string();
        match self.by_way.iter_mut().find(|(name, _)| *name == way) {
            Some((_, count)) => *count += 1,
            None => self.by_way.push((way, 1)),
        }
        if let Some(broken) = told.broken {
            let gambles = if run.gambles { ", gambling" } else { "" };
            self.broken.push(format!("{}, {}{gambles}: {}: {broken}", run.way, run.kind, shown(&run.plan)));
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (way, runs) in &self.by_way {
            writeln!(f, "{way:<40} {runs:>6} runs")?;
        }
        let Self { runs, ok, not_executed, unknown, executed, salvaged, again, broken, .. } = self;
        write!(f, "figure: wire schedules: {runs} runs over sockets: {ok} ok, {not_executed} NotExecuted, ")?;
        write!(f, "{unknown} Unknown, {executed} Executed, {salvaged} salvaged, {again} sent again, ")?;
        write!(f, "{} violations", broken.len())
    }
}
