//! Writes the book's table of failures from the rules that the client follows: `cargo run -p clerk-actor-tokens-tests
//! --bin failures-page`. With `--check` it writes nothing, and fails where the two differ.

use std::{env, error::Error, fs, path::Path};

use clerk_actor_tokens_core::workspace::failure_rules;

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/failures.md");
    let page = fs::read_to_string(&path)?;
    let begin = page.find("| row |").ok_or("the page has no table of failures")?;
    let (before, rest) = page.split_at(begin);
    let (_, after) = rest.split_once("\n\n").ok_or("the table of failures has no end")?;
    let written = format!("{before}{}\n{after}", failure_rules());
    if env::args().any(|argument| argument == "--check") {
        return if written == page {
            Ok(())
        } else {
            Err("the page and the rules differ: run this without --check".into())
        };
    }
    fs::write(path, written)?;
    Ok(())
}
