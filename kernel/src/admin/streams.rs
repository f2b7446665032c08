//! What can be waited for: events, log lines, output and the end of processes.
//!
//! Who waits registers a waker and looks once more, because the news may have come in between.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::task::{Context, Poll};

use admin_api::backend::{ApiError, AuditRecord, NewEvent, OutputBytes, SequenceRange};
use admin_api::types::{Event, LogLine, Text};
use process_core::Pid;

use super::convert;
use crate::log::Severity;
use crate::process;
use crate::{events, log};

pub(super) fn event_range() -> SequenceRange {
    let (first, last) = events::range();
    SequenceRange { first, last }
}

pub(super) fn events_after(after: u64, limit: usize) -> Vec<Event> {
    let describe = |event: events::Event| Event {
        sequence: event.sequence,
        at: convert::timestamp(event.wall_ns),
        kind: convert::event_kind(event.kind),
        pid: event.pid.map(Pid::number),
        service: event.service.map(|service| Text::from(String::from(&*service))),
        actor: event.actor.map(Text::from),
        message: event.message.into(),
    };
    events::after(after, limit).into_iter().map(describe).collect()
}

pub(super) fn poll_events(context: &mut Context<'_>, after: u64) -> Poll<()> {
    poll(context, &events::NEWS, || events::range().1 > after)
}

pub(super) fn publish(event: &NewEvent) {
    let kind = convert::to_event_kind(event.kind);
    events::publish(kind, None, event.actor.as_deref(), format_args!("{}", event.message));
}

/// The log's lines are counted from 0, the API's from 1.
pub(super) fn log_range() -> SequenceRange {
    let kept = log::range();
    SequenceRange { first: kept.start + 1, last: kept.end }
}

pub(super) fn logs_after(after: u64, limit: usize) -> Vec<LogLine> {
    let mut buffer = [0; ksync::MAX_TEXT_BYTES];
    let mut lines = Vec::new();
    // The line behind the API's number `after` has that number in the log.
    let mut next = after;
    while lines.len() < limit {
        let Some(record) = log::read(next, &mut buffer) else { break };
        next = record.sequence + 1;
        let (source, message) = source(record.text);
        lines.push(LogLine {
            sequence: next,
            at: convert::timestamp(hal::time::wall_at_ns(record.time_ns)),
            uptime_ns: record.time_ns,
            level: convert::log_level(Severity::from_number(record.severity)),
            source,
            cpu: Some(record.cpu.into()),
            message: String::from(message).into(),
        });
    }
    lines
}

/// Splits a line into the area that wrote it and the rest: `net: eth0 has a link`. Lines without an
/// area are the kernel's.
fn source(line: &str) -> (Text, &str) {
    const LONGEST: usize = 16;
    let is_area = |word: &str| {
        (1..=LONGEST).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match line.split_once(": ") {
        Some((area, rest)) if is_area(area) => (String::from(area).into(), rest),
        _ => ("kernel".into(), line),
    }
}

pub(super) fn poll_logs(context: &mut Context<'_>, after: u64) -> Poll<()> {
    poll(context, &log::NEWS, || log::range().end > after)
}

/// Part of a process's output, also of one that has ended as long as it is kept.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn output(number: u32, offset: u64, max_bytes: usize) -> Result<OutputBytes, ApiError> {
    let not_found = || ApiError::ProcessNotFound(number);
    let pid = Pid::new(i64::from(number)).map_err(|_| not_found())?;
    // Whether it has ended is asked first: then nothing can follow what is read afterwards.
    let (output, has_ended) = match process::find(pid) {
        Ok(process) => (Some(process.output.clone()), process.has_ended()),
        Err(_) => (process::ended_output(pid), true),
    };
    let Some(output) = output else {
        // It may be known still, without its output.
        process::snapshot(pid).map_err(|_| not_found())?;
        return Ok(OutputBytes { first_offset: offset, offset, bytes: Vec::new(), ended: true });
    };
    let part = output.read(offset, max_bytes);
    let ended = has_ended && part.offset + part.bytes.len() as u64 == part.written;
    Ok(OutputBytes {
        first_offset: part.first_offset,
        offset: part.offset,
        bytes: part.bytes,
        ended,
    })
}

pub(super) fn poll_output(context: &mut Context<'_>, number: u32, offset: u64) -> Poll<()> {
    match Pid::new(i64::from(number)).and_then(process::find) {
        Ok(process) => poll(context, &process.output.news, || {
            process.has_ended() || process.output.written() > offset
        }),
        Err(_) => Poll::Ready(()),
    }
}

pub(super) fn poll_ended(context: &mut Context<'_>, number: u32) -> Poll<()> {
    match Pid::new(i64::from(number)).and_then(process::find) {
        Ok(process) => poll(context, &process.ended, || process.has_ended()),
        Err(_) => Poll::Ready(()),
    }
}

/// Ready if there is news; else the task is woken when there may be.
pub(super) fn poll(
    context: &mut Context<'_>,
    news: &crate::broadcast::Broadcast,
    is_there: impl Fn() -> bool,
) -> Poll<()> {
    if is_there() {
        return Poll::Ready(());
    }
    news.register(context.waker());
    if is_there() { Poll::Ready(()) } else { Poll::Pending }
}

/// Writes the line of the audit log.
pub(super) fn audit(record: &AuditRecord<'_>) {
    let user = record.user.unwrap_or("-");
    let error = record.error.map(|error| format!(" {error}")).unwrap_or_default();
    crate::info!("audit: {user} {} {} {}{error}", record.address, record.action, record.status);
}
