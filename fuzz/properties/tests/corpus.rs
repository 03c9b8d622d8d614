//! Every committed corpus file through its property. The files are what fuzzing starts from; here they are examples.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use clerk_actor_tokens_properties::PROPERTIES;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_corpus_file_holds_its_property() {
    let mut broken = Vec::new();
    for (target, property) in PROPERTIES {
        for name in names(&corpus().join(target)) {
            let data = fs::read(corpus().join(target).join(&name)).unwrap();
            if catch_unwind(AssertUnwindSafe(|| property(&data))).is_err() {
                broken.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(broken.is_empty(), "these break a promise (its words are above): {broken:#?}");
}

#[test]
fn every_property_has_a_fuzz_target_and_a_corpus_and_there_are_no_others() {
    let properties: BTreeSet<_> = PROPERTIES.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(names(&corpus()), properties);
    let targets = names(&corpus().join("../fuzz_targets"));
    let targets: BTreeSet<_> = targets.iter().map(|name| name.trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(targets, properties);
    for target in properties {
        assert!(names(&corpus().join(&target)).len() >= 20, "{target}: too few files");
    }
}
