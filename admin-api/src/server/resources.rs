//! Handlers of CPUs, interrupts, events and the log.

use alloc::format;
use alloc::vec::Vec;

use crate::backend::Backend;
use crate::types::{EventKind, InterruptLine, Page};

use super::answer::Request;
use super::authentication::Identity;
use super::lines;
use super::logs::{self, LogFilter};
use super::query::Query;
use super::refusal::Refusal;
use super::reply::Reply;
use super::stream::Subject;
use super::{App, Assets};

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /cpus`.
    pub(crate) fn cpus(&self, query: &Query<'_>) -> Result<Reply, Refusal> {
        let count = self.backend.cpu_count();
        let limit = query.limit()?;
        let first = query.number("cursor", 0, u32::MAX.into())?.unwrap_or(0);
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let end = first.saturating_add(limit).min(count);
        let items: Vec<_> = (first..end).filter_map(|id| self.backend.cpu(id)).collect();
        let next_cursor = (end < count && first < end).then(|| format!("{end}"));
        Ok(Reply::json(200, &Page { items, next_cursor, total: count.into() }))
    }

    /// `GET /cpus/{id}`.
    pub(crate) fn cpu(&self, id: &str) -> Result<Reply, Refusal> {
        let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
        let cpu = id.parse().ok().filter(|_| is_number).and_then(|id| self.backend.cpu(id));
        let cpu = cpu.ok_or_else(|| Refusal::no_such_cpu(id))?;
        Ok(Reply::json(200, &cpu))
    }

    /// `GET /interrupts`.
    pub(crate) fn interrupts(&self, query: &Query<'_>) -> Result<Reply, Refusal> {
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let after = query.number("cursor", 0, 255)?;
        let lines = self.backend.interrupts();
        let total = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let mut rest: Vec<InterruptLine> = lines
            .into_iter()
            .filter(|line| after.is_none_or(|after| u64::from(line.vector) > after))
            .collect();
        let has_more = rest.len() > limit;
        rest.truncate(limit);
        let next_cursor = rest.last().filter(|_| has_more).map(|line| format!("{}", line.vector));
        Ok(Reply::json(200, &Page { items: rest, next_cursor, total }))
    }

    /// `GET /events`.
    pub(crate) fn events(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let kinds = query.words("kind", EventKind::from_name)?;
        let after = query.number("after", 0, u64::MAX)?;
        let after = request.last_event_id()?.or(after);
        let after = after.unwrap_or_else(|| self.backend.event_range().last);
        self.stream(Subject::Events { after, kinds }, identity)
    }

    /// `GET /logs`.
    pub(crate) async fn logs(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        if query.flag("follow")? {
            let filter = LogFilter::parse(query)?;
            let after =
                lines::follow_from(query, self.backend.log_range(), request.last_event_id()?)?;
            return self.stream(Subject::Logs { after, filter }, identity);
        }
        let page = logs::page(&self.backend, query).await?;
        Ok(Reply::json(200, &page))
    }
}

impl Request<'_> {
    /// Where a stream that was cut off goes on.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn last_event_id(&self) -> Result<Option<u64>, Refusal> {
        let Some(id) = self.head.header("last-event-id") else { return Ok(None) };
        match id.parse() {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(Refusal::bad_header("Last-Event-ID", "must be a sequence number")),
        }
    }
}
