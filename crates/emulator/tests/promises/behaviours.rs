//! Where each behaviour is known from: the README says what the data says, and every open question can be settled.

use clerk_actor_tokens_emulator::{Behaviour, Known, behaviours};

const README: &str = include_str!("../../README.md");
const BUILDER: &str = concat!(
    include_str!("../../src/builder.rs"),
    include_str!("../../src/builder/sessions.rs"),
    include_str!("../../src/builder/tokens.rs"),
);

fn row(behaviour: &Behaviour) -> String {
    let known = match behaviour.setting() {
        Some(setting) => format!("{}, `{setting}`", behaviour.known()),
        None => behaviour.known().to_string(),
    };
    format!("| {} | {known} | {} |", behaviour.what(), behaviour.source())
}

#[test]
fn the_readme_has_the_table_of_behaviours() {
    let (_, section) = README.split_once("## Where each behaviour is known from\n").unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    let wanted: Vec<_> = behaviours().iter().map(row).collect();
    assert_eq!(rows, wanted, "the table is:\n{}", wanted.join("\n"));
}

#[test]
fn every_open_question_has_a_setting_and_nothing_else_has() {
    for behaviour in behaviours() {
        assert_eq!(behaviour.setting().is_some(), behaviour.known() == Known::Open, "{}", behaviour.what());
        if let Some(setting) = behaviour.setting() {
            assert!(BUILDER.contains(&format!("pub fn {setting}(")), "{setting}");
        }
    }
    // And the builder's settings that are open at Clerk are all among them.
    let settings = behaviours().iter().filter_map(Behaviour::setting).count();
    assert_eq!(BUILDER.matches("Open at Clerk").count(), settings);
    for known in Known::ALL {
        assert!(behaviours().iter().any(|behaviour| behaviour.known() == known), "{known}");
    }
}
