//! Checks the project's prose: the length of sentences, the words, the links, and the pages of the book. Run it as
//! `cargo run -p clerk-actor-tokens-tests --bin prose`.
//!
//! The rules are those of [`clerk_actor_tokens_tests::prose`]. What is checked:
//! - sentences: the Markdown pages, except for the changelog;
//! - words: the Markdown pages, and the comments, documentation and literals of Rust;
//! - links: the Markdown pages. `README.md` is also the page of the facade's package. So a relative link in it has to
//!   lead to a file of that package too;
//! - the book: each page is in its summary, and among the pages whose snippets are compiled (`crates/facade/src/guide.rs`).
//!
//! Exits with 0 if every rule holds, 1 with all breaches if one does not, 2 if a file cannot be read.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints what it found")]

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clerk_actor_tokens_tests::prose::{Allowed, Banned, Page, Use, dead_links, relative_links, texts_of_rust};

/// How many uses of banned words may stay, each with its reason.
const MOST_ALLOWED: usize = 10;
/// The package that has a copy of `README.md`.
const FACADE: &str = "crates/facade";

fn main() -> ExitCode {
    match run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Returns the number of breaches.
fn run(root: &Path) -> Result<usize, Box<dyn Error>> {
    let pages = pages(root)?;
    let breaches = [sentences(root, &pages)?, words(root, &pages)?, links(root, &pages)?, book(root, &pages)?];
    Ok(breaches.iter().sum())
}

fn sentences(root: &Path, pages: &[PathBuf]) -> Result<usize, Box<dyn Error>> {
    let (mut files, mut all, mut long) = (0usize, 0usize, 0usize);
    for path in pages.iter().filter(|path| path.as_path() != Path::new("CHANGELOG.md")) {
        files = files.saturating_add(1);
        for passage in read(root, path)?.passages().iter().filter(|passage| !passage.is_heading()) {
            all = all.saturating_add(passage.sentences().count());
            for (line, count, text) in passage.long_sentences() {
                println!("{}:{line}: a sentence of {count} words: {text}", path.display());
                long = long.saturating_add(1);
            }
        }
    }
    println!("figure: prose: {files} pages, {all} sentences, {long} too long");
    Ok(long)
}

fn words(root: &Path, pages: &[PathBuf]) -> Result<usize, Box<dyn Error>> {
    let banned = Banned::of_project();
    let mut allowed = Allowed::of_project();
    let allowances = allowed.len();
    let (mut sources, mut uses) = (0usize, 0usize);
    let mut report = |path: &Path, found: Vec<Use>| {
        for it in found {
            let file = path.to_string_lossy();
            match allowed.iter().position(|one| one.file == file && one.phrase == it.phrase) {
                Some(at) => drop(allowed.swap_remove(at)),
                None => {
                    println!("{file}:{}: \"{}\": {}", it.line, it.phrase, it.instead);
                    uses = uses.saturating_add(1);
                }
            }
        }
    };
    for path in pages {
        report(path, banned.uses_in_page(&fs::read_to_string(root.join(path))?));
    }
    for path in rust(root)? {
        let passages = texts_of_rust(&fs::read_to_string(root.join(&path))?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        report(&path, passages.iter().flat_map(|passage| banned.uses(passage)).collect());
        sources = sources.saturating_add(1);
    }
    for unused in &allowed {
        println!("{}: \"{}\" is allowed and not used", unused.file, unused.phrase);
    }
    if allowances > MOST_ALLOWED {
        println!("{allowances} uses are allowed; at most {MOST_ALLOWED} may be");
    }
    println!(
        "figure: prose: {} pages, {sources} files of Rust, {} banned words, {uses} uses, {allowances} more allowed",
        pages.len(),
        banned.len()
    );
    Ok([uses, allowed.len(), allowances.saturating_sub(MOST_ALLOWED)].iter().sum())
}

fn links(root: &Path, pages: &[PathBuf]) -> Result<usize, Box<dyn Error>> {
    let (mut all, mut dead, mut foreign) = (0usize, 0usize, 0usize);
    for path in pages {
        let page = read(root, path)?;
        all = all.saturating_add(page.links().len());
        let exists = |path: &Path| root.join(path).exists();
        for it in dead_links(path, &page, exists, |path| fs::read_to_string(root.join(path)).ok()) {
            println!("{}:{}: ({}): {}", path.display(), it.link.line, it.link.target, it.missing);
            dead = dead.saturating_add(1);
        }
        if path == Path::new("README.md") {
            for link in relative_links(&page).filter(|link| !root.join(FACADE).join(&link.target).exists()) {
                println!(
                    "README.md:{}: ({}): is no file of {FACADE}, so a registry's page has no such link",
                    link.line, link.target
                );
                foreign = foreign.saturating_add(1);
            }
        }
        if path.file_name() == Some("README.md".as_ref()) {
            for (line, number) in fs::read_to_string(root.join(path))?.lines().zip(1..) {
                if (line.contains("`]") && !line.contains("`](")) || (line.contains("](") && line.contains("::")) {
                    println!("{}:{number}: a link of rustdoc, which a registry's page cannot follow", path.display());
                    foreign = foreign.saturating_add(1);
                }
            }
        }
    }
    println!("figure: prose: {all} links, {dead} dead, {foreign} of READMEs that lead nowhere on a registry");
    Ok(dead.saturating_add(foreign))
}

fn book(root: &Path, pages: &[PathBuf]) -> io::Result<usize> {
    let (mut all, mut missing) = (0usize, 0usize);
    let lists = ["docs/src/SUMMARY.md", "crates/facade/src/guide.rs"];
    let texts = [fs::read_to_string(root.join(lists[0]))?, fs::read_to_string(root.join(lists[1]))?];
    for path in pages.iter().filter(|path| path.starts_with("docs/src") && !path.ends_with("SUMMARY.md")) {
        all = all.saturating_add(1);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for (list, _) in lists.iter().zip(&texts).filter(|(_, text)| !text.contains(&*name)) {
            println!("{}: is not in {list}", path.display());
            missing = missing.saturating_add(1);
        }
    }
    println!("figure: prose: {all} pages of the book, {missing} times missing in a list");
    Ok(missing)
}

fn read(root: &Path, path: &Path) -> io::Result<Page> {
    Ok(Page::read(&fs::read_to_string(root.join(path))?))
}

/// The Markdown pages, from the root. The facade's is `README.md` again.
fn pages(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    files(root, Path::new(""), "md", false, &mut found)?;
    for folder in ["docs", "crates", "fuzz"] {
        files(root, Path::new(folder), "md", true, &mut found)?;
    }
    found.retain(|path| path.parent() != Some(Path::new(FACADE)));
    found.sort();
    Ok(found)
}

fn rust(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "benches", "examples", "fuzz"] {
        files(root, Path::new(folder), "rs", true, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn files(root: &Path, folder: &Path, extension: &str, deep: bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            // What a build leaves behind.
            if deep && entry.file_name() != "target" {
                files(root, &path, extension, deep, found)?;
            }
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    Ok(())
}
