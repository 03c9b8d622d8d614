//! What extends a client: each example does what it says, and the shortest middleware is short.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod common;

use std::{fs, path::Path};

use common::prints;

#[test]
fn a_tower_stack_is_around_each_attempt() {
    let printed = prints("tower_stack");
    assert_eq!(printed.lines().filter(|line| line.starts_with("made act_")).count(), 6, "{printed}");
    // One of them met a 429, and was sent again.
    assert!(printed.ends_with("each of 7 requests went through the gateway's header\n"), "{printed}");
}

#[test]
fn the_companys_client_has_its_root_and_its_headers() {
    let printed = prints("company_reqwest");
    assert!(printed.starts_with("made act_"), "{printed}");
    assert!(printed.ends_with("/v1/actor_tokens came with Some(\"support\")\n"), "{printed}");
}

#[test]
fn an_operation_of_ones_own_has_the_rules_of_a_creation() {
    let printed = prints("custom_operation");
    assert!(printed.starts_with("inv_1 was sent and revoked\nCreateInvitation: "), "{printed}");
    assert!(printed.ends_with("it may be Some(\"inv_1\"), and is not revoked unasked\n"), "{printed}");
}

#[test]
fn a_header_takes_four_lines_as_a_function_and_eight_as_a_type_and_its_test_nine() {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("extend/header_middleware.rs")).unwrap();
    let lines = |part: &str| {
        let after = source.split(&format!("// begin: {part}\n")).nth(1).unwrap();
        after.split("// end").next().unwrap().trim_end().lines().count()
    };
    let counted = ["function", "type", "test"].map(lines);
    assert_eq!(counted, [4, 8, 9]);
}
