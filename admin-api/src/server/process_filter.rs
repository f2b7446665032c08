//! Which processes a list shows, and in which order.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::backend::ProcessRow;
use crate::types::{Class, Priority, ProcessState, Text};

use super::query::Query;
use super::refusal::Refusal;

/// Which processes a list shows. An empty list of words lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessFilter {
    states: Vec<ProcessState>,
    classes: Vec<Class>,
    priorities: Vec<Priority>,
    users: Vec<String>,
    services: Vec<String>,
    name: Option<String>,
    parents: Vec<u32>,
}

impl ProcessFilter {
    /// Reads the filter of a query.
    ///
    /// # Errors
    /// 400 for an unknown word.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        let own = |word: &str| Some(String::from(word));
        Ok(Self {
            states: query.words("state", ProcessState::from_name)?,
            classes: query.words("class", Class::from_name)?,
            priorities: query.words("priority", Priority::from_name)?,
            users: query.words("user", own)?,
            services: query.words("service", own)?,
            name: query.get("name").map(String::from),
            parents: query.words("parent_pid", |word| word.parse().ok())?,
        })
    }

    /// The children of a process.
    pub(crate) fn children_of(pid: u32) -> Self {
        Self { parents: [pid].into(), ..Self::default() }
    }

    /// Whether it lets every process pass that is not only remembered.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a process is shown. Those in the history are shown only when their state is asked for.
    pub(crate) fn matches(&self, row: &ProcessRow) -> bool {
        fn any<T: PartialEq>(allowed: &[T], value: &T) -> bool {
            allowed.is_empty() || allowed.contains(value)
        }
        let is_state = if self.states.is_empty() {
            row.state != ProcessState::Defunct
        } else {
            self.states.contains(&row.state)
        };
        is_state
            && any(&self.classes, &row.class)
            && any(&self.parents, &row.parent_pid)
            && any(&self.priorities, &row.priority)
            && (self.users.is_empty() || self.users.iter().any(|user| is_user(user, row)))
            && (self.services.is_empty()
                || row
                    .service
                    .as_ref()
                    .is_some_and(|service| self.services.iter().any(|wanted| *service == **wanted)))
            && self.name.as_ref().is_none_or(|pattern| matches_pattern(pattern, &row.name))
    }
}

/// A user is asked for by name or by number.
fn is_user(wanted: &str, row: &ProcessRow) -> bool {
    row.user == *wanted || wanted.parse() == Ok(row.uid)
}

/// Compares a name with a pattern in which `*` stands for any characters.
///
/// Goes back to the last star only, so that it is never worse than pattern times name.
pub(crate) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern, at_name));
                at_pattern += 1;
            }
            Some(byte) if *byte == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                at_pattern = star + 1;
                at_name = taken + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortField {
    Pid,
    ParentPid,
    Name,
    State,
    Priority,
    Class,
    User,
    CpuPercent,
    CpuTime,
    Memory,
    StartedAt,
}

/// An order: a field, rising or falling. Equal values are ordered by pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) field: SortField,
    pub(crate) is_descending: bool,
}

impl Sort {
    /// By pid, the order that costs nothing.
    pub(crate) const BY_PID: Self = Self { field: SortField::Pid, is_descending: false };

    /// Reads the order of a query.
    ///
    /// # Errors
    /// 400 for a field that one can't sort by.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        let Some(text) = query.get("sort") else { return Ok(Self::BY_PID) };
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let field = match name {
            "pid" => SortField::Pid,
            "parent_pid" => SortField::ParentPid,
            "name" => SortField::Name,
            "state" => SortField::State,
            "priority" => SortField::Priority,
            "class" => SortField::Class,
            "user" => SortField::User,
            "cpu_percent" => SortField::CpuPercent,
            "cpu_total_ns" => SortField::CpuTime,
            "memory_bytes" => SortField::Memory,
            "started_at" => SortField::StartedAt,
            _ => {
                let known = "must be one of pid, parent_pid, name, state, priority, class, user, \
                    cpu_percent, cpu_total_ns, memory_bytes, started_at, with - before it to fall";
                return Err(Refusal::bad_parameter("sort", known));
            }
        };
        Ok(Self { field, is_descending })
    }

    /// What a process is ordered by.
    pub(crate) fn key(&self, row: &ProcessRow) -> SortKey {
        let (number, text) = match self.field {
            SortField::Pid => (row.pid.into(), None),
            SortField::ParentPid => (row.parent_pid.into(), None),
            SortField::Name => (0, Some(row.name.clone())),
            SortField::State => (row.state as u64, None),
            SortField::Priority => (row.priority as u64, None),
            SortField::Class => (row.class as u64, None),
            SortField::User => (0, Some(row.user.clone())),
            SortField::CpuPercent => (row.cpu_percent.0.into(), None),
            SortField::CpuTime => (row.cpu_total_ns, None),
            SortField::Memory => (row.memory_bytes, None),
            SortField::StartedAt => (row.started_at.unix_ms(), None),
        };
        SortKey { number, text, pid: row.pid }
    }

    /// Compares two keys in this order.
    pub(crate) fn compare(&self, one: &SortKey, other: &SortKey) -> Ordering {
        let by_value = one.number.cmp(&other.number).then_with(|| one.text.cmp(&other.text));
        let by_value = if self.is_descending { by_value.reverse() } else { by_value };
        // The pid itself is the value when one sorts by it, so the falling order is kept.
        by_value.then_with(|| one.pid.cmp(&other.pid))
    }
}

/// What one process is ordered by.
#[derive(Clone, Debug)]
pub(crate) struct SortKey {
    number: u64,
    text: Option<Text>,
    pub(crate) pid: u32,
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn patterns() {
        for (pattern, name, matches) in [
            ("httpd", "httpd", true),
            ("httpd", "httpd2", false),
            ("*tt*", "httpd", true),
            ("h*d", "httpd", true),
            ("h*x", "httpd", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), matches, "{pattern} {name}");
        }
    }
}
