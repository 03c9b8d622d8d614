//! The loops do what the figures say of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use clerk_actor_tokens_benches::{
    Failure,
    layer::{Layer, Subject},
    load::{Load, runtime},
    peer::{HTTP1, HTTP2, Peer, Protocol, Seen, Target},
};

fn peer(protocol: Protocol) -> Peer {
    Peer::start(Path::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches")), protocol).unwrap()
}

fn drive(layer: Layer, target: Target, load: Load) -> Result<(), Failure> {
    runtime().unwrap().block_on(Subject::new(layer, target).unwrap().drive(load))
}

#[test]
fn each_layer_makes_as_many_tokens_as_it_was_told_to_and_sends_nothing_else() {
    for layer in Layer::ALL {
        for (protocol, in_flight) in [(HTTP1, 1), (HTTP1, 7), (HTTP2, 1), (HTTP2, 7)] {
            let peer = peer(protocol);
            let load = Load::new(in_flight, 20);
            drive(layer, peer.target(), load).unwrap();
            let Seen { connections, created, refused } = peer.finish().unwrap();
            let expected = u64::try_from(load.requests()).unwrap();
            assert_eq!((created, refused), (expected, 0), "{layer:?}, {protocol:?}, {in_flight} in flight");
            assert!(connections >= 1, "{layer:?}, {protocol:?}, {in_flight} in flight");
        }
    }
}

#[test]
fn each_layer_uses_its_connections_again() {
    for layer in Layer::ALL {
        for (protocol, in_flight, most) in [(HTTP1, 1, 3), (HTTP2, 1, 1), (HTTP2, 7, 1)] {
            let peer = peer(protocol);
            drive(layer, peer.target(), Load::new(in_flight, 100)).unwrap();
            // Of HTTP/1.1 the pool may open another while the one goes back into it.
            let connections = peer.finish().unwrap().connections;
            assert!(connections <= most, "{layer:?}, {protocol:?}, {in_flight} in flight: {connections} connections");
        }
    }
}

#[test]
fn a_loop_that_gets_no_token_fails() {
    let peer = peer(HTTP1);
    let target = peer.target();
    peer.finish().unwrap();
    for layer in Layer::ALL {
        drive(layer, target, Load::new(1, 1)).unwrap_err();
    }
}
