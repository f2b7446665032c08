//! Pages of the log.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::backend::Backend;
use crate::types::{LogLevel, LogLine, Page};

use super::query::Query;
use super::refusal::Refusal;
use super::yielding::yield_now;

/// Lines looked at at once.
const STEP: u64 = 256;

/// Which lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogFilter {
    levels: Vec<LogLevel>,
    sources: Vec<String>,
}

impl LogFilter {
    /// Reads the filter of a query.
    ///
    /// # Errors
    /// 400 for an unknown level.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            levels: query.words("level", LogLevel::from_name)?,
            sources: query.words("source", |word| Some(String::from(word)))?,
        })
    }

    /// Whether a line is shown.
    pub(crate) fn matches(&self, line: &LogLine) -> bool {
        (self.levels.is_empty() || self.levels.contains(&line.level))
            && (self.sources.is_empty()
                || self.sources.iter().any(|source| line.source == **source))
    }
}

/// A page of the log; its cursor is the sequence number of the page's last line.
///
/// # Errors
/// 400 for bad parameters.
pub(crate) async fn page<B: Backend>(
    backend: &B,
    query: &Query<'_>,
) -> Result<Page<LogLine>, Refusal> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let filter = LogFilter::parse(query)?;
    let newest_first = match query.get("sort") {
        None | Some("sequence") => false,
        Some("-sequence") => true,
        Some(_) => return Err(Refusal::bad_parameter("sort", "must be sequence or -sequence")),
    };
    let cursor = query.number("cursor", 0, u64::MAX)?;
    let after = query.number("after", 0, u64::MAX)?.unwrap_or(0);
    let kept = backend.log_range();
    let (mut items, mut total, mut has_more) = (Vec::new(), 0, false);
    let mut take = |line: LogLine| {
        if line.sequence <= after || !filter.matches(&line) {
            return;
        }
        total += 1;
        let is_behind_cursor = cursor.is_some_and(|cursor| {
            if newest_first { line.sequence >= cursor } else { line.sequence <= cursor }
        });
        if is_behind_cursor {
            return;
        }
        if items.len() < limit {
            items.push(line);
        } else {
            has_more = true;
        }
    };
    // The log is bounded, so that looking at all of it is, too; it is done in steps.
    let steps = (kept.last + 1).saturating_sub(kept.first).div_ceil(STEP);
    for step in 0..steps {
        let step = if newest_first { steps - 1 - step } else { step };
        let before = kept.first.saturating_sub(1) + step * STEP;
        let mut lines = backend.logs_after(before, usize::try_from(STEP).unwrap_or(usize::MAX));
        // Lines that came since belong to the next step, or to the next request.
        lines.retain(|line| line.sequence <= (before + STEP).min(kept.last));
        if newest_first {
            lines.reverse();
        }
        lines.into_iter().for_each(&mut take);
        if step % 8 == 7 {
            yield_now().await;
        }
    }
    let next_cursor =
        items.last().filter(|_| has_more).map(|line: &LogLine| format!("{}", line.sequence));
    Ok(Page { items, next_cursor, total })
}

/// From where to follow the log: behind `after`, or with the last lines of it.
///
/// # Errors
/// 400 for bad parameters.
pub(crate) fn follow_from<B: Backend>(
    backend: &B,
    query: &Query<'_>,
    last_event_id: Option<u64>,
) -> Result<u64, Refusal> {
    let kept = backend.log_range();
    let limit = u64::from(query.limit()?);
    let after = query.number("after", 0, u64::MAX)?;
    let tail = kept.last.saturating_sub(limit).max(kept.first.saturating_sub(1));
    Ok(last_event_id.or(after).unwrap_or(tail))
}
