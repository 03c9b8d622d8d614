//! Random schedules: a seed gives a program, the program runs on one thread in virtual time, and its end is compared with
//! the ledger.

use std::{
    fmt,
    ops::Range,
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, ActorToken, ActorTokenId, ActorTokenStatus, ApiResponse, BoxFuture, Client, Closed, Error,
    HttpTransport as _, InvalidRequest, Orphan, OrphanReport,
    emulator::{Emulator, LedgerEntry},
};

use super::{
    executor::{Spawned, waited_for},
    figures::Figures,
    program::{Creation, Handler, Menu, Program, Revoking},
    scripted::{Script, Scripted, let_go},
    verdict::{self, Asked, Facts},
};

const ACTOR: &str = "user_agent";

/// How long `close` waits: longer than anything takes.
const CLOSING: Duration = Duration::from_secs(3600);

/// Makes random programs and runs them.
pub struct Random {
    menu: Menu,
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl Random {
    /// From the whole catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self { menu: Menu::new() }
    }

    /// Runs the programs of these seeds; every `of`th of them, from number `part` on: for one of several threads.
    #[must_use]
    pub fn run_part(&self, seeds: Range<u64>, part: usize, of: usize) -> Figures {
        let mut figures = Figures::default();
        for seed in seeds.skip(part).step_by(of.max(1)) {
            run(&Program::of(seed, &self.menu), &mut figures);
        }
        figures
    }

    /// The program of a seed, in words.
    #[must_use]
    pub fn described(&self, seed: u64) -> String {
        Program::of(seed, &self.menu).to_string()
    }
}

/// How a creation ended for its caller.
struct Told {
    number: usize,
    script: Script,
    /// `None` if the caller had gone.
    ended: Option<Result<ApiResponse<ActorToken>, Error>>,
    /// How many requests had been sent by then.
    sends: usize,
}

/// What the tasks of a program share.
struct World {
    clerk: Emulator,
    client: Client<Scripted>,
    gambles: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What the tasks have seen.
#[derive(Default)]
struct Seen {
    told: Vec<Told>,
    reports: Vec<OrphanReport>,
    /// What callers have tried to revoke.
    revoked: Vec<ActorTokenId>,
    closed: Option<Closed>,
    broken: Vec<String>,
    figures: Figures,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(program: &Program, figures: &mut Figures) {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let spawned = program.supervision.fate.map(Spawned::new);
    let world = match World::new(program, spawned.clone(), Arc::clone(&seen)) {
        Ok(world) => Arc::new(world),
        Err(refused) => return figures.broken(program.seed, &[format!("no client: {refused}")]),
    };
    let executor = spawned.unwrap_or_else(|| Spawned::new(super::executor::Fate::Refused));
    let mut end = executor.run(world.tasks(program));
    end = end.and(executor.run(vec![Arc::clone(&world).close(Duration::ZERO)]));

    let mut broken = Vec::new();
    broken.extend(end.err().map(str::to_owned));
    {
        let mut seen = lock(&seen);
        broken.append(&mut seen.broken);
        world.judge(program, &mut seen, &mut broken);
        figures.add(std::mem::take(&mut seen.figures));
    }
    figures.programs = figures.programs.saturating_add(1);
    figures.broken(program.seed, &broken);
    let_go((world, seen));
}

impl World {
    fn new(program: &Program, spawned: Option<Spawned>, seen: Arc<Mutex<Seen>>) -> Result<Self, InvalidRequest> {
        let clerk = Emulator::builder().single_threaded().seed(program.seed).build();
        let transport = Scripted { clerk: clerk.clone(), of_others: Script::new(&program.of_others) };
        let mut builder = Client::builder(transport, clerk.secret_key())
            .jitter_seed(program.seed)
            .retry(program.policy.clone())
            .retry_budget(program.budget)
            .rate_limit_gate(program.gate);
        if let Some(spawned) = spawned {
            builder = builder.spawner(spawned);
        }
        if program.supervision.handler != Handler::Default {
            let (handler, seen) = (program.supervision.handler, Arc::clone(&seen));
            builder = builder.on_orphan(move |orphan| taken_care_of(orphan, handler, Arc::clone(&seen)));
        }
        Ok(Self { clerk, client: builder.build()?, gambles: program.gambles, seen })
    }

    fn tasks(self: &Arc<Self>, program: &Program) -> Vec<BoxFuture<'static, ()>> {
        let callers = program.creations.iter().enumerate();
        let callers: Vec<_> = callers.map(|(number, it)| Arc::clone(self).creation(number, it)).collect();
        let mut tasks: Vec<BoxFuture<'static, ()>> = if program.in_sequence {
            vec![Box::pin(async move {
                for caller in callers {
                    caller.await;
                }
            })]
        } else {
            callers
        };
        tasks.extend(program.accepts.iter().map(|(begins, which)| Arc::clone(self).accept(*begins, *which)));
        tasks.extend(program.closes.map(|begins| Arc::clone(self).close(begins)));
        tasks
    }

    fn close(self: Arc<Self>, begins: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.sleep(begins).await;
            let closed = self.client.close(CLOSING).await;
            lock(&self.seen).closed = Some(closed);
        })
    }

    async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            self.clerk.timer().sleep(duration).await;
        }
    }

    /// Somebody opens a link: of all that there are, whoever holds them.
    fn accept(self: Arc<Self>, begins: Duration, which: usize) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.sleep(begins).await;
            let created = self.clerk.creates();
            if let Some(token) = created.get(which) {
                let was = self.clerk.token(token.id()).map(|token| token.status().clone());
                let opened = self.clerk.accept(token.id()).is_ok();
                let mut seen = lock(&self.seen);
                seen.figures.accepted += u64::from(opened);
                if opened && was != Some(ActorTokenStatus::Pending) {
                    seen.broken.push(format!("{} was {was:?}, and its link opened a session", token.id()));
                }
            }
        })
    }

    /// A caller makes a token, and revokes what it gets hold of.
    fn creation(self: Arc<Self>, number: usize, creation: &Creation) -> BoxFuture<'static, ()> {
        let Creation { begins, timeout, lifetime, session, patience, .. } = *creation;
        let user = creation.user.clone();
        let script = Script::new(&creation.plan);
        let sole = creation.revocations.len() == 1;
        let revokers: Vec<_> = creation.revocations.iter().map(|it| Arc::clone(&self).revocation(it, sole)).collect();
        Box::pin(async move {
            self.sleep(begins).await;
            let call =
                self.client.actor_tokens().create(&user, Actor::new(ACTOR)).timeout(timeout).expires_in(lifetime);
            let call = call.session_max_duration(session).extension(script.clone());
            let timer = self.clerk.timer();
            let began = timer.now();
            let ended = waited_for(Box::pin(call.send_with_response()), patience, timer).await;
            let elapsed = timer.now().saturating_duration_since(began);
            let sends = script.sends();

            let commits = self.made_for(&user);
            let asked = Asked { user: &user, actor: ACTOR, lifetime, session };
            if let Some(ended) = &ended {
                let met = script.met();
                let arrived = self.arrived(&user);
                let facts = Facts { commits: &commits, arrived, met: &met, elapsed, timeout, gambles: self.gambles };
                let judged = verdict::of_create(ended, &asked, &facts);
                let mut seen = lock(&self.seen);
                seen.broken.extend(judged.err().map(|broken| format!("create for {user}: {broken}")));
                seen.figures.created(ended, commits.len());
            }
            let id = match &ended {
                Some(Ok(response)) => Some(response.value().id().clone()),
                Some(Err(error)) => error.salvaged_id().and_then(|id| id.parse().ok()),
                None => None,
            };
            lock(&self.seen).told.push(Told { number, script, ended, sends });
            if let Some(id) = id {
                let mut revokers: Vec<BoxFuture<'static, ()>> = revokers.into_iter().map(|it| it(id.clone())).collect();
                std::future::poll_fn(|context| {
                    revokers.retain_mut(|revoker| revoker.as_mut().poll(context).is_pending());
                    if revokers.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
            }
        })
    }

    /// A caller revokes a token. `sole`: nobody else does.
    fn revocation(
        self: Arc<Self>,
        revoking: &Revoking,
        sole: bool,
    ) -> impl FnOnce(ActorTokenId) -> BoxFuture<'static, ()> + Send + use<> {
        let Revoking { begins, timeout, patience, .. } = *revoking;
        let script = Script::new(&revoking.plan);
        move |id| {
            Box::pin(async move {
                self.sleep(begins).await;
                let requests_before = self.clerk.requests().len();
                let call = self.client.actor_tokens().revoke(&id).timeout(timeout).extension(script.clone());
                let timer = self.clerk.timer();
                let began = timer.now();
                lock(&self.seen).revoked.push(id.clone());
                let ended = waited_for(Box::pin(call.send_with_response()), patience, timer).await;
                let elapsed = timer.now().saturating_duration_since(began);
                let Some(ended) = ended else {
                    lock(&self.seen).figures.given_up += 1;
                    return;
                };
                let commits: Vec<_> = self.clerk.revokes().into_iter().filter(|it| *it.id() == id).collect();
                let met = script.met();
                // Whatever another call sent counts as having arrived: what is asked is whether nothing did.
                let arrived = self.clerk.requests().len() > requests_before;
                let facts = Facts { commits: &commits, arrived, met: &met, elapsed, timeout, gambles: false };
                let judged = verdict::of_revoke(&ended, &id, &self.clerk, &facts, sole);
                let mut seen = lock(&self.seen);
                seen.broken.extend(judged.err().map(|broken| format!("revoke of {id}: {broken}")));
                seen.figures.revoked(&ended);
            })
        }
    }

    fn made_for(&self, user: &str) -> Vec<LedgerEntry> {
        self.clerk.creates().into_iter().filter(|commit| commit.user_id() == user).collect()
    }

    /// Whether a request to make a token for this user came to Clerk.
    fn arrived(&self, user: &str) -> bool {
        let requests = self.clerk.requests();
        requests
            .iter()
            .any(|request| request.json().is_some_and(|body| body.get("user_id").is_some_and(|it| it == user)))
    }

    /// What is left when all have ended.
    fn judge(&self, program: &Program, seen: &mut Seen, broken: &mut Vec<String>) {
        let mut reports = std::mem::take(&mut seen.reports);
        if let Some(closed) = &seen.closed {
            reports.extend(closed.orphans().iter().cloned());
            if closed.under_way() > 0 {
                broken.push(format!("{} calls were still under way after close", closed.under_way()));
            }
        }
        seen.figures.reported += reports.len() as u64;
        for report in &reports {
            if let Some(id) = report.id().filter(|id| !self.is_of_somebody_gone(id, program, &seen.told)) {
                broken.push(format!("{id} was reported as an orphan, and its caller had not gone"));
            }
        }
        for told in &seen.told {
            let Some(creation) = program.creations.get(told.number) else { continue };
            let commits = self.made_for(&creation.user);
            seen.figures.tokens += commits.len() as u64;
            let gone = told.ended.is_none();
            seen.figures.given_up += u64::from(gone);
            if commits.len() > 1 && !self.gambles {
                broken.push(format!("{} tokens were made for {}", commits.len(), creation.user));
            }
            if gone && told.script.sends() > told.sends {
                broken.push(format!("a request for {} was sent after its caller had gone", creation.user));
            }
            let mut is_reported = false;
            for commit in &commits {
                let words = |wrong: String| format!("{} for {}: {wrong}", commit.id(), creation.user);
                match self.fate_of(commit, told, seen) {
                    Ok(Fate::Held) => seen.figures.held += 1,
                    Ok(Fate::Named) => seen.figures.named += 1,
                    Ok(Fate::Warned) => seen.figures.warned += 1,
                    Ok(Fate::TakenBack) => seen.figures.taken_back += 1,
                    // A call has one report, also where it gambled and made two.
                    Ok(Fate::Lost) if std::mem::replace(&mut is_reported, true) => (),
                    Ok(Fate::Lost) => broken.extend(told_by(&mut reports, commit, creation).err().map(words)),
                    Err(wrong) => broken.push(words(wrong)),
                }
            }
        }
    }

    fn is_of_somebody_gone(&self, id: &str, program: &Program, told: &[Told]) -> bool {
        let creates = self.clerk.creates();
        let of = creates.iter().find(|commit| commit.id().as_str() == id);
        told.iter().filter(|told| told.ended.is_none()).any(|told| {
            let user = program.creations.get(told.number).map(|creation| creation.user.as_str());
            of.is_some_and(|commit| Some(commit.user_id()) == user)
        })
    }

    /// What has become of a token: nobody may be left with a link that nobody knows of, or without one that was theirs.
    ///
    /// # Errors
    /// That.
    fn fate_of(&self, commit: &LedgerEntry, told: &Told, seen: &Seen) -> Result<Fate, String> {
        let id = commit.id();
        let is_revoked = self.clerk.token(id).is_some_and(|token| *token.status() == ActorTokenStatus::Revoked);
        match &told.ended {
            Some(Ok(response)) if response.value().id() == id => match is_revoked && !seen.revoked.contains(id) {
                true => Err("revoked, and its holder did not ask for that".to_owned()),
                false => Ok(Fate::Held),
            },
            Some(Ok(response)) if response.is_ambiguous() => Ok(Fate::Warned),
            Some(Err(error)) if error.salvaged_id() == Some(id.as_str()) => Ok(Fate::Named),
            Some(Err(error)) if error.is_ambiguous() => Ok(Fate::Warned),
            Some(_) => Err("its caller was not told of it".to_owned()),
            None if is_revoked => Ok(Fate::TakenBack),
            None => Ok(Fate::Lost),
        }
    }
}

/// What has become of a token.
enum Fate {
    Held,
    /// By an error.
    Named,
    Warned,
    /// After its caller had gone.
    TakenBack,
    /// Somebody has to have been told, by an orphan's report.
    Lost,
}

/// Finds the report that tells of a lost token: by its id, or one without an id. Of these each tells of one token.
///
/// # Errors
/// There is none, or it says that the token cannot be used for as long as it can.
fn told_by(reports: &mut Vec<OrphanReport>, commit: &LedgerEntry, creation: &Creation) -> Result<(), String> {
    let id = commit.id().as_str();
    let by_id = reports.iter().position(|report| report.id() == Some(id));
    let place = by_id.or_else(|| reports.iter().position(|report| report.id().is_none()));
    let report = place.map(|place| reports.swap_remove(place)).ok_or("lost in silence")?;
    let Creation { user, lifetime, session, .. } = creation;
    let asked = Asked { user, actor: ACTOR, lifetime: *lifetime, session: *session };
    let is_exact = by_id.is_some();
    match verdict::exposed(report.exposure_until(), report.session_exposure_until(), &asked, slice::from_ref(commit)) {
        // Which of several reports without an id is whose cannot be told.
        Some(wrong) if is_exact || reports.iter().all(|other| other.id().is_some()) => Err(wrong),
        _ => Ok(()),
    }
}

/// An application's own way with orphans.
async fn taken_care_of(orphan: Orphan, handler: Handler, seen: Arc<Mutex<Seen>>) {
    let report = orphan.report().clone();
    if handler == Handler::Keeps || orphan.undo().await.is_err() {
        lock(&seen).reports.push(report);
    }
}
