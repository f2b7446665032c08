//! Pages of numbered lines: of the log, and of a service's output.

use alloc::format;
use alloc::vec::Vec;

use crate::backend::SequenceRange;
use crate::types::{LogLine, Page, ServiceLine};

use super::query::Query;
use super::refusal::Refusal;
use super::yielding::yield_now;

/// Lines looked at at once.
const STEP: u64 = 256;

/// Something that has a number of its own.
pub(crate) trait Numbered {
    /// The number.
    fn sequence(&self) -> u64;
}

impl Numbered for LogLine {
    fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Numbered for ServiceLine {
    fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// A page of the lines `kept`, as `read(after, limit)` gives them in order; its cursor is the sequence number
/// of the page's last line.
///
/// # Errors
/// 400 for bad parameters.
pub(crate) async fn page<L: Numbered>(
    query: &Query<'_>,
    kept: SequenceRange,
    read: impl Fn(u64, usize) -> Vec<L>,
    matches: impl Fn(&L) -> bool,
) -> Result<Page<L>, Refusal> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let newest_first = match query.get("sort") {
        None | Some("sequence") => false,
        Some("-sequence") => true,
        Some(_) => return Err(Refusal::bad_parameter("sort", "must be sequence or -sequence")),
    };
    let cursor = query.number("cursor", 0, u64::MAX)?;
    let after = query.number("after", 0, u64::MAX)?.unwrap_or(0);
    let (mut items, mut total, mut has_more) = (Vec::new(), 0, false);
    let mut take =
        |line: L| {
            let sequence = line.sequence();
            if sequence <= after || !matches(&line) {
                return;
            }
            total += 1;
            let is_behind_cursor = cursor.is_some_and(|cursor| {
                if newest_first { sequence >= cursor } else { sequence <= cursor }
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
    // What is kept is bounded, so that looking at all of it is, too; it is done in steps.
    let steps = (kept.last + 1).saturating_sub(kept.first).div_ceil(STEP);
    for step in 0..steps {
        let step = if newest_first { steps - 1 - step } else { step };
        let before = kept.first.saturating_sub(1) + step * STEP;
        let mut lines = read(before, usize::try_from(STEP).unwrap_or(usize::MAX));
        // Lines that came since belong to the next step, or to the next request.
        lines.retain(|line| line.sequence() <= (before + STEP).min(kept.last));
        if newest_first {
            lines.reverse();
        }
        lines.into_iter().for_each(&mut take);
        if step % 8 == 7 {
            yield_now().await;
        }
    }
    let last = items.last().filter(|_| has_more);
    let next_cursor = last.map(|line: &L| format!("{}", line.sequence()));
    Ok(Page { items, next_cursor, total })
}

/// From where to follow lines: behind `after`, or with the last ones of them.
///
/// # Errors
/// 400 for bad parameters.
pub(crate) fn follow_from(
    query: &Query<'_>,
    kept: SequenceRange,
    last_event_id: Option<u64>,
) -> Result<u64, Refusal> {
    let limit = u64::from(query.limit()?);
    let after = query.number("after", 0, u64::MAX)?;
    let tail = kept.last.saturating_sub(limit).max(kept.first.saturating_sub(1));
    Ok(last_event_id.or(after).unwrap_or(tail))
}
