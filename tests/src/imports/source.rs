//! What the tokens of one file say: which modules it declares, what it defines, what it names.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// A module as its text has it: a file, or `mod x { .. }` in one.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// `mod x;`, with the file of a `#[path]`.
    pub(super) declared: Vec<(String, Option<String>)>,
    /// `mod x { .. }`.
    pub(super) inline: Vec<(String, Source)>,
    /// The names of the items.
    pub(super) items: BTreeSet<String>,
    /// Every name of every `use`.
    pub(super) uses: Vec<Use>,
    /// Every path of two segments at least that is not in a `use`.
    pub(super) paths: Vec<Vec<String>>,
    /// Every identifier that is not in a `use`.
    pub(super) idents: BTreeSet<String>,
}

/// One name of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// The path, without a last `self`. The last segment of a glob is `*`.
    pub(super) path: Vec<String>,
    /// The name that the module has for it.
    pub(super) name: String,
    /// Whether it has a visibility: a re-export.
    pub(super) is_public: bool,
}

const ITEMS: [&str; 9] = ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "macro_rules"];

impl Source {
    pub(super) fn read(text: &str) -> Result<Self, LexError> {
        let mut source = Self::default();
        source.module(&tokens(text.parse()?));
        Ok(source)
    }

    /// The items of a module.
    fn module(&mut self, tokens: &[TokenTree]) {
        let mut rest = tokens;
        while !rest.is_empty() {
            let (item, after) = rest.split_at(item_len(rest));
            rest = after;
            if !is_test_only(item) {
                self.item(item, item.get(attributes_len(item)..).unwrap_or_default());
            }
        }
    }

    fn item(&mut self, item: &[TokenTree], body: &[TokenTree]) {
        let declaration = without_visibility(body);
        let is_public = declaration.len() < body.len();
        let words: Vec<String> = declaration.iter().map_while(ident).collect();
        match words.first().map(String::as_str) {
            Some("mod") => {
                let Some(name) = words.get(1).cloned() else { return };
                match declaration.get(2) {
                    Some(TokenTree::Group(group)) => {
                        let mut source = Self::default();
                        source.module(&tokens(group.stream()));
                        self.inline.push((name, source));
                    }
                    _ => self.declared.push((name, path_attribute(item))),
                }
            }
            Some("use") => self.use_tree(declaration.get(1..).unwrap_or_default(), is_public),
            _ => {
                let keyword = words.iter().position(|word| ITEMS.contains(&word.as_str()) && word != "const");
                let keyword = keyword.or_else(|| words.iter().position(|word| word == "const"));
                if let Some(name) = keyword.and_then(|at| words.get(at.saturating_add(1))) {
                    self.items.insert(name.clone());
                }
                if words.first().is_some_and(|word| word == "macro_rules") {
                    self.items.extend(declaration.get(2).and_then(ident));
                }
                self.names(item);
            }
        }
    }

    /// What a sequence of tokens names, in groups too.
    fn names(&mut self, tokens: &[TokenTree]) {
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            if is_attribute(rest) && is_test_only(rest) {
                rest = rest.get(item_len(rest).max(1)..).unwrap_or_default();
                continue;
            }
            match first {
                TokenTree::Group(group) => {
                    self.names(&self::tokens(group.stream()));
                    rest = rest.get(1..).unwrap_or_default();
                }
                TokenTree::Ident(word) if word == "use" && rest.get(1).is_some_and(|next| ident(next).is_some()) => {
                    let end = rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
                    self.use_tree(rest.get(1..end).unwrap_or_default(), false);
                    rest = rest.get(end..).unwrap_or_default();
                }
                TokenTree::Ident(_) => {
                    let (path, len) = path(rest);
                    self.idents.extend(path.iter().cloned());
                    if path.len() > 1 {
                        self.paths.push(path);
                    }
                    rest = rest.get(len..).unwrap_or_default();
                }
                // `::std` is a path of another crate.
                TokenTree::Punct(_) if is_colons(rest) => {
                    let (_, len) = path(rest.get(2..).unwrap_or_default());
                    rest = rest.get(len.saturating_add(2)..).unwrap_or_default();
                }
                _ => rest = rest.get(1..).unwrap_or_default(),
            }
        }
    }

    fn use_tree(&mut self, tokens: &[TokenTree], is_public: bool) {
        self.use_branch(&[], tokens, is_public);
    }

    fn use_branch(&mut self, before: &[String], tokens: &[TokenTree], is_public: bool) {
        let mut path = before.to_vec();
        let mut name = None;
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            match first {
                TokenTree::Group(group) => {
                    for branch in self::tokens(group.stream()).split(|token| is_punct(token, ',')) {
                        if !branch.is_empty() {
                            self.use_branch(&path, branch, is_public);
                        }
                    }
                    return;
                }
                TokenTree::Ident(word) if word == "as" => {
                    name = rest.get(1).and_then(ident);
                    break;
                }
                TokenTree::Ident(word) => path.push(plain(&word.to_string())),
                token if is_punct(token, '*') => path.push("*".to_owned()),
                _ => {}
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.uses.push(Use { path, name, is_public });
        }
    }
}

fn tokens(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn plain(word: &str) -> String {
    word.strip_prefix("r#").unwrap_or(word).to_owned()
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(plain(&ident.to_string())),
        _ => None,
    }
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [a, b, ..] if is_punct(a, ':') && is_punct(b, ':'))
}

/// The path that begins here, and how many tokens it takes.
fn path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut path: Vec<String> = tokens.first().and_then(ident).into_iter().collect();
    let mut len = path.len();
    while let Some(next) = tokens.get(len..).filter(|rest| is_colons(rest)).and_then(|rest| rest.get(2)).and_then(ident)
    {
        path.push(next);
        len = len.saturating_add(3);
    }
    (path, len)
}

/// `#[..]` or `#![..]`.
fn is_attribute(tokens: &[TokenTree]) -> bool {
    attribute(tokens).is_some()
}

fn attribute(tokens: &[TokenTree]) -> Option<(Vec<TokenTree>, usize)> {
    let at = match tokens {
        [hash, bang, ..] if is_punct(hash, '#') && is_punct(bang, '!') => 2,
        [hash, ..] if is_punct(hash, '#') => 1,
        _ => return None,
    };
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            Some((self::tokens(group.stream()), at.saturating_add(1)))
        }
        _ => None,
    }
}

fn attributes_len(item: &[TokenTree]) -> usize {
    let mut len = 0usize;
    while let Some((_, more)) = item.get(len..).and_then(attribute) {
        len = len.saturating_add(more);
    }
    len
}

/// Whether one of the attributes before the item is a `cfg` that only a test sets.
fn is_test_only(item: &[TokenTree]) -> bool {
    let mut rest = item;
    while let Some((content, len)) = attribute(rest) {
        if content.first().and_then(ident).is_some_and(|name| name == "cfg") && needs_test(&content) {
            return true;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    false
}

/// Whether `test` is in it, and in no `not(..)` or `any(..)`.
fn needs_test(tokens: &[TokenTree]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(word) => word == "test",
        TokenTree::Group(group) => {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at)).and_then(ident);
            !matches!(before.as_deref(), Some("not" | "any")) && needs_test(&self::tokens(group.stream()))
        }
        _ => false,
    })
}

/// How many tokens the item takes that begins here, with its attributes.
fn item_len(tokens: &[TokenTree]) -> usize {
    let attributes = attributes_len(tokens);
    let body = tokens.get(attributes..).unwrap_or_default();
    let declaration = without_visibility(body);
    let words: Vec<String> = declaration.iter().map_while(ident).collect();
    let first = words.first().map(String::as_str);
    let is_value = first == Some("static") || (first == Some("const") && words.get(1).is_some_and(|word| word != "fn"));
    let ends_with_semicolon = is_value || matches!(first, Some("use" | "type"));
    for (at, token) in body.iter().enumerate() {
        let is_block = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_punct(token, ';') || (is_block && !ends_with_semicolon) {
            return attributes.saturating_add(at).saturating_add(1);
        }
    }
    tokens.len()
}

/// Without `pub` or `pub(..)`.
fn without_visibility(body: &[TokenTree]) -> &[TokenTree] {
    match body {
        [TokenTree::Ident(word), TokenTree::Group(group), rest @ ..]
            if word == "pub" && group.delimiter() == Delimiter::Parenthesis =>
        {
            rest
        }
        [TokenTree::Ident(word), rest @ ..] if word == "pub" => rest,
        _ => body,
    }
}

/// The file that `#[path = ".."]` names.
fn path_attribute(item: &[TokenTree]) -> Option<String> {
    let mut rest = item;
    while let Some((content, len)) = attribute(rest) {
        if let [TokenTree::Ident(name), equals, TokenTree::Literal(file)] = content.as_slice() {
            if name == "path" && is_punct(equals, '=') {
                return Some(file.to_string().trim_matches('"').to_owned());
            }
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    None
}
