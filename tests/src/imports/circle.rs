//! The circles in a graph of files.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use super::graph::{Circle, Import, Imports};

pub(super) fn find(imports: &Imports) -> Vec<Circle> {
    let mut edges: BTreeMap<&Path, Vec<&Import>> = BTreeMap::new();
    for import in &imports.imports {
        edges.entry(&import.from).or_default().push(import);
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        imports.files.iter().map(|file| (file.as_path(), reach(&edges, file))).collect();
    let reaches = |from: &Path, to: &Path| reached.get(from).is_some_and(|files| files.contains(to));

    let mut circles = Vec::new();
    let mut done: BTreeSet<&Path> = BTreeSet::new();
    for file in &imports.files {
        if done.contains(file.as_path()) || !reaches(file, file) {
            continue;
        }
        let files: Vec<PathBuf> =
            imports.files.iter().filter(|other| reaches(file, other) && reaches(other, file)).cloned().collect();
        let shortest = files.iter().map(|file| shortest(&edges, file)).min_by_key(Vec::len).unwrap_or_default();
        circles.push(Circle { imports: shortest, files });
        done.extend(
            imports.files.iter().filter(|other| reaches(file, other) && reaches(other, file)).map(PathBuf::as_path),
        );
    }
    circles
}

/// The files that a file imports, and those that they import, and so forth.
fn reach<'a>(edges: &BTreeMap<&'a Path, Vec<&'a Import>>, from: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Path> = vec![from];
    while let Some(file) = open.pop() {
        for import in edges.get(file).into_iter().flatten() {
            if reached.insert(import.to.as_path()) {
                open.push(&import.to);
            }
        }
    }
    reached
}

/// A shortest way from a file back to itself.
fn shortest(edges: &BTreeMap<&Path, Vec<&Import>>, file: &Path) -> Vec<Import> {
    let mut came_by: BTreeMap<&Path, &Import> = BTreeMap::new();
    let mut open = VecDeque::from([file]);
    while let Some(here) = open.pop_front() {
        for import in edges.get(here).into_iter().flatten() {
            if came_by.contains_key(import.to.as_path()) {
                continue;
            }
            came_by.insert(&import.to, import);
            open.push_back(&import.to);
        }
    }
    let mut way = VecDeque::new();
    let mut at = file;
    while let Some(import) = came_by.get(at) {
        way.push_front((*import).clone());
        at = &import.from;
        if at == file {
            return way.into();
        }
    }
    Vec::new()
}
