//! There is one h2 and one hyper in the tree, or this does not compile.
//!
//! The hyper transport looks into hyper's errors for an `h2::Error`, to know what a peer refused unprocessed. It finds one
//! only where its own h2 is the very crate that hyper uses. Beside a second version the search would find nothing, without a
//! word: each refusal would count as a connection that broke off. That is the safe direction, and still a promise broken.
//!
//! Applications lock their own tree. There it is a matter of versions: both this library and hyper ask for h2 0.4, and cargo
//! gives one 0.4 to both.
#![allow(clippy::indexing_slicing, reason = "a constant: what is out of bounds does not compile")]

const LOCK: &str = include_str!("../../Cargo.lock");

const _: () = assert!(packages(LOCK, "h2") == 1, "Cargo.lock has not exactly one h2: see the top of this file");
const _: () = assert!(packages(LOCK, "hyper") == 1, "Cargo.lock has not exactly one hyper: see the top of this file");

/// How many packages of this name are in a lock file.
const fn packages(lock: &str, name: &str) -> usize {
    let (lock, name) = (lock.as_bytes(), name.as_bytes());
    let (before, after) = (b"\nname = \"", b"\"\n");
    let mut packages = 0;
    let mut at = 0;
    while at < lock.len() {
        if is_at(lock, at, before)
            && is_at(lock, at + before.len(), name)
            && is_at(lock, at + before.len() + name.len(), after)
        {
            packages += 1;
        }
        at += 1;
    }
    packages
}

const fn is_at(text: &[u8], at: usize, wanted: &[u8]) -> bool {
    let mut index = 0;
    while index < wanted.len() {
        if at + index >= text.len() || text[at + index] != wanted[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[test]
fn packages_are_counted_by_their_whole_name() {
    let lock = |names: &[&str]| {
        let package = |name: &&str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\ndependencies = [\n \"h2\",\n]\n")
        };
        names.iter().map(package).collect::<String>()
    };
    assert_eq!(packages(&lock(&["h2", "h2"]), "h2"), 2);
    assert_eq!(packages(&lock(&["h1", "h2", "h3"]), "h2"), 1);
    assert_eq!(packages(&lock(&["hyper-util", "hyper", "my-hyper"]), "hyper"), 1);
    assert_eq!(packages(&lock(&["h22", "xh2", "h2-support"]), "h2"), 0);
    assert_eq!(packages("", "h2"), 0);
}
