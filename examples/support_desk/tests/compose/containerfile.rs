//! A Containerfile as its stages: as much of the format as the one here uses.

use std::collections::BTreeMap;

/// An instruction: its word, and the rest.
pub(crate) type Instruction = (String, String);

pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) base: String,
    pub(crate) instructions: Vec<Instruction>,
}

impl Stage {
    pub(crate) fn all(&self, word: &str) -> Vec<&str> {
        self.instructions.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.as_str()).collect()
    }

    pub(crate) fn last(&self, word: &str) -> Option<&str> {
        self.all(word).pop()
    }

    /// What a process in it finds in its environment.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let pairs = self.all("ENV").into_iter().flat_map(str::split_whitespace);
        pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The program and its arguments of an instruction in exec form.
    pub(crate) fn exec(&self, word: &str) -> Option<Vec<String>> {
        let rest = self.last(word)?;
        serde_json::from_str(&rest[rest.find('[')?..]).ok()
    }

    /// From where, with the stage of `--from` if it has one, and to where.
    pub(crate) fn copies(&self) -> Vec<(Option<String>, Vec<String>)> {
        let copy = |rest: &str| {
            let (flags, mut paths): (Vec<&str>, Vec<&str>) =
                rest.split_whitespace().partition(|part| part.starts_with("--"));
            paths.pop();
            let from = flags.iter().find_map(|flag| flag.strip_prefix("--from="));
            (from.map(str::to_owned), paths.into_iter().map(str::to_owned).collect())
        };
        self.all("COPY").into_iter().map(copy).collect()
    }
}

/// Its stages, in their order.
pub(crate) fn stages(text: &str) -> Vec<Stage> {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let mut stages: Vec<Stage> = Vec::new();
    for line in lines.join("\n").replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
        let (word, rest) = line.trim().split_once(' ').unwrap();
        if word == "FROM" {
            let (base, name) = rest.split_once(" AS ").unwrap_or((rest, ""));
            stages.push(Stage { name: name.to_owned(), base: base.to_owned(), instructions: Vec::new() });
        } else {
            stages.last_mut().unwrap().instructions.push((word.to_owned(), rest.trim().to_owned()));
        }
    }
    stages
}
