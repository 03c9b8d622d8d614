//! The end of impersonations, in seeded programs: sessions of many kinds, pages that change under the list, faults at every call,
//! links that are opened meanwhile. Nothing of the agent's is left live, or the result says so, and no one else's session is ended.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and shows its figure"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use clerk_actor_tokens::{
    Actor, Client, EndImpersonation,
    http::Method,
    middleware::middleware_fn,
    testing::emulator::{CallKind, Emulator, SecondSession, fault},
};
use clerk_actor_tokens_core::workspace::JitterSeed as _;
use fastrand::Rng;

const CUSTOMER: &str = "user_customer";
const AGENT: &str = "user_agent";

/// A response that says of a live session that it is over, or somebody else's. No client can know better.
fn lies(kind: CallKind, name: &str) -> bool {
    let is_read = matches!(kind, CallKind::SessionList | CallKind::SessionGet);
    is_read
        && (name == "another_actor()"
            || name == "stale()"
            || name == "without(\"actor\")"
            || name.starts_with("token_status"))
}

#[derive(Default)]
struct Counts {
    ended: usize,
    errors: usize,
    sessions: usize,
    opened_meanwhile: usize,
}

/// Opens a session of the agent before the request of this number.
struct Meanwhile {
    before: u32,
    has_happened: AtomicBool,
    requests: AtomicU32,
    /// Whether a list was begun after it.
    is_listed: AtomicBool,
}

fn program(seed: u64, most: usize, counts: &mut Counts) {
    let mut random = Rng::with_seed(seed);
    let mut builder = Emulator::builder()
        .seed(seed)
        .single_threaded()
        .users([CUSTOMER, "user_other", AGENT, "user_pending"])
        .revoke_over_session([200, 400, 404][random.usize(0..3)]);
    if random.u8(0..8) == 0 {
        builder = builder.second_session(SecondSession::Replaces);
    }
    // Sessions that are over leave the list, which moves the others up.
    let shrinks = random.u8(0..3) == 0;
    if shrinks {
        builder = builder.keep_over_sessions(Duration::ZERO);
    }
    let has_tasks = random.u8(0..4) == 0;
    if has_tasks {
        builder = builder.users_with_tasks([CUSTOMER]);
    }
    let emulator = builder.build();
    let setting_up = emulator.client();

    let create = |user: &str, actor: Actor| {
        let call = setting_up.actor_tokens().create(user, actor).stamp_attempts("attempt");
        pollster::block_on(call.send()).unwrap()
    };
    let number = random.usize(0..=most);
    let mut of_agent = Vec::new();
    for _ in 0..number {
        match random.u8(0..10) {
            0..4 => of_agent.push(emulator.sign_in_as(CUSTOMER, &Actor::new(AGENT).with("desk", "7")).id().to_owned()),
            4..7 => drop(emulator.sign_in(CUSTOMER)),
            7 => drop(emulator.sign_in_as(CUSTOMER, &Actor::new("user_agent_2"))),
            8 => drop(emulator.sign_in_as("user_other", &Actor::new(AGENT))),
            _ => {
                let id = emulator.sign_in_as(CUSTOMER, &Actor::new(AGENT)).id().to_owned();
                emulator.end_session(&id, ["ended", "removed", "expired", "brand_new"][random.usize(0..4)]);
                of_agent.push(id);
            }
        }
    }
    let token = create(CUSTOMER, Actor::new(AGENT));
    let mut stamp = None;
    if random.bool() {
        stamp =
            token.actor().and_then(|actor| actor.get("attempt")).and_then(|stamp| stamp.as_str()).map(str::to_owned);
        of_agent.push(emulator.accept(token.id()).unwrap().id().to_owned());
    }
    let by_stamp = stamp.filter(|_| random.u8(0..4) == 0);
    let stamped = of_agent.last().cloned();
    let live_before: Vec<String> = emulator.live_sessions().iter().map(|session| session.id().to_owned()).collect();
    // "brand_new" is live for a client, and for the emulator it is not over.
    let status = |id: &str| emulator.session(id).unwrap().status().to_owned();
    let is_over =
        |id: &str| matches!(&*status(id), "ended" | "removed" | "replaced" | "revoked" | "expired" | "abandoned");

    let others_own: Vec<String> = emulator
        .live_sessions()
        .iter()
        .filter(|session| session.actor().is_none())
        .map(|session| session.id().to_owned())
        .collect();
    let other = create(CUSTOMER, Actor::new(AGENT));
    let meanwhile = Arc::new(Meanwhile {
        before: if random.u8(0..3) == 0 { random.u32(0..12) } else { u32::MAX },
        has_happened: AtomicBool::new(false),
        requests: AtomicU32::new(0),
        is_listed: AtomicBool::new(false),
    });
    let opened = Arc::new(Mutex::new(None));
    let opens = {
        let (emulator, meanwhile, opened) = (emulator.clone(), Arc::clone(&meanwhile), Arc::clone(&opened));
        middleware_fn(move |request, next| {
            let number = meanwhile.requests.fetch_add(1, Ordering::SeqCst);
            if number == meanwhile.before {
                meanwhile.has_happened.store(true, Ordering::SeqCst);
                *opened.lock().unwrap() = emulator.accept(other.id()).ok().map(|session| session.id().to_owned());
            }
            // The customer signs out.
            if shrinks && number % 2 == 1 {
                if let Some(id) = others_own.get(usize::try_from(number / 2).unwrap()) {
                    emulator.end_session(id, "ended");
                }
            }
            let is_first_page = request.method() == Method::GET
                && request.uri().path().ends_with("/sessions")
                && !request.uri().query().unwrap_or_default().contains("offset");
            if is_first_page && meanwhile.has_happened.load(Ordering::SeqCst) {
                meanwhile.is_listed.store(true, Ordering::SeqCst);
            }
            Box::pin(next.run(request))
        })
    };
    let catalogue = fault::catalogue();
    let mut queued = Vec::new();
    for _ in 0..random.usize(0..4) {
        let kinds = [CallKind::Revoke, CallKind::SessionList, CallKind::SessionGet, CallKind::SessionRevoke];
        let (kind, fault) = (kinds[random.usize(0..4)], &catalogue[random.usize(0..catalogue.len())]);
        let phases = fault.phases_of(kind);
        if phases.is_empty() || lies(kind, &fault.name()) {
            continue;
        }
        let phase = phases[random.usize(0..phases.len())];
        fault.queue(emulator.next_attempt(kind), phase);
        queued.push(format!("{kind} {phase} {fault}"));
    }

    let builder = Client::builder(emulator.clone(), emulator.secret_key()).jitter_seed(seed).middleware(opens);
    let clerk = builder.build().unwrap();
    let mut what = EndImpersonation::of(CUSTOMER).token(token.id());
    what = match &by_stamp {
        Some(stamp) => what.stamp("attempt", stamp),
        None => what.by(AGENT),
    };
    let result = pollster::block_on(clerk.impersonations().run(what).send());

    let what = format!("seed {seed}, at most {most} sessions, {queued:?}");
    let is_ours = |id: &str| match &by_stamp {
        Some(_) => stamped.as_deref() == Some(id),
        None => of_agent.iter().any(|ours| ours == id),
    };
    let ended = match &result {
        Ok(ended) => ended,
        Err(error) => error.ended(),
    };
    let opened = opened.lock().unwrap().clone().filter(|_| by_stamp.is_none());
    for session in ended.sessions() {
        let id = session.id().as_str();
        assert!(is_over(id), "{what}: {id} is said to be over, and is {}", status(id));
        assert!(is_ours(id) || opened.as_deref() == Some(id), "{what}: {id} is no one's of ours");
    }
    for session in emulator.sessions().iter().filter(|_| result.is_ok()) {
        let was_live = live_before.iter().any(|id| id == session.id());
        if is_ours(session.id()) && was_live && session.status() == "revoked" {
            let is_named = ended.sessions().iter().any(|named| named.id().as_str() == session.id());
            assert!(is_named, "{what}: {} was ended, and is not named", session.id());
        }
    }
    for session in emulator.sessions() {
        let is_new = opened.as_deref() == Some(session.id());
        if !is_ours(session.id()) && !is_new {
            assert!(session.status() != "revoked", "{what}: {} is someone else's, and was ended", session.id());
        }
    }
    match &result {
        Ok(_) => {
            counts.ended += 1;
            for id in live_before.iter().chain(&of_agent).filter(|id| is_ours(id)) {
                assert!(is_over(id), "{what}: {id} is left, {}", status(id));
            }
            if let Some(id) = opened.filter(|_| meanwhile.is_listed.load(Ordering::SeqCst)) {
                assert!(is_over(&id), "{what}: {id} was opened meanwhile, and is left");
                counts.opened_meanwhile += 1;
            }
        }
        Err(error) => {
            counts.errors += 1;
            let has_reason = error.error().is_some() || error.token_error().is_some() || !error.live().is_empty();
            assert!(has_reason, "{what}: {error:?}");
            let is_both = |id: &str| ended.sessions().iter().any(|named| named.id().as_str() == id);
            assert!(!error.live().iter().any(|id| is_both(id.as_str())), "{what}: {error:?}");
            let is_known = |id: &str| is_ours(id) || opened.as_deref() == Some(id);
            assert!(error.live().iter().all(|id| is_known(id.as_str())), "{what}: {error:?}");
        }
    }
    counts.sessions += ended.sessions().len();
    drop(emulator.take_unused_faults());
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// `END_PROGRAMS` and `END_LARGE` are how many, `SEED` is the first.
#[test]
fn nothing_of_the_agents_is_left_or_the_result_says_so_and_no_one_elses_is_ended() {
    let first = number("SEED", 1);
    let (small, large) = (number("END_PROGRAMS", 800), number("END_LARGE", 5));
    let mut counts = Counts::default();
    for seed in first..first + small {
        program(seed, 20, &mut counts);
    }
    for seed in first..first + large {
        program(1_000_000_007 + seed, 1_200, &mut counts);
    }
    let Counts { ended, errors, sessions, opened_meanwhile } = counts;
    println!(
        "figure: end of impersonations: {small} programs of at most 20 sessions and {large} of at most 1200: {ended} ended all, \
         {errors} said what is left, {sessions} sessions ended, {opened_meanwhile} opened meanwhile and ended: 0 left in silence, \
         0 of others"
    );
    assert!(ended > errors && opened_meanwhile > 0);
}

/// 60 s are for few sessions, and 12 s for each 100 that are listed, if nothing is set.
#[test]
fn the_time_grows_with_the_sessions_that_are_listed() {
    for (sessions, timeout, is_ended) in
        [(40, None, true), (80, None, false), (700, None, true), (700, Some(60), false), (80, Some(90), true)]
    {
        let emulator = Emulator::builder().single_threaded().build();
        for number in 0..sessions {
            let agent = if number < 80 { AGENT } else { "user_other" };
            emulator.sign_in_as(CUSTOMER, &Actor::new(agent));
            if number < 80 {
                // 80 of them are more than a minute.
                emulator.next_session_revoke().before_commit(fault::delay(Duration::from_secs(1)));
            }
        }
        let clerk = emulator.client();
        let mut end = EndImpersonation::of(CUSTOMER).by(AGENT);
        if let Some(timeout) = timeout {
            end = end.timeout(Duration::from_secs(timeout));
        }
        let done = pollster::block_on(clerk.impersonations().run(end).send());
        assert_eq!(done.is_ok(), is_ended, "{sessions} sessions, {timeout:?}: {done:?}");
        if let Err(error) = done {
            let (ended, live) = (error.ended().sessions().len(), error.live().len());
            assert!(error.error().unwrap().is_timeout() && ended > 50 && ended + live == 80, "{ended} {live}");
        }
        drop(emulator.take_unused_faults());
    }
}

/// A token that cannot be revoked in time takes a quarter of the time, and the sessions are ended.
#[test]
fn the_token_does_not_take_the_time_of_the_sessions() {
    let emulator = Emulator::new();
    emulator.sign_in_as(CUSTOMER, &Actor::new(AGENT));
    for _ in 0..8 {
        emulator.next_revoke().before_commit(fault::stall());
    }
    let clerk = emulator.client();
    let end = clerk.impersonations().end(CUSTOMER).by(AGENT).token("act_1").timeout(Duration::from_secs(20));
    let error = pollster::block_on(end.send()).unwrap_err();
    assert!(error.error().is_none() && error.token_error().unwrap().is_timeout(), "{error}");
    assert_eq!(error.ended().sessions().len(), 1);
    emulator.assert_live_sessions(0);
    drop(emulator.take_unused_faults());
}

/// A creation whose response is lost, with its stamp: what grew from it is ended, and nothing else.
#[test]
fn what_grew_from_a_lost_creation_is_ended_by_its_stamp() {
    let emulator = Emulator::new();
    let clerk = emulator.client();
    let mine = emulator.sign_in_as(CUSTOMER, &Actor::new(AGENT)).id().to_owned();
    emulator.next_create().after_commit(fault::close());
    let create = clerk.actor_tokens().create(CUSTOMER, Actor::new(AGENT)).stamp_attempts("attempt");
    let error = pollster::block_on(create.send()).unwrap_err();
    assert!(error.is_ambiguous() && error.salvaged_id().is_none());
    let lost = emulator.orphans()[0].id().clone();
    let grown = emulator.accept(&lost).unwrap().id().to_owned();

    let stamp = error.attempts()[0].stamp().unwrap();
    let ended = pollster::block_on(clerk.impersonations().end(CUSTOMER).stamp("attempt", stamp).send()).unwrap();
    let ids: Vec<_> = ended.sessions().iter().map(|session| session.id().as_str()).collect();
    assert_eq!(ids, [grown]);
    let live: Vec<_> = emulator.live_sessions().iter().map(|session| session.id().to_owned()).collect();
    assert_eq!(live, [mine]);
}
