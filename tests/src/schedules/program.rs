//! Random programs: a few calls, what each meets, when their callers go away, and when somebody opens a link. Data only.

use std::{fmt, time::Duration};

use clerk_actor_tokens::{
    RetryPolicy,
    http::StatusCode,
    operation::Idempotency,
    settings::RetryBudget,
    testing::emulator::{
        CommitKind,
        fault::{self, Phase},
    },
};
use fastrand::Rng;

use super::{
    executor::{Fate, Patience},
    meddler::{Act, Meddling},
    scripted::{Planned, shown},
};

/// When after an attempt's deadline the client ends what did not end by itself.
const WATCHDOG: Duration = Duration::from_millis(100);

/// A delay that only the longest timeouts outlast.
const LONG: Duration = Duration::from_secs(90);

/// All that a program may meet.
pub(super) struct Menu {
    creates: Vec<Planned>,
    revokes: Vec<Planned>,
    frequent: Vec<Planned>,
}

/// Faults that are followed by another attempt, or that leave the call time to be dropped in: half of all that are planned.
const FREQUENT: [&str; 12] = [
    "refused()",
    "reset()",
    "dns()",
    "canceled()",
    "refused_stream()",
    "status(421)",
    "status(429)",
    "status(429).retry_after(1s)",
    "status(503)",
    "delay(1s)",
    "slow_body(1s)",
    "stall()",
];

impl Menu {
    pub(super) fn new() -> Self {
        let all = fault::catalogue();
        let of = |kind: CommitKind| -> Vec<Planned> {
            all.iter().flat_map(|it| it.phases_of(kind).iter().map(|phase| (it.clone(), *phase))).collect()
        };
        let is_frequent = |(fault, _): &Planned| FREQUENT.contains(&fault.name().as_str());
        let mut frequent: Vec<_> = of(CommitKind::Create).into_iter().filter(is_frequent).collect();
        // Longer than what an exposure adds for clocks that differ: an exchange may commit long after its error.
        frequent.push((fault::delay(LONG).into(), Phase::BeforeCommit));
        Self { creates: of(CommitKind::Create), revokes: of(CommitKind::Revoke), frequent }
    }

    fn plan(&self, rng: &mut Rng, kind: CommitKind) -> Vec<Planned> {
        let all = if kind == CommitKind::Create { &self.creates } else { &self.revokes };
        let faults = if rng.u8(..3) == 0 { 0 } else { rng.usize(1..=4) };
        let next = |_| {
            let from = if rng.bool() { &self.frequent } else { all };
            rng.choice(from).cloned()
        };
        (0..faults).filter_map(next).collect()
    }
}

/// Who runs on what its caller has dropped, and who takes care of what it made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Supervision {
    /// `None`: no user.
    pub(super) fate: Option<Fate>,
    pub(super) handler: Handler,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler {
    /// The client's own.
    Default,
    /// Keeps the report.
    Keeps,
    /// Takes the token back, and keeps the report where that fails.
    TakesBack,
}

pub(super) struct Creation {
    pub(super) user: String,
    pub(super) begins: Duration,
    pub(super) timeout: Duration,
    pub(super) lifetime: Duration,
    pub(super) session: Duration,
    pub(super) plan: Vec<Planned>,
    pub(super) patience: Patience,
    /// Of the token, if its caller gets hold of it or of its id.
    pub(super) revocations: Vec<Revoking>,
}

pub(super) struct Revoking {
    pub(super) begins: Duration,
    pub(super) timeout: Duration,
    pub(super) plan: Vec<Planned>,
    pub(super) patience: Patience,
}

pub(super) struct Program {
    pub(super) seed: u64,
    pub(super) supervision: Supervision,
    pub(super) retries_unsafely: bool,
    pub(super) policy: RetryPolicy,
    pub(super) budget: RetryBudget,
    pub(super) gate: Duration,
    pub(super) in_sequence: bool,
    pub(super) creations: Vec<Creation>,
    /// When somebody opens the link of which token, of those that there are then.
    pub(super) accepts: Vec<(Duration, usize)>,
    pub(super) closes: Option<Duration>,
    /// What taking back meets.
    pub(super) of_others: Vec<Planned>,
    /// The outermost first.
    pub(super) middlewares: Vec<Meddling>,
    /// Whether there is a second transport for what the first cannot connect.
    pub(super) fails_over: bool,
}

fn patience(rng: &mut Rng) -> Patience {
    match rng.u8(..6) {
        0 => Patience::Polls(rng.u32(1..40)),
        1 => Patience::Time(moment(rng)),
        _ => Patience::Endless,
    }
}

/// From now to a minute, more often soon than late.
fn moment(rng: &mut Rng) -> Duration {
    match rng.u8(..4) {
        0 => Duration::ZERO,
        1 => Duration::from_millis(rng.u64(..500)),
        2 => Duration::from_millis(rng.u64(..5_000)),
        _ => Duration::from_millis(rng.u64(..60_000)),
    }
}

fn timeout(rng: &mut Rng) -> Duration {
    match rng.u8(..8) {
        0 | 1 => Duration::from_millis(rng.u64(1..1_000)),
        2 | 3 => Duration::from_millis(rng.u64(1_000..10_000)),
        4 => Duration::from_secs(300),
        _ => Duration::from_secs(30),
    }
}

/// Half of the programs have no middleware.
fn middlewares(rng: &mut Rng) -> Vec<Meddling> {
    let number = rng.choice([0, 0, 0, 1, 1, 2]).unwrap_or(0);
    (0..number).map(|_| meddling(rng)).collect()
}

fn meddling(rng: &mut Rng) -> Meddling {
    let soon = |rng: &mut Rng| match rng.bool() {
        true => Patience::Polls(rng.u32(1..12)),
        false => Patience::Time(moment(rng)),
    };
    let act = match rng.u8(..12) {
        0..3 => Act::TimesOut(soon(rng)),
        3..5 => Act::Resends(soon(rng)),
        5..7 => Act::Hedges { after: moment(rng), needs_answer: rng.bool() },
        7 => Act::PanicsAmid(soon(rng)),
        8 => Act::PanicsAfter,
        9 => Act::PanicsBefore,
        10 => Act::Catches,
        _ => Act::Lies,
    };
    let every = rng.u32(1..=3);
    Meddling { act, every, from: rng.u32(..every) }
}

fn policy(rng: &mut Rng, retries_unsafely: bool) -> RetryPolicy {
    let mut policy = RetryPolicy::new();
    if rng.bool() {
        policy = policy
            .max_attempts(Idempotency::NonIdempotent, rng.u32(1..=5))
            .max_attempts(Idempotency::Idempotent, rng.u32(1..=6))
            .backoff(Duration::from_millis(rng.u64(..2_000)), Duration::from_millis(rng.u64(..10_000)))
            .attempt_timeout(Duration::from_millis(rng.u64(1..20_000)));
    }
    if retries_unsafely {
        let statuses = [500, 502, 503, 504, 520, 525, 529].into_iter().filter(|_| rng.bool());
        policy = policy.danger_retry_create_on(statuses.filter_map(|status| StatusCode::from_u16(status).ok()));
    }
    policy
}

impl Program {
    /// The program of this seed.
    pub(super) fn of(seed: u64, menu: &Menu) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let retries_unsafely = rng.u8(..8) == 0;
        let fate = match rng.u8(..6) {
            0 | 1 => None,
            2 => Some(Fate::Refused),
            3 => Some(Fate::EndsAfter(rng.u32(1..60))),
            _ => Some(Fate::Runs),
        };
        let handler = [Handler::Default, Handler::Default, Handler::Keeps, Handler::TakesBack];
        let handler = rng.choice(handler).unwrap_or(Handler::Default);
        let creations = rng.usize(1..=3);
        Self {
            seed,
            supervision: Supervision { fate, handler },
            retries_unsafely,
            policy: policy(rng, retries_unsafely),
            budget: if rng.u8(..4) == 0 { RetryBudget::new().tokens(rng.u32(..6)) } else { RetryBudget::new() },
            gate: if rng.u8(..4) == 0 { Duration::ZERO } else { Duration::from_secs(60) },
            in_sequence: rng.u8(..3) == 0,
            creations: (0..creations).map(|number| Self::creation(number, rng, menu)).collect(),
            accepts: (0..rng.usize(..3)).map(|_| (moment(rng), rng.usize(..4))).collect(),
            closes: (rng.u8(..8) == 0).then(|| moment(rng)),
            of_others: menu.plan(rng, CommitKind::Revoke),
            middlewares: middlewares(rng),
            fails_over: rng.u8(..6) == 0,
        }
    }

    fn creation(number: usize, rng: &mut Rng, menu: &Menu) -> Creation {
        let revocations = match rng.u8(..4) {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        let revoking = |rng: &mut Rng| Revoking {
            begins: moment(rng),
            timeout: timeout(rng),
            plan: menu.plan(rng, CommitKind::Revoke),
            patience: patience(rng),
        };
        Creation {
            user: format!("user_{number}"),
            begins: moment(rng),
            timeout: timeout(rng),
            lifetime: Duration::from_secs(rng.u64(1..7_200)),
            session: Duration::from_secs(rng.u64(1..7_200)),
            plan: menu.plan(rng, CommitKind::Create),
            patience: patience(rng),
            revocations: (0..revocations).map(|_| revoking(rng)).collect(),
        }
    }
}

impl Program {
    /// How much later than its deadline a call may end: the client's watchdog ends what waits by itself.
    pub(super) fn grace(&self) -> Duration {
        let waits = |it: &Meddling| matches!(it.act, Act::Hedges { needs_answer: true, .. });
        if self.middlewares.iter().any(waits) { WATCHDOG } else { Duration::ZERO }
    }

    /// Whether a middleware may say that something may have happened where nothing was sent: a timeout around one that
    /// waits by itself, after a send that failed. The client takes that word, as the inner one may have sent something by
    /// itself.
    pub(super) fn claims(&self) -> bool {
        let mut acts = self.middlewares.iter().map(|it| it.act);
        acts.any(|act| matches!(act, Act::TimesOut(_)))
            && acts.any(|act| matches!(act, Act::Hedges { needs_answer: true, .. }))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, supervision, retries_unsafely, policy, budget, gate, in_sequence, closes, .. } = self;
        writeln!(
            f,
            "seed {seed}: {supervision:?}, retries_unsafely: {retries_unsafely}, in sequence: {in_sequence}, gate {gate:?}"
        )?;
        writeln!(f, "  {policy:?}\n  {budget:?}")?;
        writeln!(f, "  fails over: {}, middlewares: {:?}", self.fails_over, self.middlewares)?;
        for it in &self.creations {
            write!(
                f,
                "  create for {} at {:?}, timeout {:?}, lifetime {:?}",
                it.user, it.begins, it.timeout, it.lifetime
            )?;
            writeln!(f, ", patience {:?}: {}", it.patience, shown(&it.plan))?;
            for it in &it.revocations {
                write!(f, "    revoke at {:?}, timeout {:?}", it.begins, it.timeout)?;
                writeln!(f, ", patience {:?}: {}", it.patience, shown(&it.plan))?;
            }
        }
        writeln!(f, "  accepts (when, of which token) {:?}, closes {closes:?}", self.accepts)?;
        write!(f, "  taking back meets: {}", shown(&self.of_others))
    }
}
