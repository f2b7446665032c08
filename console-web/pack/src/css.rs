//! Reduces a style sheet to what the console can use.
//!
//! PatternFly's sheet is 1.4 MB, nearly all of it for components, themes and icons that the console
//! does not have. Three steps make it small, each of which keeps a rule when in doubt:
//! rules whose selectors need a class that occurs nowhere in the console go; then custom
//! properties that nothing reads, again and again until nothing changes; then white space.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use memchr::memmem;

use crate::PackError;
use parse::{Declaration, Item};

/// Returns the sheet with only the rules and custom properties that are in use.
///
/// `users` are the texts in which class names and custom properties are looked for: the module
/// (its data section holds every string literal that was linked), the page, the console's own
/// sheet. A class counts as used if its name occurs in one of them anywhere, so a name that is
/// part of another one is kept for nothing, and none is lost.
pub(crate) fn reduce(sheet: &str, users: &[&[u8]]) -> Result<String, PackError> {
    let mut items = parse::sheet(sheet)?;
    let mut known = Usage::new(users);
    retain_used(&mut items, &mut known);
    loop {
        let mut read = BTreeSet::new();
        references(&items, &mut read);
        let before = count(&items);
        drop_unread(&mut items, &read, users);
        if count(&items) == before {
            break;
        }
    }
    let mut out = String::new();
    write(&items, &mut out);
    Ok(out)
}

/// The console's own sheet: everything stays, only white space and comments go.
pub(crate) fn minify(sheet: &str) -> Result<String, PackError> {
    let mut out = String::new();
    write(&parse::sheet(sheet)?, &mut out);
    Ok(out)
}

/// Remembers which class names occur in the users' texts.
struct Usage<'a> {
    users: &'a [&'a [u8]],
    used: BTreeSet<String>,
    unused: BTreeSet<String>,
}

impl<'a> Usage<'a> {
    fn new(users: &'a [&'a [u8]]) -> Self {
        Self { users, used: BTreeSet::new(), unused: BTreeSet::new() }
    }

    fn is_used(&mut self, class: &str) -> bool {
        if self.used.contains(class) {
            return true;
        }
        if self.unused.contains(class) {
            return false;
        }
        // The console draws its icons as SVG: neither icon font is shipped.
        let is_icon = class == "fa" || class.starts_with("fa-") || class.contains("pficon");
        let is_used = !is_icon && occurs(class, self.users);
        let set = if is_used { &mut self.used } else { &mut self.unused };
        set.insert(class.to_owned());
        is_used
    }
}

fn occurs(name: &str, users: &[&[u8]]) -> bool {
    users.iter().any(|text| memmem::find(text, name.as_bytes()).is_some())
}

fn retain_used(items: &mut Vec<Item>, usage: &mut Usage<'_>) {
    items.retain_mut(|item| match item {
        Item::Rule { selectors, .. } => {
            selectors.retain(|selector| can_match(selector, usage));
            !selectors.is_empty()
        }
        Item::Group { items, .. } => {
            retain_used(items, usage);
            !items.is_empty()
        }
        // Fonts are declared by the console's own sheet, for the files that it ships.
        Item::Verbatim { prelude, .. } => !prelude.starts_with("@font-face"),
    });
}

/// Whether the selector can match in the console: every class that it needs occurs somewhere.
fn can_match(selector: &str, usage: &mut Usage<'_>) -> bool {
    // The console is written from left to right only.
    if selector.contains("[dir=rtl]") {
        return false;
    }
    parse::needed_classes(selector).iter().all(|class| usage.is_used(class))
}

fn references(items: &[Item], into: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Rule { declarations, .. } => {
                for declaration in declarations {
                    parse::variables(&declaration.value, into);
                }
            }
            Item::Group { items, .. } => references(items, into),
            Item::Verbatim { body, .. } => parse::variables(body, into),
        }
    }
}

fn drop_unread(items: &mut Vec<Item>, read: &BTreeSet<String>, users: &[&[u8]]) {
    items.retain_mut(|item| match item {
        Item::Rule { declarations, .. } => {
            declarations.retain(|Declaration { name, .. }| {
                !name.starts_with("--") || read.contains(name) || occurs(name, users)
            });
            !declarations.is_empty()
        }
        Item::Group { items, .. } => {
            drop_unread(items, read, users);
            !items.is_empty()
        }
        Item::Verbatim { .. } => true,
    });
}

fn count(items: &[Item]) -> usize {
    items
        .iter()
        .map(|item| match item {
            Item::Rule { declarations, .. } => declarations.len(),
            Item::Group { items, .. } => count(items),
            Item::Verbatim { .. } => 1,
        })
        .sum()
}

fn write(items: &[Item], out: &mut String) {
    for item in items {
        match item {
            Item::Rule { selectors, declarations } => {
                out.push_str(&selectors.join(","));
                out.push('{');
                for (index, declaration) in declarations.iter().enumerate() {
                    if index > 0 {
                        out.push(';');
                    }
                    out.push_str(&declaration.name);
                    out.push(':');
                    out.push_str(&declaration.value);
                }
                out.push('}');
            }
            Item::Group { prelude, items } => {
                out.push_str(prelude);
                out.push('{');
                write(items, out);
                out.push('}');
            }
            Item::Verbatim { prelude, body } => {
                out.push_str(prelude);
                out.push('{');
                out.push_str(body);
                out.push('}');
            }
        }
    }
}
