//! Writes the book's samples of errors: `cargo run -p clerk-actor-tokens-tests --bin error-samples`.

use std::{fs, io};

use clerk_actor_tokens_tests::error_samples::{page, path};

fn main() -> io::Result<()> {
    fs::write(path(), page())
}
