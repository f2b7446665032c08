//! Who uses whom among the fake services: cycles, levels, versions.

use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use crate::types::{EdgeKind, Service, Text};

/// Documents by name.
pub(super) type Documents<'d> = BTreeMap<Text, &'d Service>;

/// What a document says of others, in its order.
pub(super) fn edges(document: &Service) -> Vec<(EdgeKind, Text)> {
    let uses = document.dependencies.iter().map(|dependency| {
        let kind = if dependency.required { EdgeKind::Required } else { EdgeKind::Optional };
        (kind, dependency.service.clone())
    });
    let members = document.group.iter().flat_map(|group| &group.members);
    let members = members.map(|name| (EdgeKind::Member, name.clone()));
    let after = document.after.iter().map(|name| (EdgeKind::After, name.clone()));
    let conflicts = document.conflicts.iter().map(|name| (EdgeKind::Conflict, name.clone()));
    uses.chain(members).chain(after).chain(conflicts).collect()
}

/// Those that a service is started after.
fn before(documents: &Documents<'_>, name: &str) -> Vec<Text> {
    let document = documents.get(&Text::from(std::string::String::from(name)));
    let all = document.map(|document| edges(document)).unwrap_or_default();
    let is_order = |(kind, _): &(EdgeKind, Text)| *kind != EdgeKind::Conflict;
    all.into_iter().filter(is_order).map(|(_, name)| name).collect()
}

/// The cycle that leads back to `start`, if there is one.
pub(super) fn cycle(documents: &Documents<'_>, start: &Text) -> Option<Vec<Text>> {
    let mut seen = BTreeSet::new();
    let mut path = vec![start.clone()];
    let mut waiting = vec![before(documents, start)];
    while let Some(rest) = waiting.last_mut() {
        let Some(next) = rest.pop() else {
            waiting.pop();
            path.pop();
            continue;
        };
        if next == *start {
            path.push(next);
            return Some(path);
        }
        if seen.insert(next.clone()) {
            waiting.push(before(documents, &next));
            path.push(next);
        }
    }
    None
}

/// `wanted` and what it is started after, as far as `is_taken` says, in levels: those of one level have all
/// that they wait for in the levels before.
pub(super) fn levels(
    documents: &Documents<'_>,
    wanted: &[Text],
    is_taken: impl Fn(EdgeKind) -> bool,
) -> Vec<Vec<Text>> {
    let mut all: BTreeSet<Text> = BTreeSet::new();
    let mut waiting: Vec<Text> = wanted.to_vec();
    while let Some(name) = waiting.pop() {
        let Some(document) = documents.get(&name) else { continue };
        if all.insert(name) {
            let taken = edges(document).into_iter().filter(|(kind, _)| is_taken(*kind));
            waiting.extend(taken.map(|(_, name)| name));
        }
    }
    let mut levels: Vec<Vec<Text>> = Vec::new();
    while !all.is_empty() {
        let is_free =
            |name: &&Text| !before(documents, name).iter().any(|other| all.contains(other));
        let free: Vec<Text> = all.iter().filter(is_free).cloned().collect();
        if free.is_empty() {
            // A cycle never gets in; without this line, one would not get out.
            return levels;
        }
        all.retain(|name| !free.contains(name));
        levels.push(free);
    }
    levels
}

/// A version as three numbers; what is missing is 0.
pub(super) fn version(text: &str) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    for (index, part) in text.split('.').enumerate() {
        *numbers.get_mut(index)? = part.parse().ok()?;
    }
    Some(numbers)
}

/// Whether a version will do for a constraint such as `>=1.0, <2`; `None` when that is none.
pub(super) fn will_do(constraint: &str, found: &str) -> Option<bool> {
    let found = version(found)?;
    let mut is_good = true;
    for part in constraint.split(',').map(str::trim) {
        let digits = part.find(|character: char| character.is_ascii_digit())?;
        let (operator, wanted) = part.split_at(digits);
        let wanted = version(wanted)?;
        is_good &= match operator.trim() {
            ">=" => found >= wanted,
            ">" => found > wanted,
            "<=" => found <= wanted,
            "<" => found < wanted,
            "=" => found == wanted,
            "^" | "" => found >= wanted && found[0] == wanted[0],
            _ => return None,
        };
    }
    Some(is_good)
}
