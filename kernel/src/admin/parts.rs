//! What a process consists of: its threads.

use alloc::vec::Vec;

use admin_api::backend::ApiError;
use admin_api::types::{ContextSwitches, IoUsage, PageFaults, Thread, ThreadCpuUsage, ThreadUsage};
use process_core::ProcessState;

use super::{convert, processes};
use crate::process;

/// The threads of a process.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn threads(number: u32) -> Result<Vec<Thread>, ApiError> {
    let pid = processes::pid(number)?;
    let (profile, threads) =
        process::threads(pid).map_err(|error| convert::error(&error, "be shown"))?;
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
