//! Every order of steps of a pool: calls that come, wait, leave and end, attempts that succeed and fail, connections that end,
//! limits that rise and fall, and the end of the runtime.
#![allow(clippy::print_stdout, reason = "a figure is shown")]

mod fakes;
mod world;

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use self::world::{Call, Server, Step, World};
use super::Limits;

const HTTP1: Server = Server { speaks_http1: true, speaks_http2: false, streams: 0, changes: 0, endings: 1 };
const HTTP2: Server = Server { speaks_http1: false, speaks_http2: true, streams: 2, changes: 1, endings: 1 };
const EITHER: Server = Server { speaks_http1: true, speaks_http2: true, streams: 1, changes: 0, endings: 0 };

/// A state that was reached: from which other one, and by which step.
struct Reached {
    from: usize,
    by: Step,
}

/// Visits each state that can be reached. Returns how many there are, and in how many all calls have gone.
fn visit(first: &World, server: Server) -> (usize, usize) {
    // Of a state only its hash is kept. Of a hundred million states, two have the same one in one run of a thousand.
    let hasher = RandomState::new();
    let mut seen = HashSet::from([hasher.hash_one(first)]);
    let mut reached: Vec<Reached> = Vec::new();
    let mut next = vec![(first.clone(), 0)];
    let mut ends = 0;
    while let Some((world, number)) = next.pop() {
        if let Some(broken) = world.broken() {
            panic!("{broken}\n{}", path(first, &reached, number));
        }
        ends += usize::from(world.calls.iter().all(|call| *call == Call::Gone));
        for by in world.steps(server) {
            let mut after = world.clone();
            after.make(by);
            if seen.insert(hasher.hash_one(&after)) {
                reached.push(Reached { from: number, by });
                next.push((after, reached.len()));
            }
        }
    }
    (seen.len(), ends)
}

/// The steps to the state of this number, 0 being the first, and the states between them.
fn path(first: &World, reached: &[Reached], mut number: usize) -> String {
    let mut steps = Vec::new();
    while let Some(Reached { from, by }) = number.checked_sub(1).map(|at| &reached[at]) {
        steps.push(*by);
        number = *from;
    }
    let mut world = first.clone();
    let mut lines = vec![format!("{world:?}")];
    for step in steps.into_iter().rev() {
        world.make(step);
        lines.push(format!("  {step:?}\n{world:?}"));
    }
    lines.join("\n")
}

/// `POOL_CALLS=3` is the size of the book's page on proofs.
#[test]
fn no_connection_serves_two_exchanges_and_no_call_waits_for_nothing() {
    let most: usize = std::env::var("POOL_CALLS").map_or(2, |calls| calls.parse().expect("a number"));
    let one = Limits { idle: 1, shared: 1 };
    let two = Limits { idle: usize::MAX, shared: 2 };
    let none = Limits { idle: 0, shared: 1 };
    for (name, limits, knows_http1, server) in [
        ("HTTP/1.1", two, true, HTTP1),
        ("HTTP/1.1, none kept", none, true, HTTP1),
        ("HTTP/2", one, false, HTTP2),
        ("HTTP/2, two connections", two, false, Server { streams: 1, changes: 0, ..HTTP2 }),
        ("either, not known", one, false, EITHER),
        ("either, HTTP/1.1 before", two, true, EITHER),
    ] {
        let (states, ends) = visit(&World::new(most, limits, knows_http1, server), server);
        println!("figure: pool: {name}, {most} calls: {states} states, {ends} of them without a call: 0 broken");
        assert!(states > 1_000 && ends > 0, "{name}: {states} states, {ends} ends");
    }
}
