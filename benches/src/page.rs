//! The book's pages: generated text between markers, and charts beside it.

use std::{fs, path::Path};

use crate::Failure;

/// The name of the page, unless a section is on another.
const PAGE: &str = "price.md";

/// What is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The name in its markers: `<!-- begin: name -->` and `<!-- end: name -->`.
    pub name: &'static str,
    /// What is between them.
    pub markdown: String,
    /// A file beside the page, by name and text.
    pub chart: Option<(&'static str, String)>,
    /// The name of its page.
    pub page: &'static str,
}

impl Section {
    /// Makes a section without a chart.
    #[must_use]
    pub const fn new(name: &'static str, markdown: String) -> Self {
        Self { name, markdown, chart: None, page: PAGE }
    }

    /// Puts it on the page of this name.
    #[must_use]
    pub fn on(self, page: &'static str) -> Self {
        Self { page, ..self }
    }

    /// Writes it into the page in this folder.
    ///
    /// # Errors
    /// The page cannot be read or written, or does not have the markers.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join(self.page);
        let page = fs::read_to_string(&path)?;
        let written = self.within(&page).ok_or_else(|| format!("{} has no markers of {}", self.page, self.name))?;
        fs::write(path, written)?;
        if let Some((name, text)) = &self.chart {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    /// The page with this section in it.
    fn within(&self, page: &str) -> Option<String> {
        let (begin, end) = (format!("<!-- begin: {} -->\n", self.name), format!("<!-- end: {} -->", self.name));
        let (before, rest) = page.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{}\n\n{end}{after}", self.markdown.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced_and_nothing_else() {
        let section = Section::new("cold", "| new |\n".to_owned());
        let page = "above\n<!-- begin: cold -->\nold\n<!-- end: cold -->\nbelow\n";
        let written = section.within(page).unwrap_or_default();
        assert_eq!(written, "above\n<!-- begin: cold -->\n\n| new |\n\n<!-- end: cold -->\nbelow\n");
        assert_eq!(section.within(&written), Some(written));
        assert_eq!(section.within("no markers"), None);
    }
}
