//! Lists of processes: pages, cursors that stay valid, and writing without a copy in between.
//!
//! The plain list goes by pid and costs the same however many processes there are: its cursor is a pid.
//! A filter looks at all processes, in steps between which other tasks run. Any other order is worked
//! out once, and its later pages follow that one order, kept in [`Snapshots`]: a cursor made of the last
//! value would list a process twice when its value changes, as CPU time does.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use crate::backend::Backend;

use super::json::append_json;
use super::process_filter::{ProcessFilter, Sort, SortKey};
use super::process_json::{USUAL_BYTES, append_process};
use super::query::Query;
use super::refusal::Refusal;
use super::reply::{Body, JSON, Reply};
use super::tree::Tree;
use super::yielding::yield_now;

/// Processes written at once; a longer page is sent in chunks of this.
const CHUNK: usize = 64;
/// Rows looked at between two chances for other tasks.
const SCAN_STEP: usize = 256;
/// Orders that are kept for their later pages.
const MAX_SNAPSHOTS: usize = 16;
/// Pids in all kept orders together: 512 KiB.
const MAX_SNAPSHOT_PIDS: usize = 128 * 1024;

/// An order that was worked out.
struct Snapshot {
    id: u64,
    filter: ProcessFilter,
    order: Order,
    pids: Rc<[u32]>,
}

/// In which order a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Sorted(Sort),
    Tree(Tree),
}

impl Order {
    fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        match Tree::parse(query)? {
            Some(tree) => Ok(Self::Tree(tree)),
            None => Sort::parse(query).map(Self::Sorted),
        }
    }
}

/// The orders whose later pages may still be asked for, the oldest first.
#[derive(Default)]
pub(crate) struct Snapshots {
    kept: VecDeque<Snapshot>,
}

impl Snapshots {
    fn keep(&mut self, snapshot: Snapshot) {
        self.kept.push_back(snapshot);
        let is_too_much = |kept: &VecDeque<Snapshot>| {
            kept.len() > MAX_SNAPSHOTS
                || kept.iter().map(|one| one.pids.len()).sum::<usize>() > MAX_SNAPSHOT_PIDS
        };
        while self.kept.len() > 1 && is_too_much(&self.kept) {
            self.kept.pop_front();
        }
    }
}

/// Where the processes of a page come from.
enum Source {
    /// All of them by pid, from above this one.
    All { after: u32 },
    /// These, in this order.
    Pids { pids: Rc<[u32]>, position: usize },
}

/// A page of processes that is being written.
pub(crate) struct ProcessPages {
    source: Source,
    remaining: usize,
    is_first: bool,
    is_begun: bool,
    next_cursor: Option<String>,
    total: u64,
}

impl ProcessPages {
    /// Works out a page.
    ///
    /// # Errors
    /// 400 for bad parameters or a cursor that is not valid.
    pub(crate) async fn plan<B: Backend>(
        backend: &B,
        snapshots: &core::cell::RefCell<Snapshots>,
        query: &Query<'_>,
    ) -> Result<Self, Refusal> {
        Self::filtered(backend, snapshots, query, ProcessFilter::parse(query)?).await
    }

    /// Works out a page of the children of a process.
    ///
    /// # Errors
    /// As `plan`.
    pub(crate) async fn children<B: Backend>(
        backend: &B,
        snapshots: &core::cell::RefCell<Snapshots>,
        query: &Query<'_>,
        parent: u32,
    ) -> Result<Self, Refusal> {
        Self::filtered(backend, snapshots, query, ProcessFilter::children_of(parent)).await
    }

    async fn filtered<B: Backend>(
        backend: &B,
        snapshots: &core::cell::RefCell<Snapshots>,
        query: &Query<'_>,
        filter: ProcessFilter,
    ) -> Result<Self, Refusal> {
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let order = Order::parse(query)?;
        let cursor = query.get("cursor").map(Cursor::parse).transpose()?;
        match cursor {
            _ if order == Order::Sorted(Sort::BY_PID) => {
                let after = match cursor {
                    None => 0,
                    Some(Cursor::AfterPid(pid)) => pid,
                    Some(Cursor::InSnapshot { .. }) => return Err(Cursor::other_query()),
                };
                if filter.is_empty() {
                    return Ok(Self::new(
                        Source::All { after },
                        limit,
                        None,
                        backend.process_count(),
                    ));
                }
                let (pids, next_cursor, total) = matching(backend, &filter, after, limit).await;
                let remaining = pids.len();
                let source = Source::Pids { pids: pids.into(), position: 0 };
                Ok(Self::new(source, remaining, next_cursor, total))
            }
            Some(Cursor::AfterPid(_)) => Err(Cursor::other_query()),
            Some(Cursor::InSnapshot { id, position }) => {
                let snapshots = snapshots.borrow();
                let snapshot = snapshots.kept.iter().find(|snapshot| snapshot.id == id);
                let snapshot = snapshot.ok_or_else(Refusal::cursor_expired)?;
                if snapshot.filter != filter || snapshot.order != order {
                    return Err(Cursor::other_query());
                }
                Ok(Self::in_order(id, &snapshot.pids, position, limit))
            }
            None => {
                let pids = in_order(backend, &filter, &order).await?;
                let mut id = [0; 8];
                backend.fill_random(&mut id);
                let id = u64::from_le_bytes(id);
                let page = Self::in_order(id, &pids, 0, limit);
                if page.next_cursor.is_some() {
                    snapshots.borrow_mut().keep(Snapshot { id, filter, order, pids });
                }
                Ok(page)
            }
        }
    }

    fn new(source: Source, remaining: usize, next_cursor: Option<String>, total: u64) -> Self {
        Self { source, remaining, is_first: true, is_begun: false, next_cursor, total }
    }

    fn in_order(id: u64, pids: &Rc<[u32]>, position: usize, limit: usize) -> Self {
        let left = pids.len().saturating_sub(position);
        let remaining = left.min(limit);
        let next = (left > limit).then(|| format!("s{id:016x}.{}", position + limit));
        let total = u64::try_from(pids.len()).unwrap_or(u64::MAX);
        Self::new(Source::Pids { pids: pids.clone(), position }, remaining, next, total)
    }

    /// The answer: at once if it is short, else to be sent in chunks.
    ///
    /// # Errors
    /// 503 when there is no memory for it.
    pub(crate) fn into_reply<B: Backend>(mut self, backend: &B) -> Result<Reply, Refusal> {
        if self.remaining > CHUNK {
            return Ok(Reply::new(200, Body::Processes(self)));
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve(256 + self.remaining * USUAL_BYTES)
            .map_err(|_| Refusal::out_of_memory())?;
        while !self.append_chunk(backend, &mut bytes) {}
        Ok(Reply::new(200, Body::Owned { content_type: JSON, bytes }))
    }

    /// Appends the next part of the document; `true` after the last.
    pub(crate) fn append_chunk<B: Backend>(&mut self, backend: &B, bytes: &mut Vec<u8>) -> bool {
        if !self.is_begun {
            bytes.extend_from_slice(b"{\"items\":[");
            self.is_begun = true;
        }
        let chunk = self.remaining.min(CHUNK);
        self.remaining -= chunk;
        let is_first = &mut self.is_first;
        let mut append = |process: &crate::types::Process| {
            if !core::mem::replace(is_first, false) {
                bytes.push(b',');
            }
            append_process(bytes, process);
        };
        match &mut self.source {
            Source::All { after } => {
                // One more than is wanted says whether there is a next page.
                let is_last_chunk = self.remaining == 0;
                let mut seen = 0;
                let mut has_more = false;
                backend.processes_after(
                    *after,
                    chunk + usize::from(is_last_chunk),
                    &mut |process| {
                        if seen == chunk {
                            has_more = true;
                            return;
                        }
                        seen += 1;
                        *after = process.pid;
                        append(&process);
                    },
                );
                if seen < chunk {
                    self.remaining = 0;
                } else if has_more {
                    self.next_cursor = Some(format!("p{after}"));
                }
            }
            Source::Pids { pids, position } => {
                for pid in pids.iter().skip(*position).take(chunk) {
                    // One that is gone since is left out.
                    if let Ok(process) = backend.process(*pid) {
                        append(&process);
                    }
                }
                *position += chunk;
            }
        }
        if self.remaining > 0 {
            return false;
        }
        bytes.extend_from_slice(b"],\"next_cursor\":");
        append_json(bytes, &self.next_cursor);
        bytes.extend_from_slice(b",\"total\":");
        append_json(bytes, &self.total);
        bytes.push(b'}');
        true
    }
}

/// Up to `limit` matching processes above `after`, the cursor behind them, and how many match in all.
async fn matching<B: Backend>(
    backend: &B,
    filter: &ProcessFilter,
    after: u32,
    limit: usize,
) -> (Vec<u32>, Option<String>, u64) {
    let (mut pids, mut total, mut has_more) = (Vec::new(), 0, false);
    scan(backend, |row| {
        if !filter.matches(row) {
            return;
        }
        total += 1;
        if row.pid > after {
            if pids.len() < limit {
                pids.push(row.pid);
            } else {
                has_more = true;
            }
        }
    })
    .await;
    let next = pids.last().filter(|_| has_more).map(|last| format!("p{last}"));
    (pids, next, total)
}

/// All matching processes in an order.
///
/// # Errors
/// 503 when there is no memory for the keys of all processes: a large list must not take the last of it.
async fn in_order<B: Backend>(
    backend: &B,
    filter: &ProcessFilter,
    order: &Order,
) -> Result<Rc<[u32]>, Refusal> {
    let sort = match order {
        Order::Sorted(sort) => *sort,
        Order::Tree(tree) => return in_tree(backend, filter, tree).await,
    };
    let mut keys: Vec<SortKey> = Vec::new();
    let mut has_room = true;
    scan(backend, |row| {
        if has_room && filter.matches(row) {
            has_room = keys.try_reserve(1).is_ok();
            if has_room {
                keys.push(sort.key(row));
            }
        }
    })
    .await;
    if !has_room {
        return Err(Refusal::out_of_memory());
    }
    keys.sort_unstable_by(|one, other| sort.compare(one, other));
    Ok(keys.iter().map(|key| key.pid).collect())
}

/// All matching processes in the order of the tree.
///
/// # Errors
/// 503 when there is no memory for it.
async fn in_tree<B: Backend>(
    backend: &B,
    filter: &ProcessFilter,
    tree: &Tree,
) -> Result<Rc<[u32]>, Refusal> {
    let mut rows: Vec<(u32, u32)> = Vec::new();
    let mut has_room = true;
    scan(backend, |row| {
        if has_room && filter.matches(row) {
            has_room = rows.try_reserve(1).is_ok();
            if has_room {
                rows.push((row.pid, row.parent_pid));
            }
        }
    })
    .await;
    let pids = if has_room { tree.order(&rows) } else { None };
    pids.map(Rc::from).ok_or_else(Refusal::out_of_memory)
}

/// Looks at all processes, also at those of the history.
async fn scan<B: Backend>(backend: &B, mut look: impl FnMut(&crate::backend::ProcessRow)) {
    let mut after = 0;
    loop {
        let mut seen = 0;
        backend.process_rows_after(after, SCAN_STEP, &mut |row| {
            seen += 1;
            after = row.pid;
            look(&row);
        });
        if seen < SCAN_STEP {
            return;
        }
        yield_now().await;
    }
}

/// Where a page begins.
enum Cursor {
    AfterPid(u32),
    InSnapshot { id: u64, position: usize },
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let parsed = match text.split_at_checked(1) {
            Some(("p", pid)) => pid.parse().ok().map(Self::AfterPid),
            Some(("s", rest)) => rest.split_once('.').and_then(|(id, position)| {
                let id = u64::from_str_radix(id, 16).ok()?;
                Some(Self::InSnapshot { id, position: position.parse().ok()? })
            }),
            _ => None,
        };
        parsed.ok_or_else(|| Refusal::bad_parameter("cursor", "is not a cursor of this list"))
    }

    fn other_query() -> Refusal {
        Refusal::bad_parameter("cursor", "belongs to a list with other filters or another order")
    }
}
