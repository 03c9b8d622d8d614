//! Every schedule of faults up to a length, each against a fresh emulator and a fresh client.
//!
//! A schedule is a sequence of faults, one for each attempt. It has successors only where the client, having met all of
//! them, sent once more: that is seen by running it.

use std::{collections::BTreeSet, fmt, sync::Weak, time::Duration};

use clerk_actor_tokens::{
    Actor, ActorToken, ActorTokenId, ApiResponse, Client, Error, Execution, Revocation,
    testing::emulator::{
        CommitKind, Emulator, LedgerEntry,
        fault::{self, AnyFault, Phase},
    },
    transport::HttpTransport,
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;

use super::{
    scripted::{Planned, Script, Scripted, let_go, shown},
    verdict::{Asked, Facts, of_create, of_revoke},
};

/// The client's defaults.
const TIMEOUT: Duration = Duration::from_secs(30);
const LIFETIME: Duration = Duration::from_secs(3600);
const SESSION: Duration = Duration::from_secs(1800);

const USER: &str = "user_customer";
const ACTOR: &str = "user_agent";

/// What came of the schedules.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many schedules there are of each length, from 1.
    pub schedules: Vec<u64>,
    /// How many of them ended well.
    pub ok: u64,
    /// How many ended in an error that proves that Clerk ran nothing, and how many in each of the others.
    pub not_executed: u64,
    /// See `not_executed`.
    pub unknown: u64,
    /// See `not_executed`.
    pub executed: u64,
    /// How many errors named the token.
    pub salvaged: u64,
    /// After which faults a creation or revocation was said to be executed that was not.
    pub forged: BTreeSet<String>,
    /// Which promises were broken, and by which schedules.
    pub violations: Vec<String>,
}

impl Tally {
    /// All schedules.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.schedules.iter().sum()
    }

    /// Adds what came of others.
    pub fn add(&mut self, other: Self) {
        let length = self.schedules.len().max(other.schedules.len());
        self.schedules.resize(length, 0);
        for (sum, more) in self.schedules.iter_mut().zip(&other.schedules) {
            *sum = sum.saturating_add(*more);
        }
        self.ok = self.ok.saturating_add(other.ok);
        self.not_executed = self.not_executed.saturating_add(other.not_executed);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.executed = self.executed.saturating_add(other.executed);
        self.salvaged = self.salvaged.saturating_add(other.salvaged);
        self.forged.extend(other.forged);
        self.violations.extend(other.violations);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, not_executed, unknown, executed, salvaged, violations, .. } = self;
        let lengths: Vec<_> = self.schedules.iter().map(u64::to_string).collect();
        write!(f, "{} schedules ({}): ", self.total(), lengths.join(" + "))?;
        write!(
            f,
            "{ok} ok, {not_executed} NotExecuted, {unknown} Unknown, {executed} Executed, {salvaged} salvaged, "
        )?;
        write!(f, "{} violations", violations.len())
    }
}

/// Which schedules.
#[derive(Debug, Clone)]
pub struct Tree {
    kind: CommitKind,
    depth: usize,
    /// What an attempt may meet.
    steps: Vec<Planned>,
    limit: usize,
}

impl Tree {
    /// All schedules of up to `depth` faults of the catalogue.
    #[must_use]
    pub fn of_all(kind: CommitKind, depth: usize) -> Self {
        Self::of(kind, depth, &fault::catalogue())
    }

    /// All schedules of up to `depth` of these faults, each at every time at which it can happen.
    #[must_use]
    pub fn of(kind: CommitKind, depth: usize, faults: &[AnyFault]) -> Self {
        let phases = |fault: &AnyFault| fault.phases_of(kind).iter().map(|phase| (fault.clone(), *phase)).collect();
        let steps: Vec<_> = faults.iter().flat_map(|fault| -> Vec<Planned> { phases(fault) }).collect();
        Self { kind, depth, steps, limit: usize::MAX }
    }

    /// Ends with so many violations.
    #[must_use]
    pub fn until_violations(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// How many faults there are for one attempt, each time counted by itself.
    #[must_use]
    pub fn width(&self) -> usize {
        self.steps.len()
    }

    /// Runs the schedules.
    #[must_use]
    pub fn run(&self) -> Tally {
        self.run_part(0, 1)
    }

    /// Runs those whose first fault is number `part`, `part + of` and so on: for one of several threads.
    #[must_use]
    pub fn run_part(&self, part: usize, of: usize) -> Tally {
        let mut tally = Tally { schedules: vec![0; self.depth], ..Tally::default() };
        let mut schedule = Vec::new();
        for first in self.steps.iter().skip(part).step_by(of.max(1)) {
            self.visit(&mut schedule, first, false, &mut tally);
        }
        tally
    }

    /// Runs the schedule with one more fault, and its successors.
    fn visit(&self, schedule: &mut Vec<Planned>, next: &Planned, committed: bool, tally: &mut Tally) {
        if committed && next.1 == Phase::AfterCommit || tally.violations.len() >= self.limit {
            // What is revoked is not revoked again: there is no commit that the fault could come after.
            return;
        }
        schedule.push(next.clone());
        let ran = match self.kind {
            CommitKind::Revoke => revoke(schedule),
            _ => create(schedule),
        };
        ran.count(schedule, tally);
        if schedule.len() < self.depth && ran.sends > schedule.len() {
            for next in &self.steps {
                self.visit(schedule, next, ran.committed, tally);
            }
        }
        schedule.pop();
    }
}

/// What came of one schedule.
struct Ran {
    sends: usize,
    /// Whether one of the attempts that met a fault committed.
    committed: bool,
    /// `None` if it ended well.
    failed: Option<(Execution, bool)>,
    commits: usize,
    broken: Option<String>,
}

impl Ran {
    fn count(&self, schedule: &[Planned], tally: &mut Tally) {
        if let Some(count) = tally.schedules.get_mut(schedule.len().saturating_sub(1)) {
            *count = count.saturating_add(1);
        }
        let count = match self.failed {
            None => &mut tally.ok,
            Some((Execution::NotExecuted, _)) => &mut tally.not_executed,
            Some((Execution::Unknown, _)) => &mut tally.unknown,
            Some((Execution::Executed, _)) => &mut tally.executed,
        };
        *count = count.saturating_add(1);
        tally.salvaged = tally.salvaged.saturating_add(u64::from(self.failed.is_some_and(|(_, salvaged)| salvaged)));
        if self.commits == 0 && self.failed.is_some_and(|(execution, _)| execution == Execution::Executed) {
            tally.forged.extend(schedule.last().map(|last| shown(std::slice::from_ref(last))));
        }
        if let Some(broken) = &self.broken {
            tally.violations.push(format!("{}: {broken}", shown(schedule)));
        }
    }
}

/// An emulator, a client of it, and what is alive as long as the client and its calls are.
fn set_up() -> (Emulator, Option<Client<Scripted>>, Weak<()>) {
    let clerk = Emulator::builder().single_threaded().build();
    let transport = Scripted::new(clerk.clone(), Script::default());
    let alive = transport.alive();
    let client = Client::builder(transport, clerk.secret_key()).jitter_seed(7).build();
    (clerk, client.ok(), alive)
}

fn left_over(alive: &Weak<()>) -> Option<String> {
    (alive.strong_count() > 0).then(|| "the state of a call outlives its client".to_owned())
}

fn told<T>(ended: &Result<ApiResponse<T>, Error>) -> Option<(Execution, bool)> {
    ended.as_ref().err().map(|error| (error.execution(), error.salvaged_id().is_some()))
}

fn ran(script: &Script, commits: &[LedgerEntry], faults: usize, failed: Option<(Execution, bool)>) -> Ran {
    let met_a_fault = |commit: &LedgerEntry| commit.attempt().is_some_and(|number| (number as usize) <= faults);
    Ran {
        sends: script.sends(),
        committed: commits.iter().any(met_a_fault),
        failed,
        commits: commits.len(),
        broken: None,
    }
}

/// Where time runs out for a creation, it has no attempt left: the caller hears of it at the deadline.
fn takes_all(schedule: &[Planned]) -> bool {
    const NEVER_END: [&str; 4] = ["stall()", "delay(3600s)", "slow_body(3600s)", "stall_at("];
    schedule.last().is_some_and(|(fault, _)| NEVER_END.iter().any(|name| fault.name().starts_with(name)))
}

fn create(schedule: &[Planned]) -> Ran {
    let (clerk, client, alive) = set_up();
    let script = Script::new(schedule);
    let began = clerk.timer().now();
    let ended: Option<Result<ApiResponse<ActorToken>, Error>> = client.map(|client| {
        let call = client.actor_tokens().create(USER, Actor::new(ACTOR)).extension(script.clone());
        pollster::block_on(call.send_with_response())
    });
    let elapsed = clerk.timer().now().saturating_duration_since(began);
    let commits = clerk.creates();
    let met = script.met();
    let facts = Facts {
        commits: &commits,
        arrived: !clerk.requests().is_empty(),
        claimed: false,
        met: &met,
        elapsed,
        timeout: TIMEOUT,
        grace: Duration::ZERO,
        retries_unsafely: false,
    };
    let asked = Asked { user: USER, actor: ACTOR, lifetime: LIFETIME, session: SESSION };
    let mut ran = ran(&script, &commits, schedule.len(), ended.as_ref().and_then(told));
    let judged = match &ended {
        None => Err("no client".to_owned()),
        Some(ended) => of_create(ended, &asked, &facts),
    };
    let is_exact = !takes_all(schedule) || elapsed == TIMEOUT;
    let judged = judged.and(if is_exact { Ok(()) } else { Err(format!("ended after {elapsed:?}")) });
    ran.broken = judged.err().or_else(|| lost(&clerk, ended.as_ref())).or_else(|| left_over(&alive));
    let_go((clerk, ended));
    ran
}

/// A link that works, and that its caller holds neither by a token, nor by an id, nor by a warning.
fn lost(clerk: &Emulator, ended: Option<&Result<ApiResponse<ActorToken>, Error>>) -> Option<String> {
    let is_known = |id: &ActorTokenId| match ended {
        Some(Ok(response)) => response.value().id() == id || response.is_ambiguous(),
        Some(Err(error)) => error.is_ambiguous(),
        None => false,
    };
    let lost = clerk.live().into_iter().find(|token| !is_known(token.id()))?;
    Some(format!("{} was lost in silence", lost.id()))
}

fn revoke(schedule: &[Planned]) -> Ran {
    let (clerk, client, alive) = set_up();
    let script = Script::new(schedule);
    let mut elapsed = Duration::ZERO;
    let mut requests_before = 0;
    let ended: Option<(ActorTokenId, Result<ApiResponse<Revocation>, Error>)> = client.and_then(|client| {
        let made = pollster::block_on(client.actor_tokens().create(USER, Actor::new(ACTOR)).send()).ok()?;
        requests_before = clerk.requests().len();
        let began = clerk.timer().now();
        let call = client.actor_tokens().revoke(made.id()).extension(script.clone());
        let ended = pollster::block_on(call.send_with_response());
        elapsed = clerk.timer().now().saturating_duration_since(began);
        Some((made.id().clone(), ended))
    });
    let commits = clerk.revokes();
    let met = script.met();
    let facts = Facts {
        commits: &commits,
        arrived: clerk.requests().len() > requests_before,
        claimed: false,
        met: &met,
        elapsed,
        timeout: TIMEOUT,
        grace: Duration::ZERO,
        retries_unsafely: false,
    };
    let mut ran = ran(&script, &commits, schedule.len(), ended.as_ref().and_then(|(_, ended)| told(ended)));
    ran.broken = match &ended {
        None => Some("no token to revoke".to_owned()),
        Some((id, ended)) => of_revoke(ended, id, &clerk, &facts, true).err().or_else(|| left_over(&alive)),
    };
    let_go((clerk, ended));
    ran
}
