//! As much of CSS as is needed to drop rules: blocks, selectors, declarations. Strings, comments
//! and brackets are respected; nothing inside a value is interpreted.

use std::collections::BTreeSet;

use crate::PackError;

/// One item of a sheet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Selectors and their declarations.
    Rule { selectors: Vec<String>, declarations: Vec<Declaration> },
    /// `@media`, `@supports`, `@container`, `@layer`: a condition over further items.
    Group { prelude: String, items: Vec<Item> },
    /// `@keyframes`, `@font-face`, `@property`: kept or dropped as a whole.
    Verbatim { prelude: String, body: String },
}

/// One `name: value`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) value: String,
}

/// Parses a whole sheet. At-rules without a block (`@charset`, `@import`) are dropped.
pub(super) fn sheet(text: &str) -> Result<Vec<Item>, PackError> {
    items(&strip_comments(text))
}

fn items(text: &str) -> Result<Vec<Item>, PackError> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(end) = find_outside(rest, &['{', ';', '}']) {
        let prelude = collapse(&rest[..end]);
        if !rest[end..].starts_with('{') {
            rest = &rest[end + 1..];
            continue;
        }
        let offset = text.len() - rest.len() + end;
        let close = block_end(&rest[end..]).ok_or(PackError::Css { offset })? + end;
        out.extend(item(prelude, &rest[end + 1..close])?);
        rest = &rest[close + 1..];
    }
    Ok(out)
}

fn item(prelude: String, body: &str) -> Result<Option<Item>, PackError> {
    const GROUPS: [&str; 4] = ["@media", "@supports", "@container", "@layer"];
    if GROUPS.iter().any(|group| prelude.starts_with(group)) {
        return Ok(Some(Item::Group { prelude, items: items(body)? }));
    }
    if prelude.starts_with('@') {
        return Ok(Some(Item::Verbatim { prelude, body: collapse(body) }));
    }
    let selectors = split_outside(&prelude, ',').iter().map(|part| collapse(part)).collect();
    let declarations = split_outside(body, ';')
        .iter()
        .filter_map(|part| {
            let (name, value) = part.split_once(':')?;
            Some(Declaration { name: name.trim().to_owned(), value: collapse(value) })
        })
        .collect();
    Ok(Some(Item::Rule { selectors, declarations }))
}

/// The classes that an element must have, or have around it, for the selector to match. Classes in
/// `:not()` are not needed, and neither are those in a list of alternatives.
pub(super) fn needed_classes(selector: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = selector;
    while let Some(at) = rest.find(['.', '(']) {
        let (before, found) = rest.split_at(at);
        if found.starts_with('(') {
            let Some(close) = bracket_end(found) else { break };
            let inner = &found[1..close];
            let is_required = [":is", ":where", ":has"].iter().any(|name| before.ends_with(name));
            if is_required && split_outside(inner, ',').len() == 1 {
                out.extend(needed_classes(inner));
            }
            rest = &found[close + 1..];
        } else {
            let name: String = found[1..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                .collect();
            rest = &found[1 + name.len()..];
            if !name.is_empty() {
                out.push(name);
            }
        }
    }
    out
}

/// Adds the custom properties that `value` reads by `var()`.
pub(super) fn variables(value: &str, into: &mut BTreeSet<String>) {
    for part in value.split("var(").skip(1) {
        let name: String = part
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
            .collect();
        into.insert(name);
    }
}

fn strip_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    out.push_str(rest);
    out
}

/// Runs of white space outside strings become one space; none at the ends.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    for c in text.trim().chars() {
        match quote {
            Some(open) => {
                if c == open {
                    quote = None;
                }
                out.push(c);
            }
            None if c.is_ascii_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            None => {
                if c == '"' || c == '\'' {
                    quote = Some(c);
                }
                out.push(c);
            }
        }
    }
    out
}

/// Calls `visit` with each character outside strings and its depth in round and square brackets
/// (a closing bracket counts as inside); stops when it answers.
fn scan<T>(text: &str, mut visit: impl FnMut(usize, char, usize) -> Option<T>) -> Option<T> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, c) {
            (_, '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) => {
                if c == '(' || c == '[' {
                    depth += 1;
                }
                if let Some(answer) = visit(at, c, depth) {
                    return Some(answer);
                }
                if c == ')' || c == ']' {
                    depth = depth.saturating_sub(1);
                }
            }
        }
    }
    None
}

fn find_outside(text: &str, wanted: &[char]) -> Option<usize> {
    scan(text, |at, c, depth| (depth == 0 && wanted.contains(&c)).then_some(at))
}

fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let _: Option<()> = scan(text, |at, c, depth| {
        if depth == 0 && c == separator {
            out.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        None
    });
    out.push(&text[start..]);
    out
}

/// Where the block that `text` begins with ends.
fn block_end(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    scan(text, |at, c, _| {
        match c {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            _ => return None,
        }
        (open == 0).then_some(at)
    })
}

/// Where the round bracket that `text` begins with ends.
fn bracket_end(text: &str) -> Option<usize> {
    scan(text, |at, c, depth| (depth == 1 && c == ')').then_some(at))
}
