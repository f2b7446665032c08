//! What programs are told about processes.

use linux_abi::native::{
    LimitValues, ListProcesses, ProcessInfo, exit_kind, isolation, limit_bits,
};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::{ExitStatus, Isolation, ProcessState};

use super::super::{Answer, Caller};
use super::{errno, named, structure};
use crate::process::{self, Snapshot};

/// Processes looked at at a time.
const PAGE: usize = 32;

pub(super) fn get_process_info(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.unsigned(0))?;
    let snapshot = process::snapshot(pid).map_err(|error| errno(&error))?;
    // What is only remembered is not known to be of the caller's sandbox.
    if snapshot
        .process
        .as_ref()
        .map_or(caller.process.confinement().is_some(), |process| !caller.process.sees(process))
    {
        return Err(linux_abi::native::NativeError::ProcessNotFound.errno());
    }
    structure::write(arguments.pointer(1), arguments.word(2), &info(&snapshot).to_bytes())?;
    Ok(0)
}

pub(super) fn list_processes(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let mut asked = ListProcesses::from_bytes(&bytes);
    if asked.info_bytes == 0 || asked.remembered > 1 {
        return Err(Errno::EINVAL);
    }
    let mut done = 0_u32;
    let mut cursor = asked.cursor;
    'pages: while done < asked.capacity {
        let wanted = PAGE.min(usize::try_from(asked.capacity - done).unwrap_or(PAGE));
        // Copied to the program without any lock of the table's.
        let mut page = alloc::vec::Vec::new();
        page.try_reserve_exact(wanted).map_err(|_| Errno::ENOMEM)?;
        process::rows_after(cursor, wanted, |snapshot| page.push(snapshot));
        if page.is_empty() {
            break;
        }
        for snapshot in page {
            if done == asked.capacity {
                break 'pages;
            }
            cursor = snapshot.pid.number();
            let is_shown = match &snapshot.process {
                Some(process) => caller.process.sees(process),
                None => asked.remembered == 1 && caller.process.confinement().is_none(),
            };
            if !is_shown {
                continue;
            }
            let offset = u64::from(done) * u64::from(asked.info_bytes);
            let at = asked.buffer.checked_add(offset).ok_or(Errno::EFAULT)?;
            let bytes = info(&snapshot).to_bytes();
            structure::write(UserPointer(at), u64::from(asked.info_bytes), &bytes)?;
            done += 1;
        }
        if caller.thread.needs_attention() && done > 0 {
            break;
        }
    }
    asked.cursor = cursor;
    structure::write(arguments.pointer(0), arguments.word(1), &asked.to_bytes())?;
    Ok(u64::from(done))
}

/// How a process has ended, as programs read it.
pub(super) fn exit_words(exit: Option<ExitStatus>) -> (u32, u32) {
    match exit {
        None => (exit_kind::NONE, 0),
        Some(ExitStatus::Code(code)) => (exit_kind::CODE, u32::from(code)),
        Some(ExitStatus::Signaled { signal, .. }) => (exit_kind::SIGNAL, signal.number().into()),
    }
}

fn info(snapshot: &Snapshot) -> ProcessInfo {
    let Snapshot { profile, credentials, usage, .. } = snapshot;
    let wall_ns = |at: process_core::Instant| {
        u64::try_from(hal::time::wall_at_ns(at.nanoseconds())).unwrap_or(0)
    };
    let number = |index: u8| u32::from(index) + 1;
    let (kind, value) = exit_words(match snapshot.state {
        ProcessState::Zombie { exit } | ProcessState::Defunct { exit } => Some(exit),
        _ => None,
    });
    let mut name = [0; 16];
    for (place, byte) in name.iter_mut().take(15).zip(profile.name.as_bytes()) {
        *place = *byte;
    }
    let or_none = |value: Option<u64>| value.unwrap_or(u64::MAX);
    let limits = &snapshot.limits;
    ProcessInfo {
        pid: snapshot.pid.number(),
        parent: snapshot.parent.number(),
        group: snapshot.group.number(),
        session: snapshot.session.number(),
        state: number(snapshot.state.name() as u8),
        priority: number(profile.scheduling.priority as u8),
        class: number(profile.scheduling.class as u8),
        nice: profile.scheduling.nice.value().into(),
        isolation: match profile.isolation {
            Isolation::Kernel => isolation::KERNEL,
            Isolation::Process => isolation::PROCESS,
            Isolation::Sandbox => isolation::SANDBOX,
        },
        threads: snapshot.threads,
        uid: credentials.effective_uid.0,
        gid: credentials.effective_gid.0,
        cpu: snapshot.cpu.and_then(|cpu| u32::try_from(cpu).ok()).unwrap_or(u32::MAX),
        open_files: usage.open_files,
        exit_kind: kind,
        exit_value: value,
        name,
        started_ns: wall_ns(snapshot.started_at),
        ended_ns: snapshot.ended_at.map_or(0, wall_ns),
        user_ns: usage.cpu.user_ns,
        system_ns: usage.cpu.system_ns,
        cpu_hundredths: snapshot.cpu_hundredths.into(),
        memory_bytes: usage.memory.current_bytes,
        peak_memory_bytes: usage.memory.peak_bytes,
        read_bytes: usage.io.read_bytes,
        written_bytes: usage.io.written_bytes,
        read_operations: usage.io.read_operations,
        write_operations: usage.io.write_operations,
        voluntary_switches: usage.voluntary_switches,
        involuntary_switches: usage.involuntary_switches,
        migrations: usage.migrations,
        page_faults: usage.minor_faults.saturating_add(usage.major_faults),
        signals_received: usage.signals.received,
        capabilities: credentials.capabilities.bits(),
        violations: snapshot.profile.sandbox.as_ref().map_or(0, |it| it.violations.count()),
        limits: LimitValues {
            set: limit_bits::ALL,
            memory_bytes: limits.memory_bytes,
            stack_bytes: limits.stack_bytes,
            open_files: limits.open_files.into(),
            processes: limits.processes.into(),
            cpu_time_ns: or_none(limits.cpu_time_ns),
            cpu_percent: or_none(limits.cpu_percent.map(u64::from)),
            read_bytes_per_second: or_none(limits.read_bytes_per_second),
            write_bytes_per_second: or_none(limits.write_bytes_per_second),
            processes_per_second: or_none(limits.processes_per_second.map(u64::from)),
        },
        ..ProcessInfo::zeroed()
    }
}
