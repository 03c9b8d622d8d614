//! Whether the files of a crate import each other in a circle.
//!
//! A reader who opens a file has to open the files that it imports. Where those import each other in a circle, there is no
//! file to begin with. This module is responsible for reading what each file of a crate imports, and for finding the
//! circles. It is not responsible for which crates there are: `cargo run -p clerk-actor-tokens-tests --bin imports` asks
//! cargo for that.
//!
//! The rules, at the granularity of files:
//! - A file imports another if it names something that the other defines: in a `use`, or by a path such as
//!   `crate::a::B`. Re-exports are followed to the file that defines the item.
//! - `mod x;` is no import of the child by its parent.
//! - A re-export (`pub use self::x::Y`) is no import, unless the file also uses `Y` itself.
//! - A child that names an item of its parent's own file (`super::Y`, `crate::parent::Y`) imports the parent. So what a
//!   parent and its children share belongs in a leaf file, from which both import it.
//! - What is under `#[cfg(test)]` does not count. Other `cfg`s count as set, all at once.
//!
//! It reads tokens, and knows no types: a method call is no import of the file with the method. What a macro generates
//! is taken as defined by the file that calls the macro.

mod circle;
mod graph;
mod source;
mod tree;

use std::{io, path::Path};

pub use self::graph::{Circle, Import, Imports, Unreadable};
use self::tree::Tree;

impl Imports {
    /// Reads the crate whose root is this file (`src/lib.rs`), with `read` as the file system: it returns `None` for a
    /// file that does not exist.
    ///
    /// # Errors
    /// [`Unreadable`], at the first file that cannot be read or is not Rust.
    pub fn of_crate(root: &Path, read: impl Fn(&Path) -> io::Result<Option<String>>) -> Result<Self, Unreadable> {
        let tree = Tree::read(root, &read)?;
        Ok(Self { files: tree.files(), imports: tree.imports() })
    }

    /// Returns the circles: one for each set of files that can all be reached from each other.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        circle::find(self)
    }
}

#[cfg(test)]
mod tests;
