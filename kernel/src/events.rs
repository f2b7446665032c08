//! What happened, for operators: a bounded history that the API lists and streams.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use hal::interrupts::SpinLock;
use process_core::Pid;

use crate::broadcast::Broadcast;
use crate::levels;

/// Events kept.
const KEPT: usize = 1024;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process was started.
    ProcessCreated,
    /// It was suspended by an operator.
    ProcessSuspended,
    /// It was let go on.
    ProcessResumed,
    /// Its priority, class or affinity was changed.
    ProcessChanged,
    /// An operator sent it a signal.
    ProcessSignaled,
    /// It has ended.
    ProcessExited,
    /// It met a limit.
    LimitExceeded,
    /// It has tried what its sandbox does not allow.
    SandboxViolation,
    /// A CPU came up, or failed to.
    CpuChanged,
    /// The network came up or changed.
    NetworkChanged,
    /// Someone signed in or out.
    SessionChanged,
    /// The system is going down.
    SystemChanged,
    /// An operator began or finished an emergency termination.
    Emergency,
    /// A service was registered.
    ServiceRegistered,
    /// It has another document.
    ServiceUpdated,
    /// It was unregistered.
    ServiceUnregistered,
    /// It is in another state.
    ServiceStateChanged,
    /// An instance of it was started.
    ServiceInstanceStarted,
    /// An instance can be used.
    ServiceInstanceReady,
    /// An instance has ended.
    ServiceInstanceEnded,
    /// What the checks of an instance say has changed.
    ServiceHealthChanged,
    /// A change of a service is done, or was given up.
    OperationEnded,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number; the first event has number 1.
    pub sequence: u64,
    /// When, on the wall clock, in nanoseconds since 1970.
    pub wall_ns: i64,
    /// What kind.
    pub kind: Kind,
    /// The process that it is about.
    pub pid: Option<Pid>,
    /// The service that it is about.
    pub service: Option<Arc<str>>,
    /// Who caused it, if a user did.
    pub actor: Option<String>,
    /// What happened, in words.
    pub message: String,
}

struct Ring {
    events: VecDeque<Event>,
    next: u64,
}

static RING: SpinLock<Ring> =
    SpinLock::new(levels::RINGS, "events", Ring { events: VecDeque::new(), next: 1 });
/// Who waits for the next event.
pub static NEWS: Broadcast = Broadcast::new();

/// Notes an event.
pub fn publish(kind: Kind, pid: Option<Pid>, actor: Option<&str>, message: fmt::Arguments<'_>) {
    publish_about((kind, None), pid, actor, message);
}

/// The same, about a service.
pub fn publish_about(
    (kind, service): (Kind, Option<Arc<str>>),
    pid: Option<Pid>,
    actor: Option<&str>,
    message: fmt::Arguments<'_>,
) {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = text.write_fmt(message);
    let mut event = Event {
        sequence: 0,
        wall_ns: hal::time::wall_ns(),
        kind,
        pid,
        service,
        actor: actor.map(String::from),
        message: text,
    };
    let forgotten = {
        let mut ring = RING.lock();
        event.sequence = ring.next;
        ring.next += 1;
        let forgotten = if ring.events.len() >= KEPT { ring.events.pop_front() } else { None };
        ring.events.push_back(event);
        forgotten
    };
    drop(forgotten);
    NEWS.wake_all();
}

/// The numbers of the oldest event kept and of the newest one; the first is one above the second if
/// there is none.
#[must_use]
pub fn range() -> (u64, u64) {
    let ring = RING.lock();
    let first = ring.events.front().map_or(ring.next, |event| event.sequence);
    (first, ring.next - 1)
}

/// Up to `limit` events with a number above `after`.
#[must_use]
pub fn after(after: u64, limit: usize) -> Vec<Event> {
    let ring = RING.lock();
    let first = ring.events.front().map_or(ring.next, |event| event.sequence);
    let skip = usize::try_from(after.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
    ring.events.iter().skip(skip).take(limit).cloned().collect()
}
