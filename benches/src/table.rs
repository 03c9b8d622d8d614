//! Tables in Markdown.

use std::fmt;

/// A table. The first row is its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// Makes an empty table with these columns.
    pub fn new<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self(vec![columns.into_iter().map(Into::into).collect()])
    }

    /// Adds a row.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.0.push(cells.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, cells) in self.0.iter().enumerate() {
            writeln!(f, "| {} |", cells.join(" | "))?;
            if at == 0 {
                writeln!(f, "|{}", " --- |".repeat(cells.len()))?;
            }
        }
        Ok(())
    }
}

/// Writes a whole number with commas between its thousands, as the book does.
#[must_use]
pub fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            written.push(',');
        }
        written.push(digit);
    }
    if number <= -0.5 { format!("-{written}") } else { written }
}

/// Names a layer.
#[must_use]
pub fn code(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, written) in [
            (0.0, "0"),
            (-0.2, "0"),
            (999.4, "999"),
            (1_000.0, "1,000"),
            (-12_345.0, "-12,345"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(whole(number), written);
        }
    }

    #[test]
    fn the_first_row_is_the_head() {
        let mut table = Table::new(["layer", "1"]);
        table.row(["`floor`", "2"]);
        assert_eq!(table.to_string(), "| layer | 1 |\n| --- | --- |\n| `floor` | 2 |\n");
    }
}
