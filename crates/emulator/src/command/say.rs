//! Lines on standard error. Its reader may have gone: that ends no request, and no command.

/// Writes a line, as `eprintln!` does, which would panic where no one reads it.
macro_rules! say {
    ($($line:tt)+) => {{
        use std::io::Write as _;
        // In one piece, so that lines do not mix.
        let line = format!("{}\n", format_args!($($line)+));
        let _ = std::io::stderr().write_all(line.as_bytes());
    }};
}
