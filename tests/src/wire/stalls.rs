//! Each phase of an exchange stalled on real sockets: how long after its deadline the call ends, and what its error says.
//!
//! A phase of connecting proves that nothing was executed; a head that is not complete proves nothing; behind it, the
//! token's id is salvaged as soon as its closing quote has arrived.
//!
//! What an error can say depends on what had arrived by the deadline, and a busy machine may deliver too late. So a call
//! that says less than it should is made once more, with more time, and has to say it then.

mod places;
mod promise;

use std::{fmt, sync::Arc, time::Duration};

use clerk_actor_tokens::{Actor, Client, Error, ErrorKind, RetryPolicy, SecretKey};
use tokio::{task::JoinSet, time::Instant};

use self::{
    places::{Place, places},
    promise::{ACTOR, ID, Promise, USER},
};
use super::{BoxError, latency::Lateness};

/// The time for a call that is made once more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where calls are stalled.
#[derive(Debug, Clone, Copy)]
pub struct Stalls {
    /// The deadline of a call.
    pub deadline: Duration,
    /// How many calls are stalled in each place.
    pub each: usize,
    /// How many calls are in flight at once.
    pub at_once: usize,
    /// Of the bytes of an answer every so-manieth is one to stall behind: with 1, each.
    pub every: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Figures {
    lateness: Lateness,
    /// By the name of the phase.
    phases: Vec<(&'static str, Lateness)>,
    repeated: usize,
    salvaged: usize,
    /// Which promises were broken.
    pub broken: Vec<String>,
}

impl Figures {
    /// How many calls were stalled.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.lateness.len()
    }

    /// How many of their errors named the token.
    #[must_use]
    pub fn salvaged(&self) -> usize {
        self.salvaged
    }

    /// How long after its deadline the last of a hundred calls ended, but for one.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.lateness.percentile(99)
    }

    /// How long after its deadline the last call ended.
    #[must_use]
    pub fn most(&self) -> Duration {
        self.lateness.most()
    }

    fn add(&mut self, phase: &'static str, late: Duration) {
        self.lateness.add(late);
        match self.phases.iter_mut().find(|(name, _)| *name == phase) {
            Some((_, lateness)) => lateness.add(late),
            None => {
                let mut lateness = Lateness::default();
                lateness.add(late);
                self.phases.push((phase, lateness));
            }
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (phase, lateness) in &self.phases {
            writeln!(f, "{phase:<28} {:>6} calls, {lateness}", lateness.len())?;
        }
        let Self { lateness, salvaged, repeated, broken, .. } = self;
        write!(f, "figure: wire stalls: {} calls, {lateness}; {salvaged} ids salvaged, ", lateness.len())?;
        write!(f, "{repeated} made once more with more time, {} broken promises", broken.len())
    }
}

/// The two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Revoke,
}

/// A call, and the number of its place.
#[derive(Debug, Clone, Copy)]
struct Job {
    number: usize,
    kind: Kind,
}

/// A call that has ended.
struct Ended {
    job: Job,
    late: Duration,
    error: Option<Error>,
}

impl Stalls {
    /// Stalls the calls.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let places: Vec<Arc<Place>> = places(self.every).await?.into_iter().map(Arc::new).collect();
        let kinds = |number| [Kind::Create, Kind::Revoke].map(|kind| Job { number, kind });
        let jobs = (0..self.each).flat_map(|_| (0..places.len()).flat_map(kinds)).collect();
        let mut figures = Figures::default();
        let mut again = Vec::new();
        for ended in self.calls(&places, jobs, self.deadline).await? {
            let Some(place) = places.get(ended.job.number) else { continue };
            figures.add(place.phase, ended.late);
            if says_less(ended.error.as_ref(), place.promise, place.salvageable(ended.job.kind)) {
                again.push(ended.job);
            } else {
                figures.judge(place, &ended);
            }
        }
        figures.repeated = again.len();
        for ended in self.calls(&places, again, PATIENCE).await? {
            if let Some(place) = places.get(ended.job.number) {
                figures.judge(place, &ended);
            }
        }
        Ok(figures)
    }

    async fn calls(self, places: &[Arc<Place>], jobs: Vec<Job>, deadline: Duration) -> Result<Vec<Ended>, BoxError> {
        let (mut under_way, mut all) = (JoinSet::new(), Vec::new());
        let mut to_come = jobs.into_iter();
        loop {
            while under_way.len() < self.at_once.max(1) {
                let Some(job) = to_come.next() else { break };
                let Some(place) = places.get(job.number).map(Arc::clone) else { break };
                under_way.spawn(async move { call(job, &place, deadline).await });
            }
            let Some(ended) = under_way.join_next().await else { return Ok(all) };
            all.push(ended??);
        }
    }
}

impl Figures {
    fn judge(&mut self, place: &Place, ended: &Ended) {
        let (told, kind) = (ended.error.as_ref(), ended.job.kind);
        self.salvaged += usize::from(told.is_some_and(|error| error.salvaged_id().is_some()));
        if let Err(wrong) = place.promise.is_kept(told, place.salvageable(kind)) {
            self.broken.push(format!("{kind:?}, {}: {wrong}", place.shown));
        }
    }
}

impl Place {
    /// Whether the error of such a call has to name the token.
    fn salvageable(&self, kind: Kind) -> bool {
        self.promise.salvaged && kind == Kind::Create
    }
}

/// Whether the answer, or what there is of it, may have arrived too late to be spoken of.
fn says_less(told: Option<&Error>, promise: Promise, salvageable: bool) -> bool {
    told.is_some_and(|error| {
        error.kind() == ErrorKind::Timeout && error.execution() < promise.execution
            || salvageable && error.kind() == ErrorKind::ResponseTruncated && error.salvaged_id().is_none()
    })
}

async fn call(job: Job, place: &Place, deadline: Duration) -> Result<Ended, BoxError> {
    let builder = Client::builder(place.transport()?, SecretKey::new("sk_test_wire")?).base_url(place.base_url());
    let clerk = builder.timeout(deadline).retry(RetryPolicy::none()).build()?.cancel_on_drop();
    let began = Instant::now();
    let error = match job.kind {
        Kind::Create => clerk.actor_tokens().create(USER, Actor::new(ACTOR)).send().await.err(),
        Kind::Revoke => clerk.actor_tokens().revoke(ID).send().await.err(),
    };
    Ok(Ended { job, late: began.elapsed().saturating_sub(deadline), error })
}
