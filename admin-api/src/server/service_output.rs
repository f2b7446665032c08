//! `GET /services/{name}/output`: what the processes of a service wrote.

use alloc::string::String;
use alloc::vec::Vec;

use crate::backend::Backend;
use crate::types::{OutputStream, ServiceLine, Text};

use super::answer::Request;
use super::authentication::Identity;
use super::lines;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::Reply;
use super::stream::Subject;
use super::{App, Assets};

/// Which lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineFilter {
    streams: Vec<OutputStream>,
    instances: Vec<u32>,
    /// In lower case.
    search: Option<String>,
}

impl LineFilter {
    /// Reads the filter of a query.
    ///
    /// # Errors
    /// 400 for an unknown stream or what is no number.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            streams: query.words("stream", OutputStream::from_name)?,
            instances: query.words("instance", |word| word.parse().ok())?,
            search: query.get("search").map(str::to_lowercase),
        })
    }

    /// Whether a line is shown.
    pub(crate) fn matches(&self, line: &ServiceLine) -> bool {
        (self.streams.is_empty() || self.streams.contains(&line.stream))
            && (self.instances.is_empty()
                || line.instance.is_some_and(|instance| self.instances.contains(&instance)))
            && self
                .search
                .as_ref()
                .is_none_or(|wanted| line.text.to_lowercase().contains(wanted.as_str()))
    }
}

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /services/{name}/output`.
    pub(crate) async fn service_output(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let name = request.parameter;
        let filter = LineFilter::parse(query)?;
        let kept = self.backend.service_output_range(name)?;
        if query.flag("follow")? {
            let after = lines::follow_from(query, kept, request.last_event_id()?)?;
            let name = Text::from(String::from(name));
            return self.stream(Subject::ServiceOutput { name, after, filter }, identity);
        }
        let read = |after, limit| self.backend.service_output_after(name, after, limit);
        let page = lines::page(query, kept, read, |line| filter.matches(line)).await?;
        Ok(Reply::json(200, &page))
    }
}
