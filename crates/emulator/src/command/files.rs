//! What is wrong with a file that an option names.

use std::{fmt, io, path::Path};

/// Names the option and the file, and what to do where that is not plain.
pub(crate) fn wrong(option: &str, file: &Path, error: &impl fmt::Display) -> String {
    format!("--{option} {}: {error}", file.display())
}

/// The same for a file that cannot be opened.
pub(crate) fn unusable(option: &str, file: &Path, error: &io::Error) -> String {
    let why = wrong(option, file, error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{why}; let the user who runs the command use that file"),
        _ => why,
    }
}
