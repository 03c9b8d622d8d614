//! Random programs of web handlers that hold, write down and keep: wherever a handler, the runtime or the client ends, no
//! token lives that is neither kept nor reported.
//!
//! `HOLD_PROGRAMS` sets their number.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use clerk_actor_tokens_core::{Actor, BoxFuture, Client, Closed, Error, ErrorKind, OrphanReport};

use crate::common::{
    AGENT, USER,
    clerk::{Answer, Clerk, Revoking},
    pause,
    tasks::Tasks,
    test_key,
};

const ANSWERS: [Answer; 9] = [
    Answer::Success,
    Answer::Success,
    Answer::Success,
    Answer::Success,
    Answer::CutWithId,
    Answer::CutWithoutId,
    Answer::Lost,
    Answer::Unreachable,
    Answer::Refused,
];

/// What the handlers know at their ends: what an application could act on.
#[derive(Default)]
struct Known {
    kept: BTreeSet<String>,
    /// Ids that errors name.
    named: BTreeSet<String>,
    /// Errors that say that a token may exist, and name none.
    unnamed: usize,
}

/// A web handler: it creates, writes the token down in a database, and keeps it.
async fn handler(client: Client<Clerk>, before: u32, database: u32, works: bool, known: Arc<Mutex<Known>>) {
    pause(before).await;
    let note = |error: &Error| {
        let mut known = known.lock().unwrap();
        match error.salvaged_id() {
            // The client has said that it revokes it.
            _ if error.kind() == ErrorKind::NotKept => {}
            Some(id) => drop(known.named.insert(id.to_owned())),
            None => known.unnamed += usize::from(error.is_ambiguous()),
        }
    };
    let held = match client.actor_tokens().create(USER, Actor::new(AGENT)).hold().await {
        Ok(held) => held,
        Err(error) => return note(&error),
    };
    pause(database).await;
    if !works {
        return;
    }
    match held.keep().await {
        Ok(token) => drop(known.lock().unwrap().kept.insert(token.id().as_str().to_owned())),
        Err(error) => note(&error),
    }
}

/// What has gone wrong, if anything has. `sees_reports` is false where the check itself is tested.
fn violation(seed: u64, sees_reports: bool) -> Option<String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let handlers = random.usize(1..4);
    let answers: Vec<Answer> = (0..handlers).map(|_| ANSWERS[random.usize(..ANSWERS.len())]).collect();
    let revoking = if random.u8(..4) == 0 { Revoking::Fails } else { Revoking::Works };
    let phases = [0; 4].map(|_: u32| random.u32(..3));
    let (clerk, tasks) = (Clerk::new(&answers).revoking(revoking).phases(phases), Tasks::default());
    let client = Client::builder(clerk.clone(), test_key()).executor(tasks.clone()).build().unwrap();
    let known: Arc<Mutex<Known>> = Arc::default();
    let mut running: Vec<Option<BoxFuture<'static, ()>>> = (0..handlers)
        .map(|_| {
            let (before, database, works) = (random.u32(..3), random.u32(..6), random.u8(..8) != 0);
            Some(Box::pin(handler(client.clone(), before, database, works, Arc::clone(&known))) as BoxFuture<'_, ()>)
        })
        .collect();
    let mut closing: Option<BoxFuture<'static, Closed>> = None;
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..random.u32(10..80) {
        match random.u32(..20) {
            0 => running[random.usize(..handlers)] = None,
            1 if random.bool() => tasks.shut_down(),
            2 if closing.is_none() => {
                let (client, within) = (client.clone(), Duration::from_secs(random.u64(..3)));
                closing = Some(Box::pin(async move { client.close(within).await }));
            }
            3..6 => drop(tasks.poll(&mut context)),
            6..8 => {
                if let Some(Poll::Ready(_)) = closing.as_mut().map(|closing| closing.as_mut().poll(&mut context)) {
                    closing = None;
                }
            }
            _ => {
                let slot = &mut running[random.usize(..handlers)];
                if slot.as_mut().is_some_and(|handler| handler.as_mut().poll(&mut context).is_ready()) {
                    *slot = None;
                }
            }
        }
    }
    drop((closing, running));
    let closed = tasks.run_beside(client.close(Duration::from_secs(60)));
    let known = known.lock().unwrap();
    let reports: &[OrphanReport] = if sees_reports { closed.orphans() } else { &[] };
    let books = clerk.books();
    let revoked: BTreeSet<String> = books.revoked.iter().map(|(id, ..)| id.clone()).collect();
    if let Some(id) = known.kept.intersection(&revoked).next() {
        return Some(format!("seed {seed}: {id} was kept and revoked"));
    }
    if closed.in_flight() > 0 {
        return Some(format!("seed {seed}: {} are in flight", closed.in_flight()));
    }
    let is_known = |id: &String| {
        known.kept.contains(id)
            || known.named.contains(id)
            || revoked.contains(id)
            || reports.iter().any(|report| report.id() == Some(id))
    };
    let unknown = books.made.iter().filter(|id| !is_known(id)).count();
    let unnamed = known.unnamed + reports.iter().filter(|report| report.id().is_none()).count();
    (unknown > unnamed).then(|| format!("seed {seed}: {unknown} tokens live, and {unnamed} are reported without an id"))
}

#[test]
fn no_token_lives_that_is_neither_kept_nor_reported() {
    let programs = std::env::var("HOLD_PROGRAMS").map_or(5_000, |number| number.parse().unwrap());
    let broken: Vec<String> = (0..programs).filter_map(|seed| violation(seed, true)).take(3).collect();
    assert!(broken.is_empty(), "{broken:?}");
    #[allow(clippy::print_stdout, reason = "a figure for people")]
    {
        println!("figure: hold: {programs} programs, 0 tokens that live and are neither kept nor reported");
    }
}

#[test]
fn the_check_finds_a_client_that_does_not_report() {
    assert!((0..1_000).any(|seed| violation(seed, false).is_some()));
}
