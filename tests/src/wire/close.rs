//! Closing a client while its creations are in flight: when `close` returns, every token is held, reported or revoked.
//!
//! The creations are in flight, their answers late: the callers of some wait, others go away before `close` or while it
//! waits. Some answers are lost. Against the emulator's ledger, each token that was made is then held by its caller, named
//! or warned of by an error, revoked, or reported.

mod figures;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, BaseUrl, Client, ErrorKind, Orphan, OrphanReport,
    hyper::HyperTransport,
    settings::RetryBudget,
    testing::emulator::{
        Emulator,
        fault::{self, AnyFault, Phase},
    },
};
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

pub use self::figures::Figures;
use self::figures::{Outcome, Told};
use super::{BoxError, protocol::Protocol};
use crate::schedules::let_go;

/// Who takes care of what callers leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// The client: it revokes.
    Client,
    /// A handler of the application's, which keeps the reports.
    Handler,
}

/// What is closed.
#[derive(Debug, Clone, Copy)]
pub struct Closing {
    /// How many creations are in flight.
    pub calls: usize,
    /// Over what.
    pub protocol: Protocol,
    /// By whom what is left is taken care of.
    pub care: Care,
    /// How late answers are; some of them a half more. Callers go away meanwhile.
    pub late: Duration,
    /// A call's time, for those that are never answered.
    pub timeout: Duration,
    /// What decides who goes away when, and what is answered.
    pub seed: u64,
}

/// Far more than closing takes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Closing {
    /// Closes it.
    ///
    /// # Errors
    /// The machine gave no sockets.
    pub async fn run(self) -> Result<Figures, BoxError> {
        let mut rng = Rng::with_seed(self.seed);
        let clerk = Emulator::builder().real_time().build();
        for _ in 0..self.calls {
            let (fault, phase) = self.meets(&mut rng);
            fault.queue(clerk.next_create(), phase);
        }
        let served = clerk.server().start().await?;
        let reports: Arc<Mutex<Vec<OrphanReport>>> = Arc::default();
        let client = self.client(&clerk, served.base_url(), &reports)?;

        let is_closing = Arc::new(AtomicBool::new(false));
        let callers_gone: Arc<AtomicUsize> = Arc::default();
        let mut callers = JoinSet::new();
        for number in 0..self.calls {
            let patience = self.patience(&mut rng);
            let call = caller(client.clone(), user(number), patience, Arc::clone(&is_closing));
            let gone = Arc::clone(&callers_gone);
            callers.spawn(async move {
                let ended = call.await;
                gone.fetch_add(usize::from(ended.1.is_none()), Ordering::AcqRel);
                ended
            });
        }
        // As answers are late, all that have been sent by then are in flight. A caller may go before that.
        let began = Instant::now();
        while sent(&clerk) + callers_gone.load(Ordering::Acquire) < self.calls && began.elapsed() < PATIENCE {
            sleep(Duration::from_millis(10)).await;
        }
        let mut figures = Figures { what: format!("{}, {:?}", self.protocol, self.care), ..Figures::default() };
        let told_already = clerk.creates().iter().filter(|commit| commit.is_delivered()).count();
        figures.in_flight = sent(&clerk).saturating_sub(told_already);
        is_closing.store(true, Ordering::Release);
        let began = Instant::now();
        let closed = timeout(PATIENCE, client.close(PATIENCE / 2)).await;
        figures.took = began.elapsed();
        let creates = clerk.creates();
        let told = all(callers, &mut figures).await;
        match closed {
            Ok(closed) => {
                let reports = std::mem::take(&mut *reports.lock().unwrap_or_else(PoisonError::into_inner));
                figures.judge(&clerk, &creates, &told, &closed, reports);
            }
            Err(_) => figures.hangs += 1,
        }
        refused(&client, &clerk, &mut figures).await;
        // If a caller goes before its request is sent, no request meets the fault.
        let_go((clerk, served));
        Ok(figures)
    }

    /// What a creation meets. Nearly all are answered late; of a few no answer comes.
    fn meets(self, rng: &mut Rng) -> (AnyFault, Phase) {
        let late = self.late + within(rng, self.late / 2);
        match rng.u8(..10) {
            0 => (fault::slow_body(late).into(), Phase::AfterCommit),
            1 => (fault::stall_at(150).into(), Phase::AfterCommit),
            2 => (fault::stall().into(), Phase::AfterCommit),
            3..=5 => (fault::delay(late).into(), Phase::BeforeCommit),
            _ => (fault::delay(late).into(), Phase::AfterCommit),
        }
    }

    fn patience(self, rng: &mut Rng) -> Patience {
        match rng.u8(..3) {
            0 => Patience::Endless,
            1 => Patience::For(self.late / 2 + within(rng, self.late / 2)),
            _ => Patience::AfterClose(within(rng, self.late)),
        }
    }

    fn client(
        self,
        clerk: &Emulator,
        base_url: BaseUrl,
        reports: &Arc<Mutex<Vec<OrphanReport>>>,
    ) -> Result<Client<HyperTransport>, BoxError> {
        let transport = self.protocol.transport(None)?.connect_timeout(PATIENCE).build()?;
        let builder = Client::builder(transport, clerk.secret_key()).base_url(base_url).timeout(self.timeout);
        let builder = builder.retry_budget(RetryBudget::unlimited()).require_executor();
        Ok(match self.care {
            Care::Client => builder.build()?,
            Care::Handler => {
                let reports = Arc::clone(reports);
                let keep = move |orphan: Orphan| {
                    reports.lock().unwrap_or_else(PoisonError::into_inner).push(orphan.report().clone());
                    async {}
                };
                builder.on_orphan(keep).build()?
            }
        })
    }
}

fn within(rng: &mut Rng, most: Duration) -> Duration {
    most.mul_f64(rng.f64())
}

/// How many creations have been sent.
fn sent(clerk: &Emulator) -> usize {
    clerk.requests().iter().filter(|request| !request.path().ends_with("/revoke")).count()
}

fn user(number: usize) -> String {
    format!("user_{number}")
}

/// When a caller goes away.
#[derive(Debug, Clone, Copy)]
enum Patience {
    Endless,
    /// Before the client is closed: so long after the call began.
    For(Duration),
    /// So long after the client is closed.
    AfterClose(Duration),
}

async fn caller(
    client: Client<HyperTransport>,
    user: String,
    patience: Patience,
    is_closing: Arc<AtomicBool>,
) -> (String, Option<Outcome>) {
    let goes = async {
        match patience {
            Patience::Endless => std::future::pending().await,
            Patience::For(time) => sleep(time).await,
            Patience::AfterClose(time) => {
                while !is_closing.load(Ordering::Acquire) {
                    sleep(Duration::from_millis(5)).await;
                }
                sleep(time).await;
            }
        }
    };
    let call = client.actor_tokens().create(user.as_str(), Actor::new("user_agent")).send_with_response();
    let outcome = tokio::select! {
        outcome = call => Some(outcome),
        () = goes => None,
    };
    (user, outcome)
}

/// What all callers got. One that gets nothing hangs.
async fn all(mut callers: JoinSet<(String, Option<Outcome>)>, figures: &mut Figures) -> Told {
    let mut told = Told::new();
    let all = async {
        while let Some(caller) = callers.join_next().await {
            match caller {
                Ok((user, outcome)) => drop(told.insert(user, outcome)),
                Err(panic) => figures.broken.push(panic.to_string()),
            }
        }
    };
    // `close` has waited for them already.
    if timeout(PATIENCE / 4, all).await.is_err() {
        figures.hangs += callers.len();
    }
    told
}

/// A closed client refuses creations, and says so.
async fn refused(client: &Client<HyperTransport>, clerk: &Emulator, figures: &mut Figures) {
    let before = clerk.requests().len();
    let late = client.actor_tokens().create("user_late", Actor::new("user_agent")).send().await;
    if !late.is_err_and(|error| error.kind() == ErrorKind::Blocked) || clerk.requests().len() > before {
        figures.broken.push("a closed client makes a token".to_owned());
    }
}
