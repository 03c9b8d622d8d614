//! Answers without end: what a client allocates for them is bounded, and the connection is closed.
//!
//! The allocator of this process counts. So there is one test: nothing else may allocate meanwhile. The servers are
//! processes of their own.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by a panic, and this one shows its figure")]

use std::path::Path;

use clerk_actor_tokens_tests::wire::{flood::Flood, memory};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

#[test]
fn an_answer_without_end_takes_less_than_a_mebibyte_and_ends_the_connection() {
    for flood in Flood::ALL {
        let figures = memory::run(Path::new(env!("CARGO_BIN_EXE_wire")), flood, &ALLOCATOR).unwrap();
        println!("{figures}");
        assert!(figures.broken.is_empty(), "{:?}", figures.broken);
    }
}
