//! Relative links: whether the file exists, and whether it has the heading.

use std::path::{Component, Path, PathBuf};

use super::markdown::{Link, Page};

/// A link that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The link.
    pub link: Link,
    /// What is missing.
    pub missing: String,
}

/// Returns the dead links of a page. `exists` and `read` are the file system, with paths from the root of the repository.
pub fn dead_links(
    path: &Path,
    page: &Page,
    exists: impl Fn(&Path) -> bool,
    read: impl Fn(&Path) -> Option<String>,
) -> Vec<Dead> {
    let mut dead = Vec::new();
    for link in page.links().iter().filter(|link| is_relative(&link.target)) {
        let (file, fragment) = link.target.split_once('#').unwrap_or((&link.target, ""));
        let target = if file.is_empty() { path.to_path_buf() } else { resolve(path, file) };
        let missing = if !exists(&target) {
            Some(format!("there is no {}", target.display()))
        } else if fragment.is_empty() || read(&target).is_some_and(|text| Page::read(&text).has_fragment(fragment)) {
            None
        } else {
            Some(format!("{} has no heading #{fragment}", target.display()))
        };
        dead.extend(missing.map(|missing| Dead { link: link.clone(), missing }));
    }
    dead
}

/// Returns the links to files of the repository: those that a copy of the page elsewhere does not have.
pub fn relative_links(page: &Page) -> impl Iterator<Item = &Link> {
    page.links().iter().filter(|link| is_relative(&link.target) && !link.target.starts_with('#'))
}

/// An absolute URL has a scheme. A path of rustdoc has `::`.
fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:") && !target.contains("::")
}

fn resolve(page: &Path, file: &str) -> PathBuf {
    let mut path = page.parent().map(Path::to_path_buf).unwrap_or_default();
    for component in Path::new(file).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}
