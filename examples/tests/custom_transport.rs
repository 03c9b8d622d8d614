//! Runs the tests of the example: cargo makes a test of an example, or a command, and the command is wanted too.

#[path = "../custom_transport.rs"]
#[expect(dead_code, reason = "its `main` is the example's")]
mod custom_transport;
