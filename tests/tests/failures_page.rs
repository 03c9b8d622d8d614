//! The book's table of failures, row by row: the client does what the page says.
#![allow(clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::collections::BTreeMap;

use clerk_actor_tokens_tests::failures_page::{disagreements, is_made, page, wrong_unsafe_retries};

#[test]
fn the_client_does_what_the_page_says_of_every_row() {
    assert_eq!(page().len(), 38, "rows were added or lost: give them a cause");
    let wrong = disagreements(usize::MAX);
    assert!(wrong.is_empty(), "the client and the page differ:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_statuses_of_row_16_can_be_opted_in_to() {
    assert_eq!(wrong_unsafe_retries(), Vec::<u16>::new());
}

/// The causes name the statuses that the page names: none is left out on either side.
#[test]
fn every_status_is_in_one_row() {
    let mut seen = BTreeMap::new();
    for (row, cells) in page() {
        for status in cells[1].split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u16>().ok()) {
            if status > 299 && !matches!(row.as_str(), "4" | "4a" | "11a" | "20" | "21" | "22" | "23") {
                assert!(is_made(&row, status), "row {row} names {status}, and it is not tried");
                if let Some(other) = seen.insert(status, row.clone()) {
                    assert_eq!((other.as_str(), row.as_str()), ("10", "11"), "{status}");
                }
            }
        }
    }
    assert!(seen.len() > 40);
}
