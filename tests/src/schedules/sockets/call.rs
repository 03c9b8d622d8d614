//! One run: a server, a client, one call that meets its faults, and the ledger's judgement.

use std::time::{Duration, Instant};

use clerk_actor_tokens::{
    Actor, ActorTokenId, ApiResponse, Client, Error, Execution, RetryPolicy,
    http::StatusCode,
    settings::RetryBudget,
    testing::emulator::{CommitKind, Emulator, LedgerEntry, Served},
};

use super::{
    super::{
        scripted::let_go,
        verdict::{Asked, Facts, of_create, of_revoke},
    },
    run::{Run, Way},
};
use crate::wire::{BoxError, over::Reach};

const USER: &str = "user_customer";
const ACTOR: &str = "user_agent";
const LIFETIME: Duration = Duration::from_secs(3600);
const SESSION: Duration = Duration::from_secs(1800);

/// A call's time. Faults that stall take all of it.
const TIMEOUT: Duration = Duration::from_millis(400);
/// An attempt of a revocation has less, so that another one can follow.
const ATTEMPT: Duration = Duration::from_millis(150);
/// What a busy machine may add to a call's time, and what it may take for one that meets nothing: an assertion of order, not
/// of speed.
const LATE: Duration = Duration::from_secs(60);
const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(8));

/// How a run ended.
pub(super) struct Told {
    /// By the client's words; `None` if the call succeeded.
    pub(super) execution: Option<Execution>,
    pub(super) salvaged: bool,
    pub(super) attempts: usize,
    pub(super) broken: Option<String>,
}

impl Run {
    pub(super) async fn go(&self) -> Result<Told, BoxError> {
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

    fn client(&self, clerk: &Emulator, served: &Served) -> Result<Client, BoxError> {
        let Way { over, protocol, by_proxy, .. } = self.way;
        // The emulator is its own proxy, in the clear at the same port.
        let proxy = by_proxy.then(|| served.url().replace("https://", "http://"));
        let transport = over.transport(Reach { protocol, authority: served.ca_pem(), proxy, connect_timeout: LATE })?;
        let mut policy = RetryPolicy::new().backoff(BACKOFF.0, BACKOFF.1).attempt_timeout(ATTEMPT);
        if self.retries_unsafely {
            let statuses =
                [500, 502, 503, 504, 520].into_iter().map(StatusCode::from_u16).collect::<Result<Vec<_>, _>>()?;
            policy = policy.danger_retry_create_on(statuses);
        }
        let builder = Client::builder(transport, clerk.secret_key()).base_url(served.base_url());
        Ok(builder.retry(policy).retry_budget(RetryBudget::unlimited()).timeout(TIMEOUT).build()?.erase())
    }

    /// Makes a token, over the connection that the call will then use if it is to be a used one.
    async fn first(&self, clerk: &Emulator, served: &Served, client: &Client) -> Result<ActorTokenId, BoxError> {
        let create =
            |client: &Client| client.actor_tokens().create("user_first", Actor::new(ACTOR)).timeout(LATE).send();
        let made = match self.way.reused {
            true => create(client).await,
            // Over a client of its own.
            false => create(&self.client(clerk, served)?).await,
        };
        // Nothing was to go wrong yet.
        let told = |error| format!("{}: the first creation: {error:?}; the server has {:?}", self.way, clerk.ledger());
        Ok(made.map_err(told)?.id().clone())
    }

    fn queue(&self, clerk: &Emulator) {
        for (fault, phase) in &self.plan {
            let attempt = if self.kind == CommitKind::Revoke { clerk.next_revoke() } else { clerk.next_create() };
            fault.queue(attempt, *phase);
        }
    }

    async fn create(&self, clerk: &Emulator, served: &Served, client: &Client) -> Result<Told, BoxError> {
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

    async fn revoke(&self, clerk: &Emulator, served: &Served, client: &Client) -> Result<Told, BoxError> {
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
        commits: &'a [LedgerEntry],
        before: &Before,
        clerk: &Emulator,
        served: &Served,
        elapsed: Duration,
    ) -> Facts<'a> {
        // A request that was cut off on its way is not among the emulator's: of a connection that was there before, or
        // that was accepted, bytes may have been sent over it.
        let arrived =
            self.way.reused || clerk.requests().len() > before.requests || served.connections() > before.connections;
        Facts {
            commits,
            arrived,
            claimed: false,
            met: &self.plan,
            elapsed,
            timeout: TIMEOUT + LATE,
            grace: Duration::ZERO,
            retries_unsafely: self.retries_unsafely,
        }
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
