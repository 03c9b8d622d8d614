//! The book's table of failures, written from the rules.

use std::fmt::Write as _;

use crate::retry::{
    rule::{Again, Case, Row, Rule},
    rules::{TABLE, rule},
};

/// Returns the failure rules of this version of the client, as the Markdown table of the book's
/// page on failures.
///
/// It is written from the same array that the attempt loop reads.
///
/// ```
/// let table = clerk_actor_tokens_core::workspace::failure_rules();
/// assert!(table.contains("| 13 | 408 | no | Api, Unknown | yes | Api, Unknown |"));
/// ```
#[must_use]
pub fn failure_rules() -> String {
    let mut page = String::from(
        "| row | failure | create: again | create: as | others: again | others: as |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for row in &TABLE {
        let (number, words, create, others) = cells(row);
        // Writing to a String does not fail.
        let _ = writeln!(page, "| {number} | {words} | {create} | {others} |");
    }
    page
}

fn cells(row: &Row) -> (&'static str, String, String, String) {
    match row {
        Row::Rule(rule) => {
            (rule.row, words(rule), cell(again(rule.non_idempotent), rule), cell(again(rule.idempotent), rule))
        }
        Row::Case { row, words, case } => {
            let (create, others) = match case {
                Case::NoFurther(failure) => (cell("no", rule(*failure)), cell("no", rule(*failure))),
                Case::OfRevoke(failure) => ("- | -".to_owned(), cell(again(rule(*failure).idempotent), rule(*failure))),
                Case::RevokeOk(value) => ("- | -".to_owned(), format!("no | Ok {value}")),
            };
            (row, (*words).to_owned(), create, others)
        }
    }
}

fn words(rule: &Rule) -> String {
    let mut words: Vec<String> = rule.statuses.iter().map(u16::to_string).collect();
    if !rule.words.is_empty() {
        words.push(rule.words.to_owned());
    }
    words.join(" ")
}

fn cell(again: &str, rule: &Rule) -> String {
    match rule.kind {
        Some(kind) => format!("{again} | {kind:?}, {:?}", rule.execution),
        None => format!("{again} | the middleware's, {:?}", rule.execution),
    }
}

fn again(again: Again) -> &'static str {
    match again {
        Again::No | Again::IfOptedIn => "no",
        Again::Backoff => "yes",
        Again::Once => "once",
        Again::OnceFresh => "once, fresh",
    }
}
