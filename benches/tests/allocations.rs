//! What a creation allocates stays within a bound: one that is raised only on purpose.
//!
//! Alone in its process, so that nothing else is counted.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints its figures, and fails by panicking")]

use std::path::Path;

use clerk_actor_tokens_benches::{
    layer::{FLOOR, LIBRARY, Layer, MIDDLEWARES, REQWEST, TRANSPORT},
    load::{Load, runtime},
    measure::Allocated,
    peer::Peer,
    protocol::Protocol,
};

const REQUESTS: usize = 200;

/// For each layer: how many allocations it may make beyond those of the floor, and how many bytes.
const BEYOND_FLOOR: [(Layer, usize, usize); 3] =
    [(TRANSPORT, 4, 17_000), (LIBRARY, 8, 22_000), (MIDDLEWARES, 14, 25_000)];

#[test]
fn the_pipeline_allocates_no_more_than_it_was_measured_to() {
    let floor = allocated(FLOOR);
    println!("figure: a creation allocates by hand: {} times, {} bytes", floor.count, floor.bytes);
    for (layer, most_count, most_bytes) in BEYOND_FLOOR {
        let Allocated { count, bytes } = allocated(layer);
        let (count, bytes) = (count.saturating_sub(floor.count), bytes.saturating_sub(floor.bytes));
        println!(
            "figure: {}: {count} more (at most {most_count}), {bytes} bytes more (at most {most_bytes})",
            layer.name
        );
        assert!(count <= most_count && bytes <= most_bytes, "{layer:?}: {count} allocations, {bytes} bytes more");
    }
    let (library, reqwest) = (allocated(LIBRARY), allocated(REQWEST));
    println!("figure: by reqwest: {} times, {} bytes", reqwest.count, reqwest.bytes);
    assert!(library.count < reqwest.count, "{} allocations, and {} by reqwest", library.count, reqwest.count);
}

/// What one creation allocates, on average.
fn allocated(layer: Layer) -> Allocated {
    let peer = Peer::start(Path::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches")), Protocol::Http1, 1).unwrap();
    let client = layer.client(peer.target()).unwrap();
    let Allocated { count, bytes } = runtime().unwrap().block_on(async {
        client.clone().run(Load::warm_up(1, 1)).await.unwrap();
        let before = Allocated::now();
        client.run(Load::new(1, REQUESTS)).await.unwrap();
        before.since()
    });
    peer.finish().unwrap();
    Allocated { count: count / REQUESTS, bytes: bytes / REQUESTS }
}
