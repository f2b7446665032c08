//! What a process consists of: its threads and its memory.

use alloc::string::String;
use alloc::vec::Vec;

use admin_api::backend::{ApiError, ProcessOperation};
use admin_api::types::{
    ContextSwitches, IoUsage, MemoryArea, MemoryAreaKind, PageFaults, ProcessSignals, Signal,
    SignalCounts, SignalEffect, SignalRecord, Thread, ThreadCpuUsage, ThreadSignals, ThreadUsage,
};
use process_core::{ProcessState, SignalSet};
use vm_core::address_space::Protection;

use super::{convert, processes};
use crate::memory::{Content, ListedArea};
use crate::process;

/// The threads of a process.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn threads(number: u32) -> Result<Vec<Thread>, ApiError> {
    let pid = processes::pid(number)?;
    let (profile, threads) =
        process::threads(pid).map_err(|error| convert::error(&error, ProcessOperation::Show))?;
    let describe = |thread: &process::ThreadSnapshot| Thread {
        tid: thread.tid.number(),
        pid: number,
        name: convert::text(thread.name.as_bytes()),
        state: convert::state(thread.state),
        state_detail: match thread.state {
            ProcessState::Blocked { reason } => Some(reason.name().into()),
            _ => None,
        },
        priority: convert::priority(profile.scheduling.priority),
        class: convert::class(profile.scheduling.class),
        nice: profile.scheduling.nice.value(),
        cpu: thread.cpu.and_then(|cpu| u32::try_from(cpu).ok()),
        usage: usage(&thread.usage),
    };
    Ok(threads.iter().map(describe).collect())
}

/// What a process does about signals, and what the last ones did.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn signals(number: u32) -> Result<ProcessSignals, ApiError> {
    let pid = processes::pid(number)?;
    let snapshot =
        process::snapshot(pid).map_err(|error| convert::error(&error, ProcessOperation::Show))?;
    let usage = snapshot.usage.signals;
    let counts =
        SignalCounts { received: usage.received, handled: usage.handled, ignored: usage.ignored };
    let mut shown = ProcessSignals { pid: number, counts, ..ProcessSignals::default() };
    if let (Some(process), None) = (&snapshot.process, snapshot.ended_at) {
        // Copied first: nothing is allocated for long under the spin lock.
        let copy = process.signals().lock().overview();
        shown.caught = names(copy.caught);
        shown.ignored = names(copy.ignored);
        shown.pending = names(copy.pending);
        shown.threads = copy
            .threads
            .iter()
            .map(|thread| ThreadSignals {
                tid: thread.tid.number(),
                blocked: names(thread.blocked),
                pending: names(thread.pending),
            })
            .collect();
        shown.recent = copy.recent.iter().filter_map(record).collect();
    }
    Ok(shown)
}

fn names(set: SignalSet) -> Vec<Signal> {
    set.iter().filter_map(|signal| Signal::from_number(signal.number())).collect()
}

fn record(record: &process_core::SignalRecord) -> Option<SignalRecord> {
    use process_core::SignalEffect as Core;
    Some(SignalRecord {
        signal: Signal::from_number(record.signal.number())?,
        sender_pid: record.sender.map(|pid| pid.number()).filter(|pid| *pid != 0),
        effect: match record.effect {
            Core::Handler => SignalEffect::Handler,
            Core::Terminated => SignalEffect::Terminated,
            Core::Stopped => SignalEffect::Stopped,
            Core::Continued => SignalEffect::Continued,
            Core::Taken => SignalEffect::Taken,
            Core::Ignored => SignalEffect::Ignored,
        },
        at: convert::moment(record.at),
    })
}

/// Up to `limit` areas of a process's memory from an address on, and how many there are.
///
/// # Errors
/// [`ApiError::ProcessNotFound`], [`ApiError::ResourceExhausted`].
pub(super) fn memory_map(
    number: u32,
    from: u64,
    limit: usize,
) -> Result<(Vec<MemoryArea>, u64), ApiError> {
    let pid = processes::pid(number)?;
    let snapshot =
        process::snapshot(pid).map_err(|error| convert::error(&error, ProcessOperation::Show))?;
    let space = snapshot.process.and_then(|process| process.space());
    let Some(space) = space else { return Ok((Vec::new(), 0)) };
    let no_room = |_| ApiError::ResourceExhausted("There is no memory for the list.".into());
    let listed = space.areas_from(from, limit).map_err(no_room)?;
    let areas = listed.iter().map(area).collect();
    Ok((areas, u64::try_from(space.area_count()).unwrap_or(u64::MAX)))
}

fn area(area: &ListedArea) -> MemoryArea {
    let allowed = |right, letter| if area.protection.contains(right) { letter } else { '-' };
    let letters = [
        allowed(Protection::READ, 'r'),
        allowed(Protection::WRITE, 'w'),
        allowed(Protection::EXECUTE, 'x'),
    ];
    let (kind, path) = match &area.content {
        Content::Anonymous => (MemoryAreaKind::Anonymous, None),
        Content::Heap => (MemoryAreaKind::Heap, None),
        Content::Stack => (MemoryAreaKind::Stack, None),
        Content::SharedMemory => (MemoryAreaKind::SharedMemory, None),
        Content::Vdso => (MemoryAreaKind::Vdso, None),
        // A file that has lost its name has no path.
        Content::File(file) => (MemoryAreaKind::File, file.path().ok()),
    };
    MemoryArea {
        start: area.range.start(),
        end: area.range.end(),
        size_bytes: area.range.bytes(),
        resident_bytes: area.resident_bytes,
        rights: String::from_iter(letters).into(),
        shared: area.is_shared,
        locked: area.is_locked,
        kind,
        path: path.map(|path| convert::text(&path)),
        offset_bytes: area.offset,
    }
}

fn usage(usage: &process_core::Usage) -> ThreadUsage {
    ThreadUsage {
        cpu: ThreadCpuUsage {
            user_ns: usage.cpu.user_ns,
            system_ns: usage.cpu.system_ns,
            total_ns: usage.cpu.total_ns(),
        },
        io: IoUsage {
            read_bytes: usage.io.read_bytes,
            written_bytes: usage.io.written_bytes,
            read_operations: usage.io.read_operations,
            write_operations: usage.io.write_operations,
        },
        context_switches: ContextSwitches {
            voluntary: usage.voluntary_switches,
            involuntary: usage.involuntary_switches,
        },
        migrations: usage.migrations,
        page_faults: PageFaults { minor: usage.minor_faults, major: usage.major_faults },
    }
}
