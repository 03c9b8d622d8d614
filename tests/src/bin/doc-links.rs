//! Follows each link of the generated documentation: within it, and from the README to where docs.rs will serve it.
//!
//! ```text
//! cargo doc --workspace --all-features --no-deps && cargo run -p clerk-actor-tokens-tests --bin doc-links
//! ```
//!
//! A link to elsewhere is not followed. Neither are those that others write: the line numbers of source pages (rustdoc's),
//! the expectations behind a mock (mockall's, whose modules are private), and links in the documentation of blanket
//! implementations, which lead nowhere outside of their own crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

/// Where docs.rs serves the facade.
const SERVED: &str = "https://docs.rs/clerk-actor-tokens/latest/";

/// The crates that are published.
const PUBLISHED: [&str; 7] = [
    "clerk_actor_tokens",
    "clerk_actor_tokens_conformance",
    "clerk_actor_tokens_core",
    "clerk_actor_tokens_emulator",
    "clerk_actor_tokens_hyper",
    "clerk_actor_tokens_mock",
    "clerk_actor_tokens_transport_kit",
];

/// Parts of links that others write: rustdoc's script, mockall, tracing's `Instrument` and http-body-util's `BodyExt`.
const OF_OTHERS: [&str; 6] =
    ["${", "__mock_", "crate::Span", "super::", "dispatcher#setting-the-default-subscriber", "combinators::Frame"];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests have no folder above")?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let docs = target.join("doc");
    let mut pages = Vec::new();
    for entry in fs::read_dir(&docs)? {
        let folder = entry?.path();
        if folder.file_name().is_some_and(|name| PUBLISHED.iter().any(|published| name == *published)) {
            collect(&folder, &mut pages)?;
        }
    }
    let mut anchors = Anchors::default();
    let (mut followed, mut dead) = (0_usize, BTreeSet::new());
    for page in &pages {
        let text = fs::read_to_string(page)?;
        for link in links(&text) {
            if let Some(problem) = problem(&docs, page, link, &mut anchors, &mut followed) {
                dead.insert(format!("{}: {link}: {problem}", page.strip_prefix(&docs).unwrap_or(page).display()));
            }
        }
    }
    let readme = fs::read_to_string(root.join("README.md"))?;
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if link.starts_with(SERVED) {
            if let Some(problem) = problem(&docs, &docs.join("index.html"), link, &mut anchors, &mut followed) {
                dead.insert(format!("README.md: {link}: {problem}"));
            }
        } else if !link.starts_with("https://") {
            dead.insert(format!("README.md: {link}: it is relative, and dead on a registry's page"));
        }
    }
    list_others(&root.join("docs/src"), &readme)?;
    report(pages.len(), followed, &dead)
}

/// Lists the links of the README and of the book that lead elsewhere. A maintainer looks at them before a release.
#[expect(clippy::print_stdout, reason = "a list for people")]
fn list_others(book: &Path, readme: &str) -> Result<(), Box<dyn Error>> {
    let mut texts = vec![readme.to_owned()];
    for entry in fs::read_dir(book)? {
        let page = entry?.path();
        if page.extension().is_some_and(|extension| extension == "md") {
            texts.push(fs::read_to_string(page)?);
        }
    }
    let links = texts.iter().flat_map(|text| text.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    let others: BTreeSet<_> = links.filter(|link| link.starts_with("http") && !link.starts_with(SERVED)).collect();
    others.iter().for_each(|link| println!("leads elsewhere, not followed: {link}"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a figure for people")]
fn report(pages: usize, followed: usize, dead: &BTreeSet<String>) -> Result<ExitCode, Box<dyn Error>> {
    dead.iter().for_each(|line| println!("{line}"));
    println!("figure: doc-links: {pages} pages, {followed} links followed, {} dead", dead.len());
    if followed == 0 {
        return Err("there is no documentation: run `cargo doc` first".into());
    }
    Ok(if dead.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(path);
        }
    }
    Ok(())
}

fn links(page: &str) -> impl Iterator<Item = &str> {
    let is_ours = |link: &&str| !OF_OTHERS.iter().any(|other| link.contains(other));
    page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(is_ours)
}

/// Why a link is dead. `None` if it is live, or leads elsewhere.
fn problem(docs: &Path, page: &Path, link: &str, anchors: &mut Anchors, followed: &mut usize) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let file = match file.strip_prefix(SERVED) {
        Some(served) => docs.join(served),
        None if file.contains("://") || file.starts_with("data:") => return None,
        None if file.is_empty() => page.to_owned(),
        None => tidy(&page.parent()?.join(file)),
    };
    *followed = followed.saturating_add(1);
    let file = if file.is_dir() { file.join("index.html") } else { file };
    if !file.starts_with(docs) {
        return Some("it leaves the documentation");
    }
    if !file.is_file() {
        return Some("there is no such page");
    }
    let is_line_of_source = file.starts_with(docs.join("src"));
    let is_plain = anchor.is_empty() || is_line_of_source || anchors.has(&file, anchor);
    (!is_plain).then_some("there is no such anchor")
}

/// Without `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(tidied.pop()),
            Component::CurDir => {}
            other => tidied.push(other),
        }
    }
    tidied
}

/// The text of a page, or of the page that it passes its reader on to: an item of a private module is shown elsewhere.
fn followed_to(page: &Path) -> String {
    let text = fs::read_to_string(page).unwrap_or_default();
    let next = text.split("http-equiv=\"refresh\" content=\"0;URL=").nth(1).and_then(|rest| rest.split('"').next());
    match next.zip(page.parent()) {
        Some((next, folder)) => fs::read_to_string(tidy(&folder.join(next))).unwrap_or_default(),
        None => text,
    }
}

/// The anchors of the pages that were looked at.
#[derive(Default)]
struct Anchors(BTreeMap<PathBuf, BTreeSet<String>>);

impl Anchors {
    fn has(&mut self, page: &Path, anchor: &str) -> bool {
        let ids = self.0.entry(page.to_owned()).or_insert_with(|| {
            let text = followed_to(page);
            text.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
        });
        ids.contains(anchor)
    }
}
