//! Pages of the log.

use alloc::string::String;
use alloc::vec::Vec;

use crate::backend::Backend;
use crate::types::{LogLevel, LogLine, Page};

use super::lines;
use super::query::Query;
use super::refusal::Refusal;

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

/// A page of the log.
///
/// # Errors
/// 400 for bad parameters.
pub(crate) async fn page<B: Backend>(
    backend: &B,
    query: &Query<'_>,
) -> Result<Page<LogLine>, Refusal> {
    let filter = LogFilter::parse(query)?;
    let read = |after, limit| backend.logs_after(after, limit);
    lines::page(query, backend.log_range(), read, |line| filter.matches(line)).await
}
