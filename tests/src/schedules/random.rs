//! Random schedules: a seed gives a program, the program runs on one thread in virtual time, and its end is compared with
//! the ledger.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, ActorTokenId, ActorTokenStatus, Client,
    testing::emulator::Emulator,
    transport::{BoxFuture, HttpTransport as _},
};

use super::{
    aftermath::{ACTOR, Aftermath, Seen, Told, lock, made_for},
    client::client,
    executor::{Fate, Patience, Spawned, StagedPanic, caught, waited_for},
    figures::Figures,
    program::{Creation, Menu, Program, Revoking},
    scripted::{Script, Scripted, let_go},
    verdict::{self, Asked, Facts},
};

/// How long `close` waits: longer than anything takes.
const CLOSING: Duration = Duration::from_secs(3600);

/// Makes random programs and runs them.
pub struct Random {
    menu: Menu,
    has_reports: bool,
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
        Self { menu: Menu::new(), has_reports: true }
    }

    /// The same programs of clients whose reports of orphans are thrown away: by an orphan handler that does nothing, and
    /// unread where `close` returns them. It shows that the check can fail: these clients lose tokens in silence.
    #[must_use]
    pub fn without_reports(self) -> Self {
        Self { has_reports: false, ..self }
    }

    /// Runs the programs of these seeds; every `of`th of them, from number `part` on: for one of several threads.
    #[must_use]
    pub fn run_part(&self, seeds: Range<u64>, part: usize, of: usize) -> Figures {
        let mut figures = Figures::default();
        for seed in seeds.skip(part).step_by(of.max(1)) {
            run(&Program::of(seed, &self.menu), self.has_reports, &mut figures);
        }
        figures
    }

    /// The program of a seed, in words.
    #[must_use]
    pub fn described(&self, seed: u64) -> String {
        Program::of(seed, &self.menu).to_string()
    }
}

/// What the tasks of a program share.
struct World {
    clerk: Emulator,
    client: Client,
    retries_unsafely: bool,
    grace: Duration,
    claims: bool,
    seen: Arc<Mutex<Seen>>,
}

fn run(program: &Program, has_reports: bool, figures: &mut Figures) {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let spawned = program.supervision.fate.map(Spawned::new);
    let clerk = Emulator::builder().single_threaded().seed(program.seed).build();
    let transport = Scripted::new(clerk.clone(), Script::new(&program.of_others));
    let alive = transport.alive();
    let client = client(program, &clerk, transport, spawned.clone(), has_reports, &seen);
    let client = match client {
        Ok(client) => client,
        Err(refused) => return figures.broken(program.seed, &[format!("no client: {refused}")]),
    };
    let world = Arc::new(World {
        clerk,
        client,
        retries_unsafely: program.retries_unsafely,
        grace: program.grace(),
        claims: program.claims(),
        seen: Arc::clone(&seen),
    });
    let executor = spawned.unwrap_or_else(|| Spawned::new(Fate::Refused));
    let mut end = executor.run(world.tasks(program));
    end = end.and(executor.run(vec![Arc::clone(&world).close(Duration::ZERO)]));

    let mut broken = Vec::new();
    broken.extend(end.err().map(str::to_owned));
    {
        let mut seen = lock(&seen);
        broken.append(&mut seen.broken);
        Aftermath { clerk: &world.clerk, program, has_reports }.judge(&mut seen, &mut broken);
        figures.add(std::mem::take(&mut seen.figures));
    }
    let_go((world, seen));
    if alive.strong_count() > 0 {
        broken.push("the state of a call outlives its client".to_owned());
    }
    figures.ran(program);
    figures.broken(program.seed, &broken);
}

impl World {
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
            lock(&self.seen).closed.push(closed);
        })
    }

    async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            self.clerk.timer().sleep(duration).await;
        }
    }

    /// Somebody opens a link: of all that there are, held or lost.
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
        let revokers: Vec<_> = creation.revocations.iter().map(|it| Arc::clone(&self).revocation(it)).collect();
        Box::pin(async move {
            self.sleep(begins).await;
            let call =
                self.client.actor_tokens().create(&user, Actor::new(ACTOR)).timeout(timeout).expires_in(lifetime);
            let call = call.session_max_duration(session).extension(script.clone());
            let timer = self.clerk.timer();
            let began = timer.now();
            let ended = self.call(call.send_with_response(), patience).await;
            let elapsed = timer.now().saturating_duration_since(began);
            let sends = script.sends();

            let commits = made_for(&self.clerk, &user);
            let asked = Asked { user: &user, actor: ACTOR, lifetime, session };
            if let Some(ended) = &ended {
                let met = script.met();
                let arrived = self.arrived(&user);
                let facts = Facts {
                    commits: &commits,
                    arrived,
                    claimed: self.claims,
                    met: &met,
                    elapsed,
                    timeout,
                    grace: self.grace,
                    retries_unsafely: self.retries_unsafely,
                };
                let judged = verdict::of_create(ended, &asked, &facts);
                let mut seen = lock(&self.seen);
                seen.broken.extend(judged.err().map(|broken| format!("create for {user}: {broken}")));
                seen.figures.created(ended, commits.len());
            }
            // What runs on without the caller is revoked by the client as well.
            let sole = sole && !matches!(&ended, Some(Err(error)) if error.is_detached());
            let id = match &ended {
                Some(Ok(response)) => Some(response.value().id().clone()),
                Some(Err(error)) => error.salvaged_id().and_then(|id| id.parse().ok()),
                None => None,
            };
            lock(&self.seen).told.push(Told { number, script, ended, sends });
            if let Some(id) = id {
                let mut revokers: Vec<BoxFuture<'static, ()>> =
                    revokers.into_iter().map(|it| it(id.clone(), sole)).collect();
                std::future::poll_fn(|context| {
                    revokers.retain_mut(|revoker| revoker.as_mut().poll(context).is_pending());
                    if revokers.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
            }
        })
    }

    /// A caller revokes a token. The flag says whether it alone does.
    fn revocation(
        self: Arc<Self>,
        revoking: &Revoking,
    ) -> impl FnOnce(ActorTokenId, bool) -> BoxFuture<'static, ()> + Send + use<> {
        let Revoking { begins, timeout, patience, .. } = *revoking;
        let script = Script::new(&revoking.plan);
        move |id, sole| {
            Box::pin(async move {
                self.sleep(begins).await;
                let requests_before = self.clerk.requests().len();
                let call = self.client.actor_tokens().revoke(&id).timeout(timeout).extension(script.clone());
                let timer = self.clerk.timer();
                let began = timer.now();
                lock(&self.seen).revoked.push(id.clone());
                let ended = self.call(call.send_with_response(), patience).await;
                let elapsed = timer.now().saturating_duration_since(began);
                let Some(ended) = ended else {
                    lock(&self.seen).figures.given_up += 1;
                    return;
                };
                let commits: Vec<_> = self.clerk.revokes().into_iter().filter(|it| *it.id() == id).collect();
                let met = script.met();
                // Whatever another call sent counts as having arrived: what is asked is whether nothing did.
                let arrived = self.clerk.requests().len() > requests_before;
                let facts = Facts {
                    commits: &commits,
                    arrived,
                    claimed: self.claims,
                    met: &met,
                    elapsed,
                    timeout,
                    grace: self.grace,
                    retries_unsafely: false,
                };
                let judged = verdict::of_revoke(&ended, &id, &self.clerk, &facts, sole);
                let mut seen = lock(&self.seen);
                seen.broken.extend(judged.err().map(|broken| format!("revoke of {id}: {broken}")));
                seen.figures.revoked(&ended);
            })
        }
    }

    /// Makes a call for as long as its caller has patience. `None` if the caller left, or if a middleware panicked and the
    /// caller's task with it.
    async fn call<T: Send>(&self, call: impl Future<Output = T> + Send, patience: Patience) -> Option<T> {
        match caught(Box::pin(waited_for(call, patience, self.clerk.timer()))).await {
            Ok(ended) => ended,
            Err(panic) => {
                let mut seen = lock(&self.seen);
                seen.figures.panicked += 1;
                if !panic.is::<StagedPanic>() {
                    seen.broken.push("the client panicked".to_owned());
                }
                None
            }
        }
    }

    /// Whether a request to make a token for this user came to Clerk.
    fn arrived(&self, user: &str) -> bool {
        let requests = self.clerk.requests();
        requests
            .iter()
            .any(|request| request.json().is_some_and(|body| body.get("user_id").is_some_and(|it| it == user)))
    }
}
