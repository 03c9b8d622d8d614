//! Going back: to a snapshot, or to the beginning.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::support::{create, exchange, get, post, revoke, send};
use clerk_actor_tokens_core::{ActorTokenId, Request, Response};
use clerk_actor_tokens_emulator::{Emulator, EmulatorBuilder, fault};
use fastrand::Rng;
use serde_json::json;

fn of_user(user: &str) -> Request {
    create(json!({ "user_id": user, "actor": { "sub": "user_agent" } }))
}

fn builder() -> EmulatorBuilder {
    Emulator::builder().manual_clock().seed(5).quota(30).rate_limit(60, Duration::from_secs(3600))
}

/// What somebody does, from these numbers, and all that came of it.
fn live(clerk: &Emulator, random: &mut Rng, steps: usize) -> Vec<String> {
    let show = |response: &Response| format!("{} {:?} {:?}", response.status(), response.headers(), response.body());
    let mut seen = Vec::new();
    for _ in 0..steps {
        let user = format!("user_{}", random.u8(0..3));
        let token = |random: &mut Rng| random.choice(clerk.creates()).map(|entry| entry.id().clone());
        seen.push(match random.u8(0..9) {
            0..=2 => show(&send(clerk, of_user(&user))),
            3 => show(&send(clerk, revoke(token(random).as_ref().map_or("act_0", ActorTokenId::as_str)))),
            4 => token(random)
                .map_or(String::new(), |id| format!("{:?}", clerk.accept(&id).map(|it| it.id().to_owned()))),
            5 => show(&send(clerk, get(&format!("/v1/sessions?user_id={user}&paginated=true")))),
            6 => {
                clerk.set_users(["user_0", user.as_str()]);
                String::new()
            }
            7 => {
                clerk.next_create().before_commit(fault::status(503));
                String::new()
            }
            _ => clerk.sign_in(&user).id().to_owned(),
        });
    }
    let (ledger, requests) = (clerk.ledger(), clerk.requests());
    seen.push(format!("{ledger:?} {requests:?} {:?} {:?}", clerk.sessions(), clerk.live()));
    seen
}

#[test]
fn what_follows_a_restored_snapshot_is_what_followed_it() {
    for seed in 0..60 {
        let clerk = builder().build();
        let mut random = Rng::with_seed(seed);
        live(&clerk, &mut random, 15);
        let snapshot = clerk.snapshot();
        let after = live(&clerk, &mut random.clone(), 15);
        for _ in 0..2 {
            clerk.restore(&snapshot);
            assert_eq!(live(&clerk, &mut random.clone(), 15), after, "seed {seed}");
        }
        // Also in another emulator, whatever that has seen.
        let other = Emulator::builder().manual_clock().build();
        send(&other, of_user("user_7"));
        other.restore(&snapshot);
        assert_eq!(live(&other, &mut random.clone(), 15), after, "seed {seed}");
        drop((clerk.take_unused_faults(), other.take_unused_faults()));
    }
}

#[test]
fn after_a_reset_it_is_as_if_it_was_new() {
    for seed in 0..60 {
        let (clerk, new) = (builder().build(), builder().build());
        live(&clerk, &mut Rng::with_seed(seed), 20);
        let unused = clerk.reset();
        assert_eq!(clerk.take_unused_faults(), [""; 0]);
        assert!(unused.iter().all(|fault| fault.starts_with("create:before_commit:")), "{unused:?}");
        let program = |clerk: &Emulator| live(clerk, &mut Rng::with_seed(!seed), 20);
        assert_eq!(program(&clerk), program(&new), "seed {seed}");
        drop((clerk.take_unused_faults(), new.take_unused_faults()));
    }
}

/// Nothing is written over what came after, and nothing panics.
#[test]
fn an_exchange_that_is_under_way_writes_in_nobody_elses_place() {
    for is_reset in [true, false] {
        let clerk = Emulator::builder().manual_clock().build();
        let empty = clerk.snapshot();
        clerk.next_create().after_commit(fault::delay(Duration::from_secs(5)));
        let mut slow = pin!(exchange(&clerk, of_user("user_slow")));
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        clerk.assert_creates(1);
        if is_reset {
            assert_eq!(clerk.reset(), [""; 0]);
        } else {
            clerk.restore(&empty);
        }
        clerk.next_create().after_commit(fault::cut_at(20));
        pollster::block_on(exchange(&clerk, of_user("user_next"))).unwrap_err();
        clerk.advance(Duration::from_secs(6));
        let Poll::Ready(answer) = slow.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it waits")
        };
        assert_eq!(answer.unwrap().status(), 200);
        let (creates, requests) = (clerk.creates(), clerk.requests());
        assert_eq!((creates.len(), creates[0].user_id(), creates[0].is_delivered()), (1, "user_next", false));
        assert_eq!((requests.len(), requests[0].fault()), (1, Some("create:after_commit:cut_at(20)")));
        assert_eq!(send(&clerk, post("/v1/actor_tokens", "{")).status(), 400);
    }
}

#[test]
fn the_calendar_of_real_time_goes_back_too() {
    let clerk = Emulator::builder().real_time().build();
    let snapshot = clerk.snapshot();
    let id =
        |response: Response| crate::support::json(&response)["id"].as_str().unwrap().parse::<ActorTokenId>().unwrap();
    let first = id(send(&clerk, of_user("user_1")));
    clerk.advance(Duration::from_secs(7200));
    let moved = clerk.snapshot();
    assert!(!clerk.token(&first).unwrap().is_live());
    clerk.restore(&snapshot);
    let second = id(send(&clerk, of_user("user_1")));
    assert!(clerk.token(&second).unwrap().is_live());
    clerk.restore(&moved);
    assert!(!clerk.token(&first).unwrap().is_live());
    clerk.reset();
    clerk.assert_creates(0);
}
