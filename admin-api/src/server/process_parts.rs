//! Handlers of what a process consists of: threads, open files, memory and children.

use alloc::format;
use alloc::vec::Vec;

use crate::backend::Backend;
use crate::types::{Page, Socket, Thread};

use super::answer::Request;
use super::listing::ProcessPages;
use super::processes::pid_of;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::Reply;
use super::{App, Assets};

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /processes/{pid}/threads`.
    pub(crate) fn process_threads(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let after = query.number("cursor", 0, u32::MAX.into())?;
        let threads = self.backend.threads(pid)?;
        Ok(Reply::json(
            200,
            &page_by_number(threads, limit, after, |thread: &Thread| thread.tid.into()),
        ))
    }

    /// `GET /processes/{pid}/memory-map`.
    pub(crate) fn process_memory_map(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let from = query.number("cursor", 0, u64::MAX)?.unwrap_or(0);
        // One more than is wanted says whether there is a next page.
        let (mut items, total) = self.backend.memory_map(pid, from, limit.saturating_add(1))?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| has_more).map(|last| format!("{}", last.end));
        Ok(Reply::json(200, &Page { items, next_cursor, total }))
    }

    /// `GET /processes/{pid}/signals`.
    pub(crate) fn process_signals(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        Ok(Reply::json(200, &self.backend.signals(pid_of(request)?)?))
    }

    /// `GET /processes/{pid}/sockets`.
    pub(crate) fn process_sockets(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        page_of_sockets(query, self.backend.process_sockets(pid)?)
    }

    /// `GET /network/sockets`.
    pub(crate) fn sockets(&self, query: &Query<'_>) -> Result<Reply, Refusal> {
        page_of_sockets(query, self.backend.sockets())
    }

    /// `GET /processes/{pid}/files`.
    pub(crate) fn process_files(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let after = query.number("cursor", 0, u32::MAX.into())?;
        let from = after.map_or(0, |after| after.saturating_add(1));
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        // One more than is wanted says whether there is a next page.
        let (mut items, total) = self.backend.open_files(pid, from, limit.saturating_add(1))?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| has_more).map(|last| format!("{}", last.fd));
        Ok(Reply::json(200, &Page { items, next_cursor, total }))
    }

    /// `GET /processes/{pid}/children`.
    pub(crate) async fn process_children(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        self.backend.process(pid)?;
        let pages = ProcessPages::children(&self.backend, &self.snapshots, query, pid).await?;
        pages.into_reply(&self.backend)
    }
}

/// Sockets have no number of their own: the cursor is the place in the list, which is in the order of
/// their ends.
fn page_of_sockets(query: &Query<'_>, mut sockets: Vec<Socket>) -> Result<Reply, Refusal> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let after = query.number("cursor", 0, u32::MAX.into())?;
    let total = u64::try_from(sockets.len()).unwrap_or(u64::MAX);
    sockets.sort_by(|a, b| (&a.local, &a.remote, a.inode).cmp(&(&b.local, &b.remote, b.inode)));
    let start = usize::try_from(after.unwrap_or(0)).unwrap_or(usize::MAX);
    let items: Vec<Socket> = sockets.into_iter().skip(start).take(limit).collect();
    let end = start.saturating_add(items.len());
    let has_more = u64::try_from(end).unwrap_or(u64::MAX) < total && !items.is_empty();
    let next_cursor = has_more.then(|| format!("{end}"));
    Ok(Reply::json(200, &Page { items, next_cursor, total }))
}

/// A page of `items`, which ascend by `number`; the cursor is the last number of the page before.
pub(crate) fn page_by_number<T>(
    mut items: Vec<T>,
    limit: usize,
    after: Option<u64>,
    number: impl Fn(&T) -> u64,
) -> Page<T> {
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if let Some(after) = after {
        items.retain(|item| number(item) > after);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| has_more).map(|last| format!("{}", number(last)));
    Page { items, next_cursor, total }
}
