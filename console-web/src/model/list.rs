//! The process list: what is asked for ([`Query`]) and what came ([`ProcessList`]).
//!
//! The system filters, sorts and cuts into pages, so that thousands of processes cost the browser
//! no more than one page of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use admin_api::types::{Class, Page, Priority, Process, ProcessState};

use super::failure::Failure;

/// What a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Number.
    Pid,
    /// Name.
    Name,
    /// State.
    State,
    /// CPU time of late.
    Cpu,
    /// Memory.
    Memory,
    /// Priority.
    Priority,
    /// CPU time in all.
    CpuTime,
    /// When it was made.
    Started,
}

impl SortKey {
    /// The field in the API.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::Name => "name",
            Self::State => "state",
            Self::Cpu => "cpu_percent",
            Self::Memory => "memory_bytes",
            Self::Priority => "priority",
            Self::CpuTime => "cpu_total_ns",
            Self::Started => "started_at",
        }
    }

    /// Whether the first click shows the largest first: what one looks for in figures.
    #[must_use]
    fn starts_descending(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::CpuTime | Self::Started | Self::Priority)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// A part of the name.
    pub text: String,
    /// Only this state.
    pub state: Option<ProcessState>,
    /// Only this class.
    pub class: Option<Class>,
    /// Only this priority.
    pub priority: Option<Priority>,
    /// Only this user's, by name or number.
    pub user: String,
    /// Whether the processes are shown as a tree, in place of an order.
    pub is_tree: bool,
    /// Processes of the tree whose descendants are folded away.
    pub collapsed: BTreeSet<u32>,
    /// Sorted by this.
    pub sort: SortKey,
    /// The largest first.
    pub is_descending: bool,
    /// Rows on a page.
    pub limit: u32,
    /// Cursors of the pages up to this one; empty on the first.
    cursors: Vec<String>,
}

/// Rows on a page of the list.
const LIMIT: u32 = 50;
/// Rows on a page of the tree: a family should be on one.
const TREE_LIMIT: u32 = 200;

impl Default for Query {
    fn default() -> Self {
        Self {
            text: String::new(),
            state: None,
            class: None,
            priority: None,
            user: String::new(),
            is_tree: false,
            collapsed: BTreeSet::new(),
            sort: SortKey::Cpu,
            is_descending: true,
            limit: LIMIT,
            cursors: Vec::new(),
        }
    }
}

/// What happens to the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryAction {
    /// Another text.
    Text(String),
    /// Another state, or all.
    State(Option<ProcessState>),
    /// Another class, or all.
    Class(Option<Class>),
    /// Another priority, or all.
    Priority(Option<Priority>),
    /// Another user, or all.
    User(String),
    /// As a tree, or as a list.
    Tree(bool),
    /// Fold a process's descendants away, or show them again.
    Fold(u32),
    /// A column's head was chosen: sort by it, or turn the order round.
    Sort(SortKey),
    /// All filters off.
    Clear,
    /// Start from this query, coming from elsewhere.
    Open(Box<Query>),
    /// To the page that this cursor begins.
    Next(String),
    /// To the page before.
    Previous,
}

impl Query {
    /// The state after the action. Anything but turning pages leads back to the first page.
    #[must_use]
    pub fn reduce(&self, action: QueryAction) -> Self {
        let mut next = self.clone();
        match action {
            QueryAction::Next(cursor) => {
                next.cursors.push(cursor);
                return next;
            }
            QueryAction::Previous => {
                next.cursors.pop();
                return next;
            }
            QueryAction::Text(text) => next.text = text,
            QueryAction::State(state) => next.state = state,
            QueryAction::Class(class) => next.class = class,
            QueryAction::Priority(priority) => next.priority = priority,
            QueryAction::User(user) => next.user = user,
            QueryAction::Tree(is_tree) => {
                next.is_tree = is_tree;
                next.limit = if is_tree { TREE_LIMIT } else { LIMIT };
            }
            QueryAction::Fold(pid) => {
                if !next.collapsed.remove(&pid) {
                    next.collapsed.insert(pid);
                }
            }
            QueryAction::Sort(key) if key == self.sort => next.is_descending = !self.is_descending,
            QueryAction::Sort(key) => {
                next.sort = key;
                next.is_descending = key.starts_descending();
            }
            QueryAction::Clear => {
                next = Self {
                    text: String::new(),
                    state: None,
                    class: None,
                    priority: None,
                    user: String::new(),
                    ..next
                };
            }
            QueryAction::Open(query) => next = *query,
        }
        next.cursors.clear();
        next
    }

    /// The processes in one state.
    #[must_use]
    pub fn in_state(state: ProcessState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    /// All processes, the largest by `sort` first.
    #[must_use]
    pub fn largest_by(sort: SortKey) -> Self {
        Self { sort, is_descending: true, ..Self::default() }
    }

    /// Whether anything is filtered out.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        !self.text.trim().is_empty()
            || self.state.is_some()
            || self.class.is_some()
            || self.priority.is_some()
            || !self.user.trim().is_empty()
    }

    /// Which page this is, from 0.
    #[must_use]
    pub fn page_index(&self) -> usize {
        self.cursors.len()
    }

    /// The query part of the URL, without the question mark.
    #[must_use]
    pub fn to_url(&self) -> String {
        let sign = if self.is_descending { "-" } else { "" };
        let mut url = if self.is_tree {
            format!("limit={}&tree=true", self.limit)
        } else {
            format!("limit={}&sort={sign}{}", self.limit, self.sort.field())
        };
        let mut add = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = write!(url, "&{name}={}", encode(value));
        };
        let text = self.text.trim();
        if !text.is_empty() {
            // The system compares whole names with a pattern.
            let pattern = if text.contains('*') { text.to_owned() } else { format!("*{text}*") };
            add("name", &pattern);
        }
        if let Some(state) = self.state {
            add("state", state.name());
        }
        if let Some(class) = self.class {
            add("class", class.name());
        }
        if let Some(priority) = self.priority {
            add("priority", priority.name());
        }
        let user = self.user.trim();
        if !user.is_empty() {
            add("user", user);
        }
        if self.is_tree && !self.collapsed.is_empty() {
            let collapsed: Vec<String> = self.collapsed.iter().map(u32::to_string).collect();
            add("collapsed", &collapsed.join(","));
        }
        if let Some(cursor) = self.cursors.last() {
            add("cursor", cursor);
        }
        url
    }
}

/// Percent-encodes a value of a query (RFC 3986: all but unreserved characters).
#[must_use]
pub fn encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The list as it came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProcessList {
    /// The newest page, and the query that it answers.
    pub page: Option<(Query, Page<Process>)>,
    /// When it was read.
    pub at_ms: f64,
    /// What the last request ran into.
    pub failure: Option<Failure>,
}

impl ProcessList {
    /// Takes in an answer to `query`. What was known stays when there is none.
    #[must_use]
    pub fn with(&self, at_ms: f64, query: &Query, answer: Result<Page<Process>, Failure>) -> Self {
        match answer {
            Ok(page) => Self { page: Some((query.clone(), page)), at_ms, failure: None },
            Err(failure) => Self { failure: Some(failure), ..self.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_url() {
        let query = Query::default()
            .reduce(QueryAction::Text(" a&b ".to_owned()))
            .reduce(QueryAction::State(Some(ProcessState::Running)))
            .reduce(QueryAction::Priority(Some(Priority::RealTime)))
            .reduce(QueryAction::Next("c/1".to_owned()));
        assert_eq!(
            query.to_url(),
            "limit=50&sort=-cpu_percent&name=%2Aa%26b%2A&state=running&priority=real_time&cursor=c%2F1"
        );
    }

    #[test]
    fn a_column_sorts_its_own_way_first_and_turns_round() {
        let by_name = Query::default().reduce(QueryAction::Sort(SortKey::Name));
        assert!(!by_name.is_descending);
        let by_memory = by_name.reduce(QueryAction::Sort(SortKey::Memory));
        assert!(by_memory.is_descending);
        assert!(!by_memory.reduce(QueryAction::Sort(SortKey::Memory)).is_descending);
    }

    #[test]
    fn changing_what_is_asked_leads_back_to_the_first_page() {
        let third = Query::default()
            .reduce(QueryAction::Next("a".to_owned()))
            .reduce(QueryAction::Next("b".to_owned()));
        assert_eq!(third.page_index(), 2);
        assert_eq!(third.reduce(QueryAction::Previous).page_index(), 1);
        assert_eq!(third.reduce(QueryAction::Text("x".to_owned())).page_index(), 0);
        assert_eq!(Query::default().reduce(QueryAction::Previous).page_index(), 0);
    }

    #[test]
    fn clearing_keeps_the_order() {
        let query = Query::default()
            .reduce(QueryAction::Sort(SortKey::Name))
            .reduce(QueryAction::Class(Some(Class::User)));
        let cleared = query.reduce(QueryAction::Clear);
        assert!(query.is_filtered() && !cleared.is_filtered());
        assert_eq!(cleared.sort, SortKey::Name);
    }

    #[test]
    fn a_tree_is_asked_for_with_what_is_folded() {
        let query = Query::default()
            .reduce(QueryAction::Tree(true))
            .reduce(QueryAction::User(" root ".to_owned()))
            .reduce(QueryAction::Fold(7))
            .reduce(QueryAction::Fold(3));
        assert_eq!(query.to_url(), "limit=200&tree=true&user=root&collapsed=3%2C7");
        let shown = query.reduce(QueryAction::Fold(7)).reduce(QueryAction::Fold(3));
        assert_eq!(shown.to_url(), "limit=200&tree=true&user=root");
        assert!(shown.reduce(QueryAction::Tree(false)).to_url().contains("sort="));
        assert!(shown.is_filtered() && !shown.reduce(QueryAction::Clear).is_filtered());
        assert!(shown.reduce(QueryAction::Clear).is_tree);
    }

    #[test]
    fn a_failure_keeps_what_was_known() {
        let page = Page { items: Vec::new(), next_cursor: None, total: 7 };
        let list = ProcessList::default().with(1.0, &Query::default(), Ok(page));
        let failed = list.with(2.0, &Query::default(), Err(Failure::SignedOut));
        assert_eq!((failed.page, failed.at_ms), (list.page, 1.0));
        assert!(failed.failure.is_some());
    }
}
