//! The loops do what the figures say of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use clerk_actor_tokens_benches::{
    Failure,
    layer::{BY_UREQ, Layer, OVER_REQWEST, OVER_TOWER, OVER_UREQ, OWN_CONNECTOR},
    load::{Load, runtime},
    peer::{Peer, Seen, Target},
    protocol::Protocol,
};

fn peer(protocol: Protocol, origins: usize) -> Peer {
    Peer::start(Path::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches")), protocol, origins).unwrap()
}

fn drive(layer: Layer, target: &Target, load: Load) -> Result<(), Failure> {
    runtime().unwrap().block_on(async { layer.client(target)?.run(load).await })
}

/// Those that are measured over HTTP/1.1 in the clear alone.
const PLUGGED: [Layer; 4] = [BY_UREQ, OVER_REQWEST, OVER_UREQ, OVER_TOWER];

/// Each layer over each protocol that it speaks: a connector of one's own has no TLS here.
fn loops() -> impl Iterator<Item = (Layer, Protocol)> {
    let all = Layer::ALL.into_iter().flat_map(|layer| Protocol::ALL.map(|protocol| (layer, protocol)));
    all.filter(|(layer, protocol)| match layer {
        layer if PLUGGED.contains(layer) => *protocol == Protocol::Http1,
        layer => *layer != OWN_CONNECTOR || !protocol.has_tls(),
    })
}

#[test]
fn each_layer_makes_as_many_tokens_as_it_is_asked_to_and_sends_nothing_else() {
    for (layer, protocol) in loops() {
        for in_flight in [1, 7] {
            let peer = peer(protocol, 1);
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
    for (layer, protocol) in loops() {
        let peer = peer(protocol, 1);
        let (in_flight, most) = match protocol.is_http2() {
            true => (7, 1),
            // The pool may open another while the one goes back into it.
            false => (1, 3),
        };
        drive(layer, peer.target(), Load::new(in_flight, 100)).unwrap();
        let connections = peer.finish().unwrap().connections;
        assert!(connections <= most, "{layer:?}, {protocol:?}: {connections} connections");
    }
}

#[test]
fn each_layer_goes_to_each_origin_and_says_so_in_connections() {
    for layer in Layer::ALL {
        for load in [Load::new(1, 12), Load::by_origin(6, 2)] {
            let peer = peer(Protocol::Http1, 6);
            drive(layer, peer.target(), load).unwrap();
            let Seen { connections, created, .. } = peer.finish().unwrap();
            assert_eq!(created, 12, "{layer:?}");
            assert!(connections >= 6, "{layer:?}: {connections} connections");
        }
    }
}

#[test]
fn a_loop_that_gets_no_token_fails() {
    let peer = peer(Protocol::Http1, 1);
    let target = peer.target().clone();
    peer.finish().unwrap();
    for layer in Layer::ALL {
        drive(layer, &target, Load::new(1, 1)).unwrap_err();
    }
}
