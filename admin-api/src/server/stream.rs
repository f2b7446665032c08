//! Streams as server-sent events: events, followed log lines, followed output of a process.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::future::poll_fn;

use picoserve::Timer;
use picoserve::io::Write;
use picoserve::response::custom::CustomBody;
use picoserve::time::Duration;

use crate::backend::{Backend, SequenceRange};
use crate::types::{EventGap, EventKind, ProcessOutput, Text};

use super::App;
use super::json::append_json;
use super::logs::LogFilter;
use super::output::read_output;
use super::service_output::LineFilter;

/// Streams at once; the other connections are for requests.
const MAX_STREAMS: u32 = 64;
/// A comment is sent after this time without anything else, so that both ends see a dead connection.
const HEARTBEAT_MS: u64 = 15_000;
/// Items read at once.
const BATCH: usize = 32;
/// Bytes of output read at once.
const OUTPUT_BATCH_BYTES: usize = 8 * 1024;

/// What is streamed.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// Events of these kinds; of all when empty.
    Events { after: u64, kinds: Vec<EventKind> },
    /// Log lines.
    Logs { after: u64, filter: LogFilter },
    /// Lines of a service's output.
    ServiceOutput { name: Text, after: u64, filter: LineFilter },
    /// Output of a process.
    Output { pid: u32, offset: u64 },
}

/// A stream, and the session it belongs to: it ends when that ends.
pub(crate) struct Stream {
    pub(crate) subject: Subject,
    pub(crate) session: Option<u64>,
}

/// Counts the streams that are open.
#[derive(Default)]
pub(crate) struct StreamCount(core::cell::Cell<u32>);

impl StreamCount {
    /// Whether one more may be opened.
    pub(crate) fn has_room(&self) -> bool {
        self.0.get() < MAX_STREAMS
    }
}

/// Takes part in the count while it lives.
struct Counted<'c>(&'c StreamCount);

impl<'c> Counted<'c> {
    fn new(count: &'c StreamCount) -> Self {
        count.0.set(count.0.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get().saturating_sub(1));
    }
}

/// The body of a stream.
pub(crate) struct StreamBody<'s, B, A, T, Runtime> {
    app: &'s App<B, A>,
    timer: &'s T,
    stream: Stream,
    _counted: Counted<'s>,
    _runtime: core::marker::PhantomData<fn(&Runtime)>,
}

impl<'s, B: Backend, A, T: Timer<Runtime>, Runtime> StreamBody<'s, B, A, T, Runtime> {
    pub(crate) fn new(app: &'s App<B, A>, timer: &'s T, stream: Stream) -> Self {
        let _counted = Counted::new(&app.streams);
        Self { app, timer, stream, _counted, _runtime: core::marker::PhantomData }
    }

    fn is_allowed(&self) -> bool {
        let now_ns = self.app.backend.uptime_ns();
        self.stream
            .session
            .is_none_or(|number| self.app.sessions.borrow_mut().touch(number, now_ns))
    }
}

impl<B: Backend, A, T: Timer<Runtime>, Runtime> CustomBody for StreamBody<'_, B, A, T, Runtime> {
    async fn write_response_body<W: Write>(mut self, mut writer: W) -> Result<(), W::Error> {
        // A page that lost its connection shall be back soon.
        writer.write_all(b"retry: 2000\n\n").await?;
        writer.flush().await?;
        let backend = &self.app.backend;
        let mut text = Vec::new();
        while self.is_allowed() {
            text.clear();
            let progress = self.stream.subject.append_news(backend, &mut text);
            if !text.is_empty() {
                writer.write_all(&text).await?;
                writer.flush().await?;
            }
            match progress {
                Progress::Ended => break,
                Progress::More => continue,
                Progress::Waits(from) => {
                    let subject = &self.stream.subject;
                    let news = poll_fn(|context| subject.poll_news(backend, context, from));
                    let heartbeat = Duration::from_millis(HEARTBEAT_MS);
                    if self.timer.run_with_timeout(heartbeat, news).await.is_err() {
                        writer.write_all(b": heartbeat\n\n").await?;
                        writer.flush().await?;
                    }
                }
            }
        }
        writer.flush().await
    }
}

/// How it goes on after the news were written.
enum Progress {
    /// There may be more at once.
    More,
    /// Nothing until there is something beyond this.
    Waits(u64),
    /// Nothing any more.
    Ended,
}

impl Subject {
    /// Appends what is new.
    fn append_news<B: Backend>(&mut self, backend: &B, text: &mut Vec<u8>) -> Progress {
        match self {
            Self::Events { after, kinds } => {
                append_gap(text, after, backend.event_range());
                let events = backend.events_after(*after, BATCH);
                for event in &events {
                    *after = event.sequence;
                    if kinds.is_empty() || kinds.contains(&event.kind) {
                        append_event(text, event.kind.name(), event.sequence, event);
                    }
                }
                if events.is_empty() { Progress::Waits(*after) } else { Progress::More }
            }
            Self::Logs { after, filter } => {
                append_gap(text, after, backend.log_range());
                let lines = backend.logs_after(*after, BATCH);
                for line in &lines {
                    *after = line.sequence;
                    if filter.matches(line) {
                        append_event(text, "log", line.sequence, line);
                    }
                }
                if lines.is_empty() { Progress::Waits(*after) } else { Progress::More }
            }
            Self::ServiceOutput { name, after, filter } => {
                let Ok(kept) = backend.service_output_range(name) else { return Progress::Ended };
                append_gap(text, after, kept);
                let lines = backend.service_output_after(name, *after, BATCH);
                for line in &lines {
                    *after = line.sequence;
                    if filter.matches(line) {
                        append_event(text, "line", line.sequence, line);
                    }
                }
                if lines.is_empty() { Progress::Waits(*after) } else { Progress::More }
            }
            Self::Output { pid, offset } => {
                let Ok(read) = read_output(backend, *pid, *offset, OUTPUT_BATCH_BYTES) else {
                    return Progress::Ended;
                };
                let ProcessOutput { next_offset, ended, .. } = read.output;
                *offset = next_offset;
                if !read.output.text.is_empty() {
                    append_event(text, "output", next_offset, &read.output);
                }
                if ended {
                    append_event(text, "end", next_offset, &next_offset);
                    Progress::Ended
                } else if read.output.text.is_empty() {
                    Progress::Waits(read.seen_offset)
                } else {
                    Progress::More
                }
            }
        }
    }

    fn poll_news<B: Backend>(
        &self,
        backend: &B,
        context: &mut core::task::Context<'_>,
        from: u64,
    ) -> core::task::Poll<()> {
        match self {
            Self::Events { .. } => backend.poll_events(context, from),
            Self::Logs { .. } => backend.poll_logs(context, from),
            Self::ServiceOutput { name, .. } => backend.poll_service_output(context, name, from),
            Self::Output { pid, .. } => backend.poll_process_output(context, *pid, from),
        }
    }
}

/// Says what was lost between `after` and what is kept, and goes on with what is kept.
///
/// A number that was never given out is of another boot, so that everything kept is new.
fn append_gap(text: &mut Vec<u8>, after: &mut u64, kept: SequenceRange) {
    if *after > kept.last {
        *after = 0;
    }
    if *after + 1 < kept.first {
        let gap = EventGap { first_lost: *after + 1, last_lost: kept.first - 1 };
        append_event(text, "gap", gap.last_lost, &gap);
        *after = gap.last_lost;
    }
}

/// Appends one server-sent event; JSON has no line breaks, so one data line is enough.
fn append_event<T: serde::Serialize>(text: &mut Vec<u8>, name: &str, id: u64, data: &T) {
    let mut head = String::new();
    if write!(head, "event: {name}\nid: {id}\ndata: ").is_ok() {
        text.extend_from_slice(head.as_bytes());
        append_json(text, data);
        text.extend_from_slice(b"\n\n");
    }
}
