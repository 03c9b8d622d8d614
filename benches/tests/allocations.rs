//! What a creation allocates stays within a bound: one that is raised only on purpose.
//!
//! Alone in its process, so that nothing else is counted.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints its figures, and fails by panicking")]

use std::path::Path;

use clerk_actor_tokens_benches::{
    layer::{Layer, Subject},
    load::{Load, runtime},
    measure::Allocated,
    peer::{HTTP1, Peer},
};

const REQUESTS: usize = 200;

/// For each layer: how many allocations it may make beyond those of the floor, and how many bytes.
const BEYOND_FLOOR: [(Layer, usize, usize); 3] =
    [(Layer::Transport, 4, 17_000), (Layer::Library, 8, 22_000), (Layer::Middlewares, 14, 25_000)];

#[test]
fn the_pipeline_allocates_no_more_than_it_was_measured_to() {
    let floor = allocated(Layer::Floor);
    println!("figure: a creation allocates by hand: {} times, {} bytes", floor.count, floor.bytes);
    for (layer, most_count, most_bytes) in BEYOND_FLOOR {
        let Allocated { count, bytes } = allocated(layer);
        let (count, bytes) = (count.saturating_sub(floor.count), bytes.saturating_sub(floor.bytes));
        println!(
            "figure: {}: {count} more (at most {most_count}), {bytes} bytes more (at most {most_bytes})",
            layer.name()
        );
        assert!(count <= most_count && bytes <= most_bytes, "{layer:?}: {count} allocations, {bytes} bytes more");
    }
}

/// What one creation allocates, on average.
fn allocated(layer: Layer) -> Allocated {
    let peer = Peer::start(Path::new(env!("CARGO_BIN_EXE_clerk-actor-tokens-benches")), HTTP1).unwrap();
    let subject = Subject::new(layer, peer.target()).unwrap();
    let Allocated { count, bytes } = runtime().unwrap().block_on(async {
        subject.drive(Load::warm_up(1)).await.unwrap();
        let before = Allocated::now();
        subject.drive(Load::new(1, REQUESTS)).await.unwrap();
        before.since()
    });
    peer.finish().unwrap();
    Allocated { count: count / REQUESTS, bytes: bytes / REQUESTS }
}
