//! The modules of a crate, and which file defines what a path names.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    graph::{Import, Unreadable},
    source::{Source, Use},
};

/// How many re-exports are followed for one name.
const HOPS: usize = 16;

type Read<'a> = &'a dyn Fn(&Path) -> io::Result<Option<String>>;

struct Module {
    file: PathBuf,
    /// Where the files of its children are.
    folder: PathBuf,
    parent: Option<usize>,
    /// More than one for a name where `cfg`s choose between them.
    children: BTreeMap<String, Vec<usize>>,
    source: Source,
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    /// An item of this module, by its name.
    Item(usize, String),
}

pub(super) struct Tree {
    modules: Vec<Module>,
}

impl Tree {
    pub(super) fn read(root: &Path, read: Read<'_>) -> Result<Self, Unreadable> {
        let mut tree = Self { modules: Vec::new() };
        let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
        tree.file(root.to_path_buf(), folder, None, read)?;
        Ok(tree)
    }

    fn file(
        &mut self,
        file: PathBuf,
        folder: PathBuf,
        parent: Option<usize>,
        read: Read<'_>,
    ) -> Result<usize, Unreadable> {
        let text = match read(&file) {
            Ok(Some(text)) => text,
            Ok(None) => return Err(Unreadable::File(file, io::ErrorKind::NotFound.into())),
            Err(error) => return Err(Unreadable::File(file, error)),
        };
        // A byte order mark or a first line for a shell is no token.
        let text = text.trim_start_matches('\u{feff}');
        let source = Source::read(text).map_err(|error| Unreadable::NotRust(file.clone(), error.to_string()))?;
        self.module(source, file, folder, parent, read)
    }

    fn module(
        &mut self,
        mut source: Source,
        file: PathBuf,
        folder: PathBuf,
        parent: Option<usize>,
        read: Read<'_>,
    ) -> Result<usize, Unreadable> {
        let id = self.modules.len();
        let (declared, inline) = (std::mem::take(&mut source.declared), std::mem::take(&mut source.inline));
        let module = Module { file: file.clone(), folder: folder.clone(), parent, children: BTreeMap::new(), source };
        self.modules.push(module);
        for (name, source) in inline {
            let child = self.module(source, file.clone(), folder.join(&name), Some(id), read)?;
            self.adopt(id, name, child);
        }
        for (name, at) in declared {
            let folder = self.modules.get(id).map(|module| module.folder.join(&name)).unwrap_or_default();
            let places = match &at {
                Some(at) => vec![file.parent().unwrap_or(Path::new("")).join(at)],
                None => vec![folder.with_extension("rs"), folder.join("mod.rs")],
            };
            let mut found = None;
            for place in places {
                match read(&place) {
                    Ok(Some(_)) => found = Some(place),
                    Ok(None) => {}
                    Err(error) => return Err(Unreadable::File(place, error)),
                }
            }
            let place = found.ok_or_else(|| Unreadable::NoFile(file.clone(), name.clone()))?;
            let child = self.file(place, folder, Some(id), read)?;
            self.adopt(id, name, child);
        }
        Ok(id)
    }

    fn adopt(&mut self, id: usize, name: String, child: usize) {
        if let Some(module) = self.modules.get_mut(id) {
            module.children.entry(name).or_default().push(child);
        }
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let files: BTreeSet<&PathBuf> = self.modules.iter().map(|module| &module.file).collect();
        files.into_iter().cloned().collect()
    }

    pub(super) fn imports(&self) -> Vec<Import> {
        let mut names: BTreeMap<(&Path, &Path), BTreeSet<String>> = BTreeMap::new();
        for (id, module) in self.modules.iter().enumerate() {
            let is_used = |found: &Use| !found.is_public || module.source.idents.contains(&found.name);
            let uses = module.source.uses.iter().filter(|found| is_used(found)).map(|found| &found.path);
            for path in uses.chain(&module.source.paths) {
                for target in self.resolve(id, path, HOPS) {
                    // The name of a module is no item of it: what is named through it counts.
                    let Target::Item(target, name) = target else { continue };
                    let Some(target) = self.modules.get(target).filter(|target| target.file != module.file) else {
                        continue;
                    };
                    names.entry((&module.file, &target.file)).or_default().insert(name);
                }
            }
        }
        let import = |((from, to), names): ((&Path, &Path), BTreeSet<String>)| Import {
            from: from.to_path_buf(),
            to: to.to_path_buf(),
            names: names.into_iter().collect(),
        };
        names.into_iter().map(import).collect()
    }

    /// What a path means in a module. Nothing where it leads out of the crate.
    fn resolve(&self, from: usize, path: &[String], hops: usize) -> BTreeSet<Target> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let parent = || self.modules.get(from).and_then(|module| module.parent);
        let begin = match first.as_str() {
            "crate" => BTreeSet::from([Target::Module(0)]),
            "self" => BTreeSet::from([Target::Module(from)]),
            "super" => parent().map(Target::Module).into_iter().collect(),
            name => self.lookup(from, name, hops),
        };
        begin.into_iter().flat_map(|target| self.descend(target, rest, hops)).collect()
    }

    fn descend(&self, target: Target, path: &[String], hops: usize) -> BTreeSet<Target> {
        let (&Target::Module(id), Some((first, rest))) = (&target, path.split_first()) else {
            // Behind an item are its own names: variants, associated functions.
            return BTreeSet::from([target]);
        };
        let next = match first.as_str() {
            "super" => self.modules.get(id).and_then(|module| module.parent).map(Target::Module).into_iter().collect(),
            "self" => BTreeSet::from([Target::Module(id)]),
            "*" => BTreeSet::from([Target::Item(id, "*".to_owned())]),
            name => {
                let found = self.lookup(id, name, hops);
                // A macro of the module generates it, or it comes by a glob from another crate.
                if found.is_empty() && !self.is_foreign(id, name) {
                    BTreeSet::from([Target::Item(id, name.to_owned())])
                } else {
                    found
                }
            }
        };
        next.into_iter().flat_map(|target| self.descend(target, rest, hops)).collect()
    }

    /// What a name means in a module: a child, an item, or what it imports under that name.
    fn lookup(&self, id: usize, name: &str, hops: usize) -> BTreeSet<Target> {
        let Some(module) = self.modules.get(id) else { return BTreeSet::new() };
        let mut found: BTreeSet<Target> =
            module.children.get(name).into_iter().flatten().map(|child| Target::Module(*child)).collect();
        if module.source.items.contains(name) {
            found.insert(Target::Item(id, name.to_owned()));
        }
        if let (true, Some(left)) = (found.is_empty(), hops.checked_sub(1)) {
            for import in module.source.uses.iter().filter(|import| import.name == name) {
                // Its own name in the path would lead back here: `use other::other`.
                let is_own = import.path.first().is_some_and(|first| first == name);
                if !is_own || module.children.contains_key(name) {
                    found.extend(self.resolve(id, &import.path, left));
                }
            }
            if found.is_empty() {
                let globs = module.source.uses.iter().filter(|import| import.name == "*");
                for path in globs.filter_map(|glob| glob.path.get(..glob.path.len().saturating_sub(1))) {
                    for target in self.resolve(id, path, left) {
                        if let Target::Module(target) = target {
                            found.extend(self.lookup(target, name, left));
                        }
                    }
                }
            }
        }
        found
    }

    /// Whether the module has the name from another crate.
    fn is_foreign(&self, id: usize, name: &str) -> bool {
        self.modules.get(id).is_some_and(|module| module.source.uses.iter().any(|import| import.name == name))
    }
}
