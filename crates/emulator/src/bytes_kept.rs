//! The bound in bytes of what is kept.

/// How many bytes may be kept where so many things of a kind may be: 4 KiB for each, and no less than 16 MiB.
pub(crate) fn bytes_for(most: usize) -> usize {
    most.saturating_mul(4096).max(16 * 1024 * 1024)
}
