//! What is found in a crate: its files, their imports, and circles of them.

use std::{fmt, io, path::PathBuf};

/// Why the imports of a crate cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// A file of a declared module cannot be read.
    File(PathBuf, io::Error),
    /// A module is declared, and none of its files exists.
    NoFile(PathBuf, String),
    /// A file is not Rust.
    NotRust(PathBuf, String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::NoFile(path, module) => write!(f, "{}: there is no file of `mod {module};`", path.display()),
            Self::NotRust(path, error) => write!(f, "{}: is not Rust: {error}", path.display()),
        }
    }
}

impl std::error::Error for Unreadable {}

/// One import: the file, the file that it imports, and the names that it imports from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The file that imports.
    pub from: PathBuf,
    /// The file that it imports.
    pub to: PathBuf,
    /// What it imports from there.
    pub names: Vec<String>,
}

/// Files that import each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// A shortest way around, in order. The last import leads to the file of the first.
    pub imports: Vec<Import>,
    /// All files that lie on a circle with these.
    pub files: Vec<PathBuf>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for import in &self.imports {
            let names = import.names.join(", ");
            writeln!(f, "  {} imports {names} from {}", import.from.display(), import.to.display())?;
        }
        if self.files.len() > self.imports.len() {
            writeln!(f, "  and with them are in circles:")?;
            for file in self.files.iter().filter(|file| self.imports.iter().all(|import| import.from != **file)) {
                writeln!(f, "    {}", file.display())?;
            }
        }
        Ok(())
    }
}

/// What the files of one crate import from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imports {
    /// All files of the crate that are modules.
    pub files: Vec<PathBuf>,
    /// All imports between them, each pair of files once.
    pub imports: Vec<Import>,
}
