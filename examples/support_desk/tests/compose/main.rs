//! The Containerfile and the compose file: each path, option, variable and port in them exists, and what they set is enough.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by a panic"
)]

mod compose;
mod containerfile;
mod process;
mod programs;
mod rules;

mod environment_alone;
mod mistakes;

use std::path::PathBuf;

const CONTAINERFILE: &str = include_str!("../../../../container/Containerfile");
const COMPOSE: &str = include_str!("../../../../container/compose.yaml");

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
